package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// library serves the numbers from 0 to total-1 in every way of paging, three to a page, to those who have the key.
func library(total int) http.HandlerFunc {
	const size = 3
	return func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		if query.Get("key") != testKey {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		number := func(name string) int { n, _ := strconv.Atoi(query.Get(name)); return n }
		start := map[string]int{
			"/page": (number("page") - 1) * size, "/offset": number("offset"), "/value": number("page") * size, "/token": number("token"),
			"/url": number("at"), "/link": number("at"),
		}[r.URL.Path]
		end := min(start+size, total)
		answer := map[string]any{"results": []int{}}
		if start < end {
			numbers := []int{}
			for i := start; i < end; i++ {
				numbers = append(numbers, i)
			}
			answer["results"] = numbers
		}
		if end < total {
			answer["page_next"] = start/size + 1
			answer["token"] = strconv.Itoa(end)
			answer["next"] = fmt.Sprintf("url?at=%d&key=%s#top", end, testKey)
			w.Header().Add("Link", `<https://other.example/?a=b,c;d>; rel="prev"; title="x, y"`)
			w.Header().Add("Link", fmt.Sprintf(`</link?at=0>; rel=first, <http://%s/link?x=1,2&at=%d&key=%s>; title="next; one"; rel="last next"`, r.Host, end, testKey))
		}
		json.NewEncoder(w).Encode(answer) // the client would notice
	}
}

func TestPaging(t *testing.T) {
	server := serve(t, library(7))
	zero, three := int64(0), int64(3)
	var all []string
	for n := range 7 {
		all = append(all, fmt.Sprintf(`{"value":%d}`, n))
	}
	for _, test := range []struct {
		name, path string
		paging     sallyport.Paging
		cursors    []string
	}{
		{"page, until one is empty", "/page", sallyport.Paging{Type: "page", Query: "page"}, []string{"2", "3", "4", ""}},
		{"page, until one is short", "/page", sallyport.Paging{Type: "page", Query: "page", Size: 3}, []string{"2", "3", ""}},
		{"offset, until one is empty", "/offset", sallyport.Paging{Type: "offset", Query: "offset"}, []string{"3", "6", "7", ""}},
		{"offset, until one is short", "/offset", sallyport.Paging{Type: "offset", Query: "offset", Size: 3, Start: &zero}, []string{"3", "6", ""}},
		{"next value", "/value", sallyport.Paging{Type: "next_value", Value: "$.page_next", Query: "page"}, []string{"1", "2", ""}},
		{"next value as text", "/token", sallyport.Paging{Type: "next_value", Value: "$.token", Query: "token"}, []string{"3", "6", ""}},
		{"next URL", "/url", sallyport.Paging{Type: "next_url", Value: "$.next"}, []string{server.URL + "/url?at=3", server.URL + "/url?at=6", ""}},
		{"link header", "/link", sallyport.Paging{Type: "link_header"}, []string{server.URL + "/link?x=1,2&at=3", server.URL + "/link?x=1,2&at=6", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := testConfig(server.URL, sallyport.Request{URL: test.path, Records: "$.results[*]", Paging: test.paging})
			records, cursors, err := pull(t.Context(), mustOpen(t, c), "")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(all, records); diff != "" {
				t.Errorf("records -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(test.cursors, cursors); diff != "" {
				t.Errorf("cursors -want +got:\n%s", diff)
			}
			for i, cursor := range cursors[:len(cursors)-1] {
				records, rest, err := pull(t.Context(), mustOpen(t, c), cursor)
				if test.paging.Size > 0 && len(rest) == len(cursors)-i { // the first page of a pass is short: one more request decides
					rest = append(rest[:len(rest)-2], "")
				}
				if err != nil || !cmp.Equal(rest, cursors[i+1:]) || !cmp.Equal(records, all[min(3*(i+1), 7):], equateEmpty) {
					t.Errorf("from the cursor %s: %v, %v, %v", cursor, records, rest, err)
				}
			}
		})
	}
	t.Run("page from a number", func(t *testing.T) {
		paging := sallyport.Paging{Type: "page", Query: "page", Start: &three}
		records, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/page", Records: "$.results[*]", Paging: paging})), "")
		if err != nil || !cmp.Equal(records, all[6:]) {
			t.Errorf("%v, %v", records, err)
		}
	})
	t.Run("single", func(t *testing.T) {
		records, cursors, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/value", Records: "$.results[*]"})), "")
		if err != nil || !cmp.Equal(records, all[:3]) || !cmp.Equal(cursors, []string{""}) {
			t.Errorf("%v, %v, %v", records, cursors, err)
		}
	})
}

var equateEmpty = cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })

// TestPagingThatDoesNotGetOn gives responses that lead nowhere. The page is kept, the error comes behind it, also for a pass that begins there.
func TestPagingThatDoesNotGetOn(t *testing.T) {
	value := sallyport.Paging{Type: "next_value", Value: "$.next", Query: "page"}
	byURL := sallyport.Paging{Type: "next_url", Value: "$.next"}
	for _, test := range []struct {
		name   string
		paging sallyport.Paging
		next   string // in JSON
		want   string
	}{
		{"a cursor that is a list", value, `[1]`, "the value at $.next is neither a text nor a number"},
		{"a cursor that is an object", value, `{}`, "the value at $.next is neither a text nor a number"},
		{"a cursor that is true", value, `true`, "the value at $.next is neither a text nor a number"},
		{"a cursor without end", value, `"` + strings.Repeat("x", maxCursor+1) + `"`, "longer than 8192 bytes"},
		{"a cursor with the key", value, `"` + testKey + `"`, "holds the key"},
		{"a URL with the key in its path", byURL, `"/` + testKey + `/2"`, "contains the key"},
		{"a URL elsewhere", byURL, `"https://evil.example/"`, "the link to the next page leads to https://evil.example, where the key must not go"},
		{"a URL with another scheme", byURL, `"file:///etc/passwd"`, "the link to the next page leads to an address that is neither http nor https, where the key must not go"},
		{"no URL", byURL, `"http://[::1"`, "is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				sends(200, `{"r":[1],"next":`+test.next+`}`)(w, r)
			})
			s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.r[*]", Paging: test.paging}))
			records, cursors, err := pull(t.Context(), s, "")
			for range 2 {
				if err == nil || !strings.Contains(err.Error(), test.want) || sallyport.CodeOf(err) != sallyport.Upstream {
					t.Errorf("got %v, want %s", err, test.want)
				}
				if calls != 1 || len(records) != 1 || len(cursors) != 1 {
					t.Fatalf("%d calls, %d records, %d pages", calls, len(records), len(cursors))
				}
				_, _, err = pull(t.Context(), s, cursors[0])
			}
		})
	}
}

func TestPagingEnds(t *testing.T) {
	for _, next := range []string{"", `,"next":null`, `,"next":false`, `,"next":""`} {
		server := serve(t, sends(200, `{"r":[1]`+next+`}`))
		for _, paging := range []sallyport.Paging{{Type: "next_value", Value: "$.next", Query: "p"}, {Type: "next_url", Value: "$.next"}} {
			s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.r[*]", Paging: paging}))
			if records, cursors, err := pull(t.Context(), s, ""); err != nil || len(records) != 1 || !cmp.Equal(cursors, []string{""}) {
				t.Errorf("%s, %s: %v, %v, %v", paging.Type, next, records, cursors, err)
			}
		}
	}
}

func TestPagingIsCapped(t *testing.T) {
	n := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		sends(200, fmt.Sprintf(`{"r":[%d,%d],"next":%d}`, n, -n, n))(w, r)
	})
	request := sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: "next_value", Value: "$.next", Query: "p"}}
	c := testConfig(server.URL, request)
	c.Limits.Pages = 3
	if records, _, err := pull(t.Context(), mustOpen(t, c), ""); err == nil || !strings.Contains(err.Error(), "more than 3 pages") || len(records) != 6 || n != 3 {
		t.Errorf("%d calls, %v, %v", n, records, err)
	}
	c.Limits = Limits{Records: 3}
	if records, _, err := pull(t.Context(), mustOpen(t, c), ""); err == nil || !strings.Contains(err.Error(), "more than 3 records") || len(records) != 3 {
		t.Errorf("%v, %v", records, err)
	}
}

func TestWhatIsNotReadCostsNoCall(t *testing.T) {
	calls := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		library(100)(w, r)
	})
	s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/page", Records: "$.results[*]", Paging: sallyport.Paging{Type: "page", Query: "page"}}))
	for page, err := range s.Pages(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for range page.Records {
			break
		}
		break
	}
	if calls != 1 {
		t.Errorf("%d calls", calls)
	}
	var last error
	for _, last = range s.Pages(t.Context(), "") {
		continue // asks for the next page without reading this one
	}
	if last != errUnread || calls != 2 {
		t.Errorf("%d calls, %v", calls, last)
	}
}

func TestConnectionsAreNotKept(t *testing.T) {
	closed := make(chan struct{})
	server := httptest.NewUnstartedServer(library(7))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateClosed {
			close(closed)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/page", Records: "$.results[*]", Paging: sallyport.Paging{Type: "page", Query: "page"}}))
	if records, _, err := pull(t.Context(), s, ""); err != nil || len(records) != 7 {
		t.Fatalf("%v, %v", records, err)
	}
	<-closed // of the one connection that served all pages
}

func TestCursorsOfAnotherKindAreRefused(t *testing.T) {
	server := serve(t, library(9))
	for cursor, paging := range map[string]sallyport.Paging{
		"2": {Type: "single"}, "x": {Type: "offset", Query: "offset"}, "3": {Type: "next_url", Value: "$.next"}, "http://[": {Type: "link_header"},
		"https://evil.example/": {Type: "link_header"},
	} {
		s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/offset", Records: "$.results[*]", Paging: paging}))
		if _, _, err := pull(t.Context(), s, cursor); err == nil {
			t.Errorf("%s took the cursor %s", paging.Type, cursor)
		}
	}
}

// TestEmptyAnswers shows that class empty and 204 are pages without records and the last ones.
func TestEmptyAnswers(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"class empty": sends(404, `{"error":"Indicator not found."}`), "no content": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
	} {
		server := serve(t, handler)
		c := testConfig(server.URL, sallyport.Request{URL: "/", Paging: sallyport.Paging{Type: "page", Query: "p"}})
		c.Definition.Errors = []connector.ErrorRule{{Status: []int{404}, Match: "not found", Class: connector.ClassEmpty}}
		if records, cursors, err := pull(t.Context(), mustOpen(t, c), ""); err != nil || records != nil || !cmp.Equal(cursors, []string{""}) {
			t.Errorf("%s: %v, %v, %v", name, records, cursors, err)
		}
	}
}

func TestCanceledWhileReading(t *testing.T) {
	server := serve(t, library(100))
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("paused by a person")
	s := mustOpen(t, testConfig(server.URL, sallyport.Request{URL: "/page", Records: "$.results[*]", Paging: sallyport.Paging{Type: "page", Query: "page"}}))
	pages := 0
	for page, err := range s.Pages(ctx, "") {
		if err != nil {
			if err != why || pages != 2 {
				t.Errorf("after %d pages: %v", pages, err)
			}
			return
		}
		for _, err := range page.Records {
			if err != nil {
				t.Fatal(err)
			}
		}
		if pages++; pages == 2 {
			cancel(why)
		}
	}
	t.Error("it went on")
}
