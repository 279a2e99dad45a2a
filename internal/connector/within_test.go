package connector_test

import (
	"net/url"
	"path"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

func TestWithin(t *testing.T) {
	for _, test := range []struct {
		base, path string
		want       bool
	}{
		{"/api", "/api", true},
		{"/api", "/api/", true},
		{"/api/", "/api/x", true},
		{"/api", "/api/x/y.json", true},
		{"/api", "/api/v1.2/..x/x../...", true},
		{"/api", "/api/100%25/a%20b%2Fc", true},
		{"/api", "/api/http:%2F%2Fx.example%2Fa", true},
		{"/api", "/api//x", true},
		{"/api", "/api;x/y", false},
		{"", "", true},
		{"", "/", true},
		{"", "/anything/at/all", true},
		{"/", "/x", true},
		{"/caf%C3%A9", "/caf%C3%A9/x", true},

		{"/api", "/api2", false},
		{"/api", "/api2/x", false},
		{"/api", "/ap", false},
		{"/api", "/", false},
		{"/api", "", false},
		{"/api", "/API/x", false},
		{"/api", "//api/x", false},
		{"/api", "/%61pi/x", false},
		{"/api", "/api%2Fx", false},
		{"/api", "/api/..", false},
		{"/api", "/api/.", false},
		{"/api", "/api/./x", false},
		{"/api", "/api/../admin", false},
		{"/api", "/api/x/../y", false},
		{"/api", "/api/%2e%2e/admin", false},
		{"/api", "/api/%2E%2E%2Fadmin", false},
		{"/api", "/api/.%2e/admin", false},
		{"/api", "/api/%252e%252e/admin", false},
		{"/api", "/api/%25252e%25252e/admin", false},
		{"/api", "/api/%2525252525252e%2525252525252e/admin", false},
		{"/api", `/api/..\admin`, false},
		{"/api", "/api/..%5cadmin", false},
		{"/api", "/api/x%5C..%5C..%5Cadmin", false},
		{"/api", "/api/..;/admin", false},
		{"/api", "/api/.;/admin", false},
		{"/api", "/api/..;x=1/admin", false},
		{"/api", "/api/..%3bx/admin", false},
		{"/api", "/api/..%20/admin", false},
		{"/api", "/api/%20..%09/admin", false},
		{"/api", "/api/..%00/admin", false},
		{"/api", "/api/x%00/y", false},
		{"/api", "/api/x%0d%0aHost:y", false},
		{"/api", "/api/%c0%ae%c0%ae/admin", false},
		{"/api", "/api/%c0%ae%c0%ae%c0%afadmin", false},
		{"/api", "/api/%e0%80%ae%e0%80%ae/admin", false},
		{"/api", "/api/%u002e%u002e/admin", false},
		{"", "/../admin", false},
		{"", "/%2e%2e/admin", false},
	} {
		if got := connector.Within(test.base, test.path); got != test.want {
			t.Errorf("%q within %q: %t", test.path, test.base, got)
		}
	}
}

// FuzzWithin decodes what is let through as servers do, and finds that it has stayed.
func FuzzWithin(f *testing.F) {
	for _, seed := range []string{"/api/%2e%2e/admin", "/api/..%5c..%5cx", "/api/.;/..;/x", "/api/%25%32%65./x", "/api//..%2f", "/api/a%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		if !connector.Within("/api", written) {
			return
		}
		for text, rounds := written, 0; rounds < 5; rounds++ {
			for _, server := range []string{text, strings.ReplaceAll(text, `\`, "/"), withoutParameters(text)} {
				if clean := path.Clean(server); clean != "/api" && !strings.HasPrefix(clean, "/api/") {
					t.Fatalf("%q leads to %q", written, clean)
				}
			}
			decoded, err := url.PathUnescape(text)
			if err != nil {
				return
			}
			text = decoded
		}
	})
}

// withoutParameters cuts every part of a path at its semicolon.
func withoutParameters(text string) string {
	parts := strings.Split(text, "/")
	for i := range parts {
		parts[i], _, _ = strings.Cut(parts[i], ";")
	}
	return strings.Join(parts, "/")
}

// TestTransportHeaders tries them as the place of a key and in a request described by hand.
func TestTransportHeaders(t *testing.T) {
	catalogue, err := connector.NewCatalogue(connectors.FS, nil)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := catalogue.Definition("rest")
	if err != nil {
		t.Fatal(err)
	}
	carry := func(name string) error {
		public := map[string]string{"address": "https://api.example.com", "auth": "header", "name": name}
		_, err := rest.CheckCredential(public, map[string]secret.Text{"value": secret.New("0123456789abcdef")})
		return err
	}
	send := func(name, value string) error {
		return rest.CheckRequest(&sallyport.Request{URL: "/x", Headers: map[string]string{name: value}})
	}
	for _, name := range []string{
		"Host", "host", "HOST", " Host", "Host ", "Content-Length", "content-length", "Transfer-Encoding", "Connection", "Trailer", "Upgrade",
		"TE", "te", "Keep-Alive", "Proxy-Authorization", "proxy-anything", "Proxy-Connection", "HTTP2-Settings", "Expect", ":authority", ":path",
	} {
		err := carry(name)
		if err == nil || !strings.HasPrefix(err.Error(), "name: ") {
			t.Errorf("a key in the header %q: %v", name, err)
		}
		if err := send(name, "x"); err == nil || !strings.HasPrefix(err.Error(), "headers: ") {
			t.Errorf("a request with the header %q: %v", name, err)
		}
	}
	for _, name := range []string{"Authorization", "Cookie", "X-API-Key", "X-Host", "Api-Connection"} {
		if err := carry(name); err != nil {
			t.Errorf("a key in the header %q: %v", name, err)
		}
	}
	for _, value := range []string{"a\r\nHost: b", "a\nb", "a\x00b", "a\rb"} {
		if err := send("X-A", value); err == nil {
			t.Errorf("a request with the value %q", value)
		}
	}
}
