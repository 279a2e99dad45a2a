package rest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/ratelimit"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// testGate is a gate to https://api.example.com whose requests go to next.
func testGate(auth connector.Auth, next tripper) *gate {
	return &gate{
		origins: []string{"https://api.example.com:443"},
		auth:    auth,
		secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New(testKey), "other": secret.New("OTHERKEY-0123456789")}, nil
		},
		known: new(secret.Redactor),
		next:  next,
	}
}

func testRequest(t *testing.T, target string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func answers(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func TestGatePutsTheKeyOnACloneOnly(t *testing.T) {
	for _, test := range []struct {
		name, target string
		auth         connector.Auth
		url          string
		header       http.Header
	}{
		{"query", "https://api.example.com/a?b=c", connector.Auth{Kind: "query", Name: "key", Secret: "key"},
			"https://api.example.com/a?b=c&key=" + testKey, http.Header{"X": {"y"}}},
		{"only query", "https://api.example.com/a", connector.Auth{Kind: "query", Name: "api key", Secret: "key"},
			"https://api.example.com/a?api%20key=" + testKey, http.Header{"X": {"y"}}},
		{"query that is there already", "https://api.example.com/a?k%65y=x&b=%7C;&key=y", connector.Auth{Kind: "query", Name: "key", Secret: "key"},
			"https://api.example.com/a?b=%7C;&key=" + testKey, http.Header{"X": {"y"}}},
		{"header", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "X-Key", Secret: "key"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "X-Key": {testKey}}},
		{"basic", "https://api.example.com/a", connector.Auth{Kind: "basic", Username: "taxii2", Secret: "key"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {"Basic dGF4aWkyOlRFU1RLRVktMDEyMzQ1Njc4OWFiY2RlZg=="}}},
		{"bearer", "https://API.example.com:443/a", connector.Auth{Kind: "bearer", Secret: "key"},
			"https://API.example.com:443/a", http.Header{"X": {"y"}, "Authorization": {"Bearer " + testKey}}},
		{"none", "https://api.example.com/a?key=mine", connector.Auth{Kind: "none", Name: "key", Secret: "key"},
			"https://api.example.com/a?key=mine", http.Header{"X": {"y"}}},
		{"word before", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "Authorization", Prefix: "Token", Secret: "key"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {"Token " + testKey}}},
		{"word and space before", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "Authorization", Prefix: "GenieKey ", Secret: "key"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {"GenieKey " + testKey}}},
		{"around", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "Authorization", Prefix: `Token token="`, Suffix: `"`, Secret: "key"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {`Token token="` + testKey + `"`}}},
		{"around in a query", "https://api.example.com/a", connector.Auth{Kind: "query", Name: "k", Prefix: "a", Suffix: ":", Secret: "key"},
			"https://api.example.com/a?k=a" + testKey + "%3A", http.Header{"X": {"y"}}},
		{"user name", "https://api.example.com/a", connector.Auth{Kind: "basic", UserSecret: "key", Secret: "none"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {basic(testKey + ":")}}},
		{"user name, public password", "https://api.example.com/a", connector.Auth{Kind: "basic", UserSecret: "key", Secret: "none", Suffix: "api_token"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {basic(testKey + ":api_token")}}},
		{"both parts", "https://api.example.com/a", connector.Auth{Kind: "basic", UserSecret: "key", Secret: "other"},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Authorization": {basic(testKey + ":OTHERKEY-0123456789")}}},
		{"two headers", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "DD-Api-Key", Secret: "key",
			Also: []connector.Auth{{Kind: "header", Name: "DD-Application-Key", Secret: "other"}}},
			"https://api.example.com/a", http.Header{"X": {"y"}, "Dd-Api-Key": {testKey}, "Dd-Application-Key": {"OTHERKEY-0123456789"}}},
		{"two parameters", "https://api.example.com/a?token=mine&b=c", connector.Auth{Kind: "query", Name: "key", Secret: "key",
			Also: []connector.Auth{{Kind: "query", Name: "token", Secret: "other"}}},
			"https://api.example.com/a?b=c&key=" + testKey + "&token=OTHERKEY-0123456789", http.Header{"X": {"y"}}},
		{"second not chosen", "https://api.example.com/a", connector.Auth{Kind: "header", Name: "X-Key", Secret: "key", Also: []connector.Auth{{Secret: "other"}}},
			"https://api.example.com/a", http.Header{"X": {"y"}, "X-Key": {testKey}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var sent *http.Request
			g := testGate(test.auth, func(r *http.Request) (*http.Response, error) { sent = r; return answers(r) })
			request := testRequest(t, test.target)
			request.Header.Set("X", "y")
			request.Host = "elsewhere.example"
			response, err := g.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.header, sent.Header); sent.URL.String() != test.url || diff != "" {
				t.Errorf("sent %s, headers -want +got:\n%s", sent.URL, diff)
			}
			if sent.Host != "" {
				t.Errorf("sent for the host %s", sent.Host)
			}
			if response.Request != request || request.URL.String() != test.target || len(request.Header) != 1 {
				t.Errorf("the caller's request is now %v", request)
			}
		})
	}
}

func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

// TestEveryKeyIsNeeded leaves the second key out, and has it in the link to the next page.
func TestEveryKeyIsNeeded(t *testing.T) {
	auth := connector.Auth{Kind: "query", Name: "key", Secret: "key", Also: []connector.Auth{{Kind: "query", Name: "token", Secret: "absent"}}}
	g := testGate(auth, func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	})
	if _, err := g.RoundTrip(testRequest(t, "https://api.example.com/a")); sallyport.CodeOf(err) != sallyport.Unauthenticated || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
	to, err := g.follow(testRequest(t, "https://api.example.com/a").URL, "/b?token=t&page=2&key=k")
	if err != nil || to.String() != "https://api.example.com/b?page=2" {
		t.Error(to, err)
	}
}

func TestGateRefusesOtherPlaces(t *testing.T) {
	for _, target := range []string{
		"https://evil.example/a", "https://api.example.com.evil.example/a", "https://api.example.com:8443/a", "http://api.example.com/a",
		"http://api.example.com:443/a", "https://x@api.example.com/a", "https://api.example.com./a", "ftp://api.example.com/a", "https://sub.api.example.com/a",
		"https://127.0.0.1/a", "https:///a",
	} {
		g := testGate(connector.Auth{Kind: "query", Name: "key", Secret: "key"}, func(*http.Request) (*http.Response, error) {
			t.Errorf("%s was asked", target)
			return nil, io.EOF
		})
		if _, err := g.RoundTrip(testRequest(t, target)); sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestOrigins(t *testing.T) {
	hosts := []string{"pulsedive.com", "api.pulsedive.com:8443"}
	official := []string{"https://pulsedive.com:443", "https://api.pulsedive.com:8443"}
	for address, want := range map[string][]string{
		"https://pulsedive.com":          official,
		"https://PULSEDIVE.com:443/base": official,
		"https://pulsedive.com:444":      {"https://pulsedive.com:444"},
		"https://private.example":        {"https://private.example:443"},
		"http://127.0.0.1:8421":          {"http://127.0.0.1:8421"},
		"http://[::1]":                   {"http://[::1]:80"},
	} {
		u, err := checkAddress(address)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, originsOf(u, hosts)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", address, diff)
		}
	}
}

func TestCheckAddressRefuses(t *testing.T) {
	for _, address := range []string{
		"", "pulsedive.com", "http://pulsedive.com", "http://localhost.evil.example", "http://10.0.0.1", "ftp://127.0.0.1", "https://", "https://u:p@h",
		"https://h?x", "https://h#x", "://", "http://2130706433",
	} {
		if u, err := checkAddress(address); err == nil {
			t.Errorf("%q was taken as %s", address, u)
		}
	}
}

func TestGateNeedsItsKey(t *testing.T) {
	sent := false
	g := testGate(connector.Auth{Kind: "query", Name: "key", Secret: "absent"}, func(r *http.Request) (*http.Response, error) {
		sent = true
		return answers(r)
	})
	if _, err := g.RoundTrip(testRequest(t, "https://api.example.com")); sallyport.CodeOf(err) != sallyport.Unauthenticated || sent {
		t.Errorf("sent %t, %v", sent, err)
	}
	locked := errors.New("the vault is locked")
	g.secrets = func(context.Context) (map[string]secret.Text, error) { return nil, locked }
	if _, err := g.RoundTrip(testRequest(t, "https://api.example.com")); !errors.Is(err, locked) || sent {
		t.Errorf("sent %t, %v", sent, err)
	}
}

func TestGateUsesANewKeyAtOnce(t *testing.T) {
	var got []string
	g := testGate(connector.Auth{Kind: "bearer", Secret: "key"}, func(r *http.Request) (*http.Response, error) {
		got = append(got, r.Header.Get("Authorization"))
		return answers(r)
	})
	for _, key := range []string{"the-first-key", "the-second-key"} {
		g.secrets = func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New(key)}, nil
		}
		if _, err := g.RoundTrip(testRequest(t, "https://api.example.com")); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"Bearer the-first-key", "Bearer the-second-key"}, got); diff != "" {
		t.Error(diff)
	}
	if text := g.known.String("the-first-key the-second-key"); strings.Contains(text, "key") {
		t.Errorf("not redacted: %s", text)
	}
}

func TestGateRebuildsErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	for _, test := range []struct {
		err  error
		want fault
	}{
		{&url.Error{Op: "Get", URL: "https://api.example.com/?key=" + testKey, Err: refused}, fault{text: "dial tcp: connection refused", unsent: true}},
		{fmt.Errorf("malformed response %q", "x "+testKey), fault{text: `malformed response "x [redacted]"`}},
		{&net.OpError{Op: "read", Net: "tcp", Err: io.ErrUnexpectedEOF}, fault{text: "read tcp: unexpected EOF"}},
		{&net.OpError{Op: "dial", Net: "tcp", Err: sallyport.Errorf(sallyport.Invalid, "no public address")},
			fault{text: "dial tcp: no public address", unsent: true, lasting: true}},
	} {
		g := testGate(connector.Auth{Kind: "query", Name: "key", Secret: "key"}, func(*http.Request) (*http.Response, error) { return nil, test.err })
		_, err := g.RoundTrip(testRequest(t, "https://api.example.com"))
		got, ok := errors.AsType[*fault](err)
		if !ok || *got != test.want || errors.Unwrap(err) != nil {
			t.Errorf("got %#v, want %#v", err, test.want)
		}
	}
}

func TestGateHidesTheKeyFromTraces(t *testing.T) {
	server := serve(t, sends(200, `{}`))
	var seen []string
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteHeaderField: func(name string, values []string) { seen = append(seen, name+strings.Join(values, "")) },
	})
	c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$"})
	c.Definition.Credential.Auth = connector.Auth{Kind: connector.AuthBearer, Secret: "key"}
	if _, _, err := pull(ctx, mustOpen(t, c), ""); err != nil {
		t.Fatal(err)
	}
	if len(seen) > 0 {
		t.Errorf("a trace saw %v", seen)
	}
}

// TestHeadersAreRedactedBeforeAnyoneReadsThem has a key that would be a time to wait.
func TestHeadersAreRedactedBeforeAnyoneReadsThem(t *testing.T) {
	g := &gate{auth: connector.Auth{Kind: connector.AuthBearer, Secret: "key"}, origins: []string{"https://api.example.com:443"}, known: new(secret.Redactor),
		secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New("1234567890")}, nil
		},
		next: tripper(func(*http.Request) (*http.Response, error) {
			header := http.Header{"Retry-After": {"1234567890"}, "X-Reset": {"in%201234567890", "soon"}, "Location": {"/1234567890"}}
			return &http.Response{Status: "429 Not with 12345678\u00390", StatusCode: 429, Header: header}, nil
		})}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := g.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(response.Status, response.Header["Retry-After"], response.Header["X-Reset"])
	if want := "429 Not with [redacted][[redacted]] [in%20[redacted] soon]"; got != want {
		t.Errorf("got %s", got)
	}
	if !ratelimit.Until(response.Header, time.Now()).IsZero() {
		t.Error("the key is taken for a time")
	}
	if _, err := g.follow(request.URL, response.Header.Get("Location")); err == nil || strings.Contains(err.Error(), "123") {
		t.Errorf("a link with the key: %v", err)
	}
}

func TestHostOf(t *testing.T) {
	named := testDefinition()
	hosted := testDefinition()
	hosted.Credential.Fields, hosted.Credential.Hosts = nil, []string{"feeds.example.com", "other.example.com"}
	for _, c := range []struct {
		definition *connector.Definition
		address    string
		want       string
	}{
		{named, "", "api.example.com:443"},
		{named, "https://API.example.com/v1", "api.example.com:443"},
		{named, "https://api.example.com:443", "api.example.com:443"},
		{named, "https://api.example.com:8443", "api.example.com:8443"},
		{named, "http://127.0.0.1", "127.0.0.1:80"},
		{named, "http://[::1]:8080/x", "[::1]:8080"},
		{hosted, "", "feeds.example.com:443"},
		{named, "no address", ""},
		{&connector.Definition{}, "", ""},
	} {
		if got := HostOf(c.definition, map[string]string{connector.AddressField: c.address}); got != c.want {
			t.Errorf("%q: %q, want %q", c.address, got, c.want)
		}
	}
}

// TestKeyInTheSchemeOfALink repeats a key as the scheme of a redirect: parsing folds its case, so that redaction cannot know it any more.
func TestKeyInTheSchemeOfALink(t *testing.T) {
	const key = "ABCDEF0123456789ABCDEF0123456789"
	u, err := url.Parse(key + "://evil.example/x")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{origins: []string{"https://api.example:443"}, known: secret.NewRedactor(secret.New(key))}
	if refused := g.admit(u); refused == nil || strings.Contains(strings.ToLower(refused.Error()), strings.ToLower(key)) {
		t.Errorf("%v", refused)
	}
}
