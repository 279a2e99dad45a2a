package service

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
)

// patience is what somebody has who waits: time in which something works does not count, and any progress renews it.
type patience struct {
	most     time.Duration
	progress int64         // the last that was seen
	waited   time.Duration // since then
	looked   time.Time
	waiting  bool // then
}

// over tells whether it ends before the time until which everything waits now, which is zero if something works.
func (p *patience) over(progress int64, until, now time.Time) bool {
	switch {
	case progress != p.progress:
		p.progress, p.waited = progress, 0
	case p.waiting:
		p.waited += now.Sub(p.looked)
	}
	p.looked, p.waiting = now, !until.IsZero()
	return p.waiting && p.waited+until.Sub(now) > p.most
}

// delivered grows with everything that is delivered of a flow.
func delivered(flow sallyport.Flow) (n int64) {
	for _, d := range flow.Destinations {
		n += d.Position
	}
	return n
}

// allWait is the delivery that waits the shortest, if everything waits that is still to be delivered of a flow; the zero one if something does
// not wait.
func allWait(flow sallyport.Flow, waiting []sallyport.Delivery) (first sallyport.Delivery) {
	working := -len(waiting)
	for _, d := range flow.Destinations {
		if behind(flow)(d) {
			working++
		}
	}
	if working > 0 {
		return first
	}
	for _, w := range waiting {
		if first.WaitUntil.IsZero() || w.WaitUntil.Before(first.WaitUntil) {
			first = w
		}
	}
	return first
}

// sayWaits writes into runs that are delivering until when a destination waits.
func (s *Service) sayWaits(ctx context.Context, runs []sallyport.Run) error {
	delivering := map[sallyport.ID]*sallyport.Run{} // by flow: of each there is one at most
	for i := range runs {
		if runs[i].State == sallyport.RunDelivering {
			delivering[runs[i].FlowID] = &runs[i]
		}
	}
	waiting, err := s.Store.WaitingDeliveries(ctx, slices.Collect(maps.Keys(delivering))...)
	for _, w := range waiting {
		run := delivering[w.FlowID]
		run.WaitUntil = sooner(run.WaitUntil, w.WaitUntil)
	}
	return err
}

// sooner is the sooner of two times, of which the first may be none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
