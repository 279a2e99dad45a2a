package engine

import (
	"context"
	"slices"
	"sync"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
)

// slots are the places in which jobs work: so many at once, and for one host at most half of those that other hosts leave, so that hosts that
// hang leave places for the others. Jobs that find none wait in memory, first come, first served. The zero value has no places.
type slots struct {
	total int

	mu      sync.Mutex
	used    int
	hosts   map[string]int // places in use, by host
	waiting []*ticket      // in the order in which they came
}

// ticket is the turn of one job.
type ticket struct {
	host    string        // "": none, so that no share counts
	ready   chan struct{} // closed when it has a place
	granted bool
}

func newSlots(total int) *slots {
	return &slots{total: total, hosts: map[string]int{}}
}

// enter asks for a place. Whether or not it was granted, leave must be called once.
func (s *slots) enter(host string) *ticket {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &ticket{host: host, ready: make(chan struct{})}
	s.waiting = append(s.waiting, t)
	s.grant()
	return t
}

// leave gives a place back, or the wish for one up.
func (s *slots) leave(t *ticket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.granted {
		s.used--
		if s.hosts[t.host]--; s.hosts[t.host] == 0 {
			delete(s.hosts, t.host)
		}
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(w *ticket) bool { return w == t })
	s.grant()
}

// grant gives the free places to those who wait, except where their host has its share.
func (s *slots) grant() {
	s.waiting = slices.DeleteFunc(s.waiting, func(t *ticket) bool {
		if !s.has(t.host) {
			return false
		}
		s.used++
		s.hosts[t.host]++
		t.granted = true
		close(t.ready)
		return true
	})
}

// has tells whether there is a place for one more job of a host. A host that has none gets one as long as any is free.
func (s *slots) has(host string) bool {
	n := s.hosts[host]
	left := s.total - (s.used - n) // by other hosts
	return s.used < s.total && (host == "" || n == 0 || n < left/2)
}

// within does a job's work in a place for its host, which is free again afterwards, however the work ends. While none is free it waits, until
// the program stops. The host is found out once more when it has its place: it may be another by then.
func (e *Engine) within(ctx context.Context, s *slots, host func(context.Context) string, work func() error) error {
	t := s.enter(host(ctx))
	defer s.leave(t)
	select {
	case <-t.ready:
	case <-e.stopping:
		return again
	case <-ctx.Done():
		return again
	}
	if e.stops() || host(ctx) != t.host {
		return again
	}
	return work()
}

// sourceHost is the host that an ingest sends its requests to; "" if there is none, or it cannot be found out: then the ingest says so.
func (e *Engine) sourceHost(ctx context.Context, flow sallyport.ID) string {
	f, err := e.Store.Flow(ctx, flow)
	if err != nil {
		return ""
	}
	return e.hostOf(ctx, f.Source.Connector, f.Source.Credential)
}

// targetHost is the host that a delivery submits records to; "" for any other delivery.
func (e *Engine) targetHost(ctx context.Context, destination sallyport.ID) string {
	d, err := e.Store.Destination(ctx, destination)
	if err != nil || d.Credential == "" {
		return ""
	}
	return e.hostOf(ctx, d.Connector, d.Credential)
}

func (e *Engine) hostOf(ctx context.Context, connector string, credential sallyport.ID) string {
	definition, err := e.Catalogue.Definition(connector)
	if err != nil {
		return ""
	}
	var c sallyport.Credential
	if credential != "" {
		if c, err = e.Store.Credential(ctx, credential); err != nil {
			return ""
		}
	}
	return rest.HostOf(definition, c.Public)
}
