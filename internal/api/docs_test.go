package api

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport"
)

// docsDocument is a document of one's own.
func docsDocument() docsReader { return docsReader{newServer(Config{Version: "1.2.3"}).api.OpenAPI()} }

// docsPage renders a document.
func docsPage(t *testing.T, d docsReader) *html.Node {
	t.Helper()
	var text bytes.Buffer
	if err := docs(d).Render(t.Context(), &text); err != nil {
		t.Fatal(err)
	}
	page, err := html.Parse(&text)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func (d docsReader) all() (all []*huma.Operation) {
	for _, item := range d.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head, item.Options, item.Trace} {
			if op != nil {
				all = append(all, op)
			}
		}
	}
	return all
}

func words(n *html.Node) string {
	var text strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(text.String()), " ")
}

// wantWords fails for each text that an element does not say.
func wantWords(t *testing.T, id string, n *html.Node, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if n == nil || !strings.Contains(words(n), strings.Join(strings.Fields(strings.ReplaceAll(part, "`", "")), " ")) {
			t.Errorf("%s does not say %q", id, part)
		}
	}
}

// anchors are the elements that a link can lead to: of a heading, what it is the heading of.
func anchors(t *testing.T, page *html.Node) map[string]*html.Node {
	found := map[string]*html.Node{}
	for n := range page.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" {
				if found[a.Val] != nil {
					t.Errorf("two elements have the id %q", a.Val)
				}
				found[a.Val] = n.Parent
			}
		}
	}
	return found
}

// rows counts the fields in the tables of an element; -1: it is not there.
func rows(n *html.Node) (count int) {
	if n == nil {
		return -1
	}
	for d := range n.Descendants() {
		if d.Data == "tr" && d.Parent.Data == "tbody" {
			count++
		}
	}
	return count
}

func TestDocsAreComplete(t *testing.T) {
	t.Parallel()
	d := docsDocument()
	at := anchors(t, docsPage(t, d))
	for _, op := range d.all() {
		wantWords(t, op.OperationID, at[op.OperationID], op.Method, op.Path, op.Summary, op.Description, "Scope: "+op.Security[0]["token"][0])
		wantWords(t, op.OperationID, at[op.OperationID], exampleAddress+root+strings.Split(op.Path, "{")[0])
		for _, p := range op.Parameters {
			wantWords(t, op.OperationID, at[op.OperationID], p.Name+" "+p.In, p.Description)
		}
		for _, answer := range answersOf(op) {
			wantWords(t, op.OperationID, at[op.OperationID], "Answer: "+answer.status)
			for field := range d.resolved(answer.schema).Properties {
				wantWords(t, op.OperationID, at[op.OperationID], field)
			}
		}
	}
	for name, s := range d.schemas() {
		for field, p := range s.Properties {
			wantWords(t, name, at["shape-"+name], field, p.Description, strings.TrimPrefix(p.Ref, "#/components/schemas/"))
		}
		if got := rows(at["shape-"+name]); got != len(s.Properties) {
			t.Errorf("the shape %s has %d rows, want %d", name, got, len(s.Properties))
		}
	}
	for _, tag := range d.Tags {
		wantWords(t, tag.Name, at["tag-"+tag.Name], tag.Description)
	}
	for _, s := range sallyport.Scopes {
		wantWords(t, "scopes", at["scopes"], string(s), s.Allows())
	}
}

// TestDocsAreSound checks what a browser would not complain of, or would refuse.
func TestDocsAreSound(t *testing.T) {
	t.Parallel()
	page := docsPage(t, docsDocument())
	at, level := anchors(t, page), 0
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if slices.Contains([]string{"script", "style", "img", "iframe", "base", "form"}, n.Data) {
			t.Errorf("there is a <%s>", n.Data)
		}
		if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data != "hr" {
			if next, err := strconv.Atoi(n.Data[1:]); err != nil || next > level+1 {
				t.Errorf("<%s> comes after <h%d>: %s", n.Data, level, words(n))
			} else {
				level = next
			}
		}
		for _, a := range n.Attr {
			anchor, internal := strings.CutPrefix(a.Val, "#")
			switch {
			case a.Key == "style" || strings.HasPrefix(a.Key, "on") || a.Key == "src":
				t.Errorf("<%s> has %s=%q", n.Data, a.Key, a.Val)
			case a.Key == "href" && internal && at[anchor] == nil, a.Key == "aria-labelledby" && at[a.Val] == nil:
				t.Errorf("%s leads nowhere", a.Val)
			case a.Key == "href" && !internal && !slices.Contains([]string{"/", docsPath + ".css", documentPath}, a.Val):
				t.Errorf("%s leads elsewhere", a.Val)
			}
		}
	}
}

// TestDocsEscape puts what a browser would act on wherever a document has text.
func TestDocsEscape(t *testing.T) {
	t.Parallel()
	const hostile = "</code><script>alert(1)</script>`\"'><img src=x onerror=alert(1)>`"
	d := docsDocument()
	d.Info.Title, d.Info.Version, d.Info.Description = hostile, hostile, hostile
	places := 0
	for _, op := range d.all() {
		op.Summary, op.Description, places = hostile, hostile, places+2
		for i, p := range op.Parameters { // one of them is the same for all documents
			s := &huma.Schema{Type: hostile, Enum: []any{hostile}, Default: hostile, Pattern: hostile}
			op.Parameters[i], places = &huma.Param{Name: p.Name, In: p.In, Description: hostile, Schema: s}, places+5
		}
	}
	for _, s := range d.schemas() {
		s.Description, s.Required, places = hostile, []string{hostile}, places+3
		s.Properties = map[string]*huma.Schema{hostile: {Type: huma.TypeString, Description: hostile}}
	}
	page := docsPage(t, d)
	for n := range page.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "img") {
			t.Fatalf("there is a <%s>", n.Data)
		}
	}
	if got := strings.Count(words(page), "alert(1)"); got < 2*places {
		t.Errorf("the text is there %d times, want at least %d", got, 2*places)
	}
}

// TestDocsOfALoop makes sure that a shape that is a part of itself comes to an end.
func TestDocsOfALoop(t *testing.T) {
	t.Parallel()
	d := docsDocument()
	loop := &huma.Schema{Ref: "#/components/schemas/FlowSpec"}
	d.schemas()["FlowSpec"].Properties["flow"] = &huma.Schema{Type: huma.TypeArray, Items: loop}
	wantWords(t, "create-flow", anchors(t, docsPage(t, d))["create-flow"], "list of FlowSpec", `"flow": [null]`)
}

// TestDocsExamples holds every example of a body against its schema.
func TestDocsExamples(t *testing.T) {
	t.Parallel()
	d, tried := docsDocument(), 0
	for _, op := range d.all() {
		if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil {
			continue
		}
		s := op.RequestBody.Content["application/json"].Schema
		var body any
		if err := json.Unmarshal([]byte(d.sample("", s, nil)), &body); err != nil {
			t.Errorf("%s: %v", op.OperationID, err)
		}
		found := new(huma.ValidateResult)
		huma.Validate(d.Components.Schemas, s, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, body, found)
		if len(found.Errors) > 0 {
			t.Errorf("%s: %v is wrong: %v", op.OperationID, body, found.Errors)
		}
		if example := d.example(op); strings.Contains(example, exampleSecret) && !strings.Contains(example, "@FILE") {
			t.Errorf("%s: a secret stands on the command line: %s", op.OperationID, example)
		}
		tried++
	}
	if tried < 10 {
		t.Errorf("only %d examples were tried", tried)
	}
	if got, want := quoted(`it's`), `'it'\''s'`; got != want {
		t.Errorf("quoted: %s, want %s", got, want)
	}
}

// TestDocsBounds says in words what a schema says.
func TestDocsBounds(t *testing.T) {
	t.Parallel()
	one, two, ten := 1, 2., 10.
	for want, s := range map[string]*huma.Schema{
		"one of `a`, `b`; default `a`":                    {Type: "string", Enum: []any{"a", "b"}, Default: "a"},
		"at least 2; at most 10":                          {Type: "integer", Minimum: &two, Maximum: &ten},
		"at least 1 characters; matches `^a+$`":           {Type: "string", MinLength: &one, Pattern: "^a+$"},
		"such as 8h":                                      {Type: "string", Pattern: "^8h$", PatternDescription: "such as 8h"},
		"up to 1 items; each one of `a`":                  {Type: "array", MaxItems: &one, Items: &huma.Schema{Type: "string", Enum: []any{"a"}}},
		"each up to 1 characters; each only ever written": {Type: "object", AdditionalProperties: &huma.Schema{Type: "string", MaxLength: &one, WriteOnly: true}},
		"": {Type: "object", AdditionalProperties: false},
	} {
		if got := strings.Join(boundsOf(s), "; "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestDocsCodes(t *testing.T) {
	t.Parallel()
	var got []any
	for _, c := range docsCodes {
		got = append(got, string(c.code))
		if !strings.HasPrefix(c.status, strconv.Itoa(statuses[c.code])) {
			t.Errorf("%s: status %s, want %d", c.code, c.status, statuses[c.code])
		}
	}
	if want := docsDocument().schemas()["Problem"].Properties["code"].Enum; !slices.Equal(got, want) {
		t.Errorf("codes %v, want %v", got, want)
	}
}

// TestDocsAreServed asks without a token.
func TestDocsAreServed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(New(Config{Version: "1.2.3", Log: slog.New(slog.DiscardHandler)}))
	defer server.Close()
	for path, want := range map[string]struct{ kind, says string }{
		docsPath: {"text/html; charset=utf-8", `<h3 id="create-flow">`}, docsPath + ".css": {"text/css; charset=utf-8", "prefers-color-scheme"},
	} {
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != want.kind || !answer.Uncompressed {
			t.Errorf("%s: %v, status %d, %v", path, err, answer.StatusCode, answer.Header)
		}
		if !strings.Contains(string(text), want.says) {
			t.Errorf("%s does not say %s", path, want.says)
		}
	}
}
