package rest

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// tested is a definition with one test: two pages of the endpoint list.
func tested() *connector.Definition {
	def := testDefinition()
	def.Errors = []connector.ErrorRule{{Status: []int{404}, Match: "not found", Class: connector.ClassEmpty}}
	def.Endpoints = []connector.Endpoint{{
		ID: "list", Params: []connector.Field{{Name: "id", Type: connector.TypeInteger, Required: true}},
		Request: sallyport.Request{URL: "/list", Query: map[string]sallyport.Texts{"id": {"{id}"}, "all": {"1"}}, Records: "$.rows[*]",
			Paging: sallyport.Paging{Type: "next_value", Value: "$.next", Query: "page"}},
	}}
	def.Tests = []connector.Test{{
		Name: "two pages", Endpoint: "list", Params: map[string]any{"id": 7},
		Answers: []connector.Answer{{File: "first.json"}, {Body: `{"rows":[{"n":3}]}`}},
		Expect: connector.Expect{
			Requests: []string{"/list?id=7&all=1", "/list?page=2&id=7&all=1"}, Records: 3,
			First: map[string]any{"n": 1, "x": []any{true, nil, 1.5, "s"}},
		},
	}}
	return def
}

var testFiles = fstest.MapFS{"first.json": {Data: []byte(`{"rows":[{"n":1,"x":[true,null,1.5,"s"],"y":0},{"n":2}],"next":2}`)}}

func TestRunTests(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*connector.Test)
		want   string // of the error; empty: none
	}{
		{"right", func(*connector.Test) {}, ""},
		{"no requests named", func(c *connector.Test) { c.Expect.Requests = nil }, ""},
		{"wrong request", func(c *connector.Test) { c.Expect.Requests[1] = "/list?page=3&id=7&all=1" },
			"it asks for\n  /list?all=1&id=7\n  /list?all=1&id=7&page=2\nnot for\n  /list?all=1&id=7\n  /list?all=1&id=7&page=3"},
		{"wrong path", func(c *connector.Test) { c.Expect.Requests[0] = "/lists?id=7&all=1" }, "not for"},
		{"wrong count", func(c *connector.Test) { c.Expect.Records = 4 }, "there are 3 records, not 4"},
		{"wrong field", func(c *connector.Test) { c.Expect.First["n"] = 2 }, "n of the first record is 1, not 2"},
		{"field that is not there", func(c *connector.Test) { c.Expect.First["z"] = "" }, "z of the first record is <nil>, not "},
		{"wrong type", func(c *connector.Test) { c.Expect.First["n"] = "1" }, "n of the first record is 1, not 1"},
		{"wrong class", func(c *connector.Test) { c.Expect.Class = connector.ClassPlan }, "it ends well, not in a failure of class plan"},
		{"failure", func(c *connector.Test) { c.Answers[1] = connector.Answer{Status: 403} }, "it ends in a failure of class plan, not none"},
		{"failure as expected", func(c *connector.Test) {
			c.Answers[1] = connector.Answer{Status: 429, Headers: map[string]string{"Retry-After": "1"}}
			c.Expect.Records, c.Expect.Class = 2, connector.ClassRate
		}, ""},
		{"class empty", func(c *connector.Test) {
			c.Answers = []connector.Answer{{Status: 404, Body: `{"error":"Not found"}`}}
			c.Expect = connector.Expect{Class: connector.ClassEmpty}
		}, ""},
		{"empty where a page should be", func(c *connector.Test) {
			c.Answers[1] = connector.Answer{Status: 404, Body: `{"error":"Not found"}`}
		}, "says \"Not found\" of a page that the one before it led to"},
		{"too few answers", func(c *connector.Test) { c.Answers = c.Answers[:1] }, "it asks for /list?all=1&id=7&page=2, but there are only 1 answers"},
		{"too many answers", func(c *connector.Test) { c.Answers = append(c.Answers, connector.Answer{}) }, "it asks for 2 of 3 answers"},
		{"no such file", func(c *connector.Test) { c.Answers[0].File = "none.json" }, "none.json"},
		{"no such endpoint", func(c *connector.Test) { c.Endpoint = "lists" }, `did you mean "list"?`},
		{"bad parameter", func(c *connector.Test) { c.Params["id"] = "x" }, "id: must be a whole number"},
		{"bad path", func(c *connector.Test) { c.Params["id"] = nil }, "id: is required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			def := tested()
			test.change(&def.Tests[0])
			err := RunTests(t.Context(), def, testFiles)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), `test "two pages": `)):
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestConnectors runs the tests that come with the connectors.
func TestConnectors(t *testing.T) {
	folders, err := fs.ReadDir(connectors.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, folder := range folders {
		t.Run(folder.Name(), func(t *testing.T) {
			files, err := fs.Sub(connectors.FS, folder.Name())
			if err != nil {
				t.Fatal(err)
			}
			data, err := fs.ReadFile(files, "connector.yaml")
			if err != nil {
				t.Fatal(err)
			}
			def, err := connector.Parse(folder.Name(), data, files)
			if err != nil {
				t.Fatal(err)
			}
			if err := RunTests(t.Context(), def, files); err != nil {
				t.Error(err)
			}
			ran += len(def.Tests)
		})
	}
	if ran == 0 {
		t.Error("no connector has a test")
	}
}
