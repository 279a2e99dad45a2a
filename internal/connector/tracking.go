package connector

import (
	"cmp"
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
	Pages  bool     // a pull has several responses, between which records may move
	Source sallyport.Source
}

// Confirm is how many complete pulls in a row must miss a record before it counts as vanished. Without a setting of the source or of the
// program (0: none), it is one where a single response holds everything, and two elsewhere: a record may move from a page that is still
// to be read to one that was read already. A pull without any record is confirmed by another one, too: most often it is a failure.
func (t Tracking) Confirm(setting int, empty bool) int {
	fits := 1
	if t.Pages || empty {
		fits = 2
	}
	return cmp.Or(t.Source.Confirm, setting, fits)
}

// VanishLimit is how many percent of the known records may vanish at once before a pull is held, by the setting of the source or of the
// program; 0 is no limit.
func (t Tracking) VanishLimit(setting int) int {
	if percent, err := sallyport.ParseShare(t.Source.VanishLimit); err == nil {
		return percent
	}
	return setting
}

// Tracking finds out how the records of a source are compared. By itself that is done where an endpoint has a key and is pulled whole; a
// request of one's own, of which nothing is known, counts as pulled whole once it is asked for.
func (d *Definition) Tracking(s sallyport.Source) (Tracking, error) {
	t := Tracking{On: s.Emit != "", All: s.Emit == sallyport.EmitAll, Source: s}
	if s.Request != nil {
		t.Key, t.Whole, t.Pages = s.Request.Key, !goesOn(&Endpoint{Request: *s.Request}), inPages(s.Request)
	} else {
		e, err := d.Endpoint(s.Endpoint)
		if err != nil {
			return t, err
		}
		t.Key, t.Whole, t.Ignore = e.Request.Key, e.Whole, e.Ignore
		t.Pages = inPages(&e.Request) || e.Each != nil || e.Split != nil
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
	return t, t.checkVanishing()
}

// goesOn tells whether a run of an endpoint pulls what was added since the last one: what it does not give has not vanished.
func goesOn(e *Endpoint) bool {
	return e.Request.Paging.Type == sallyport.PagingTAXII || e.rolling()
}

func inPages(r *sallyport.Request) bool {
	return r.Paging.Type != "" && r.Paging.Type != sallyport.PagingSingle
}

// checkVanishing checks the settings that say when a record has vanished. They must have an effect.
func (t Tracking) checkVanishing() error {
	field, value := "confirm", t.Source.Confirm != 0
	if t.Source.VanishLimit != "" {
		field, value = "vanish_limit", true
	}
	_, err := sallyport.ParseShare(t.Source.VanishLimit)
	switch {
	case t.Source.Confirm < 0 || t.Source.Confirm > sallyport.MaxConfirm:
		return sallyport.FieldErrorf("confirm", "is %d; use 1 to %d: how many complete pulls in a row must miss a record", t.Source.Confirm, sallyport.MaxConfirm)
	case t.Source.VanishLimit != "" && err != nil:
		return sallyport.FieldErrorf("vanish_limit", "%w", err)
	case value && !t.On:
		return sallyport.FieldErrorf(field, "has no effect, because records are not compared with those of the last pull: set emit, and a key of the request")
	case value && !t.Whole:
		return sallyport.FieldErrorf(field, "has no effect, because a pull of this source does not give everything, so nothing vanishes")
	}
	return nil
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
	if e.Whole && goesOn(e) {
		return sallyport.FieldErrorf("", "whole: a run with this paging, or with a time in its request, pulls what was added since the last one, not everything")
	}
	return nil
}

// changesOf says, for the documentation, how changes of an endpoint's records are found.
func changesOf(e *Endpoint) string {
	if len(e.Request.Key) == 0 {
		return ""
	}
	text := " A pull returns everything, so a flow keeps only what changed unless it says `emit: all`."
	if !e.Whole {
		text = " A pull may leave records out. So a flow keeps every record unless it says `emit: changes`, and no record vanishes."
	}
	if len(e.Ignore) > 0 {
		text += " A record that differs only in " + list(e.Ignore, "or") + " has not changed."
	}
	return text
}
