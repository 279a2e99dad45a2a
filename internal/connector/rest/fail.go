package rest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/ratelimit"
)

// declared returns the failure that a rule of the request finds in a response whose first record was read, nil if none does. If a rule says that
// there are no records, the response is over.
func (a *answer) declared() error {
	if len(a.shape.fail) == 0 {
		return nil
	}
	if err := a.readSecond(); err != nil {
		return err
	}
	if a.fitting() < 0 {
		return nil
	}
	bare, err := a.drain()
	if err != nil {
		return a.misled(err)
	}
	return a.ruled(bare)
}

// misled returns the failure that a rule finds in a response that has something else where its record should be, or else says what the error
// means.
func (a *answer) misled(err error) error {
	if _, ours := errors.AsType[*sallyport.Error](err); ours && a.fitting() >= 0 {
		return a.ruled(true)
	}
	return a.explain(err)
}

// readSecond goes on behind a record that is the only one: what follows may say that it is none.
func (a *answer) readSecond() (err error) {
	if s, streamed := a.decoder.(*stream); streamed && !a.shape.many() && a.first != nil {
		a.first = a.first.Clone()
		a.second, err = s.next()
		if a.second = a.second.Clone(); err == io.EOF {
			err = nil
		}
	}
	return a.explain(err)
}

// fitting returns the index of the first rule that a response fits, as far as it was read; -1 if it fits none.
func (a *answer) fitting() int {
	for i, rule := range a.shape.fail {
		if meets(a.value(atFail+2*i), string(rule.Equals)) {
			return i
		}
	}
	return -1
}

// drain reads the rest of a response, within a bound: what the system says may stand behind records. It tells whether nothing was like one of
// several records.
func (a *answer) drain() (bare bool, err error) {
	bare = !a.isElement(a.first)
	for a.body.size <= maxRefusal {
		record, err := a.decoder.next()
		if err == io.EOF {
			return bare, nil
		}
		if err != nil {
			return false, err
		}
		bare = bare && !a.isElement(record)
	}
	return false, nil
}

// isElement tells whether a value is one of several records. A member of an object is one if it is an object itself.
func (a *answer) isElement(v jsontext.Value) bool {
	s, streamed := a.decoder.(*stream)
	return v != nil && a.shape.many() && (v.Kind() == '{' || !streamed || !s.inObject())
}

// ruled returns the failure that a rule of the request finds in a response that was read, nil if none does. Bare is one without records.
func (a *answer) ruled(bare bool) error {
	i := a.fitting()
	if i < 0 {
		return nil
	}
	rule := a.shape.fail[i]
	switch class := connector.Class(cmp.Or(rule.Class, string(connector.ClassPermanent))); {
	case class != connector.ClassEmpty:
		return a.judge.declared(a.response, class, spoken(a.value(atFail+2*i+1)), a.reason(i))
	case !bare:
		return a.broken(fmt.Errorf("%s (%s) says that the list is empty, but it has records", rule.Path, fields[atFail+2*i]))
	}
	a.first, a.second, a.over = nil, nil, true
	return nil
}

// reason is what a response says of a failure, where the rule that it fits names no place for that: what the rule looks at, unless it only
// looks for one value, else what stands at the usual places, also in an object where the list should be.
func (a *answer) reason(i int) string {
	there := a.value(atFail + 2*i)
	if a.shape.fail[i].Equals == "" || there.Kind() == '{' || there.Kind() == '[' {
		if text := spoken(there); text != "" {
			return text
		}
	}
	head := a.judge.known.Cut(a.body.head)
	text := reasonIn(head)
	if inner := a.container(parseValue(head)); text == "" && inner.kind == '{' {
		text = withoutTags(inner.says())
	}
	return cmp.Or(text, spoken(there))
}

// spoken is what a value says of a failure, "" if nothing: true and false say nothing.
func spoken(v jsontext.Value) string {
	switch v.Kind() {
	case '{', '[':
		return reasonIn(v)
	case '"', '0':
		return textOf(v)
	}
	return ""
}

// declared is the failure that a rule of the request finds under a good status. The rules of the definition do not look at it.
func (j *judge) declared(response *http.Response, class connector.Class, sentence, reason string) *connector.Failure {
	f := &connector.Failure{
		Class: j.classOf(class), Host: j.host, Status: response.StatusCode, Until: ratelimit.Until(response.Header, time.Now()),
		Sentence: line(j.known, j.known.String(sentence)),
	}
	if f.Sentence == "" {
		f.Reason = line(j.known, j.known.String(reason))
	}
	j.limited(f, response.Header)
	return f
}
