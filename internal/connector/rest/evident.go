package rest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// maxHead bounds the beginning of a response that is kept to find out why there are no records, in bytes.
const maxHead = 16 << 10

// The names of members that a response about an error consists of, those that say that it is one, and the words that say so or deny it.
var (
	errorNames   = []string{"error", "errors", "errormessage", "errormsg", "errmsg", "errordescription", "errormessages", "fault", "exception"}
	nextToErrors = []string{"message", "msg", "code", "errorcode", "status", "statuscode", "success", "ok", "detail", "details", "description", "reason", "type", "title", "requestid", "traceid", "timestamp", "path", "documentationurl", "moreinfo"}
	flagNames    = []string{"success", "ok", "succeeded"}
	statusNames  = []string{"status", "state", "stat", "result", "querystatus"}
	failWords    = []string{"error", "fail", "failed", "failure", "nok"}
	noErrors     = []string{"", "none", "null", "nil", "no", "ok", "0", "false", "success", "no error", "n/a"}
)

// isFailure tells whether an object says of itself that it is a failure.
func (v value) isFailure() bool {
	for _, name := range flagNames {
		if flag := v.at(name); flag.kind == 'f' || strings.EqualFold(flag.text, "false") {
			return true
		}
	}
	for _, name := range statusNames {
		if slices.Contains(failWords, strings.ToLower(v.at(name).text)) {
			return true
		}
	}
	for _, name := range errorNames {
		member := v.at(name)
		if member.kind == 't' || !slices.Contains(noErrors, strings.ToLower(strings.TrimSpace(member.says()))) {
			return true
		}
	}
	return false
}

// isOnlyFailure tells whether an object is a failure and has nothing else.
func (v value) isOnlyFailure() bool {
	for _, name := range v.names {
		if !slices.Contains(errorNames, name) && !slices.Contains(nextToErrors, name) {
			return false
		}
	}
	return v.isFailure()
}

// mistaken returns the failure of a good status whose body says evidently that something went wrong, where records are looked for: nil if there
// are records, or an empty list without such words.
func (a *answer) mistaken() error {
	s, streamed := a.decoder.(*stream)
	if _, whole := a.decoder.(*tree); !streamed && !whole {
		return nil
	}
	switch {
	case a.first == nil:
	case !streamed || a.first.Kind() == '{' && !a.shape.whole() && !s.inObject():
		return nil
	}
	root := parseValue(a.body.head)
	failed := root.isFailure() || slices.ContainsFunc(wrapperNames, func(name string) bool { return root.at(name).isFailure() })
	if a.first != nil {
		failed = a.container(root).isOnlyFailure()
	}
	if !failed || a.first == nil && a.decoder.found() == null && root.says() == "" {
		return nil
	}
	f := a.judge.failure(a.response, nil, a.body.head)
	if f.Class == connector.ClassEmpty {
		return nil
	}
	return f
}

// container is the value whose members are taken for records, or the whole response.
func (a *answer) container(v value) value {
	steps := a.shape.steps[atRecords]
	for i, step := range steps {
		if step.any && i == len(steps)-1 {
			return v
		}
		if step.any {
			return value{}
		}
		v = v.at(plainName(step.name))
	}
	return v
}

// lacking is the error of a response without the list.
func (a *answer) lacking() error {
	said := ""
	if text := line(a.judge.known, reasonIn(a.judge.known.Cut(a.body.head))); text != "" {
		said = fmt.Sprintf("; it says %q", text)
	}
	return a.broken(fmt.Errorf("it has nothing at %s, where the records should be%s; if an empty list is left out, declare `absent: empty`",
		a.shape.text[atRecords], said))
}
