package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestSlots: whatever comes and goes in whatever order, no more work than may, at most half for one host and three quarters for two; nobody
// waits who could have a place, and those of one host get theirs in the order in which they came.
func TestSlots(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSlots(rapid.IntRange(2, 9).Draw(t, "total"))
		var here []*ticket // in the order in which they came
		t.Repeat(map[string]func(*rapid.T){
			"enter": func(t *rapid.T) {
				here = append(here, s.enter(rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "host")))
			},
			"leave": func(t *rapid.T) {
				if len(here) == 0 {
					t.Skip("nobody is here")
				}
				i := rapid.IntRange(0, len(here)-1).Draw(t, "who")
				s.leave(here[i])
				here = slices.Delete(here, i, i+1)
			},
			"": func(t *rapid.T) { checkSlots(t, s, here) },
		})
		for _, each := range here {
			s.leave(each)
		}
		if s.used != 0 || len(s.hosts) != 0 || len(s.waiting) != 0 {
			t.Fatalf("after all have left: %d used, by %v, %d wait", s.used, s.hosts, len(s.waiting))
		}
	})
}

func checkSlots(t *rapid.T, s *slots, here []*ticket) {
	used, hosts, waits := 0, map[string]int{}, map[string]bool{}
	var waiting []*ticket
	for _, each := range here {
		select {
		case <-each.ready:
			used++
			hosts[each.host]++
			if waits[each.host] {
				t.Fatalf("one of host %q has overtaken another", each.host)
			}
		default:
			waits[each.host] = true
			waiting = append(waiting, each)
		}
	}
	if used > s.total || used != s.used || cmp.Diff(hosts, s.hosts) != "" || !slices.Equal(waiting, s.waiting) {
		t.Fatalf("%d work, by %v; the books say %d of %d, by %v", used, hosts, s.used, s.total, s.hosts)
	}
	delete(hosts, "")
	for host, n := range hosts {
		if n > s.total/2 {
			t.Fatalf("%q has %d of %d places", host, n, s.total)
		}
		for other, m := range hosts {
			if s.total >= 4 && host != other && n+m > (3*s.total+3)/4 {
				t.Fatalf("%q and %q have %d of %d places", host, other, n+m, s.total)
			}
		}
	}
	for host := range waits {
		if used < s.total && (host == "" || hosts[host] == 0 || hosts[host] < (s.total-used+hosts[host])/2) {
			t.Fatalf("one of host %q waits for nothing: %d of %d work, by %v", host, used, s.total, hosts)
		}
	}
}

// TestPlaceIsGivenBack: after success, failure and panic, and by those that stop waiting, as they are interrupted or the program stops.
func TestPlaceIsGivenBack(t *testing.T) {
	e := &Engine{Config: Config{Log: slog.New(slog.DiscardHandler), Redactor: new(secret.Redactor)}, stopping: make(chan struct{})}
	s := newSlots(2)
	host := func(context.Context) string { return "api.example.com:443" }
	do := func(ctx context.Context, work func() error) error {
		return e.guarded(ctx, func() error { return e.within(ctx, s, host, work) })
	}
	for name, work := range map[string]func() error{
		"success": func() error { return nil },
		"failure": func() error { return errors.New("failed") },
		"panic":   func() error { panic("a fault") },
	} {
		if err := do(t.Context(), work); (err == nil) != (name == "success") {
			t.Errorf("%s: %v", name, err)
		}
		if s.used != 0 || len(s.hosts) != 0 {
			t.Errorf("after %s %d places are in use, by %v", name, s.used, s.hosts)
		}
	}
	first := s.enter("api.example.com:443")
	never := func() error { t.Error("it works without a place"); return nil }
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	if err := do(interrupted, never); err != again {
		t.Error(err)
	}
	close(e.stopping)
	if err := do(t.Context(), never); err != again {
		t.Error(err)
	}
	s.leave(first)
	if s.used != 0 || len(s.waiting) != 0 {
		t.Errorf("%d places are in use, %d jobs wait", s.used, len(s.waiting))
	}
}

// TestHostChangesMeanwhile: a job whose host is another by the time it gets its place begins again, for the place would be the wrong one.
func TestHostChangesMeanwhile(t *testing.T) {
	e, n := &Engine{stopping: make(chan struct{})}, 0
	host := func(context.Context) string { n++; return fmt.Sprint("host", n) }
	if err := e.within(t.Context(), newSlots(2), host, func() error { t.Error("it works"); return nil }); err != again {
		t.Error(err)
	}
}
