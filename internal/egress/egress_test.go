package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
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
		{"this network", "https://api.example.com", "0.0.0.0:443", nil, "egress.allow_private"},
		{"any IPv6", "https://api.example.com", "[::]:443", nil, "egress.allow_private"},
		{"broadcast", "https://api.example.com", "255.255.255.255:443", nil, "egress.allow_private"},
		{"private behind NAT64", "https://api.example.com", "[64:ff9b::a01:203]:443", nil, "egress.allow_private"},
		{"private in 6to4", "https://api.example.com", "[2002:a01:203::1]:443", nil, "egress.allow_private"},
		{"loopback of a public name", "https://api.example.com", "127.0.0.1:443", nil, "egress.allow_private"},
		{"loopback as mapped IPv6", "https://api.example.com", "[::ffff:127.0.0.1]:443", nil, "egress.allow_private"},
		{"loopback IPv6", "https://api.example.com", "[::1]:443", nil, "egress.allow_private"},
		{"own loopback", "http://127.0.0.1:8421", "127.0.0.1:8421", nil, ""},
		{"own loopback by name", "http://localhost:8421", "[::1]:8421", nil, ""},
		{"own loopback, default port", "http://localhost", "127.0.0.1:80", nil, ""},
		{"own loopback, default port of https", "https://localhost", "127.0.0.1:443", nil, ""},
		{"own loopback, other port", "http://127.0.0.1:8421", "127.0.0.1:8420", nil, "egress.allow_private"},
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
			err = Policy{test.allow}.control(address)(network, test.target, nil)
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

func TestIsLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
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
	transport := Policy{}.Transport(own)
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
	transport := Policy{}.Transport(own)
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
