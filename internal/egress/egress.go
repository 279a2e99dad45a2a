// Package egress says how an outgoing connection is made. It is the only place that builds an http.Transport.
//
// A connection goes to public addresses only, besides the networks that [Policy] allows and the loopback address that a system's own
// address names. The check happens when dialing, on the IP address that is really connected to: no name, redirect or way of writing an
// address gets around it.
package egress

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"

	"github.com/sallyport-io/sallyport"
)

const (
	dialTimeout    = 10 * time.Second
	tlsTimeout     = 10 * time.Second
	answerTimeout  = 60 * time.Second // from the request sent to the answer's header
	idleTimeout    = 30 * time.Second
	maxIdle        = 2 // connections kept for the next request
	maxHeaderBytes = 256 << 10
	readBuffer     = 64 << 10 // large answers in few system calls
)

// Policy says which networks may be reached besides public ones.
type Policy struct {
	AllowPrivate []netip.Prefix
}

// Transport makes connections for the system at address. No proxy is taken from the environment, nothing is kept but a few idle
// connections: call CloseIdleConnections when done.
func (p Policy) Transport(address *url.URL) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: p.control(address)}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  answerTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		MaxIdleConns:           maxIdle,
		IdleConnTimeout:        idleTimeout,
		ReadBufferSize:         readBuffer,
		ForceAttemptHTTP2:      true,
	}
}

// control checks the IP address and port that are about to be connected to.
func (p Policy) control(address *url.URL) func(network, target string, _ syscall.RawConn) error {
	guardian := ssrf.New(ssrf.WithAnyPort())
	return func(network, target string, conn syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(target)
		switch {
		case err != nil:
			return sallyport.Errorf(sallyport.Invalid, "%q is not an IP address with a port: %w", target, err)
		case p.allows(ip.Addr()):
			return nil
		case ip.Addr().Unmap().IsLoopback():
			return checkLoopback(ip, address)
		}
		if err := guardian.Safe(network, target, conn); err != nil {
			return refused(ip.Addr(), err)
		}
		return nil
	}
}

func (p Policy) allows(ip netip.Addr) bool {
	for _, prefix := range p.AllowPrivate {
		if prefix.Contains(ip.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// checkLoopback lets through only the loopback port that the system's own address names.
func checkLoopback(ip netip.AddrPort, address *url.URL) error {
	if IsLoopback(address.Hostname()) && port(address) == ip.Port() {
		return nil
	}
	return refused(ip.Addr(), errors.New("not the system's own address"))
}

func refused(ip netip.Addr, cause error) error {
	plain := ip.Unmap().WithZone("")
	return &sallyport.Error{Code: sallyport.Invalid, Err: cause, Message: fmt.Sprintf(
		"%s is neither a public address nor the system's own; to reach it, add its network (such as %s) to the setting egress.allow_private",
		ip, netip.PrefixFrom(plain, plain.BitLen()))}
}

// IsLoopback tells whether a host, without a port, names this machine itself: localhost, 127.0.0.0/8 or ::1.
func IsLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// port is the port of a URL: the one it names, else its scheme's.
func port(address *url.URL) uint16 {
	if n, err := strconv.ParseUint(address.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if address.Scheme == "http" {
		return 80
	}
	return 443
}
