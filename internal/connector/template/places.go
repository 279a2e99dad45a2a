package template

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Text fills a text that is escaped later, as a value of a query is, or never, as a header is.
func Text(text string, values Values) (string, error) {
	return escaped(text, values, func(s string) string { return s })
}

// escaped fills a text whose values are all needed.
func escaped(text string, values Values, escape func(string) string) (string, error) {
	return fill(text, values, func(out []byte, value any, behind string) ([]byte, string, bool) {
		return append(out, escape(join(value))...), behind, value != nil
	})
}

// Path fills the path of a URL. A part of the path that is nothing but an absent value is left out.
func Path(text string, values Values) (string, error) {
	return fill(text, values, func(out []byte, value any, behind string) ([]byte, string, bool) {
		switch {
		case value != nil:
			return append(out, url.PathEscape(join(value))...), behind, true
		case !bytes.HasSuffix(out, []byte("/")) || behind != "" && behind[0] != '/':
			return out, behind, false
		case behind == "" && len(out) == 1:
			return out, behind, true
		}
		return out[:len(out)-1], behind, true
	})
}

// The media types of bodies.
const (
	JSONType = "application/json"
	FormType = "application/x-www-form-urlencoded"
)

// TypeOf is the media type of a body whose headers name none.
func TypeOf(body string) string {
	switch body = strings.TrimLeft(body, " \t\r\n"); {
	case body == "":
		return ""
	case body[0] == '{' || body[0] == '[':
		return JSONType
	}
	return FormType
}

// Body fills a body of a media type. What is left out with an absent value: the member of a JSON object, the element of a list, the pair of a
// form.
func Body(text, mediaType string, values Values) (string, error) {
	switch mediaType = strings.ToLower(mediaType); {
	case strings.Contains(mediaType, "json"), strings.Contains(mediaType, "graphql"): // whose texts are those of JSON
		return asJSON(text, values)
	case strings.HasPrefix(mediaType, FormType):
		return asForm(text, values)
	case strings.Contains(mediaType, "xml"):
		return escaped(text, values, func(s string) string {
			var out bytes.Buffer
			xml.EscapeText(&out, []byte(s)) // a Buffer takes everything
			return out.String()
		})
	}
	return Text(text, values)
}

// asForm fills a form. Forms know texts only; 1 and 0 are what most systems take for a bool.
func asForm(text string, values Values) (string, error) {
	return fill(text, values, func(out []byte, value any, behind string) ([]byte, string, bool) {
		if is, ok := value.(bool); ok {
			value = map[bool]string{true: "1", false: "0"}[is]
		}
		switch before := bytes.LastIndexByte(out, '&'); {
		case value != nil:
			return append(out, url.QueryEscape(join(value))...), behind, true
		case !bytes.HasSuffix(out, []byte("=")) || behind != "" && behind[0] != '&':
			return out, behind, false
		case before >= 0:
			return out[:before], behind, true
		}
		return out[:0], strings.TrimPrefix(behind, "&"), true
	})
}

// join writes a value as text, the elements of a list with commas between them.
func join(value any) string { return strings.Join(Texts(value), ",") }

func each[V any](values []V) (texts []string) {
	for _, value := range values {
		texts = append(texts, Texts(value)...)
	}
	return texts
}

// Texts writes a value as text, a list as one text for each element.
func Texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []string:
		return value
	case []any:
		return each(value)
	case []json.RawMessage:
		return each(value)
	case float64:
		return []string{strconv.FormatFloat(value, 'f', -1, 64)}
	case json.RawMessage:
		var list []json.RawMessage
		var text string
		switch {
		case json.Unmarshal(value, &list) == nil && list != nil:
			return Texts(list)
		case json.Unmarshal(value, &text) != nil:
			text = string(value)
		}
		return []string{text}
	}
	return []string{fmt.Sprint(value)}
}
