package template

import (
	"bytes"
	"encoding/json"
	"strings"
)

const space = " \t\r\n"

// asJSON fills a JSON text: within a string as a part of that string, elsewhere as a value of its own. A [json.RawMessage] that is a whole
// string takes the place of that string, quotes included.
func asJSON(text string, values Values) (string, error) {
	return fill(text, values, func(out []byte, value any, behind string) ([]byte, string, bool) {
		inside, escape := insideString(out)
		_, raw := value.(json.RawMessage)
		if inside && (raw || value == nil) {
			if before, rest, whole := unquote(out, behind); whole {
				out, behind, inside = before, rest, false
			}
		}
		switch {
		case value == nil && !inside:
			return leaveOut(out, behind)
		case value == nil || escape: // behind a backslash a value would not be escaped
			return out, behind, false
		case inside:
			value = join(value)
		}
		written, err := json.Marshal(value)
		if err != nil {
			return out, behind, false
		}
		if inside {
			written = written[1 : len(written)-1]
		}
		return append(out, written...), behind, true
	})
}

// unquote takes the quotes from around a placeholder that is a whole string, and no name of a member.
func unquote(out []byte, behind string) (before []byte, rest string, whole bool) {
	rest, closed := strings.CutPrefix(behind, `"`)
	before, opened := bytes.CutSuffix(out, []byte(`"`))
	if !closed || !opened || strings.HasPrefix(strings.TrimLeft(rest, space), ":") {
		return out, behind, false
	}
	if inside, _ := insideString(before); inside { // the quote is one within a string
		return out, behind, false
	}
	return before, rest, true
}

// leaveOut leaves out the member of an object, or the element of a list, whose value is absent, with one comma beside it.
func leaveOut(out []byte, behind string) (written []byte, rest string, ok bool) {
	next := strings.TrimLeft(behind, space)
	if next != "" && !strings.ContainsAny(next[:1], ",}]") {
		return out, behind, false
	}
	before := bytes.TrimRight(out, space)
	if member, is := bytes.CutSuffix(before, []byte(":")); is {
		if before, is = withoutString(bytes.TrimRight(member, space)); !is {
			return out, behind, false
		}
		before = bytes.TrimRight(before, space)
	}
	switch {
	case len(before) > 0 && !bytes.ContainsAny(before[len(before)-1:], ",{["):
		return out, behind, false
	case bytes.HasSuffix(before, []byte(",")):
		return before[:len(before)-1], behind, true
	}
	return before, strings.TrimLeft(strings.TrimPrefix(next, ","), space), true
}

// withoutString takes the string off that ends a text.
func withoutString(text []byte) (before []byte, ok bool) {
	before, ok = bytes.CutSuffix(text, []byte(`"`))
	for ok {
		i := bytes.LastIndexByte(before, '"')
		if ok = i >= 0; !ok {
			break
		}
		if before = before[:i]; outside(before) {
			return before, true
		}
	}
	return text, false
}

func outside(text []byte) bool {
	inside, _ := insideString(text)
	return !inside
}

// insideString tells whether a JSON text breaks off within a string, and there behind a backslash.
func insideString(text []byte) (inside, escape bool) {
	for _, c := range text {
		switch {
		case escape:
			escape = false
		case inside && c == '\\':
			escape = true
		case c == '"':
			inside = !inside
		}
	}
	return inside, escape
}
