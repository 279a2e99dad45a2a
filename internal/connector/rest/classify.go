package rest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/ratelimit"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const (
	maxSentence  = 300      // characters of what a system says
	maxBeginning = 4 << 10  // bytes of an answer without a sentence that rules look at
	maxRefusal   = 64 << 10 // bytes that are read of an answer that is a failure
)

// judge says what an answer without records means.
type judge struct {
	host    string
	rules   []rule
	windows map[string]string // window → answer header that says what is left in it
	known   *secret.Redactor
	quota   Quota // is told of refusals; may be nil
	keyless bool  // the request had no key, so a refusal says nothing about it
}

// rule is a compiled [connector.ErrorRule].
type rule struct {
	connector.ErrorRule
	match *regexp.Regexp // nil: anything
}

func compileRules(rules []connector.ErrorRule) ([]rule, error) {
	var compiled []rule
	for i, r := range rules {
		c := rule{ErrorRule: r}
		if r.Match != "" {
			var err error
			if c.match, err = regexp.Compile("(?i)" + r.Match); err != nil {
				return nil, sallyport.FieldErrorf(fmt.Sprintf("errors[%d].match", i), "is not a regular expression: %w", err)
			}
		}
		compiled = append(compiled, c)
	}
	return compiled, nil
}

func (r rule) fits(status int, text string) bool {
	return (len(r.Status) == 0 || slices.Contains(r.Status, status)) && (r.match == nil || r.match.MatchString(text))
}

// limit is the number that a fitting text names as what its window allows, 0 if it names none.
func (r rule) limit(text string) int64 {
	if r.match == nil || r.match.SubexpIndex(connector.LimitGroup) < 0 {
		return 0
	}
	digits := r.match.FindStringSubmatch(text)[r.match.SubexpIndex(connector.LimitGroup)]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil { // none, or more than anybody could use
		return 0
	}
	return n
}

// failure classes an answer by its status and sentence. Where there is no sentence, rules look at the beginning of the answer instead, of
// which only the reason becomes part of the failure.
func (j *judge) failure(response *http.Response, said jsontext.Value, body []byte) *connector.Failure {
	f := &connector.Failure{Class: j.classOf(classOf(response.StatusCode)), Host: j.host, Status: response.StatusCode, Until: ratelimit.Until(response.Header, time.Now())}
	text := j.known.String(textOf(said))
	f.Sentence = line(j.known, text)
	if text == "" {
		clean := j.known.Cut(body) // before it is cut: half a secret is not known as one
		f.Reason = line(j.known, reasonIn(clean))
		text = string(clean[:min(len(clean), maxBeginning)])
	}
	if f.Reason == "" && f.Sentence == "" {
		f.Reason = line(j.known, cmp.Or(response.Header.Get("Message"), response.Header.Get("X-Error-Message")))
	}
	said403 := false // a rule knows what the text of a 403 means
	for _, rule := range j.rules {
		if rule.fits(f.Status, text) {
			f.Class, f.Window, f.Limit = rule.Class, rule.Window, rule.limit(text)
			said403 = rule.match != nil
			break
		}
	}
	if f.Class == connector.ClassPlan && f.Status == http.StatusForbidden && !said403 && len(j.windows) == 0 && ratelimit.Says(response.Header, time.Now()) {
		f.Class = connector.ClassRate // a limit that a system says with 403, as GitHub does
	}
	j.limited(f, response.Header)
	return f
}

// limited tells the quota of a failure of class rate.
func (j *judge) limited(f *connector.Failure, header http.Header) {
	if f.Class == connector.ClassRate && f.Window == "" {
		f.Window = j.usedUp(header)
	}
	if f.Class == connector.ClassRate && j.quota != nil {
		j.quota.Refused(f)
	}
}

// usedUp returns the longest window in which nothing is left, "" if the headers name none.
func (j *judge) usedUp(header http.Header) string {
	for _, window := range []string{"month", "day", "second"} {
		if name := j.windows[window]; name != "" && strings.TrimSpace(header.Get(name)) == "0" {
			return window
		}
	}
	return ""
}

// broken is the failure of an answer that cannot be read.
func (j *judge) broken(class connector.Class, status int, err error) *connector.Failure {
	if text := err.Error(); j.known.Contains(text) {
		err = errors.New(j.known.String(text))
	}
	return &connector.Failure{Class: class, Host: j.host, Status: status, Err: err}
}

// unanswered is the failure of a call that got no answer. Faults of this side stay what they are.
func (j *judge) unanswered(err error) error {
	f, ok := errors.AsType[*fault](err)
	if !ok {
		return err
	}
	class := connector.ClassTransient
	if f.lasting {
		class = connector.ClassPermanent
	}
	failure := j.broken(class, 0, f)
	failure.Unsent = f.unsent
	return failure
}

// classOf is what a status means where no rule fits.
func classOf(status int) connector.Class {
	switch {
	case status == http.StatusUnauthorized:
		return connector.ClassCredential
	case status == http.StatusForbidden:
		return connector.ClassPlan
	case status == http.StatusTooManyRequests:
		return connector.ClassRate
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, status >= 500:
		return connector.ClassTransient
	}
	return connector.ClassPermanent
}

// textOf returns what a value says: a string's text, nothing for null, false and what is absent, and of other values their JSON.
func textOf(value jsontext.Value) string {
	if value == nil {
		return ""
	}
	switch value.Kind() {
	case 'n', 'f':
		return ""
	case '"':
		text, _ := jsontext.AppendUnquote(nil, value) // invalid UTF-8 is replaced
		return string(text)
	}
	return string(value)
}

// line makes a text one readable, bounded line without secrets, those included that come together only as what is not visible is left out.
func line(known *secret.Redactor, text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || unicode.In(r, unicode.Cf)
	}), " ")
	text = known.String(text) // before it is cut: half a secret is not known as one
	if runes := []rune(text); len(runes) > maxSentence {
		return string(runes[:maxSentence-1]) + "…"
	}
	return text
}
