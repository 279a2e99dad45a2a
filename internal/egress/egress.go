// Package egress says how an outgoing connection is made. It is the only place that builds an http.Transport.
//
// A connection goes to public addresses only, besides the networks that [Policy] allows, and to loopback only where the address of the
// credential names it and something allows it: the owner of the machine entered the credential, a setting lists the port, or a sandbox of the
// same user listens there. Sallyport itself is never reached. The check happens when dialing, on the IP address that is really connected to:
// no name, redirect or way of writing an address gets around it.
package egress

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
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

// Policy says what may be reached besides public addresses.
type Policy struct {
	AllowPrivate  []netip.Prefix         // networks; loopback is not part of any
	AllowLoopback []uint16               // ports of this machine that the address of any credential may name
	Sandbox       func(port uint16) bool // tells whether a sandbox of this user listens on a loopback port; nil: none does
	Own           func(port uint16) bool // tells whether Sallyport itself listens on a port of this machine; nil: it does not
}

// Transport makes connections for the system at address. If local, the owner of this machine entered that address, and it may be a
// loopback address with any port. No proxy is taken from the environment, nothing is kept but a few idle connections: call
// CloseIdleConnections when done.
func (p Policy) Transport(address *url.URL, local bool) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, Control: p.control(address, local)}
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
func (p Policy) control(address *url.URL, local bool) func(network, target string, _ syscall.RawConn) error {
	guardian := ssrf.New(ssrf.WithAnyPort())
	return func(network, target string, conn syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(target)
		switch {
		case err != nil:
			return sallyport.Errorf(sallyport.Invalid, "%q is not an IP address with a port: %w", target, err)
		case p.isOwn(ip):
			return sallyport.Errorf(sallyport.Invalid, "%s is Sallyport itself, which no credential may reach", ip)
		case isThisHost(ip.Addr()):
			return p.checkLoopback(ip, address, local)
		case p.allows(ip.Addr()):
			return nil
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

// isOwn tells whether an address leads to Sallyport itself, through loopback or any other address of this machine.
func (p Policy) isOwn(ip netip.AddrPort) bool {
	if p.Own == nil || !p.Own(ip.Port()) {
		return false
	}
	if isThisHost(ip.Addr()) {
		return true
	}
	own, err := net.InterfaceAddrs()
	return err != nil || slices.ContainsFunc(own, func(a net.Addr) bool {
		prefix, err := netip.ParsePrefix(a.String())
		return err == nil && prefix.Addr().Unmap() == ip.Addr().Unmap().WithZone("")
	})
}

// isThisHost tells whether an address leads to this machine whatever its networks: connecting to 0.0.0.0 or :: is connecting to loopback.
func isThisHost(ip netip.Addr) bool {
	return ip.Unmap().IsLoopback() || ip.Unmap().IsUnspecified()
}

// checkLoopback lets through only the loopback port that the system's own address names, and only if something allows it.
func (p Policy) checkLoopback(ip netip.AddrPort, address *url.URL, local bool) error {
	switch {
	case !IsLoopback(address.Hostname()) || port(address) != ip.Port():
		return sallyport.Errorf(sallyport.Invalid, "%s is an address of this machine, which the credential's own address does not name", ip)
	case local, slices.Contains(p.AllowLoopback, ip.Port()), p.Sandbox != nil && p.Sandbox(ip.Port()):
		return nil
	}
	return sallyport.Errorf(sallyport.Invalid, "%s is an address of this machine: to let credentials reach it, add the port %d to the setting "+
		"egress.allow_loopback, or enter the credential at the command line of this machine", ip, ip.Port())
}

func refused(ip netip.Addr, cause error) error {
	plain := ip.Unmap().WithZone("")
	return &sallyport.Error{Code: sallyport.Invalid, Err: cause, Message: fmt.Sprintf(
		"%s is neither a public address nor the system's own; to reach it, add its network (such as %s) to the setting egress.allow_private",
		ip, netip.PrefixFrom(plain, plain.BitLen()))}
}

// IsLoopback tells whether a host, without a port, names this machine itself: localhost and names that end with it, 127.0.0.0/8 or ::1.
func IsLoopback(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
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
