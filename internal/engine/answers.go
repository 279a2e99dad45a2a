package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/connector/shape"
	"github.com/sallyport-io/sallyport/internal/store"
)

// The states of an answer to a submission.
const (
	answerDone    = "done"
	answerLost    = "lost"    // the system does not know the reference that it gave
	answerExpired = "expired" // it was not done before the deadline
)

// breath is the pause before a call: no quota holds them back where they are free, and many in a row would be a burden.
const breath = 100 * time.Millisecond

// committer is a source that has something to commit together with its pages.
type committer interface {
	commit(ctx context.Context, tx *store.Tx) error
}

// AsksFor reports whether a source asks for the results of what a destination of a flow has submitted.
func AsksFor(s sallyport.Source, flow, destination string) bool {
	of, _ := s.Params[connector.ParamFlow].(string)
	to, _ := s.Params[connector.ParamDestination].(string)
	return to == destination && strings.EqualFold(of, flow) && s.Request == nil
}

// answers asks what came of the submissions of a destination, until all have an answer or their time is over. What is answered is marked in
// the transaction that keeps the answer. It lives for one execution: a pass that broke off is begun again, and leaves out what was answered.
type answers struct {
	*Engine
	config      rest.Config
	ask         func(name, value string) (connector.Source, error)
	done        func() // closes the connections of all requests
	every, over time.Duration
	shape       *shape.Shape       // of what came of it; nil: as it comes
	raw         bool               // the original stands beside it, as _raw
	answered    []int64            // of finished pages that are not committed
	seen        map[int64]struct{} // answered in this execution
}

// openAnswers opens an endpoint that asks for answers.
func (e *Engine) openAnswers(c rest.Config) (connector.Source, error) {
	form, raw := c.Definition.Shape(c.Endpoint), c.Raw
	c.Raw = c.Raw && form == nil // which is refused
	one, done, err := rest.OpenOne(c)
	if err != nil {
		return nil, err
	}
	a := &answers{Engine: e, config: c, ask: one, done: done, shape: form, raw: raw, seen: map[int64]struct{}{}}
	for name, into := range map[string]*time.Duration{connector.ParamEvery: &a.every, connector.ParamDeadline: &a.over} {
		text, _ := c.Params[name].(string)
		d, err := sallyport.ParseDuration(text)
		if err != nil || d < sallyport.Duration(time.Second) {
			return nil, sallyport.FieldErrorf("params."+name, "must be a duration of at least 1s, such as 10s")
		}
		*into = time.Duration(d)
	}
	return a, nil
}

// commit marks what is answered.
func (a *answers) commit(ctx context.Context, tx *store.Tx) error {
	err := tx.AnswerSubmissions(ctx, a.answered)
	a.answered = nil
	return err
}

// destination finds whose submissions these are.
func (a *answers) destination(ctx context.Context) (sallyport.ID, error) {
	flow, _ := a.config.Params[connector.ParamFlow].(string)
	name, _ := a.config.Params[connector.ParamDestination].(string)
	f, err := a.Store.FlowByName(ctx, flow)
	if err != nil {
		return "", err
	}
	for _, d := range f.Destinations {
		if d.Name == name {
			return d.ID, nil
		}
	}
	return "", sallyport.Errorf(sallyport.NotFound, "the flow %q has no destination %s", flow, sallyport.Quoted(name))
}

// Pages asks about one submission after the other, and again after a while about those that are not done. A page is one call. The cursor
// says nothing: what is answered is known.
func (a *answers) Pages(ctx context.Context, _ string) iter.Seq2[*connector.Page, error] {
	return func(yield func(*connector.Page, error) bool) {
		defer a.done()
		id, err := a.destination(ctx)
		for waiting := true; waiting && err == nil; {
			var stopped bool
			if waiting, stopped, err = a.round(ctx, id, yield); stopped {
				return
			}
			if waiting && err == nil {
				err = a.Sleep(ctx, a.every)
			}
		}
		if err != nil {
			yield(nil, err)
			return
		}
		yield(&connector.Page{Records: func(func([]byte, error) bool) {}, Free: true}, nil)
	}
}

// round asks about every submission that has no answer yet. Waiting tells whether some are not done.
func (a *answers) round(ctx context.Context, id sallyport.ID, yield func(*connector.Page, error) bool) (waiting, stopped bool, err error) {
	for after := int64(0); ; {
		some, err := a.Store.Submissions(ctx, id, sallyport.Submitted, after)
		if err != nil {
			return false, false, storeFault{err}
		}
		if len(some) == 0 {
			return waiting, false, nil
		}
		for _, s := range some {
			after = s.ID
			if _, seen := a.seen[s.ID]; seen {
				continue
			}
			record, err := a.answer(ctx, s)
			if err != nil {
				return false, false, err
			}
			waiting = waiting || record == nil
			if !yield(a.page(s, record), nil) {
				return false, true, nil
			}
		}
	}
}

// page is the answer to a submission, or an empty one if it is not there yet.
func (a *answers) page(s sallyport.Submission, record []byte) *connector.Page {
	return &connector.Page{Next: "more", Records: func(yield func([]byte, error) bool) {
		if record == nil || !yield(record, nil) {
			return
		}
		a.seen[s.ID] = struct{}{}
		a.answered = append(a.answered, s.ID)
	}}
}

// answer asks about a submission; nil if it is not done.
func (a *answers) answer(ctx context.Context, s sallyport.Submission) ([]byte, error) {
	said, err := a.call(ctx, s.Ref)
	if err != nil {
		return nil, err
	}
	spec, status, data := a.config.Endpoint.Answers, "", said
	for m, err := range new(connector.Members).Of(said) {
		switch {
		case said == nil || err != nil:
		case string(m.Name) == spec.Status:
			status = string(connector.AppendText(nil, m.Value))
		case spec.Record != "" && string(m.Name) == spec.Record:
			data = bytes.Clone(m.Value)
		}
	}
	switch {
	case said == nil, slices.Contains(spec.Lost, status):
		return answerRecord(s, answerLost, nil), nil
	case !slices.Contains(spec.Pending, status):
		return answerRecord(s, answerDone, a.form(data)), nil
	case time.Since(s.At) > a.over:
		return answerRecord(s, answerExpired, nil), nil
	}
	return nil, nil
}

// form brings what came of a submission into its shape.
func (a *answers) form(data []byte) []byte {
	if a.shape == nil || !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return data
	}
	formed := a.shape.Normaliser().Record(data)
	if a.raw {
		formed = fmt.Appendf(formed[:len(formed)-1], `,"%s":%s}`, sallyport.RawField, data)
	}
	return formed
}

// call asks about a reference, and returns what is said; nil if nothing is known of it.
func (a *answers) call(ctx context.Context, ref string) (said []byte, err error) {
	if err := a.Sleep(ctx, breath); err != nil {
		return nil, err
	}
	source, err := a.ask(a.config.Endpoint.Answers.Name, ref)
	if err != nil {
		return nil, err
	}
	for page, err := range source.Pages(ctx, "") {
		if f, ok := errors.AsType[*connector.Failure](err); ok && f.Status == 404 && f.Sentence != "" {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for record, err := range page.Records {
			if err != nil {
				return nil, err
			}
			said = bytes.Clone(record)
		}
	}
	return said, nil
}

// answerRecord puts what was submitted, and what became of it, before the fields of an answer.
func answerRecord(s sallyport.Submission, state string, data []byte) []byte {
	record := []byte("{")
	for i, field := range [][2]string{{"asked", s.Value}, {"state", state}, {"ref", s.Ref}, {"submitted_at", s.At.Format(time.RFC3339)}} {
		if i > 0 {
			record = append(record, ',')
		}
		record, _ = jsontext.AppendQuote(record, field[0]) // invalid UTF-8 is replaced
		record, _ = jsontext.AppendQuote(append(record, ':'), field[1])
	}
	fields, isObject := bytes.CutPrefix(bytes.TrimSpace(data), []byte("{"))
	switch {
	case !isObject && len(data) > 0:
		record = append(fmt.Appendf(record, `,"answer":`), data...)
	case len(bytes.TrimSpace(fields)) > 1:
		return append(append(record, ','), fields...)
	}
	return append(record, '}')
}
