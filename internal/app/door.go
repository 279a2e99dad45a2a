package app

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// ownName is a name of this machine in every browser that resolves names below localhost. Cookies of other local programs do not meet its own.
const ownName = "sallyport.localhost"

// door is before everything that is served. It lets in only requests to a host that is served here, so that no other web site can give this
// machine its own name, and says where a request that came through a proxy is really from.
type door struct {
	hosts   []string       // names besides the own ones, perhaps with a port
	proxies []netip.Prefix // whose word for the address of a client counts
	next    http.Handler
}

// ServeHTTP passes on what may come in.
func (d door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !d.serves(r) {
		misdirected(w, r)
		return
	}
	if client, ok := d.client(r); ok {
		r.RemoteAddr = net.JoinHostPort(client.String(), "0") // limits, the audit log and logs all read it
	}
	d.next.ServeHTTP(w, r)
}

// serves tells whether the host that a request names is one of this server: a loopback address, the address that it came in at, or a name
// that is set.
func (d door) serves(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	name := host
	if n, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = n
	}
	name = strings.TrimSuffix(strings.Trim(name, "[]"), ".")
	if name == "localhost" || name == ownName || slices.Contains(d.hosts, host) || slices.Contains(d.hosts, name) {
		return true
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	here, _ := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ip.Unmap().IsLoopback() || here != nil && here.AddrPort().Addr().Unmap() == ip.Unmap() || slices.Contains(d.hosts, "["+name+"]")
}

// misdirected refuses a request for another host.
func misdirected(w http.ResponseWriter, r *http.Request) {
	sentence := fmt.Sprintf("Sallyport does not serve the host %s. To reach Sallyport by this name, add the name to the setting hosts.", sallyport.Quoted(r.Host))
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if !strings.HasPrefix(r.URL.Path, "/api/") {
		http.Error(w, sentence, http.StatusMisdirectedRequest)
		return
	}
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusMisdirectedRequest)
	json.NewEncoder(w).Encode(map[string]any{ // a client that is gone needs no response
		"status": http.StatusMisdirectedRequest, "title": http.StatusText(http.StatusMisdirectedRequest), "code": "invalid", "detail": sentence,
	})
}

// client is where a request that came through trusted proxies is from: the last address in X-Forwarded-For that is not a trusted proxy. What
// stands before it, anybody can have written.
func (d door) client(r *http.Request) (netip.Addr, bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !d.trusts(peer.Addr()) {
		return netip.Addr{}, false
	}
	last := peer.Addr()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		ip, ok := parseHop(strings.TrimSpace(hop))
		if !ok {
			break
		}
		if last = ip; !d.trusts(ip) {
			break
		}
	}
	return last.Unmap().WithZone(""), true
}

func (d door) trusts(ip netip.Addr) bool {
	return slices.ContainsFunc(d.proxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap().WithZone("")) })
}

// parseHop reads an address as proxies write it: alone or with a port, IPv6 perhaps in brackets.
func parseHop(text string) (netip.Addr, bool) {
	if both, err := netip.ParseAddrPort(text); err == nil {
		return both.Addr(), true
	}
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return ip, err == nil
}
