package connector

import (
	"slices"

	"github.com/sallyport-io/sallyport"
)

// Tracking says how the records of a source are compared with those of its last pull.
type Tracking struct {
	On     bool     // they are, and each says what became of it
	All    bool     // those are kept, too, that did not change
	Whole  bool     // what a pull does not give has vanished
	Key    []string // the fields that together name a record
	Ignore []string // the fields that do not matter
}

// Tracking finds out how the records of a source are compared. By itself that is done where an endpoint has a key and is pulled whole; a
// request of one's own, of which nothing is known, counts as pulled whole once it is asked for.
func (d *Definition) Tracking(s sallyport.Source) (Tracking, error) {
	t := Tracking{On: s.Emit != "", All: s.Emit == sallyport.EmitAll}
	if s.Request != nil {
		t.Key, t.Whole = s.Request.Key, s.Request.Paging.Type != sallyport.PagingTAXII // which goes on behind the last pull
	} else {
		e, err := d.Endpoint(s.Endpoint)
		if err != nil {
			return t, err
		}
		t.Key, t.Whole, t.Ignore = e.Request.Key, e.Whole, e.Ignore
		t.On = t.On || e.Whole
	}
	emits := []string{sallyport.EmitChanges, sallyport.EmitAll}
	switch {
	case s.Emit != "" && !slices.Contains(emits, s.Emit):
		return t, sallyport.Unknown("emit", "way to emit records", s.Emit, emits)
	case s.Emit == sallyport.EmitChanges && len(t.Key) == 0 && s.Request != nil:
		return t, sallyport.FieldErrorf("emit", "changes are found by the key of a record: name its fields under request.key")
	case s.Emit == sallyport.EmitChanges && len(t.Key) == 0:
		return t, sallyport.FieldErrorf("emit", "changes are found by the key of a record, and the records of %s have none", s.Endpoint)
	}
	t.On = t.On && len(t.Key) > 0
	return t, nil
}

// String says in a few words which records are kept.
func (t Tracking) String() string {
	switch {
	case !t.On:
		return "every record, as it came"
	case t.All:
		return "every record, and what became of it"
	}
	return "the records that changed"
}

func checkIgnore(e *Endpoint) error {
	for i, name := range e.Ignore {
		switch {
		case name == "" || slices.Contains(e.Ignore[:i], name):
			return sallyport.FieldErrorf("", "ignore: must hold names of fields, each once")
		case IsPart(name, e.Request.Key):
			return sallyport.FieldErrorf("", "ignore: %s is a part of the key", name)
		}
	}
	return nil
}

func checkWhole(e *Endpoint) error {
	if e.Whole && len(e.Request.Key) == 0 {
		return sallyport.FieldErrorf("", "whole: needs a key of the records, as what is missing is found by it")
	}
	return nil
}

// changesOf says, for the documentation, how changes of an endpoint's records are found.
func changesOf(e *Endpoint) string {
	if len(e.Request.Key) == 0 {
		return ""
	}
	text := " A pull gives everything, so a flow keeps what changed unless it says `emit: all`."
	if !e.Whole {
		text = " A pull may leave something out, so a flow keeps every record unless it says `emit: changes`, and none of them vanishes."
	}
	if len(e.Ignore) > 0 {
		text += " Another " + list(e.Ignore, "or") + " alone is no change."
	}
	return text
}
