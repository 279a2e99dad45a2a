package connector

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

// CursorName is the name of the placeholder for the cursor of a page. A whole value that is nothing but {cursor} is left out of the request for
// the first page, unless pages are counted.
const CursorName = "cursor"

// HasCursor tells whether {cursor} stands for the cursor somewhere in a request.
func HasCursor(r *sallyport.Request) bool {
	return r.Paging.Query == "" && carriesCursor(r.Paging.Type) && cursorField(r) != ""
}

// carriesCursor tells whether requests for pages of a type differ in a cursor.
func carriesCursor(paging string) bool {
	return slices.Contains([]string{sallyport.PagingPage, sallyport.PagingOffset, sallyport.PagingNextValue}, paging)
}

// cursorField is the first field that holds {cursor}, "" if none does.
func cursorField(r *sallyport.Request) string {
	for field, text := range templates(r) {
		if slices.Contains(template.Names(text), CursorName) {
			return field
		}
	}
	return ""
}

// templates yields the texts of a request in which placeholders stand for values, with their fields.
func templates(r *sallyport.Request) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if !yield("url", r.URL) || !yield("body", string(r.Body)) {
			return
		}
		for name, values := range inOrder(r.Query) {
			for _, text := range values {
				if !yield("query."+name, text) {
					return
				}
			}
		}
		for name, text := range inOrder(r.Headers) {
			if !yield("headers."+name, text) {
				return
			}
		}
	}
}

// checkCursor makes sure that the cursor has one place in the requests for pages, and that the first page can do without it.
func checkCursor(r *sallyport.Request) error {
	field, p := cursorField(r), r.Paging
	switch {
	case field == "" && carriesCursor(p.Type) && p.Query == "":
		return sallyport.FieldErrorf("paging.query", "is required for paging of type %s, unless {cursor} stands in the url, query, headers or body", p.Type)
	case field == "":
		return nil
	case !carriesCursor(p.Type):
		return sallyport.FieldErrorf(field, "{cursor} goes with paging of type page, offset or next_value; write {{cursor}} to send these characters")
	case p.Query != "":
		return sallyport.FieldErrorf("paging.query", "does not go with {cursor} in %s: the cursor would be sent twice", field)
	case p.Type != sallyport.PagingNextValue:
		return nil
	}
	return checkLeftOut(r, CursorName, "must be a whole value, which the request for the first page leaves out")
}

// checkLeftOut makes sure that the placeholder of a name can be left out wherever it stands; reason says why.
func checkLeftOut(r *sallyport.Request, name, reason string) error {
	none := func(n string) (any, bool) { return nil, n == name }
	for field, text := range templates(r) {
		if _, err := fillPlace(r, field, text, none); err != nil {
			return sallyport.FieldErrorf(field, "{%s} %s; write {{%[1]s}} to send these characters", name, reason)
		}
	}
	return nil
}

// fillPlace fills the text of a field as a request does.
func fillPlace(r *sallyport.Request, field, text string, values template.Values) (string, error) {
	switch {
	case field == "url":
		return template.Path(text, values)
	case field == "body":
		return template.Body(text, mediaType(r), values)
	case template.Whole(text, func(name string) bool { _, known := values(name); return known }) != "":
		return "", nil // a whole entry is left out
	}
	return template.Text(text, values)
}

// mediaType is that of a request's body.
func mediaType(r *sallyport.Request) string {
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Content-Type") {
			return value
		}
	}
	return template.TypeOf(string(r.Body))
}

// unknown is what can only be meant as a placeholder: all of a text in a body, or of a form's value.
var unknown = regexp.MustCompile(`[:,\[=]\s*"?(\{[A-Za-z][A-Za-z0-9_-]*\})"?\s*(?:[,}\]&]|$)`)

// checkUnknown refuses names in braces that can only be meant as a placeholder, and are none: a part of the path, or a whole value. Within a longer
// text they are what GraphQL, templates and query languages write.
func checkUnknown(r *sallyport.Request) error {
	for field, text := range templates(r) {
		for _, name := range meant(field, text) {
			if name != CursorName && !isTime(name) {
				return notPlaceholder(field, name)
			}
		}
	}
	return nil
}

// meant are the names of what can only be meant as placeholders.
func meant(field, text string) (names []string) {
	switch field {
	case "url":
		return template.Names(text)
	case "body":
		for _, match := range unknown.FindAllStringSubmatch(text, -1) {
			names = append(names, strings.Trim(match[1], "{}"))
		}
		return names
	}
	if match := braced.FindStringSubmatch(text); match != nil {
		names = append(names, match[1])
	}
	return names
}

var braced = regexp.MustCompile(`^\s*\{([A-Za-z][A-Za-z0-9_-]*)\}\s*$`)

func notPlaceholder(field, name string) error {
	hint := ""
	if !sallyport.Repeatable(name) {
		name = "…"
	}
	if near := sallyport.Nearest(name, []string{CursorName, SinceName, UntilName, "now"}); near != "" {
		hint = fmt.Sprintf("did you mean {%s}? ", near)
	}
	return sallyport.FieldErrorf(field, "there is no placeholder {%s}: %swrite {{%[1]s}} to send these characters", name, hint)
}

func anyName(string) bool { return true }
