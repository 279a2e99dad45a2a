package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// TestValuesBecomeRecords pulls lists of values. What is no record is left as it is.
func TestValuesBecomeRecords(t *testing.T) {
	with := map[string]string{"list": "web"}
	for name, test := range map[string]struct {
		request sallyport.Request
		body    string
		want    []string
	}{
		"texts":                    {sallyport.Request{Records: "$.hooks[*]"}, `{"hooks":["192.0.2.0/24","a\"\/b"]}`, []string{`{"value":"192.0.2.0/24"}`, `{"value":"a\"/b"}`}},
		"numbers and bool":         {sallyport.Request{Records: "$[*]"}, `[1.50,true,false,null,[2],{"a":1}]`, []string{`{"value":1.50}`, `{"value":true}`, `{"value":false}`, "null", "[2]", `{"a":1}`}},
		"null first":               {sallyport.Request{Records: "$[*]"}, `[null,"a"]`, []string{"null", `{"value":"a"}`}},
		"an object first":          {sallyport.Request{Records: "$[*]"}, `[{"a":1},"b",2]`, []string{`{"a":1}`, `"b"`, "2"}},
		"an empty array first":     {sallyport.Request{Records: "$[*]"}, `[[],"b"]`, []string{"[]", `"b"`}},
		"a filter":                 {sallyport.Request{Records: "$.a[?@ != 'x']"}, `{"a":["x","y"]}`, []string{`{"value":"y"}`}},
		"a filter of members":      {sallyport.Request{Records: "$.a[?@ != 'x']"}, `{"a":{"b":"x","c":"y"}}`, []string{`"y"`}},
		"descendants with a name":  {sallyport.Request{Records: "$..ip"}, `[{"ip":"192.0.2.1"},{"ip":"192.0.2.2"}]`, []string{`{"value":"192.0.2.1"}`, `{"value":"192.0.2.2"}`}},
		"a member of each element": {sallyport.Request{Records: "$[*].ip"}, `[{"ip":"192.0.2.1"},{"ip":"192.0.2.2"}]`, []string{`{"value":"192.0.2.1"}`, `{"value":"192.0.2.2"}`}},
		"members of an object":     {sallyport.Request{Records: "$[*]"}, `{"a":1,"b":"x"}`, []string{"1", `"x"`}},
		"members with their names": {sallyport.Request{Records: "$[*]", Names: []string{"ip"}}, `{"192.0.2.1":5}`, []string{`{"ip":"192.0.2.1","value":5}`}},
		"names of lists":           {sallyport.Request{Records: "$[*][*]", Names: []string{"group"}, With: with}, `{"a":["x"],"b":["y"]}`, []string{`{"list":"web","group":"a","value":"x"}`, `{"list":"web","group":"b","value":"y"}`}},
		"the whole response":       {sallyport.Request{}, `"down"`, []string{`"down"`}},
		"JSON lines":               {sallyport.Request{Format: "jsonl"}, "\"a\"\n7\n", []string{`{"value":"a"}`, `{"value":7}`}},
		"rows":                     {sallyport.Request{Records: "$[*]", Header: "row"}, `[["NAME","POP"],["Alpha","10"],["Beta",null],["x"]]`, []string{`{"NAME":"Alpha","POP":"10"}`, `{"NAME":"Beta","POP":null}`, `["x"]`}},
		"a header only":            {sallyport.Request{Records: "$[*]", Header: "row"}, `[["NAME"]]`, nil},
		"rows and a filter":        {sallyport.Request{Records: "$.r[0:2]", Header: "row"}, `{"r":[["a"],[1],[2]]}`, []string{`{"a":1}`}},
	} {
		t.Run(name, func(t *testing.T) {
			test.request.URL = "/"
			records, _, err := pull(t.Context(), mustOpen(t, testConfig(serve(t, sends(200, test.body)).URL, test.request)), "")
			if diff := cmp.Diff(test.want, records); err != nil || diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
		})
	}
}

// TestArraysAreNoRecords pulls lists of lists.
func TestArraysAreNoRecords(t *testing.T) {
	for body, want := range map[string]string{
		`[["NAME","POP"],["Alpha","10"]]`: "each value at $[*] is an array, not an object: declare `header: row` if",
		`[[{"a":1}]]`:                     "each value at $[*] is an array of objects, not an object: write $[*][*]",
	} {
		c := testConfig(serve(t, sends(200, body)).URL, sallyport.Request{URL: "/", Records: "$[*]"})
		if _, _, err := pull(t.Context(), mustOpen(t, c), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	for body, want := range map[string]string{
		`[[1,2],[3,4]]`:     "element 1 of its first row is not the name of a column",
		`[["a","a"],[1,2]]`: `it has two columns "a"`,
		`[["a","b",""]]`:    "",
	} {
		c := testConfig(serve(t, sends(200, body)).URL, sallyport.Request{URL: "/", Records: "$[*]", Header: "row"})
		if _, _, err := pull(t.Context(), mustOpen(t, c), ""); (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// TestValuesWithASchema pulls values where the records have a declared schema: none of them is a record.
func TestValuesWithASchema(t *testing.T) {
	v := values{elements: (&answer{shape: &shape{schema: true}, decoder: &lines{}}).elements()}
	if record, _ := v.take([]byte(`"x"`)); string(record) != `"x"` {
		t.Error(string(record))
	}
}

// TestValuesAcrossPages pulls a list whose pages are told apart by their key.
func TestValuesAcrossPages(t *testing.T) {
	bodies := map[string]string{"1": `["a","b"]`, "2": `["b","c"]`, "3": `[]`}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, bodies[r.URL.Query().Get("page")]) })
	c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$[*]", Key: []string{"value"}, Paging: sallyport.Paging{Type: sallyport.PagingPage, Query: "page"}})
	records, _, err := pull(t.Context(), mustOpen(t, c), "")
	if diff := cmp.Diff([]string{`{"value":"a"}`, `{"value":"b"}`, `{"value":"b"}`, `{"value":"c"}`}, records); err != nil || diff != "" {
		t.Errorf("%v: %s", err, diff)
	}
}
