package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/egress"
)

// TestCookies sends a cookie back to its own host, and shows its value nowhere.
func TestCookies(t *testing.T) {
	const session = "SESSION-0123456789"
	for _, kept := range []bool{false, true} {
		var sent []string
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			sent = append(sent, r.Header.Get("Cookie"))
			w.Header().Add("Set-Cookie", "sid="+session+"; Path=/")
			w.Header().Add("Set-Cookie", "evil=1; Domain=evil.example")
			if r.URL.Query().Get("c") == "" {
				sends(200, `{"d":[{"id":1,"echo":"`+session+`"}],"n":"x"}`)(w, r)
				return
			}
			sends(200, `{"d":[{"id":2}]}`)(w, r)
		})
		c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.d[*]", Cookies: kept,
			Paging: sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.n", Query: "c"}})
		s := mustOpen(t, c)
		for range 2 { // a run begins without the cookies of another
			sent = nil
			records, _, err := pull(t.Context(), s, "")
			want := []string{"", ""}
			if kept {
				want[1] = "sid=" + session
			}
			if diff := cmp.Diff(want, sent); diff != "" || err != nil || len(records) != 2 {
				t.Errorf("kept %t: %v, %v -want +got:\n%s", kept, records, err, diff)
			}
			if kept && strings.Contains(fmt.Sprint(records), session) {
				t.Errorf("the cookie is in the records: %v", records)
			}
		}
	}
}

func TestCookiesAreBounded(t *testing.T) {
	g := testGate(connector.Auth{}, nil)
	j, f := newJar(), &fleeting{known: g.known}
	at, _ := url.Parse("https://api.example.com/")
	for i := range 1000 {
		h := http.Header{}
		h.Add("Set-Cookie", fmt.Sprintf("c%d=value-%08d; Path=/", i, i))
		h.Add("Set-Cookie", fmt.Sprintf("same=rotating-%08d; Path=/", i))
		h.Add("Set-Cookie", fmt.Sprintf("large=%s", strings.Repeat("x", maxCookie)))
		j.take(at, &http.Response{Header: h}, f)
		if h.Get("Set-Cookie") != "" {
			t.Fatal("the cookie stays in the response")
		}
	}
	if n := len(j.cookies.Cookies(at)); n != maxCookies || len(f.last) != maxFleeting || !g.known.Contains("rotating-00000999") || g.known.Contains("rotating-00000001") {
		t.Errorf("%d cookies, %d secrets", n, len(f.last))
	}
}

// signed are the requests that a store got.
type signed struct {
	*httptest.Server
	mu  sync.Mutex
	got []*http.Request
}

// requests are those that came so far.
func (s *signed) requests() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func newStore(t *testing.T, handler http.HandlerFunc) *signed {
	s := &signed{}
	s.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.got = append(s.got, r)
		s.mu.Unlock()
		handler(w, r)
	})
	return s
}

const signature = "SIGNATURE-0123456789abcdef"

func TestRedirectsToAStore(t *testing.T) {
	list := sends(200, `{"data":[{"id":1,"echo":"`+signature+`"}]}`)
	for _, test := range []struct {
		name     string
		location string // {store} and {own} stand for addresses
		store    http.HandlerFunc
		default_ bool   // without the setting
		want     string // of the error; empty: it is followed
	}{
		{name: "followed", location: "{store}/report.json?X-Amz-Signature=" + signature},
		{name: "by default", location: "{store}/x?s=" + signature, default_: true, want: "declare `follow: without_key`"},
		{name: "with the key", location: "{store}/x?key=" + testKey, want: "contains the key"},
		{name: "with the key, escaped", location: "{store}/x?k=%54ESTKEY-0123456789abcdef", want: "contains the key"},
		{name: "http", location: "http://store.example/x?s=" + signature, want: "with https only"},
		{name: "metadata service", location: "http://169.254.169.254/latest/meta-data", want: "with https only"},
		{name: "metadata service over https", location: "https://169.254.169.254/latest", want: "169.254.169.254"},
		{name: "private network", location: "https://10.0.0.1/x", want: "10.0.0.1"},
		{name: "a port of this machine that nothing allows", location: "http://127.0.0.1:1/x", want: "127.0.0.1:1"},
		{name: "user information", location: "https://a:b@store.example/x", want: "is not followed"},
		{name: "another scheme", location: "file:///etc/passwd", want: "is not followed"},
		{name: "back", location: "{store}/x", store: redirects301("{own}/secret"), want: "leads back to the system"},
		{name: "a loop", location: "{store}/x", store: redirects301("/x"), want: "redirects too often"},
		{name: "refused", location: "{store}/x?s=" + signature, store: sends(403, `<Error><Message>Request has expired `+signature+`</Message></Error>`), want: "Request has expired [redacted]"},
		{name: "cut off from the network", location: "{store}/x?s=" + signature, store: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, want: "cannot be reached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var own *httptest.Server
			replace := func(text string) string { return strings.ReplaceAll(text, "{own}", own.URL) }
			store := newStore(t, func(w http.ResponseWriter, r *http.Request) {
				if test.store == nil {
					list(w, r)
					return
				}
				test.store(&replacing{w, replace}, r)
			})
			asked := 0
			own = serve(t, func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.Header().Set("Set-Cookie", "sid=COOKIE-0123456789")
				w.Header().Set("Location", strings.ReplaceAll(test.location, "{store}", store.URL))
				w.WriteHeader(http.StatusFound)
			})
			request := sallyport.Request{URL: "/a", Records: "$.data[*]", Headers: map[string]string{"X-Own": "private"}, Cookies: true, Follow: sallyport.FollowWithoutKey}
			if test.default_ {
				request.Follow = ""
			}
			c := testConfig(own.URL, request)
			c.Definition.Credential.Auth = connector.Auth{Kind: connector.AuthHeader, Name: "X-Key", Secret: "key"}
			port, _ := url.Parse(store.URL)
			allowed := egress.Policy{Sandbox: func(p uint16) bool { return fmt.Sprint(p) == port.Port() }}
			c.Outside = func(address *url.URL) http.RoundTripper { return allowed.Transport(address, false) }
			s, err := open(c, 1)
			if err != nil {
				t.Fatal(err)
			}
			records, _, err := pull(context.Background(), s, "")
			text := fmt.Sprint(records, err)
			if (err == nil) != (test.want == "") || !strings.Contains(text, test.want) || strings.Contains(text, signature) || strings.Contains(text, testKey) {
				t.Errorf("got %s", text)
			}
			if f, ok := err.(*connector.Failure); ok && f.Verdict() != sallyport.VerdictUnreachable {
				t.Errorf("it says of the key: %s", f.Verdict())
			}
			for _, r := range store.requests() {
				if r.Header.Get("X-Key") != "" || r.Header.Get("Cookie") != "" || r.Header.Get("X-Own") != "" || r.Referer() != "" || r.Method != "GET" {
					t.Errorf("the store got %v", r.Header)
				}
			}
			if asked != 1 || len(store.requests()) > maxRedirects {
				t.Errorf("%d requests, %d to the store", asked, len(store.requests()))
			}
		})
	}
}

// TestNoStoreOnThisMachine for a system elsewhere, whatever may be reached here.
func TestNoStoreOnThisMachine(t *testing.T) {
	c := testConfig("https://api.example.com", sallyport.Request{URL: "/a", Follow: sallyport.FollowWithoutKey})
	c.Outside = func(*url.URL) http.RoundTripper { t.Error("it is reached"); return nil }
	c.Transport = func(*url.URL) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 302, Header: http.Header{"Location": {"http://127.0.0.1:9200/x"}}, Body: http.NoBody}, nil
		})
	}
	if f := failureOf(t, c); !strings.Contains(f.Error(), "leads to this machine, which is not followed") {
		t.Error(f)
	}
}

func redirects301(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusMovedPermanently)
	}
}

// replacing writes headers with the addresses in them.
type replacing struct {
	http.ResponseWriter
	replace func(string) string
}

func (r *replacing) WriteHeader(status int) {
	if to := r.Header().Get("Location"); to != "" {
		r.Header().Set("Location", r.replace(to))
	}
	r.ResponseWriter.WriteHeader(status)
}
