package auth

import (
	"net/netip"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport"
)

// How often an attempt may fail: a burst at once, and one more each time the refill has passed.
const (
	addressBurst  = 5
	addressRefill = 30 * time.Second
	overallBurst  = 50
	overallRefill = 2 * time.Second
	maxAddresses  = 10_000
)

// limiter bounds attempts to get in, for each address or device, and overall. It is in memory: a restart forgives. The zero value is ready.
type limiter struct {
	mu      sync.Mutex
	overall bucket
	of      map[string]*bucket
}

// bucket counts attempts that are not forgiven yet.
type bucket struct {
	used float64
	at   time.Time
}

// level brings the count to the present.
func (b *bucket) level(now time.Time, refill time.Duration) float64 {
	b.used = max(0, b.used-float64(now.Sub(b.at))/float64(refill))
	b.at = now
	return b.used
}

// wait is how long it takes until one more attempt fits.
func (b *bucket) wait(burst float64, refill time.Duration) time.Duration {
	return time.Duration(max(0, b.used+1-burst) * float64(refill))
}

// network is what attempts from an address count for: an IPv6 network of 64 bits, whose addresses one machine can use at will, or an IPv4
// address.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	return netip.PrefixFrom(ip, 64).Masked().String()
}

// take counts an attempt, or refuses it and says until when. What there are too many of, attempts says in words.
func (l *limiter) take(address, attempts string) error {
	address = network(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	own := l.address(address, now)
	own.level(now, addressRefill)
	l.overall.level(now, overallRefill)
	wait := max(own.wait(addressBurst, addressRefill), l.overall.wait(overallBurst, overallRefill))
	if wait > 0 {
		err := sallyport.Errorf(sallyport.Limited, "too many %s; try again in %s", attempts, (wait + time.Second - 1).Truncate(time.Second))
		err.Until = now.Add(wait)
		return err
	}
	own.used++
	l.overall.used++
	return nil
}

// forgive takes back the attempts of an address once one succeeded.
func (l *limiter) forgive(address string) {
	address = network(address)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.overall.used = max(0, l.overall.used-1)
	delete(l.of, address)
}

// address finds the bucket of an address. When too many are remembered, those are forgotten that hold nothing any more, or else all: the
// overall bound remains.
func (l *limiter) address(address string, now time.Time) *bucket {
	if b, ok := l.of[address]; ok {
		return b
	}
	if len(l.of) >= maxAddresses {
		for name, b := range l.of {
			if b.level(now, addressRefill) == 0 {
				delete(l.of, name)
			}
		}
	}
	if l.of == nil || len(l.of) >= maxAddresses {
		l.of = map[string]*bucket{}
	}
	b := &bucket{at: now}
	l.of[address] = b
	return b
}
