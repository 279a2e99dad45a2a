package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

func TestControl(t *testing.T) {
	private := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::/8")}
	for _, test := range []struct {
		name, address, target string
		allow                 []netip.Prefix
		refused               string // part of the error; empty: the connection is made
	}{
		{"public IPv4", "https://api.example.com", "93.184.216.34:443", nil, ""},
		{"public IPv6", "https://api.example.com", "[2606:4700::6810:84e5]:443", nil, ""},
		{"public, other port", "https://api.example.com:8443", "93.184.216.34:8443", nil, ""},
		{"private", "https://api.example.com", "10.1.2.3:443", nil, "add its network (such as 10.1.2.3/32) to the setting egress.allow_private"},
		{"private, allowed", "https://api.example.com", "10.1.2.3:443", private, ""},
		{"private, another allowed", "https://api.example.com", "10.2.2.3:443", private, "egress.allow_private"},
		{"private, as mapped IPv6", "https://api.example.com", "[::ffff:10.2.2.3]:443", private, "egress.allow_private"},
		{"private, allowed, as mapped IPv6", "https://api.example.com", "[::ffff:10.1.2.3]:443", private, ""},
		{"unique local IPv6", "https://api.example.com", "[fd12::1]:443", nil, "such as fd12::1/128"},
		{"unique local IPv6, allowed", "https://api.example.com", "[fd12::1]:443", private, ""},
		{"link-local with zone", "https://api.example.com", "[fe80::1%eth0]:443", nil, "egress.allow_private"},
		{"metadata service", "https://api.example.com", "169.254.169.254:80", nil, "egress.allow_private"},
		{"shared address space", "https://api.example.com", "100.64.0.1:443", nil, "egress.allow_private"},
		{"this network", "https://api.example.com", "0.0.0.0:443", nil, "does not name"},
		{"any IPv6", "https://api.example.com", "[::]:443", nil, "does not name"},
		{"broadcast", "https://api.example.com", "255.255.255.255:443", nil, "egress.allow_private"},
		{"private behind NAT64", "https://api.example.com", "[64:ff9b::a01:203]:443", nil, "egress.allow_private"},
		{"private in 6to4", "https://api.example.com", "[2002:a01:203::1]:443", nil, "egress.allow_private"},
		{"loopback of a public name", "https://api.example.com", "127.0.0.1:443", nil, "does not name"},
		{"loopback as mapped IPv6", "https://api.example.com", "[::ffff:127.0.0.1]:443", nil, "does not name"},
		{"loopback IPv6", "https://api.example.com", "[::1]:443", nil, "does not name"},
		{"own loopback", "http://127.0.0.1:8421", "127.0.0.1:8421", nil, ""},
		{"own loopback by name", "http://localhost:8421", "[::1]:8421", nil, ""},
		{"own loopback, default port", "http://localhost", "127.0.0.1:80", nil, ""},
		{"own loopback, default port of https", "https://localhost", "127.0.0.1:443", nil, ""},
		{"own loopback, other port", "http://127.0.0.1:8421", "127.0.0.1:8420", nil, "does not name"},
		{"own loopback does not open private networks", "http://127.0.0.1:8421", "10.1.2.3:8421", nil, "egress.allow_private"},
		{"not an address", "https://api.example.com", "api.example.com:443", nil, "is not an IP address"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, err := url.Parse(test.address)
			if err != nil {
				t.Fatal(err)
			}
			network := "tcp4"
			if strings.HasPrefix(test.target, "[") {
				network = "tcp6"
			}
			err = Policy{AllowPrivate: test.allow}.control(address, true)(network, test.target, nil)
			switch {
			case test.refused == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.refused != "" && err == nil:
				t.Error("not refused")
			case test.refused != "" && (!strings.Contains(err.Error(), test.refused) || sallyport.CodeOf(err) != sallyport.Invalid):
				t.Errorf("refused with %s: %v", sallyport.CodeOf(err), err)
			}
		})
	}
}

// TestLoopback says who may reach which port of this machine. Sallyport's own port is 8420, a sandbox of this user is at 8421.
func TestLoopback(t *testing.T) {
	policy := Policy{
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}, AllowLoopback: []uint16{9200, 8420},
		Sandbox: func(port uint16) bool { return port == 8421 || port == 8420 },
		Own:     func(port uint16) bool { return port == 8420 },
	}
	own := "which no credential may reach"
	for _, test := range []struct {
		name, address, target string
		local                 bool
		refused               string
	}{
		{"entered by the owner", "http://127.0.0.1:5000", "127.0.0.1:5000", true, ""},
		{"entered by the owner, mapped", "http://127.0.0.1:5000", "[::ffff:127.0.0.1]:5000", true, ""},
		{"entered by the owner, another port", "http://127.0.0.1:5000", "127.0.0.1:5001", true, "does not name"},
		{"entered by the owner, a public name", "https://api.example.com:5000", "127.0.0.1:5000", true, "does not name"},
		{"by anyone else", "http://127.0.0.1:5000", "127.0.0.1:5000", false, "add the port 5000 to the setting egress.allow_loopback"},
		{"by anyone else, by name", "http://x.localhost:5000", "[::1]:5000", false, "egress.allow_loopback"},
		{"by anyone else, unspecified", "http://localhost:5000", "0.0.0.0:5000", false, "egress.allow_loopback"},
		{"a listed port", "http://127.0.0.1:9200", "127.0.0.1:9200", false, ""},
		{"a listed port of another name", "https://api.example.com:9200", "127.0.0.1:9200", false, "does not name"},
		{"a sandbox", "http://localhost:8421", "[::1]:8421", false, ""},
		{"itself", "http://127.0.0.1:8420", "127.0.0.1:8420", true, own},
		{"itself, all of 127", "http://127.9.9.9:8420", "127.9.9.9:8420", true, own},
		{"itself, IPv6", "http://[::1]:8420", "[::1]:8420", true, own},
		{"itself, mapped", "http://[::ffff:127.0.0.1]:8420", "[::ffff:127.0.0.1]:8420", true, own},
		{"itself, unspecified", "http://localhost:8420", "0.0.0.0:8420", true, own},
		{"itself, unspecified IPv6", "http://localhost:8420", "[::]:8420", true, own},
		{"itself, by a public name", "https://api.example.com:8420", "127.0.0.1:8420", false, own},
		{"the same port elsewhere", "https://api.example.com:8420", "93.184.216.34:8420", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, err := url.Parse(test.address)
			if err != nil {
				t.Fatal(err)
			}
			err = policy.control(address, test.local)("tcp", test.target, nil)
			if (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestOwnPortThroughAnyAddress knows the other addresses of this machine, too.
func TestOwnPortThroughAnyAddress(t *testing.T) {
	policy := Policy{Own: func(uint16) bool { return true }}
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().Is6() && prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		if !policy.isOwn(netip.AddrPortFrom(prefix.Addr(), 8420)) {
			t.Errorf("%s does not count as this machine", a)
		}
	}
	if policy.isOwn(netip.MustParseAddrPort("93.184.216.34:8420")) {
		t.Error("another machine counts as this one")
	}
}

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"sallyport.localhost": true, "a.b.LocalHost": true, "localhost.": true, "xlocalhost": false,
		"": false, "localhost.example.com": false, "2130706433": false, "0x7f.1": false, "0.0.0.0": false, "10.0.0.1": false,
	} {
		if got := IsLoopback(host); got != want {
			t.Errorf("%q: %t", host, got)
		}
	}
}

// get asks a transport made for address for another URL, and returns the error of the connection.
func get(t *testing.T, address, target string) error {
	t.Helper()
	own, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := Policy{}.Transport(own, true)
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

func TestTransportReachesOnlyItsOwnLoopback(t *testing.T) {
	var calls atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	defer server.Close()
	own, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if err := get(t, server.URL, server.URL); err != nil {
		t.Errorf("its own address: %v", err)
	}
	if err := get(t, "http://localhost:"+own.Port(), "http://localhost:"+own.Port()); err != nil {
		t.Errorf("its own address by name: %v", err)
	}
	if n := calls.Swap(0); n != 2 {
		t.Errorf("the server was called %d times", n)
	}
	for _, host := range []string{"127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0.0.0.0", "localhost", "[::ffff:127.0.0.1]", "[::]"} {
		err := get(t, "https://api.example.com", "http://"+host+":"+own.Port())
		if err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	if n := calls.Load(); n != 0 {
		t.Errorf("the server was called %d times by others", n)
	}
}

func TestRefusalSurvivesTheDialer(t *testing.T) {
	err := get(t, "https://api.example.com", "http://10.0.0.1")
	refusal, ok := errors.AsType[*sallyport.Error](err)
	if !ok || !strings.Contains(refusal.Message, "egress.allow_private") {
		t.Errorf("got %v", err)
	}
}

func TestTransportVerifiesTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	err := get(t, server.URL, server.URL)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("an unknown certificate: %v", err)
	}
}

func TestTransportRefusesOldTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	err := get(t, server.URL, server.URL)
	if err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.1: %v", err)
	}
}

func TestTransportSpeaksHTTP2AndNoProxy(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	own, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := Policy{}.Transport(own, true)
	defer transport.CloseIdleConnections()
	transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("spoke %s", response.Proto)
	}
	if transport.Proxy != nil {
		t.Error("there may be a proxy")
	}
}
