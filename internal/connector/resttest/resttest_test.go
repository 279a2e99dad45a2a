package resttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const page = `GET /list?page=2
X-Key: k

HTTP/1.1 200 OK
Content-Type: application/json
Link: <https://api.example.com/list?page=3>; rel="next"

{"next": "https://same-host.example.com/x"}
`

func TestParse(t *testing.T) {
	x, err := Parse(page)
	if err != nil || x.Method != "GET" || x.Path != "/list" || len(x.Query) != 1 || x.Query[0] != "page=2" || x.Headers.Get("X-Key") != "k" || x.Status != 200 ||
		!strings.Contains(x.Text, "same-host") {
		t.Errorf("%+v, %v", x, err)
	}
	for _, text := range []string{"", "GET /x\n", "GET\n\nHTTP/1.1 200 OK\n", "GET x\n\nHTTP/1.1 200\n", "GET /x\n\nHTTP/1.1 OK\n"} {
		if _, err := Parse(text); err == nil {
			t.Errorf("%q: no error", text)
		}
	}
}

// TestServe plays exchanges: the one that says more about a request is chosen, and of equal ones each is played once, the last again and again.
func TestServe(t *testing.T) {
	answers := func(request, text string) Exchange {
		x, err := Parse(request + "\n\nHTTP/1.1 200 OK\n\n" + text)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	s := Serve(t, answers("GET /x", "first"), answers("GET /x", "second"), answers("GET /x?page=2", "page 2"), answers("POST /x\n\n"+`{"a": 1}`, "posted"))
	for _, step := range []struct{ method, path, body, want string }{
		{"GET", "/x", "", "first"}, {"GET", "/x?page=2&a=b", "", "page 2"}, {"GET", "/x?page=1", "", "second"}, {"GET", "/x", "", "second"},
		{"POST", "/x", `{ "a":1 }`, "posted"},
	} {
		request, err := http.NewRequest(step.method, s.URL+step.path, strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(text) != step.want {
			t.Errorf("%s %s: %q, %v", step.method, step.path, text, err)
		}
	}
	if got := s.Requests(); got != 5 {
		t.Errorf("%d requests", got)
	}
}

// TestEncode compresses and encodes what the headers name; a real client must be able to read it.
func TestEncode(t *testing.T) {
	x, err := Parse("GET /x\n\nHTTP/1.1 200 OK\nContent-Type: text/plain; charset=iso-8859-15\nContent-Encoding: gzip\n\n20 €")
	if err != nil {
		t.Fatal(err)
	}
	s := Serve(t, x)
	response, err := http.Get(s.URL + "/x") // the transport unpacks gzip
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || string(text) != "20 \xa4" {
		t.Errorf("%q, %v", text, err)
	}
	for _, coding := range []string{"deflate", "br", "zstd"} {
		if body, err := compress(coding, []byte("x")); err != nil || len(body) == 0 {
			t.Errorf("%s: %v", coding, err)
		}
	}
	if _, err := compress("lzw", nil); err == nil {
		t.Error("an unknown coding is no error")
	}
}
