package connector

import (
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/instant"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

// The names of placeholders for times. {now} and, for example, {now-5d} are others: see [instant.Before].
const (
	SinceName = "since" // where the window of a request begins
	UntilName = "until" // where it ends
)

// isTime tells whether a placeholder stands for a time.
func isTime(name string) bool {
	_, relative := instant.Before(name)
	return relative || name == SinceName || name == UntilName
}

// timeNames are the placeholders for times in a request, each once.
func timeNames(r *sallyport.Request) (names []string) {
	for _, text := range templates(r) {
		for _, name := range template.Names(text) {
			if isTime(name) && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// TimeNames are the placeholders for times in the request of an endpoint. A name that a parameter has is that parameter.
func (e *Endpoint) TimeNames() []string {
	return slices.DeleteFunc(timeNames(&e.Request), func(name string) bool { return e.param(name) != nil })
}

// Timed tells whether the requests of an endpoint depend on the time.
func (e *Endpoint) Timed() bool {
	return e.Request.Since != sallyport.Since{} || len(e.TimeNames()) > 0
}

// Bounded tells whether a request says where a window of time ends.
func (e *Endpoint) Bounded() bool {
	return e.Request.Since != sallyport.Since{} && slices.Contains(e.TimeNames(), UntilName)
}

// rolling tells whether a pull gives only a part of a list, by time: what it does not give has not vanished.
func (e *Endpoint) rolling() bool {
	return e.Request.Since != sallyport.Since{} || slices.ContainsFunc(e.TimeNames(), func(name string) bool { return name != "now" })
}

// checkSince makes sure that a list can be pulled by time, and that the first request can do without {since} where it has no start.
func checkSince(r *sallyport.Request) error {
	s, names := r.Since, timeNames(r)
	if s == (sallyport.Since{}) {
		return nil
	}
	if _, err := instant.ParseFormat(s.Format); err != nil {
		return sallyport.FieldErrorf("since.format", "%w", nameless(err))
	}
	if s.Start != "" {
		if _, err := instant.Resolve(s.Start, time.Now()); err != nil {
			return sallyport.FieldErrorf("since.start", "%w", err)
		}
	}
	has := func(name string) bool { return slices.Contains(names, name) }
	switch {
	case r.Paging.Type == sallyport.PagingTAXII:
		return sallyport.FieldErrorf("since", "does not go with paging of type taxii, which goes on at the last run by itself")
	case len(names) == 0:
		return sallyport.FieldErrorf("since", "needs a placeholder in the url, query, headers or body, for example {since}: every run would request the same")
	case s.Step != 0 && !has(UntilName):
		return sallyport.FieldErrorf("since.step", "needs {until} in the request, which ends a window")
	case s.Step != 0 && !has(SinceName):
		return sallyport.FieldErrorf("since.step", "needs {since} in the request, which begins a window")
	case s.Step != 0 && s.Start == "":
		return sallyport.FieldErrorf("since.start", "is required with since.step: the first window begins there, for example now-365d")
	case s.Step != 0 && s.Overlap >= s.Step:
		return sallyport.FieldErrorf("since.overlap", "must be shorter than since.step (%s): a window would not get beyond the one before", s.Step)
	case len(s.Field) > maxPath || strings.TrimPrefix(s.Field, "$.") == "" && s.Field != "":
		return sallyport.FieldErrorf("since.field", "must be the name of a field, such as updated_at or meta.updated")
	case s.Start == "":
		return checkLeftOut(r, SinceName, "needs since.start, or must be a whole value, which the first request leaves out")
	}
	return nil
}

// checkNoSince refuses {since} and {until} in a request that does not say what they are. Definitions may have parameters of these names.
func checkNoSince(r *sallyport.Request) error {
	for field, text := range templates(r) {
		for _, name := range template.Names(text) {
			if name == SinceName || name == UntilName {
				return sallyport.FieldErrorf(field, "{%s} needs since: for example since: {start: now-30d}; write {{%[1]s}} to send these characters", name)
			}
		}
	}
	return nil
}

// checkTimed makes sure that the placeholders for times of an endpoint have their names for themselves, and that nothing else decides what is requested.
func checkTimed(e *Endpoint) error {
	if e.Request.Since != (sallyport.Since{}) {
		for _, name := range []string{SinceName, UntilName} {
			if e.param(name) != nil {
				return sallyport.FieldErrorf("since", "{%s} is a time of since: no parameter can have this name", name)
			}
		}
	}
	if e.Timed() && (e.Each != nil || e.Split != nil || e.Answers != nil || e.Poll != nil || e.Effect != "") {
		return sallyport.FieldErrorf("since", "and times in a request do not go with each, split, poll, answers or effect")
	}
	return nil
}
