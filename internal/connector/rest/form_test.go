package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	recordshape "github.com/sallyport-io/sallyport/internal/connector/shape"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const rowSchema = `{"type":"object","properties":{"group":{"type":"string"},"of":{"type":"integer"},"id":{"type":"integer"},"tags":{"type":"array","items":{"type":"string"}}}}`

// shaped gives the endpoint of a test a parameter and a shape of its records.
func shaped(t *testing.T, c Config) Config {
	t.Helper()
	form, err := recordshape.New([]byte(rowSchema))
	if err != nil {
		t.Fatal(err)
	}
	c.Definition.Shapes = map[string]*recordshape.Shape{"row": form}
	c.Endpoint.Schema = "row"
	c.Endpoint.Params = []connector.Field{{Name: "of", Type: connector.TypeInteger}}
	return c
}

func TestNamesOfWildcards(t *testing.T) {
	for _, c := range []struct {
		name, records, body string
		names               []string
		want                []string
	}{
		{"members of an object", "$[*][*]", `{"a b":[{"id":1},{"id":2}],"c\"d":[],"e":[{}]}`, []string{"g"}, []string{`{"g":"a b","id":1}`, `{"g":"a b","id":2}`, `{"g":"e"}`}},
		{"two levels", "$.x[*][*]", `{"x":{"a":{"k":{"id":1}},"b":{"l":{"id":2}}}}`, []string{"g", "h"}, []string{`{"g":"a","h":"k","id":1}`, `{"g":"b","h":"l","id":2}`}},
		{"a list has no names", "$[*][*]", `[[{"id":1}],{"k":{"id":2}}]`, []string{"g", "h"}, []string{`{"g":null,"h":null,"id":1}`, `{"g":null,"h":"k","id":2}`}},
		{"an empty list in the place of an object", "$[*][*]", `[]`, []string{"g"}, nil},
		{"lists within lists", "$[*].rows[*]", `{"a":{"rows":[{"id":1}]},"b":{"x":{"rows":[7]}},"c":{"rows":[{"id":2}]}}`, []string{"g"}, []string{`{"g":"a","id":1}`, `{"g":"c","id":2}`}},
		{"what is no object", "$[*]", `{"a":7,"b":{"id":1},"c":null}`, []string{"g"}, []string{`{"g":"a","value":7}`, `{"g":"b","id":1}`, `null`}},
		{"the key as a name", "$[*]", `{"` + testKey + `":{"id":1}}`, []string{"g"}, []string{`{"g":"` + secret.Redacted + `","id":1}`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, sends(http.StatusOK, c.body))
			got, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: c.records, Names: c.names})), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFormRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		request sallyport.Request
		raw     bool
		want    string
	}{
		"a field of its own":   {sallyport.Request{Records: "$[*]", Names: []string{"id"}}, false, "names: the records have a field id of their own"},
		"a path with a filter": {sallyport.Request{Records: "$[?@.id]", Names: []string{"g"}}, false, "names: goes with a path of names and [*] only"},
		"raw without a shape":  {sallyport.Request{Records: "$[*]"}, true, "raw: goes with an endpoint whose records have a shape"},
	} {
		server := serve(t, sends(http.StatusOK, `{"a":{"id":1}}`))
		c.request.URL = "/"
		config := testConfig(server.URL, c.request)
		config.Raw = c.raw
		source, err := Open(config)
		if err == nil {
			_, _, err = pull(t.Context(), source, "")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestShapedRecords(t *testing.T) {
	body := `[{"id":"1","tags":"x","key":"` + testKey + `"}, {
		"of":"9"}, 7]`
	for _, c := range []struct {
		raw  bool
		want []string
	}{
		{false, []string{`{"group":null,"of":5,"id":1,"tags":["x"],"key":"` + secret.Redacted + `"}`, `{"group":null,"of":9,"id":null,"tags":[]}`, `7`}},
		{true, []string{
			`{"group":null,"of":5,"id":1,"tags":["x"],"key":"` + secret.Redacted + `","_raw":{"id":"1","tags":"x","key":"` + secret.Redacted + `"}}`,
			`{"group":null,"of":9,"id":null,"tags":[],"_raw":{"of":"9"}}`, `7`,
		}},
	} {
		server := serve(t, sends(http.StatusOK, body))
		config := shaped(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: "$[*]", With: map[string]string{"of": "{of}"}}))
		config.Params, config.Raw = map[string]any{"of": 5}, c.raw
		got, _, err := pull(t.Context(), mustOpen(t, config), "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("raw %v: -want +got:\n%s", c.raw, diff)
		}
	}
}

// TestWithParameters puts parameters into records as they are given: as numbers, in a text, or not at all.
func TestWithParameters(t *testing.T) {
	server := serve(t, sends(http.StatusOK, `[{}]`))
	config := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$[*]", With: map[string]string{"a": "{a}", "b": "no {a}", "c": "{c}", "d": "{e}"}})
	config.Endpoint.Params = []connector.Field{{Name: "a"}, {Name: "c"}}
	config.Params = map[string]any{"a": 5}
	got, _, err := pull(t.Context(), mustOpen(t, config), "")
	if want := []string{`{"a":5,"b":"no 5","c":null,"d":"{e}"}`}; err != nil || !cmp.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
