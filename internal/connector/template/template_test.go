package template_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

// given are the values of the tests: none is known but absent.
func given(name string) (any, bool) {
	value, known := map[string]any{
		"a": `x"\/&=?#é+ y`, "n": json.Number("5"), "yes": true, "list": []string{"x", `y"`}, "none": nil, "up": "..",
		"cursor": json.RawMessage(`5`), "text": json.RawMessage(`"a\"b"`), "after": json.RawMessage(`[1463538857, "x"]`),
	}[name]
	return value, known
}

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"{n}, {yes} and {list}":    `5, true and x,y"`,
		"{other} { n } {N} {n-1}":  "{other} { n } {N} {n-1}",
		"{{n}}":                    "{n}",
		"{{other}} {{n}":           "{other} {n}",
		"{{{n}}}":                  "{5}",
		"{{{{n}}}}":                "{{n}}",
		`{"v":{"a":{n}}}`:          `{"v":{"a":5}}`,
		"{users{id}} {{ n }} {{1}": "{users{id}} {{ n }} {{1}",
		"{users{n}}":               "{users5}",
		"{cursor} {text}":          `5 a"b`,
		"x {none}":                 "!none",
	} {
		check(t, in, want, func() (string, error) { return template.Text(in, given) })
	}
}

func check(t *testing.T, in, want string, fill func() (string, error)) {
	t.Helper()
	got, err := fill()
	if name, fails := strings.CutPrefix(want, "!"); fails {
		if err == nil || !strings.HasPrefix(err.Error(), name+": must be given") || sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	} else if err != nil || got != want {
		t.Errorf("%s: %q, not %q: %v", in, got, want, err)
	}
}

func TestPath(t *testing.T) {
	for in, want := range map[string]string{
		"/of/{a}/all": "/of/x%22%5C%2F&=%3F%23%C3%A9+%20y/all", "/x/{none}/all": "/x/all", "/x/{none}": "/x", "/{none}": "/", "/{none}/x": "/x",
		"/{none}/{none}": "/", "/x({none})": "!none", "/x{none}": "!none", "/{none}x": "!none", "/{text}": "/a%22b",
	} {
		check(t, in, want, func() (string, error) { return template.Path(in, given) })
	}
}

func TestBody(t *testing.T) {
	for _, test := range []struct{ media, in, want string }{
		{"", `q: {a}`, `q: x"\/&=?#é+ y`},
		{"application/xml", `<q>{a}</q>`, `<q>x&#34;\/&amp;=?#é+ y</q>`},
		{"application/x-www-form-urlencoded; charset=utf-8", `v={a}&p={yes}`, `v=x%22%5C%2F%26%3D%3F%23%C3%A9%2B+y&p=1`},
		{template.FormType, `a={none}&b=1`, `b=1`}, {template.FormType, `b=1&a={none}`, `b=1`}, {template.FormType, `b=1&a={none}&c=2`, `b=1&c=2`},
		{template.FormType, `a={none}`, ``}, {template.FormType, `a=x{none}`, `!none`}, {template.FormType, `a={none}x`, `!none`},
		{template.JSONType, `{"a": "\"{a}", "n": {n}, "s": "{n}", "l": {list}, "x": {"n":1}}`,
			`{"a": "\"x\"\\/\u0026=?#é+ y", "n": 5, "s": "5", "l": ["x","y\""], "x": {"n":1}}`},
		{template.JSONType, `{"c": "{cursor}", "d": {cursor}, "t": "{text}", "u": {text}, "in": "p {text}", "l": "{after}"}`,
			`{"c": 5, "d": 5, "t": "a\"b", "u": "a\"b", "in": "p a\"b", "l": [1463538857,"x"]}`},
		{template.JSONType, `{"{text}": 1, "{cursor}" : 2}`, `{"a\"b": 1, "5" : 2}`},
		{template.JSONType, `{"a": {none}, "b": 1}`, `{"b": 1}`}, {template.JSONType, `{"b": 1, "a": "{none}"}`, `{"b": 1}`},
		{template.JSONType, `{"b": 1 , "a\"" : "{none}" , "c": 2}`, `{"b": 1  , "c": 2}`},
		{template.JSONType, `{"a": "{none}"}`, `{}`}, {template.JSONType, `{"a":{"b":{"c":{none}}}}`, `{"a":{"b":{}}}`},
		{template.JSONType, `["{none}", {none}, 1, "{none}"]`, `[1]`}, {template.JSONType, `{"a":"{none}","b":{none},"c":"{none}"}`, `{}`},
		{template.JSONType, `{"a": "x {none}"}`, `!none`}, {template.JSONType, `{"{none}": 1}`, `!none`}, {template.JSONType, `{"a": 1 {none}}`, `!none`},
		{template.JSONType, `{"a": "\{a}"}`, `!a`},
		{"application/graphql", `{ users(after: {text}, first: 5) { id } }`, `{ users(after: "a\"b", first: 5) { id } }`},
		{template.JSONType, `{"query":"query($c:String){users(after:$c){edges{{cursor}} pageInfo{endCursor}}}","variables":{"c":"{none}"}}`,
			`{"query":"query($c:String){users(after:$c){edges{cursor} pageInfo{endCursor}}}","variables":{}}`},
	} {
		check(t, test.in, test.want, func() (string, error) { return template.Body(test.in, test.media, given) })
	}
}

func TestNames(t *testing.T) {
	if got := strings.Join(template.Names("{a} {{b}} {{{c}}} {D} {e{f}}"), " "); got != "a c f" {
		t.Errorf("got %s", got)
	}
	known := func(name string) bool { return name == "a" }
	for in, want := range map[string]string{"{a}": "a", "{b}": "", "{{a}}": "", " {a}": "", "{a}}": ""} {
		if got := template.Whole(in, known); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

// FuzzFill puts any value into every place: it never leaves that place, whatever it holds.
func FuzzFill(f *testing.F) {
	for _, value := range []string{"a", "", `"`, `\`, "\r\nX: y", "../..", "%2e%2e/", "&key=x", `","key":"x`, "{v}", "{{v}}", "\xff", "\u2028", "#?;"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		value = string([]rune(value)) // valid UTF-8
		quoted, _ := json.Marshal(value)
		for _, v := range []any{value, json.RawMessage(quoted)} {
			values := func(name string) (any, bool) { return v, name == "v" }
			path, err := template.Path("/a/{v}/b", values)
			if u, parsed := url.Parse(path); err != nil || parsed != nil || strings.Count(path, "/") != 3 || strings.ContainsAny(path, "?#\r\n") || u.Path != "/a/"+value+"/b" {
				t.Errorf("path %q: %v, %v", path, err, parsed)
			}
			form, err := template.Body("v={v}&w=1", template.FormType, values)
			if pairs, parsed := url.ParseQuery(form); err != nil || parsed != nil || len(pairs) != 2 || pairs.Get("v") != value {
				t.Errorf("form %q: %v, %v", form, err, parsed)
			}
			for _, text := range []string{`{"v":"{v}","w":1}`, `{"v":{v},"w":1}`} {
				var got struct {
					V string
					W int
				}
				body, err := template.Body(text, template.JSONType, values)
				if err != nil || json.Unmarshal([]byte(body), &got) != nil || got.V != value || got.W != 1 {
					t.Errorf("body %q: %v", body, err)
				}
			}
		}
	})
}

// FuzzTemplate fills any template with values that are there and values that are not.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"{v}", `{"a":{v},"b":"{v}"}`, `[{v},"{v}",{v}]`, "a={v}&b={v}", "/a/{v}/{{v}}", `{"a\"":"{v}"}`, "{{{v}}}", `"\{v}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, value := range []any{nil, `"&/`, json.RawMessage(`[1]`)} {
			values := func(name string) (any, bool) { return value, name == "v" }
			template.Text(text, values)
			template.Path(text, values)
			for _, media := range []string{template.JSONType, template.FormType, "text/xml"} {
				body, err := template.Body(text, media, values)
				if before := strings.ReplaceAll(text, "{v}", " 0 "); err == nil && media == template.JSONType && json.Valid([]byte(before)) && body != "" && !json.Valid([]byte(body)) {
					t.Errorf("%q is filled as %q", text, body)
				}
			}
		}
	})
}
