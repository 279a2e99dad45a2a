package app

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// enter sends a request through the door. It returns the status, and where the request is from for those behind.
func enter(d door, path, host, peer string, forwarded ...string) (status int, from, text string) {
	d.next = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { from = r.RemoteAddr })
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 5), Port: 8420}))
	r.Host, r.RemoteAddr = host, peer
	for _, f := range forwarded {
		r.Header.Add("X-Forwarded-For", f)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Code, from, w.Body.String()
}

// TestHostIsChecked tries names that a web site could give this machine, on every kind of path.
func TestHostIsChecked(t *testing.T) {
	d := door{hosts: []string{"sallyport.example.com", "intern:8443"}}
	for host, served := range map[string]bool{
		"localhost": true, "localhost:8420": true, "LocalHost:1": true, "127.0.0.1:8420": true, "127.9.9.9": true, "[::1]:8420": true, "[::1]": true,
		"sallyport.localhost:8420": true, "sallyport.localhost.": true, "10.0.0.5:8420": true, "[::ffff:10.0.0.5]:8420": true,
		"sallyport.example.com": true, "Sallyport.Example.COM:443": true, "intern:8443": true,
		"": false, "evil.example": false, "evil.example:8420": false, "localhost.evil.example": false, "evil.localhost": false,
		"10.0.0.6:8420": false, "intern": false, "intern:1": false, "sallyport.example.com.evil.example": false, "x.sallyport.example.com": false,
		"127.0.0.1.evil.example": false, "2130706433": false, "0x7f.1": false, "0.0.0.0": false, "localhost@evil.example": false,
	} {
		for _, path := range []string{"/", "/sign-in", "/api/v1/flows", "/api/docs", "/healthz", "/readyz", "/static/app.css"} {
			status, _, text := enter(d, path, host, "192.0.2.1:5")
			if want := map[bool]int{true: 200, false: 421}[served]; status != want {
				t.Errorf("%s at %q: status %d, want %d", path, host, status, want)
			}
			if !served && !strings.Contains(text, "setting hosts") {
				t.Errorf("%s at %q: it says %q", path, host, text)
			}
		}
	}
}

// TestKeyAsHostIsNotRepeated answers requests that have a key where an address belongs, or beside it.
func TestKeyAsHostIsNotRepeated(t *testing.T) {
	const key = "4eC39HqLyjWDarjtT1zdp7dc"
	for _, host := range []string{key, key + ":8420", key + ".example.com", "evil.example", "user:" + key + "@evil.example"} {
		for _, path := range []string{"/", "/" + key, "/api/v1/flows/" + key, "/api/v1/flows?key=" + key, "/sign-in?next=" + key} {
			if status, _, text := enter(door{}, path, host, "192.0.2.1:5"); status != http.StatusMisdirectedRequest || strings.Contains(text, key) || !strings.Contains(text, "setting hosts") {
				t.Errorf("%s at %s: status %d, %s", path, host, status, text)
			}
		}
	}
}

// TestClientAddress believes only what a trusted proxy saw itself.
func TestClientAddress(t *testing.T) {
	d := door{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	for _, test := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:5", nil, "192.0.2.1:5"},
		{"192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1:5"},
		{"10.0.0.1:5", nil, "10.0.0.1:0"},
		{"10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9:0"},
		{"10.0.0.1:5", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9:0"},
		{"10.0.0.1:5", []string{"1.1.1.1", "203.0.113.9, 10.0.0.2"}, "203.0.113.9:0"},
		{"10.0.0.1:5", []string{"1.1.1.1", "203.0.113.9", "10.3.0.2,10.0.0.2"}, "203.0.113.9:0"},
		{"10.0.0.1:5", []string{"10.0.0.9, 10.0.0.8"}, "10.0.0.9:0"},
		{"10.0.0.1:5", []string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2:0"},
		{"10.0.0.1:5", []string{"203.0.113.9:1234"}, "203.0.113.9:0"},
		{"[::1]:5", []string{"[2001:db8::7]:99"}, "[2001:db8::7]:0"},
		{"[::1]:5", []string{"[2001:db8::7]"}, "[2001:db8::7]:0"},
		{"[::ffff:10.0.0.1]:5", []string{"::ffff:203.0.113.9"}, "203.0.113.9:0"},
		{"10.0.0.1:5", []string{"garbage"}, "10.0.0.1:0"},
		{"10.0.0.1:5", []string{""}, "10.0.0.1:0"},
	} {
		if _, got, _ := enter(d, "/", "localhost", test.peer, test.forwarded...); got != test.want {
			t.Errorf("%s with %q: from %q, want %q", test.peer, test.forwarded, got, test.want)
		}
	}
}
