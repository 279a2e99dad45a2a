package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/content"
)

// maxRedirects is how many redirects within its own place a call may be sent on.
const maxRedirects = 5

// answer is the answer to a call, read up to its first record.
type answer struct {
	judge    *judge
	shape    *shape
	ctx      context.Context // the caller's
	again    bool            // it is the response to a read, which may be requested again
	waits    bool            // a response that is still being prepared is none
	response *http.Response
	body     *body
	text     *content.Reader // below body
	decoder  decoder         // nil if there is nothing to decode
	first    jsontext.Value  // nil if there is no record
	second   jsontext.Value  // behind first, if it was read already
	over     bool            // a rule of the request says that there are no records
	before   beside          // of the first page, if this is a later one; nil: of none
	values   values
}

// ask makes one attempt of a call. Its errors are failures, unless the fault is on this side.
func (r *reading) ask(ctx context.Context, c call) (*answer, error) {
	attempt, stop := context.WithCancelCause(ctx)
	begin, late := time.Now(), time.AfterFunc(longest, func() { stop(errLate) })
	response, judge, err := r.send(attempt, c)
	if err == nil && !late.Stop() {
		response.Body.Close() // nobody reads it
		err = errLate
	}
	if err != nil {
		late.Stop()
		stop(nil)
		return nil, r.late(err)
	}
	a := &answer{judge: judge, shape: r.shape, ctx: ctx, response: response, again: r.again, waits: r.waits, before: r.usual}
	a.text = content.New(response.Header, response.Body, r.encoding)
	a.body = newBody(r.peeked(a.text), r.limits.Body, r.limits.Record, time.Since(begin), stop)
	if err := a.begin(&r.stream); err != nil {
		a.body.Close()
		if f, ok := errors.AsType[*connector.Failure](err); ok {
			f.Slow = a.body.slow()
		}
		return nil, err
	}
	return a, nil
}

// late makes a failure of the error that an attempt took too long until its response began.
func (r *reading) late(err error) error {
	if !errors.Is(err, errLate) {
		return err
	}
	f := r.judge.broken(connector.ClassTransient, 0, errLate)
	f.Slow = true
	return f
}

// send sends a call, and follows the redirects of a GET that lead to the same place; to another one only without the key, where the request
// allows that. The judge says what the response means.
func (r *reading) send(ctx context.Context, c call) (*http.Response, *judge, error) {
	j := &r.judge
	for range maxRedirects + 1 {
		request, err := c.request(ctx)
		if err != nil {
			return nil, nil, err
		}
		response, err := r.spend(request)
		if err != nil {
			return nil, nil, j.unanswered(err)
		}
		location := response.Header.Get("Location")
		if response.StatusCode/100 != 3 || location == "" {
			return response, j, nil
		}
		response.Body.Close() // its text is of no interest
		target, err := r.redirected(c, location)
		if errors.Is(err, errElsewhere) && r.elsewhere != nil && c.method == http.MethodGet {
			return r.fetched(ctx, request, location)
		}
		if err != nil {
			return nil, nil, j.broken(connector.ClassPermanent, response.StatusCode, permitted(c, err))
		}
		c.url = target
	}
	return nil, nil, j.broken(connector.ClassPermanent, http.StatusFound, errors.New("it redirects too often"))
}

// fetched is the response from another place, without the key.
func (r *reading) fetched(ctx context.Context, request *http.Request, link string) (*http.Response, *judge, error) {
	response, j, err := r.elsewhere.fetch(ctx, request, link)
	if err == nil {
		return response, j, nil
	}
	if _, unanswered := errors.AsType[*fault](err); unanswered || ctx.Err() != nil {
		return nil, nil, j.unanswered(err)
	}
	return nil, nil, r.judge.broken(connector.ClassPermanent, http.StatusFound, err)
}

// spend sends a request once the quota has room for it, unless the response to it is known.
func (r *reading) spend(request *http.Request) (*http.Response, error) {
	return r.recorder.through(request, r.sendKeyed)
}

// sendKeyed sends a request through the gate once the quota has room for it.
func (r *reading) sendKeyed(request *http.Request) (*http.Response, error) {
	if r.quota == nil {
		return r.gate.RoundTrip(request)
	}
	if err := r.quota.Take(request.Context(), r.limits.Pause); err != nil {
		if f, ok := errors.AsType[*connector.Failure](err); ok {
			f.Host = r.judge.host
		}
		return nil, err
	}
	response, err := r.gate.RoundTrip(request)
	r.quota.Answered(response)
	return response, err
}

// redirected returns where a redirect leads, if it may be followed.
func (r *reading) redirected(c call, location string) (*url.URL, error) {
	if c.method != http.MethodGet {
		return nil, fmt.Errorf("it redirects a %s, which is not followed", c.method)
	}
	target, err := r.gate.follow(c.url, location)
	if err != nil {
		return nil, fmt.Errorf("its redirect %w", err)
	}
	return target, nil
}

// begin reads an answer up to its first record, and says what it means if there is none.
func (a *answer) begin(s *stream) error {
	switch {
	case a.response.StatusCode == http.StatusNoContent:
		return nil
	case a.response.StatusCode == http.StatusAccepted && a.waits:
		return a.judge.pending(a.response)
	case a.response.StatusCode/100 != 2:
		return a.refusal()
	case a.shape.taxii && a.otherTAXII() != nil:
		return a.broken(a.otherTAXII())
	}
	if err := a.decode(s); err != nil {
		return a.explain(err)
	}
	if a.shape.text[atStatus] != "" {
		return a.keep()
	}
	var err error
	if a.first, err = a.decoder.next(); err != nil && err != io.EOF {
		return a.misled(err)
	}
	if err := a.declared(); err != nil || a.over {
		return err
	}
	said := a.decoder.value(atSentence)
	nothing := a.decoder.found() != present || a.first != nil && a.shape.whole() && isAlone(a.first) || a.first == nil && a.shape.holdsSentence()
	switch {
	case nothing && textOf(said) != "":
		return a.judge.failure(a.response, said, nil)
	}
	if err := a.mistaken(); err != nil {
		return err
	}
	if a.decoder.found() == absent && !a.shape.taxii && !a.shape.optional && !a.mayLack() {
		return a.lacking()
	}
	return a.start()
}

// decode opens the decoder that the path to the records needs.
func (a *answer) decode(s *stream) (err error) {
	if a.shape.query != nil || a.shape.text[atStatus] != "" {
		a.body.maxBody = min(a.body.maxBody, maxTree)
	}
	if a.shape.rows {
		a.decoder, err = a.table()
		return err
	}
	if a.shape.lines != "" {
		a.decoder, err = a.lines()
		return err
	}
	if a.shape.query == nil {
		s.reset(a.shape, a.body)
		a.body.decoded = s.json.InputOffset
		a.decoder = s
		return nil
	}
	a.decoder, err = newTree(a.ctx, a.shape, a.body)
	return err
}

// refusal reads as much of an answer as it takes to say why there are no records.
func (a *answer) refusal() error {
	a.text.Tolerate()
	text, err := io.ReadAll(io.LimitReader(a.body, maxRefusal))
	switch {
	case err != nil && a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case a.response.StatusCode == http.StatusNotFound && (err != nil || half(text)): // what it says decides whether it is an answer
		return a.judge.broken(connector.ClassTransient, a.response.StatusCode, errors.New("it breaks off before its end"))
	}
	var said jsontext.Value
	if steps := a.shape.steps[atSentence]; steps != nil {
		said = lookup(text, steps)
	}
	return a.judge.failure(a.response, said, text)
}

// half tells whether a text begins like an object and is none.
func half(text []byte) bool {
	text = bytes.TrimSpace(text)
	return len(text) > 0 && len(text) < maxRefusal && text[0] == '{' && !jsontext.Value(text).IsValid(lenient...)
}

// next returns the next record, and io.EOF after the last.
func (a *answer) next() (jsontext.Value, error) {
	if record := a.first; record != nil {
		a.first, a.second = a.second, nil
		return record, nil
	}
	if a.decoder == nil || a.over {
		return nil, io.EOF
	}
	record, err := a.decoder.next()
	if err == io.EOF {
		err = cmp.Or(a.ruled(false), err)
	}
	err = a.explain(err)
	if f, ok := errors.AsType[*connector.Failure](err); ok {
		f.Cut = f.Class == connector.ClassTransient && a.again
		f.Slow = a.body.slow()
	}
	return record, err
}

// explain says what an error while reading means. It leaves nil and io.EOF as they are.
func (a *answer) explain(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	_, judged := errors.AsType[*connector.Failure](err)
	_, ours := errors.AsType[*sallyport.Error](err)
	_, syntax := errors.AsType[*jsontext.SyntacticError](err)
	_, oldSyntax := errors.AsType[*json.SyntaxError](err)
	undecodable, isContent := errors.AsType[*content.Error](err)
	switch {
	case judged, ours:
		return err
	case a.ctx.Err() != nil:
		return context.Cause(a.ctx)
	case a.body.over:
		return a.broken(a.body.err)
	case isContent:
		return a.broken(undecodable)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return a.judge.broken(connector.ClassTransient, a.response.StatusCode, errors.New("it breaks off before its end"))
	case a.body.err != nil:
		return a.judge.broken(connector.ClassTransient, a.response.StatusCode, a.body.err)
	case syntax, oldSyntax:
		return a.broken(a.notJSON())
	}
	return a.broken(err)
}

// notJSON says what came instead of JSON, by its declared type: its text is nobody's to show.
func (a *answer) notJSON() error {
	if a.body.decoded != nil && a.body.decoded() > 0 {
		return fmt.Errorf("it is not valid JSON after byte %d", a.body.decoded())
	}
	if a.text.IsMarkup() {
		return errors.New("it is an HTML or XML page, not JSON")
	}
	declared, _, err := mime.ParseMediaType(a.response.Header.Get("Content-Type"))
	if err != nil || strings.HasSuffix(declared, "json") {
		return errors.New("it is not valid JSON")
	}
	return fmt.Errorf("it is %s, not JSON", line(a.judge.known, declared))
}

// flaw says why the record that was given last is none, "" if only its kind can tell.
func (a *answer) flaw() string {
	switch d := a.decoder.(type) {
	case *rows:
		return d.flaw
	case *lines:
		return d.flaw
	}
	return ""
}

// value returns what stood at a place, nil if nothing did. It is complete once next returned io.EOF.
func (a *answer) value(place int) jsontext.Value {
	if a.decoder == nil {
		return nil
	}
	return a.decoder.value(place)
}

// names are those that the wildcards of the path to the last record met, as they are written; empty where there was none.
func (a *answer) names() [][]byte {
	if s, ok := a.decoder.(*stream); ok {
		return s.names
	}
	return nil
}

// filtered are the values that a filter chose the records from, nil if there was none.
func (a *answer) filtered() *filtered {
	if t, ok := a.decoder.(*tree); ok {
		return t.sent
	}
	return nil
}

func (a *answer) broken(err error) error {
	return a.judge.broken(connector.ClassPermanent, a.response.StatusCode, err)
}
