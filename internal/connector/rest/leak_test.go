package rest

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const canary = `CANARY/key+1&<"7>9`

// forms are the ways in which the canary may be written.
func forms() []string {
	encoded := base64.StdEncoding.EncodeToString([]byte("taxii2:" + canary))
	return []string{
		"CANARY", url.QueryEscape(canary), url.PathEscape(canary), hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary))),
		base64.RawStdEncoding.EncodeToString([]byte(canary)), encoded[len(encoded)-16 : len(encoded)-2],
	}
}

// leaks returns the form in which the canary stands in a text, "" if it does not.
func leaks(text string) string {
	for _, form := range forms() {
		if strings.Contains(text, form) {
			return form
		}
	}
	return ""
}

// texts of an error are all that anyone may print of it and of what it wraps.
func errorTexts(err error) string {
	var all strings.Builder
	for ; err != nil; err = errors.Unwrap(err) {
		fmt.Fprintf(&all, "%v\n%+v\n%#v\n%s\n%q\n", err, err, err, err, err)
		if f, ok := err.(*connector.Failure); ok {
			fmt.Fprintf(&all, "%+v\n%#v\n", *f, *f)
			all.WriteString(errorTexts(f.Err))
		}
		if e, ok := err.(*sallyport.Error); ok {
			fmt.Fprintf(&all, "%+v\n%#v\n", *e, *e)
		}
	}
	return all.String()
}

// place is a system that writes down everything that it is sent.
type place struct {
	*httptest.Server
	mu   sync.Mutex
	seen strings.Builder
}

func newPlace(t *testing.T, handler http.HandlerFunc) *place {
	p := new(place)
	p.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		dump, err := httputil.DumpRequest(r, true)
		if err != nil {
			t.Error(err)
		}
		p.mu.Lock()
		p.seen.Write(dump)
		p.mu.Unlock()
		handler(w, r)
	})
	return p
}

// echo answers with a status and everything that came, in every way of writing it.
func echo(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; x="+url.QueryEscape(canary))
		w.Header().Set("Retry-After", canary)
		w.WriteHeader(status)
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
		fmt.Fprintf(w, `{"results":[{"raw":"%s","url":"%s","b64":"%s","hex":"%x","HEX":"%X","header":"%s","query":"%s"}],"error":"bad key %s in %s"}`,
			quoted.Replace(canary), url.QueryEscape(canary), base64.StdEncoding.EncodeToString([]byte("a"+canary+"b")), canary, canary,
			quoted.Replace(fmt.Sprint(r.Header)), r.URL.RawQuery, quoted.Replace(canary), r.URL.RequestURI())
	}
}

func TestTheKeyGoesToItsHostAndNowhereElse(t *testing.T) {
	other := newPlace(t, echo(200))
	elsewhere := strings.Replace(other.URL, "127.0.0.1", "localhost", 1)
	plainBody := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset="+url.QueryEscape(canary))
			w.WriteHeader(status)
			fmt.Fprint(w, body, canary, r.URL, r.Header)
		}
	}
	answers := map[string]http.HandlerFunc{
		"200 echo": echo(200), "401": echo(401), "403": echo(403), "404": echo(404), "429": echo(429), "500": echo(500), "418": echo(418),
		"401 text": plainBody(401, "no "), "HTML": plainBody(200, "<html>"), "broken JSON": plainBody(200, `{"results":[{"`),
		"cut off": cuts(`{"results":[{"a":"` + url.QueryEscape(canary)),
		"not HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(conn, "%s is not HTTP\r\n\r\n", canary) // the client may be gone
			conn.Close()                                        // likewise
		},
		"redirect to another host": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", elsewhere+"/?"+r.URL.RawQuery+"&x="+url.QueryEscape(canary))
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"redirect to a host like the key": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://"+url.PathEscape(canary)+".example/"+url.PathEscape(canary))
			w.WriteHeader(http.StatusFound)
		},
		"link to another host": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"results":[1],"next":"%s/?%s"}`, elsewhere, r.URL.RawQuery)
		},
		"link with the key": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"results":[1],"next":"/%s?%s"}`, url.PathEscape(canary), r.URL.RawQuery)
		},
	}
	for kind, auth := range map[string]connector.Auth{
		"query": {Kind: "query", Name: "key", Secret: "key"}, "header": {Kind: "header", Name: "X-Api-Key", Secret: "key"},
		"basic": {Kind: "basic", Username: "taxii2", Secret: "key"}, "bearer": {Kind: "bearer", Secret: "key"},
		"form": {Kind: "form", Name: "key", Secret: "key"}, "user name": {Kind: "basic", UserSecret: "key", Secret: "value", Suffix: "x"},
		"prefix": {Kind: "header", Name: "Authorization", Prefix: "Token", Secret: "key"},
		"second": {Kind: "none", Also: []connector.Auth{{Kind: "query", Name: "key", Secret: "key"}, {Kind: "header", Name: "X-Key", Secret: "key"}}},
	} {
		for name, handler := range answers {
			t.Run(kind+"/"+name, func(t *testing.T) {
				host := newPlace(t, handler)
				checkNoLeak(t, canaryConfig(host.URL, auth), t.Context(), name == "200 echo")
				if leaks(host.seen.String()) == "" {
					t.Error("the key did not get to its own host")
				}
			})
		}
		t.Run(kind+"/connection refused", func(t *testing.T) {
			down := httptest.NewServer(http.NotFoundHandler())
			down.Close()
			checkNoLeak(t, canaryConfig(down.URL, auth), t.Context(), false)
		})
		t.Run(kind+"/canceled", func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			host := newPlace(t, func(w http.ResponseWriter, r *http.Request) {
				cancel()
				<-r.Context().Done()
			})
			checkNoLeak(t, canaryConfig(host.URL, auth), ctx, false)
		})
	}
	if other.seen.Len() > 0 {
		t.Errorf("the other host was asked:\n%s", other.seen.String())
	}
}

func canaryConfig(address string, auth connector.Auth) Config {
	c := testConfig(address, sallyport.Request{
		URL: "/api", Query: map[string]sallyport.Texts{"q": {"1"}}, Records: "$.results[*]", Paging: sallyport.Paging{Type: "next_url", Value: "$.next"},
	})
	c.Definition.Credential.Auth = auth
	if auth.Kind == connector.AuthForm { // only what is posted has a form
		c.Endpoint.Request.Method = http.MethodPost
	}
	c.Secrets = func(context.Context) (map[string]secret.Text, error) {
		return map[string]secret.Text{"key": secret.New(canary)}, nil
	}
	return c
}

// checkNoLeak pulls a source and looks for the canary in all that comes of it.
func checkNoLeak(t *testing.T, c Config, ctx context.Context, good bool) {
	t.Helper()
	s, err := open(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	records, cursors, err := pull(ctx, s, "")
	if (err == nil) != good || good && len(records) == 0 {
		t.Errorf("%d records, %v", len(records), err)
	}
	all := strings.Join(records, "\n") + strings.Join(cursors, "\n") + errorTexts(err)
	if form := leaks(all); form != "" {
		t.Errorf("leaked as %s:\n%s", form, all)
	}
	if good && strings.Count(all, secret.Redacted) < 5 {
		t.Errorf("the record was not redacted but lost: %s", all)
	}
}

// TestRedactedRecordsStayJSON has secrets where no string is.
func TestRedactedRecordsStayJSON(t *testing.T) {
	c := testConfig(serve(t, sends(200, `{"results":[{"id":1234567890,"ids":[12345678901],"x":"1234567890","1234567890":true},{"id":1}]}`)).URL,
		sallyport.Request{URL: "/", Records: "$.results[*]"})
	c.Secrets = func(context.Context) (map[string]secret.Text, error) {
		return map[string]secret.Text{"key": secret.New("1234567890")}, nil
	}
	records, _, err := pull(t.Context(), mustOpen(t, c), "")
	want := `{"id":"[redacted]","ids":["[redacted]1"],"x":"[redacted]","[redacted]":true}` + "\n" + `{"id":1}`
	if got := strings.Join(records, "\n"); got != want || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}
