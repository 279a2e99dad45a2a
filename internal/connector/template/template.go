// Package template says how a text with placeholders becomes a part of a request: each value escaped for its place.
//
// A placeholder is {name}, of a name that has a value there, or for example {now-5d}. Braces around anything else are sent as they are, so JSON and GraphQL need no
// escaping. Doubled braces around a name are single ones without a value: {{name}} is sent as {name}.
package template

import (
	"regexp"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// Values returns the value of a name: nil if it has none this time. A name that is not known is no placeholder.
//
// A value is text, a number, a bool, a list, or a [encoding/json.RawMessage], which keeps its type wherever JSON can show it.
type Values func(name string) (value any, known bool)

// form is what looks like a placeholder, with all the braces around it.
var form = regexp.MustCompile(`(\{+)([a-z][a-z0-9_]*(?:-[0-9]+[smhdw])?)(\}+)`)

// part of a text: a literal, or the name of a placeholder.
type part struct{ literal, name string }

// parse takes a text apart. Braces go in pairs from the left: {{{name}}} is a placeholder between braces.
func parse(text string, known func(name string) bool) (parts []part) {
	var literal strings.Builder
	end := 0
	for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
		before, name, behind := at[3]-at[2], text[at[4]:at[5]], at[7]-at[6]
		pairs, is := before/2, before%2 == 1
		if pairs == 0 && !known(name) {
			continue
		}
		literal.WriteString(text[end:at[0]] + strings.Repeat("{", pairs))
		if is {
			behind--
		}
		switch {
		case is && known(name):
			parts = append(parts, part{literal: literal.String()}, part{name: name})
			literal.Reset()
		case is:
			literal.WriteString("{" + name + "}")
		default:
			literal.WriteString(name)
		}
		literal.WriteString(strings.Repeat("}", behind-min(pairs, behind/2)))
		end = at[1]
	}
	return append(parts, part{literal: literal.String() + text[end:]})
}

// Whole returns the name if a text is nothing but one placeholder, "" otherwise.
func Whole(text string, known func(name string) bool) string {
	if match := form.FindStringSubmatch(text); match != nil && match[0] == text && match[1] == "{" && match[3] == "}" && known(match[2]) {
		return match[2]
	}
	return ""
}

// Names returns the names of everything in a text that is, or looks like, a placeholder.
func Names(text string) (names []string) {
	for _, part := range parse(text, func(string) bool { return true }) {
		if part.name != "" {
			names = append(names, part.name)
		}
	}
	return names
}

// missing is the error for a placeholder whose value is needed.
func missing(name string) error {
	return sallyport.FieldErrorf(name, "must be given: the request cannot be made without it")
}

// place writes a value, nil if it is absent, behind what was written before it. It returns that, and what of the literal behind the placeholder
// is left. It is not ok if the value cannot be written, or be left out, here.
type place func(out []byte, value any, behind string) (written []byte, rest string, ok bool)

// fill writes a text with its values at a place.
func fill(text string, values Values, put place) (string, error) {
	parts := parse(text, func(name string) bool { _, known := values(name); return known })
	var out []byte
	for i, part := range parts {
		if part.name == "" {
			out = append(out, part.literal...)
			continue
		}
		value, _ := values(part.name)
		behind, ok := &parts[i+1].literal, false // a literal stands behind each placeholder
		if out, *behind, ok = put(out, value, *behind); !ok {
			return "", missing(part.name)
		}
	}
	return string(out), nil
}
