package rest

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

// TestCursorPlaces has the cursor in each place of a request, and cursors of each type: the first page is asked for without one.
func TestCursorPlaces(t *testing.T) {
	next := sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.next"}
	post := func(body string) sallyport.Request {
		return sallyport.Request{Method: http.MethodPost, URL: "/x", Body: sallyport.Body(body), Paging: next}
	}
	for name, test := range map[string]struct {
		request sallyport.Request
		next    string // the cursor of the second page, as JSON
		want    []string
	}{
		"JSON, text":   {post(`{"after": "{cursor}", "n": 1}`), `"a\"b"`, []string{`POST /x  {"n": 1}`, `POST /x  {"after": "a\"b", "n": 1}`}},
		"JSON, number": {post(`{"n":1,"after":{cursor}}`), `12345678901234567890`, []string{`POST /x  {"n":1}`, `POST /x  {"n":1,"after":12345678901234567890}`}},
		"JSON, list":   {post(`{"search_after":"{cursor}"}`), `[1463538857, "x"]`, []string{`POST /x  {}`, `POST /x  {"search_after":[1463538857,"x"]}`}},
		"JSON, object": {post(`{"v":{"key":{cursor}}}`), `{"id": {"S": "1"}}`, []string{`POST /x  {"v":{}}`, `POST /x  {"v":{"key":{"id":{"S":"1"}}}}`}},
		"form":         {post(`a=1&after={cursor}`), `"x&key=y"`, []string{`POST /x  a=1`, `POST /x  a=1&after=x%26key%3Dy`}},
		"query": {sallyport.Request{URL: "/x", Query: map[string]sallyport.Texts{"a": {"1", "{cursor}"}}, Paging: next}, `"x&key=y ="`,
			[]string{`GET /x?a=1  `, `GET /x?a=1&a=x%26key%3Dy%20%3D  `}},
		"header":       {sallyport.Request{URL: "/x", Headers: map[string]string{"X-After": "{cursor}"}, Paging: next}, `7`, []string{`GET /x  `, `GET /x 7 `}},
		"path":         {sallyport.Request{URL: "/x/{cursor}", Paging: next}, `"/../y"`, []string{`GET /x  `}},
		"path, plain":  {sallyport.Request{URL: "/x/{cursor}/y", Paging: next}, `"a/b?c"`, []string{`GET /x/y  `, `GET /x/a%2Fb%3Fc/y  `}},
		"new line":     {sallyport.Request{URL: "/x", Headers: map[string]string{"X-After": "{cursor}"}, Paging: next}, `"a\r\nX-Key: b"`, []string{`GET /x  `}},
		"page":         {sallyport.Request{URL: "/p{cursor}", Paging: sallyport.Paging{Type: sallyport.PagingPage}}, `null`, []string{`GET /p1  `, `GET /p2  `}},
		"no cursor":    {sallyport.Request{URL: "/x", Query: map[string]sallyport.Texts{"q": {"{cursor}"}}}, `"n"`, []string{`GET /x?q=%7Bcursor%7D  `}},
		"the key":      {post(`{"after":{cursor}}`), `"x` + testKey + `"`, []string{`POST /x  {}`}},
		"an empty one": {post(`{"after":{cursor}}`), `[]`, []string{`POST /x  {}`}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				uri, _, _ := strings.Cut(r.RequestURI, "key="+testKey)
				got = append(got, r.Method+" "+strings.TrimRight(uri, "?&")+" "+r.Header.Get("X-After")+" "+string(body))
				if len(got) == 1 {
					io.WriteString(w, `{"r":[{"id":1}],"next":`+test.next+`}`)
				} else {
					io.WriteString(w, `{"r":[]}`)
				}
			})
			test.request.Records = "$.r[*]"
			records, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, test.request)), "")
			if diff := cmp.Diff(test.want, got); diff != "" || len(records) != 1 {
				t.Errorf("%d records, %v, requests:\n%s", len(records), err, diff)
			}
			refused := name == "path" || name == "new line" || name == "the key"
			if (err != nil) != refused || err != nil && strings.Contains(err.Error(), testKey) {
				t.Errorf("it ended with %v", err)
			}
		})
	}
}
