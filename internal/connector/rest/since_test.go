package rest

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	windows "github.com/sallyport-io/sallyport/internal/connector/window"
)

// TestTimesInRequests sends each format to each place. The window is that of a gap, so it does not depend on the clock.
func TestTimesInRequests(t *testing.T) {
	var got string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		query := r.URL.Query()
		query.Del("key")
		body, _ := io.ReadAll(r.Body)
		got, _ = url.QueryUnescape(r.URL.EscapedPath() + "?" + query.Encode() + " " + r.Header.Get("X-Since") + " " + string(body))
		sends(http.StatusOK, "[]")(w, r)
	})
	for _, test := range []struct {
		format  string
		request sallyport.Request
		want    string
	}{
		{"", sallyport.Request{URL: "/a", Query: map[string]sallyport.Texts{"from": {"{since}"}, "to": {"{until}"}}}, `/a?from=2026-01-01T00:00:00Z&to=2026-02-03T04:05:06Z  `},
		{"date", sallyport.Request{URL: "/a/{since}/{until}"}, `/a/2026-01-01/2026-02-03?  `},
		{"unix", sallyport.Request{Method: "POST", URL: "/a", Body: `{"q":{"gte":{since},"text":"since {since}"}}`}, `/a?  {"q":{"gte":1767225600,"text":"since 1767225600"}}`},
		{"unix_ms", sallyport.Request{URL: "/a", Query: map[string]sallyport.Texts{"q": {"updated>={since} AND updated<{until}"}}}, `/a?q=updated>=1767225600000 AND updated<1770091506000  `},
		{"%d/%m/%Y %H:%M", sallyport.Request{URL: "/a", Headers: map[string]string{"X-Since": "{since}"}}, `/a? 01/01/2026 00:00 `},
		{"rfc3339", sallyport.Request{Method: "POST", URL: "/a", Body: `{"gte":{since}}`}, `/a?  {"gte":"2026-01-01T00:00:00Z"}`},
	} {
		test.request.Records, test.request.Since = "$[*]", sallyport.Since{Format: test.format, Start: "now-1d"}
		source, err := OpenSince(testConfig(server.URL, test.request), windows.Bounds{
			Since: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC),
		})
		if err != nil {
			t.Fatal(err)
		}
		for page, err := range source.Pages(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			for range page.Records {
			}
		}
		if got != test.want {
			t.Errorf("%q: requested %q, not %q", test.format, got, test.want)
		}
	}
}

// TestFirstRequestLeavesSinceOut and the next one has it; {now-5d} needs no since.
func TestFirstRequestLeavesSinceOut(t *testing.T) {
	var queries []url.Values
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.Query())
		sends(http.StatusOK, `[{"id":1,"at":1767225600}]`)(w, r)
	})
	request := sallyport.Request{
		URL: "/", Records: "$[*]", Query: map[string]sallyport.Texts{"from": {"{since}"}, "day": {"{now-5d}"}}, Since: sallyport.Since{Field: "at", Format: "date"},
	}
	cursor := ""
	for range 2 {
		source, err := OpenSince(testConfig(server.URL, request), windows.Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		for page, err := range source.Pages(t.Context(), cursor) {
			if err != nil {
				t.Fatal(err)
			}
			for range page.Records {
			}
			cursor = page.Resume
		}
	}
	if len(queries) != 2 || queries[0].Has("from") || queries[1].Get("from") != "2026-01-01" {
		t.Errorf("requested %v", queries)
	}
	if day := queries[0].Get("day"); !regexp.MustCompile(`^20\d\d-\d\d-\d\d$`).MatchString(day) {
		t.Errorf("five days ago is %q", day)
	}
}
