package rest

import (
	"bytes"
	"cmp"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// reasonIn returns what a response says about its failure where no path to a sentence is declared: the text at the usual places of JSON, of
// XML and of HTML, or a plain text. It is "" if nothing is found there. The result is neither redacted nor bounded; see [line].
func reasonIn(body []byte) string {
	body = bytes.TrimSpace(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	switch {
	case len(body) == 0:
		return ""
	case body[0] == '{' || body[0] == '[' || body[0] == '"':
		return withoutTags(parseValue(body).says())
	case body[0] == '<':
		return inMarkup(string(body))
	case !utf8.Valid(body[:min(len(body), 512)]) && !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		return ""
	}
	return withoutTags(string(body[:min(len(body), maxBeginning)]))
}

const (
	mostSaid = 3 // faults of a list that are shown
	maxDepth = 8 // of values that are looked at: each level is looked at up to three times
)

// The names under which real systems say what went wrong, the more telling before the others. Case, _ and - do not matter.
var (
	tellingNames = []string{
		"errordescription", "message", "msg", "errormessage", "errormsg", "errmsg", "errorsummary", "errordetail", "statusmessage",
		"faultstring", "detail", "details", "description", "reason", "errors", "errormessages", "messages", "nonfielderrors", "error", "fault",
		"exception", "title", "value", "text",
	}
	generalNames = []string{"message", "title", "errorsummary", "error"} // which may be followed by what exactly is wrong
	exactNames   = []string{"errors", "detail", "details", "errormessages"}
	wrapperNames = []string{"status", "meta", "response", "result", "header", "data", "odata.error"} // which may hold such a member
)

// plainName is a name as the lists above write it.
func plainName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// value is a JSON value as it was written, with its members in order. What breaks off is as far as it came.
type value struct {
	kind    jsontext.Kind
	text    string   // of a string, number or literal
	names   []string // of the members of an object; see [plainName]
	written []string // the names as they are written
	members []value  // of an object or list
}

// parseValue parses a JSON text of bounded size. A broken text gives what stands before the fault.
func parseValue(text []byte) value {
	v, _ := parseNext(jsontext.NewDecoder(bytes.NewReader(text), lenient...))
	return v
}

// parseNext parses the next value, without what lies too deep. It tells whether the value is whole.
func parseNext(json *jsontext.Decoder) (v value, whole bool) {
	if json.StackDepth() >= maxDepth {
		return v, json.SkipValue() == nil
	}
	token, err := json.ReadToken()
	if err != nil {
		return v, false
	}
	v.kind = token.Kind()
	if v.kind != '{' && v.kind != '[' {
		v.text = token.String()
		return v, true
	}
	for kind := json.PeekKind(); kind != '}' && kind != ']'; kind = json.PeekKind() {
		if v.kind == '{' {
			name, err := json.ReadToken()
			if err != nil {
				return v, false
			}
			v.written = append(v.written, name.String())
			v.names = append(v.names, plainName(name.String()))
		}
		member, whole := parseNext(json)
		v.members = append(v.members, member)
		if !whole {
			return v, false
		}
	}
	_, err = json.ReadToken()
	return v, err == nil
}

// member returns what the member of an object says that has one of the names, the first name first. Empty members say nothing.
func (v value) member(names []string) (said, name string) {
	for _, name := range names {
		if said = v.at(name).says(); said != "" {
			return said, name
		}
	}
	return "", ""
}

// at returns the member of an object with a name, nothing if there is none.
func (v value) at(name string) value {
	if i := slices.Index(v.names, name); i >= 0 && i < len(v.members) {
		return v.members[i]
	}
	return value{}
}

// says returns the text that a value says about a failure, "" if it says nothing.
func (v value) says() string {
	switch v.kind {
	case '"':
		return strings.TrimSpace(v.text)
	case '[':
		return v.all()
	case '{':
		return v.object()
	}
	return ""
}

// all joins what the first elements of a list say.
func (v value) all() string {
	var said []string
	for _, member := range v.members {
		if text := member.says(); text != "" && len(said) < mostSaid && !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	return strings.Join(said, "; ")
}

// object says what an object's telling members say: the general first, then what exactly is wrong. Without one it looks into the usual
// wrappers, and takes an object of lists of texts for one of fields with their faults.
func (v value) object() string {
	said, name := v.member(tellingNames)
	switch {
	case said == "":
		return cmp.Or(v.wrapped(), v.exact(), v.faults(false))
	case name == "msg":
		return v.place() + said
	}
	general, _ := v.member(generalNames)
	exact := v.exact()
	if general != "" && exact != "" && !strings.Contains(exact, general) && !strings.Contains(general, exact) {
		return strings.TrimRight(general, ".: ") + ": " + exact
	}
	return said
}

// wrapped is what an object within an object says.
func (v value) wrapped() string {
	for _, name := range wrapperNames {
		if inner := v.at(name); inner.kind == '{' {
			if said := inner.says(); said != "" {
				return said
			}
		}
	}
	return ""
}

// exact is what an object says of single faults.
func (v value) exact() string {
	for _, name := range exactNames {
		member := v.at(name)
		if said := cmp.Or(member.says(), member.faults(true)); said != "" {
			return said
		}
	}
	return ""
}

// place is where a fault is, as FastAPI says it: {"loc": ["query", "limit"], "msg": "…"}.
func (v value) place() string {
	i := slices.Index(v.names, "loc")
	if i < 0 || i >= len(v.members) {
		return ""
	}
	var parts []string
	for _, part := range v.members[i].members {
		parts = append(parts, part.text)
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, ".") + ": "
}

// faults reads an object of fields with their faults: {"limit": ["must be at most 100"]}, and with texts instead of lists where texts are
// allowed. Any other object says nothing.
func (v value) faults(texts bool) string {
	var said []string
	for i, member := range v.members {
		list := member.kind == '[' && len(member.members) > 0 && member.members[0].kind == '"'
		if v.kind != '{' || !list && (!texts || member.kind != '"') {
			return ""
		}
		if len(said) < mostSaid {
			said = append(said, v.written[i]+": "+member.says())
		}
	}
	return strings.Join(said, "; ")
}

// The elements of XML and HTML that say what went wrong, the more telling first, whatever their namespace.
var markupPlaces = func() (all []*regexp.Regexp) {
	for _, name := range []string{
		"message", "errormessage", "error_description", "faultstring", "text", "detail", "description", "reason", "errordescription", "error", "title", "h1",
	} {
		all = append(all, regexp.MustCompile(`(?is)<(?:[\w-]+:)?`+name+`(?:\s[^<>]*)?>(.*?)</(?:[\w-]+:)?`+name+`\s*>`))
	}
	return all
}()

var (
	unseen = regexp.MustCompile(`(?is)<!--.*?-->|<(script|style)\b.*?</(script|style)\s*>`)
	cdata  = regexp.MustCompile(`(?s)<!\[CDATA\[(.*?)\]\]>`)
	tag    = regexp.MustCompile(`</?[A-Za-z!?][^<>]*>`)
)

// inMarkup returns what XML or HTML says. Text outside of the telling elements is not shown: of a page it may be anything.
func inMarkup(text string) string {
	text = cdata.ReplaceAllString(unseen.ReplaceAllString(text, " "), "$1")
	for _, place := range markupPlaces {
		if match := place.FindStringSubmatch(text); match != nil {
			if said := withoutTags(match[1]); said != "" {
				return said
			}
		}
	}
	return ""
}

// withoutTags takes tags out of a text, also those that are written as entities.
func withoutTags(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	text = tag.ReplaceAllString(unseen.ReplaceAllString(text, " "), " ")
	text = tag.ReplaceAllString(unseen.ReplaceAllString(html.UnescapeString(text), " "), " ")
	return strings.Join(strings.Fields(text), " ")
}
