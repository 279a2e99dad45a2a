package connector

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport/internal/connector/shape"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

func (l *linter) endpoints() {
	var ids []string
	for i := range l.Endpoints {
		e, at := &l.Endpoints[i], route{"endpoints", i}
		if !endpointID.MatchString(e.ID) {
			l.fault(at.at("id"), "id: must be lower-case words with dots between them, such as feed.indicators")
		}
		if slices.Contains(ids, e.ID) {
			l.fault(at.at("id"), "there are two endpoints %q", e.ID)
		}
		ids = append(ids, e.ID)
		if e.Name == "" || e.Summary == "" {
			l.fault(at, "name and summary are required")
		}
		l.fields(at.at("params"), e.Params)
		l.oneOf(at.at("one_of"), e)
		l.each(at.at("each"), e)
		l.split(at.at("split"), e)
		l.answers(at.at("answers"), e)
		l.check(at.at("request"), checkRequest(&e.Request, l.AuthOf(e)))
		l.references(at.at("request"), e)
		l.terms(at, e)
		l.poll(at.at("poll"), e)
		l.check(at.at("request"), checkTimed(e))
		l.check(at.at("ignore"), checkIgnore(e))
		l.check(at.at("whole"), checkWhole(e))
		l.schema(at.at("schema"), e)
	}
}

// schema compiles the schema of an endpoint's records, and checks that it declares what names them.
func (l *linter) schema(at route, e *Endpoint) {
	if e.Schema == "" || l.files == nil {
		return
	}
	if !fieldName.MatchString(e.Schema) {
		l.fault(at, "schema: must be of lower-case letters, digits and _")
		return
	}
	form := l.Shapes[e.Schema]
	if form == nil {
		text, err := fs.ReadFile(l.files, "schema/"+e.Schema+".json")
		if err == nil {
			form, err = shape.New(text)
		}
		if err != nil {
			l.fault(at, "schema: %w", err)
			return
		}
		if l.Shapes == nil {
			l.Shapes = map[string]*shape.Shape{}
		}
		l.Shapes[e.Schema] = form
	}
	wraps := e.Each != nil || e.Answers != nil // and so adds the fields of the key
	for _, name := range slices.Concat(e.Request.Key, e.Request.Names, slices.Sorted(maps.Keys(e.Request.With))) {
		if !hasField(form, name) && !wraps {
			l.fault(at, "schema: %s does not declare %s", e.Schema, name)
		}
	}
}

// hasField tells whether a schema declares a field, or the object that a name of a key leads into.
func hasField(form *shape.Shape, name string) bool {
	object, _, nested := strings.Cut(name, ".")
	return form.Has(name) || nested && form.Has(object)
}

func (l *linter) oneOf(at route, e *Endpoint) {
	for i, group := range e.OneOf {
		if len(group) < 2 {
			l.fault(at.at(i), "one_of: a group has at least two parameters")
		}
		for j, name := range group {
			at := at.at(i, j)
			l.check(at, nameless(checkKnown("parameter", e.Params, []string{name})))
			if f := e.param(name); f != nil && (f.Required || f.Default != nil) {
				l.fault(at, "%s is one of several, so it can neither be required nor have a default", name)
			}
		}
	}
}

func (e *Endpoint) param(name string) *Field {
	for i := range e.Params {
		if e.Params[i].Name == name {
			return &e.Params[i]
		}
	}
	return nil
}

// references checks the {name}s in a request: each is a parameter, each parameter is used, and one that may be absent is used only where
// a whole entry can be left out.
func (l *linter) references(at route, e *Endpoint) {
	r := e.Request
	l.fixed(at.at("url"), r.URL, e)
	l.fixed(at.at("body"), string(r.Body), e)
	all := slices.Concat([]string{r.URL, string(r.Body)}, r.Columns)
	entry := func(at route, value string) {
		if template.Whole(value, anyName) != "" {
			l.placeholders(at, value, "parameter", e.values())
		} else {
			l.fixed(at, value, e)
		}
		all = append(all, value)
	}
	for name, values := range inOrder(r.Query) {
		for _, value := range values {
			entry(at.at("query", name), value)
		}
	}
	for key, entries := range inOrder(map[string]map[string]string{"headers": r.Headers, "with": r.With}) {
		for name, value := range inOrder(entries) {
			entry(at.at(key, name), value)
		}
	}
	used := template.Names(strings.Join(all, " "))
	for _, f := range e.Params {
		if f.Name == CursorName {
			l.fault(at, "{%s} is the cursor of a page: no parameter can have this name", CursorName)
		}
		if !slices.Contains(used, f.Name) && !e.Each.takes(f.Name) && !e.Split.takes(f.Name) && !e.Answers.takes(f.Name) {
			l.fault(at, "the parameter %s is not used", f.Name)
		}
	}
}

// fixed checks the {name}s in a text that is always sent.
func (l *linter) fixed(at route, text string, e *Endpoint) {
	l.placeholders(at, text, "parameter", e.values())
	for _, name := range template.Names(text) {
		if f := e.param(name); f != nil && !f.Required && f.Default == nil {
			l.fault(at, "{%s} is always sent, so the parameter must be required or have a default", name)
		}
	}
}

// call checks the endpoint and parameters at the end of a route.
func (l *linter) call(at route, endpoint string, params map[string]any) {
	e, err := l.Endpoint(endpoint)
	if err != nil {
		l.check(at, err)
		return
	}
	_, err = e.CheckParams(params)
	l.check(at.at("params"), err)
}

func (l *linter) tests() {
	var names []string
	for i, test := range l.Tests {
		at := route{"tests", i}
		if test.Name == "" || slices.Contains(names, test.Name) {
			l.fault(at.at("name"), "name: must be given, and differ from those of the other tests")
		}
		names = append(names, test.Name)
		l.call(at, test.Endpoint, test.Params)
		if len(test.Answers) == 0 {
			l.fault(at, "answers are required")
		}
		for j, answer := range test.Answers {
			l.answer(at.at("answers", j), answer)
		}
		if test.Expect.Class != "" {
			l.class(at.at("expect", "class"), test.Expect.Class)
		}
		for j, request := range test.Expect.Requests {
			if !strings.HasPrefix(request, "/") {
				l.fault(at.at("expect", "requests", j), "must be a path with its query, such as /api/list?page=2")
			}
		}
	}
}

func (l *linter) answer(at route, answer Answer) {
	if answer.Status != 0 {
		l.status(at.at("status"), answer.Status)
	}
	for name := range inOrder(answer.Headers) {
		if !headerName.MatchString(name) {
			l.fault(at.at("headers", name), "%q is no name of a header", name)
		}
	}
	if answer.File != "" && answer.Body != "" {
		l.fault(at, "an answer has a file or a body, not both")
	}
	if answer.File != "" && l.files != nil {
		if _, err := fs.Stat(l.files, answer.File); err != nil {
			l.fault(at.at("file"), "%w", fmt.Errorf("there is no such file beside the definition: %w", err))
		}
	}
}
