package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The cursors of a request that begins something, until there is a ticket. Before the request is made, the caller commits that it may have
// been: so it is never made twice by a retry or a restart.
const (
	unsent  = "unsent"  // it was refused, and may be made
	sending = "sending" // it may have been made
)

// job is a request that begins something, and the calls that ask for its result.
type job struct {
	spec  *connector.Poll
	begin *Source                           // makes the request
	ask   func(ticket string) (call, error) // the call that asks
}

// ticket is what a result is asked for with. As JSON it is the cursor of the next call.
type ticket struct {
	Ticket string    `json:"ticket"`
	Since  time.Time `json:"since"` // when the request was made
}

// newJob makes of a source the one that asks for a result. What it was is the one that begins.
func newJob(c Config, s *Source, address *url.URL, attempts int) error {
	spec := c.Endpoint.Poll
	begins, err := newShape(paths{atRecords: "$", atTicket: spec.Ticket, atSentence: c.Definition.Sentence})
	if err != nil {
		return err
	}
	of := s.shape.text
	of[atStatus] = spec.Status
	shape, err := newShape(of)
	if err != nil {
		return err
	}
	begin := *s
	begin.shape = begins
	begin.waits, s.waits, s.again = false, false, true
	if spec.Free {
		s.quota, s.judge.quota = nil, nil
	}
	s.shape, s.retry = shape, retries(true, attempts, s.limits.Pause)
	s.job = &job{spec: spec, begin: &begin, ask: func(ticket string) (call, error) {
		given := map[string]any{connector.TicketName: ticket}
		for name, value := range c.Params {
			given[name] = value
		}
		asking := connector.Endpoint{Params: c.Endpoint.Params, Request: sallyport.Request{URL: spec.URL, Query: spec.Query}}
		return newCall(&asking, given, address, s.first.header.Get("User-Agent"))
	}}
	return nil
}

// result begins what is to be begun, or goes on asking, until the result is there. A page is one call; all but the last have no records.
func (s *Source) result(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	return func(yield func(*connector.Page, error) bool) {
		defer s.gate.closeIdle()
		if cursor == "" || cursor == unsent {
			if !yield(idle(sending), nil) {
				return
			}
			var err error
			cursor, err = s.job.send(ctx)
			switch {
			case err == nil && !yield(nothing(cursor), nil):
				return
			case err != nil:
				if !refused(err) {
					err = s.uncertain(err)
				} else if !yield(idle(unsent), nil) {
					return
				}
				yield(nil, err)
				return
			}
		}
		s.await(ctx, cursor, yield)
	}
}

// nothing is a page without records that must be committed before anything else happens.
func nothing(next string) *connector.Page {
	return &connector.Page{Records: func(func([]byte, error) bool) {}, Next: next, Commit: true}
}

// idle is such a page that cost no call.
func idle(next string) *connector.Page {
	page := nothing(next)
	page.Free = true
	return page
}

// send makes the request, once, and returns the cursor of the first call that asks for its result.
func (j *job) send(ctx context.Context) (cursor string, err error) {
	r := newReading(j.begin, "")
	answer, err := r.repeat(ctx, r.first)
	if err != nil {
		return "", err
	}
	defer answer.body.Close()
	for err == nil {
		_, err = answer.next()
	}
	if err != io.EOF {
		return "", err
	}
	text, err := turner{Paging: sallyport.Paging{Value: j.spec.Ticket}}.scalar(answer.value(atTicket))
	switch said := answer.value(atSentence); {
	case err != nil:
		return "", answer.broken(err)
	case text == "" && textOf(said) != "":
		return "", answer.judge.failure(answer.response, said, nil)
	case text == "":
		return "", answer.broken(fmt.Errorf("it has nothing at %s, with which its result could be asked for", j.spec.Ticket))
	case r.gate.known.Contains(text):
		return "", answer.broken(errors.New("what its result is asked for with holds the key, which would be stored in the open"))
	}
	written, err := json.Marshal(ticket{text, time.Now().UTC()})
	return string(written), err
}

// refused tells whether it is certain that nothing was begun: the request did not go out, or the system said no.
func refused(err error) bool {
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok {
		_, ours := errors.AsType[*sallyport.Error](err)
		return ours
	}
	fault, unanswered := errors.AsType[*fault](f.Err)
	switch f.Class {
	case connector.ClassCredential, connector.ClassPlan, connector.ClassRate, connector.ClassEmpty, connector.ClassNotFound:
		return true
	}
	said := f.Status/100 == 2 && f.Err == nil
	return unanswered && fault.unsent || said || redirects(f) || f.Status/100 == 4 && f.Status != http.StatusRequestTimeout
}

// uncertain is the error where it is not known whether anything was begun. A nil cause: an earlier execution ended there.
func (s *Source) uncertain(cause error) error {
	f := &connector.Failure{Class: connector.ClassPermanent, Host: s.judge.host}
	before := "the run was interrupted while the request was made"
	if cause != nil {
		before = cause.Error()
	}
	if old, ok := errors.AsType[*connector.Failure](cause); ok {
		f.Status = old.Status
	} else if cause != nil {
		return cause // the run is stopped; the next execution says it
	}
	f.Err = sallyport.Errorf(sallyport.Upstream, "%s. It is not known whether %s took the request, so it is not made again by itself: look into "+
		"the account, and run the flow again to make a new one", before, s.judge.host)
	return f
}

// await asks for a result until it is there.
func (s *Source) await(ctx context.Context, cursor string, yield func(*connector.Page, error) bool) {
	var t ticket
	switch {
	case cursor == sending:
		yield(nil, s.uncertain(nil))
		return
	case json.Unmarshal([]byte(cursor), &t) != nil || t.Ticket == "":
		yield(nil, sallyport.Errorf(sallyport.Invalid, "the cursor is not that of a result: begin again without it"))
		return
	}
	for {
		page, err := s.look(ctx, t)
		switch {
		case err != nil:
			yield(nil, err)
			return
		case page == nil: // not yet
			if !yield(&connector.Page{Records: nothing("").Records, Next: cursor}, nil) {
				return
			}
		default:
			if yield(&page.Page, nil) && page.err != nil {
				yield(nil, page.err)
			}
			page.close()
			return
		}
	}
}

// look waits and then asks once. It returns nil if the result is not there yet.
func (s *Source) look(ctx context.Context, t ticket) (*page, error) {
	if err := s.sleep(ctx, time.Duration(s.job.spec.Every)); err != nil {
		return nil, err
	}
	call, err := s.job.ask(t.Ticket)
	if err != nil {
		return nil, err
	}
	r := newReading(s, "")
	answer, err := r.repeat(ctx, call)
	if f, ok := errors.AsType[*connector.Failure](err); ok && f.Status == http.StatusNotFound && f.Sentence != "" {
		return nil, s.gaveUp(f.Status, "%s does not know request %s, or not any more (HTTP 404, %q); run the flow again to make a new one", s.judge.host, t.Ticket, f.Sentence)
	}
	if err != nil {
		return nil, err
	}
	going, err := s.job.judge(answer, t.Ticket)
	if err == nil && going && time.Since(t.Since) >= time.Duration(s.job.spec.Deadline) {
		err = s.gaveUp(answer.response.StatusCode, "%s was not done with request %s within %s; run the flow again to make a new one", s.judge.host, t.Ticket, s.job.spec.Deadline)
	}
	if err != nil || going {
		answer.body.Close()
		return nil, err
	}
	return newPage(r, answer), nil
}

// judge says whether what was begun is still going on, by the status first: while it is, other parts of the answer look like a failure.
func (j *job) judge(a *answer, ticket string) (going bool, err error) {
	status := textOf(a.value(atStatus))
	here := a.first != nil
	switch {
	case slices.Contains(j.spec.Going, status):
		return true, nil
	case slices.Contains(j.spec.Missing, status):
		return false, j.begin.gaveUp(a.response.StatusCode, "%s does not know request %s, or not any more: its status is %q; run the flow again to make a new one",
			j.begin.judge.host, ticket, status)
	case here && (status == "" || slices.Contains(j.spec.Done, status)):
		return false, nil
	case slices.Contains(j.spec.Done, status):
		return false, a.broken(fmt.Errorf("it is done, but has nothing at %s", a.shape.text[atRecords]))
	case status != "":
		return false, a.broken(fmt.Errorf("its status %q is not known", line(a.judge.known, status)))
	}
	if said := a.value(atSentence); textOf(said) != "" {
		return false, a.judge.failure(a.response, said, nil)
	}
	return false, a.broken(fmt.Errorf("it has neither a status nor anything at %s", a.shape.text[atRecords]))
}

// gaveUp is the failure of a request whose result will not come, in a sentence of its own.
func (s *Source) gaveUp(status int, format string, args ...any) error {
	return &connector.Failure{Class: connector.ClassPermanent, Host: s.judge.host, Status: status, Err: sallyport.Errorf(sallyport.Upstream, format, args...)}
}

// kept holds the records of an answer that was read to its end before the first was given: what it means may stand behind them.
type kept struct {
	decoder
	records []jsontext.Value
}

func (k *kept) next() (jsontext.Value, error) {
	if len(k.records) == 0 {
		return nil, io.EOF
	}
	record := k.records[0]
	k.records = k.records[1:]
	return record, nil
}

// keep reads an answer to its end.
func (a *answer) keep() error {
	all := &kept{decoder: a.decoder}
	for {
		record, err := a.decoder.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return a.explain(err)
		}
		if all.records == nil {
			a.values.elements = a.elements()
		}
		all.records = append(all.records, record.Clone())
	}
	a.decoder = all
	a.first, _ = all.next() // nil if there is none
	return nil
}
