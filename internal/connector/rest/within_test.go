package rest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// TestKeyStaysBelowTheAddress lets a system whose address has the path /api lead elsewhere in every way, with every spelling.
func TestKeyStaysBelowTheAddress(t *testing.T) {
	var mu sync.Mutex
	var target string  // where the system leads
	var asked []string // where it was asked
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.RequestURI)
		if r.URL.Path != "/api/start" {
			fmt.Fprint(w, `{"items": []}`)
			return
		}
		switch r.URL.Query().Get("how") {
		case "redirect":
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusFound)
		case "link":
			w.Header().Set("Link", "<"+target+`>; rel="next"`)
			fallthrough
		default:
			fmt.Fprintf(w, `{"items": [1], "next": %q}`, target)
		}
	})
	for _, to := range []string{
		"/admin", "../admin", "/api/../admin", "/api2", "/api2/x", "/api/%2e%2e/admin", "/api/%2E%2E%2Fadmin", "/api/..%5cadmin", "/api/..;/admin",
		"//HOST/admin", "/api/%252e%252e/admin", "/api%2f..%2fadmin", "/API/x", "%2e%2e/admin", "/api/x%00/y",
	} {
		for how, paging := range map[string]sallyport.Paging{
			"redirect": {Type: sallyport.PagingSingle},
			"link":     {Type: sallyport.PagingLinkHeader},
			"value":    {Type: sallyport.PagingNextURL, Value: "$.next"},
		} {
			mu.Lock()
			target, asked = strings.ReplaceAll(to, "HOST", strings.TrimPrefix(server.URL, "http://")), nil
			mu.Unlock()
			c := testConfig(server.URL+"/api", sallyport.Request{URL: "/start", Query: map[string]sallyport.Texts{"how": {how}}, Records: "$.items[*]", Paging: paging})
			_, _, err := pull(t.Context(), mustOpen(t, c), "")
			if err == nil {
				t.Errorf("%s to %s: it was followed", how, to)
			}
			mu.Lock()
			if len(asked) != 1 {
				t.Errorf("%s to %s: it asked for %q", how, to, asked)
			}
			mu.Unlock()
		}
		c := testConfig(server.URL+"/api", sallyport.Request{URL: "/x" + to, Records: "$"})
		if s, err := Open(c); err == nil && !strings.HasPrefix(s.first.url.Path, "/api/") {
			t.Errorf("a first request goes to %s", s.first.url)
		}
	}
}

// TestPathsBelowTheAddressAreFollowed shows that what stays there is followed.
func TestPathsBelowTheAddressAreFollowed(t *testing.T) {
	var last string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		last = r.RequestURI
		if r.URL.Path == "/api/start" {
			w.Header().Set("Location", r.URL.Query().Get("to"))
			w.WriteHeader(http.StatusFound)
			return
		}
		fmt.Fprint(w, `[]`)
	})
	for to, want := range map[string]string{
		"/api/x": "/api/x", "x/y": "/api/x/y", "./z": "/api/z", "/api/a/../b": "/api/b", "/api?x=1": "/api?x=1", "/api/a%2Fb..c": "/api/a%2Fb..c",
	} {
		c := testConfig(server.URL+"/api", sallyport.Request{URL: "/start", Query: map[string]sallyport.Texts{"to": {to}}, Records: "$[*]"})
		if _, _, err := pull(t.Context(), mustOpen(t, c), ""); err != nil {
			t.Errorf("%s: %v", to, err)
		}
		if got := strings.TrimRight(strings.Replace(last, "key="+testKey, "", 1), "?&"); got != want {
			t.Errorf("%s leads to %s, want %s", to, got, want)
		}
	}
}
