package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// browsed is what a browser sends for an input that nobody changes.
func (v input) browsed() []string {
	switch {
	case v.Several:
		sent := []string{""}
		for _, o := range v.shown() { // in the order of the page
			if slices.Contains(v.Chosen, o.Value) {
				sent = append(sent, o.Value)
			}
		}
		return sent
	case v.Lines:
		return []string{strings.ReplaceAll(asSent(v.Value), "\n", "\r\n")}
	case len(v.Options) > 0:
		i := max(0, slices.IndexFunc(v.shown(), func(o option) bool { return o.Value == v.Value }))
		return []string{asSent(v.shown()[i].Value)}
	}
	return []string{strings.ReplaceAll(asSent(v.Value), "\n", "")}
}

func posted(inputs []input, prefix string) *http.Request {
	form := url.Values{}
	for _, in := range inputs {
		form[prefix+in.Name] = in.browsed()
	}
	return &http.Request{PostForm: form}
}

// TestRequestStays posts the form of any request as it is shown, and then with one line of it changed: all else stays exactly as it was.
func TestRequestStays(t *testing.T) {
	texts := rapid.MapOf(rapid.String(), rapid.String())
	lists := rapid.MapOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.String(), 1, 3), func(texts []string) sallyport.Texts { return texts }))
	rapid.Check(t, func(t *rapid.T) {
		q := sallyport.Request{
			Method: rapid.SampledFrom([]string{"", "GET", "POST", "odd"}).Draw(t, "method"), URL: rapid.String().Draw(t, "url"), Query: lists.Draw(t, "query"),
			Headers: texts.Draw(t, "headers"), With: texts.Draw(t, "with"), Body: sallyport.Body(rapid.String().Draw(t, "body")), Format: rapid.SampledFrom([]string{"", "json", "csv", "odd"}).Draw(t, "format"),
			Columns: rapid.SliceOf(rapid.String()).Draw(t, "columns"), Records: rapid.String().Draw(t, "records"), Names: rapid.SliceOf(rapid.String()).Draw(t, "names"),
			Key:    rapid.SliceOf(rapid.String()).Draw(t, "key"),
			Since:  sallyport.Since{Field: rapid.String().Draw(t, "field"), Overlap: sallyport.Duration(rapid.IntRange(0, 99).Draw(t, "overlap")) * sallyport.Duration(time.Hour), Format: rapid.String().Draw(t, "format of times")},
			Paging: sallyport.Paging{Type: rapid.SampledFrom(append(pagingTypes(), "", "odd")).Draw(t, "paging"), Value: rapid.String().Draw(t, "value"), Query: rapid.String().Draw(t, "parameter"), Size: rapid.Int64().Draw(t, "size")},
		}
		if start := rapid.Int64().Draw(t, "start"); start%2 == 0 {
			q.Paging.Start = &start
		}
		r, problems := posted(requestInputs(&q), "request."), map[string]string{}
		if diff := cmp.Diff(&q, readRequest(r, &q, problems)); diff != "" || len(problems) > 0 {
			t.Fatalf("it changed: %s %v", diff, problems)
		}
		r.PostForm.Set("request.url", "/other/"+q.URL)
		q.URL = strings.TrimSpace("/other/" + q.URL)
		if diff := cmp.Diff(&q, readRequest(r, &q, problems)); diff != "" {
			t.Fatalf("a change of the path changed more: %s", diff)
		}
	})
}

// TestPairsStay adds a line to pairs that no line can show whole: they stay as they are.
func TestPairsStay(t *testing.T) {
	stored := map[string]sallyport.Texts{"a=b": {"c"}, "lines": {"one\ntwo\r\n"}, "spaces": {"  x ", "", "  x "}, " ": {"y"}, "quoted": {`"z"`}}
	got, ok := readPairs(pairText(stored, "=")+"added = 1\r\n", "=", stored)
	want := map[string]sallyport.Texts{"a=b": {"c"}, "lines": {"one\ntwo\r\n"}, "spaces": {"  x ", "", "  x "}, " ": {"y"}, "quoted": {`"z"`}, "added": {"1"}}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(diff, ok)
	}
	for _, text := range []string{"a=1\nnone", "none", "=x"} {
		if _, ok := readPairs(text, "=", nil); ok {
			t.Errorf("%q is taken", text)
		}
	}
	q := sallyport.Request{Headers: map[string]string{"a": "0"}}
	for _, part := range requestParts() {
		problem := part.read(&q, "a"+part.separator+"1\na"+part.separator+"2")
		if part.separator != "" && (problem == "") != (part.Name == "query") {
			t.Errorf("%s: a name twice: %q", part.Name, problem)
		}
	}
	if diff := cmp.Diff(sallyport.Texts{"1", "2"}, q.Query["a"]); diff != "" {
		t.Error(diff)
	}
}

// TestDefinedInputs shows values of every kind, also those that no option has, and reads what was changed.
func TestDefinedInputs(t *testing.T) {
	types := connector.Field{Name: "types", Type: connector.TypeList, Values: []string{"ip", "url"}, Default: []any{"ip", "url"}}
	mode := connector.Field{Name: "mode", Values: []string{"a", "b"}}
	on := connector.Field{Name: "on", Type: connector.TypeBoolean, Default: true}
	key := connector.Field{Name: "key", Type: connector.TypeList}
	fields := []connector.Field{types, mode, on, key}
	stored := map[string]any{"types": []any{"gone", "url"}, "mode": "c", "on": false, "key": []any{"x, y"}, "old": "1"}
	ordinary, advanced := definedInputs(fields, stored)
	r := posted(append(ordinary, advanced...), "")
	if diff := cmp.Diff(stored, readDefined(r, fields, stored)); diff != "" {
		t.Errorf("it changed: %s", diff)
	}
	r.PostForm = url.Values{"value.types": {""}, "value.mode": {"a"}, "value.on": {"true"}, "value.key": {"x, y\r\nz"}, "value.old": {""}}
	want := map[string]any{"mode": "a", "on": "true", "key": "x, y\r\nz"}
	if diff := cmp.Diff(want, readDefined(r, fields, stored)); diff != "" {
		t.Errorf("what was given is read as: %s", diff)
	}
	r.PostForm = url.Values{"value.types": {"", "ip"}}
	if diff := cmp.Diff([]string{"ip"}, readDefined(r, fields, stored)["types"]); diff != "" {
		t.Error(diff)
	}
	for in, help := range map[string]string{noneChosen(types): "If none is selected: all.", noneChosen(connector.Field{Values: []string{"a", "b"}, Default: []any{"a"}}): "If none is selected: a."} {
		if in != help {
			t.Errorf("it says %q, not %q", in, help)
		}
	}
	for _, f := range []connector.Field{mode, on} {
		if in := definedInput(f, nil); in.shown()[0].Value != "" {
			t.Errorf("%s has no empty entry", f.Name)
		}
	}
	if in := definedInput(mode, "c"); in.shown()[3] != (option{"c", "c (not an allowed value)"}) {
		t.Errorf("the menu has %v", in.shown())
	}
}
