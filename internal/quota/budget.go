package quota

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	// hold is how long after its answer a call still counts in the second: a little longer than that, as clocks do not run alike.
	hold = time.Second + time.Millisecond
	beat = time.Second // how often a budget that is in use is settled
)

// budget is what this process has of a credential's budget.
type budget struct {
	quota    *Quota
	id       sallyport.ID
	headers  map[string]string // window → answer header that says what is left
	turn     chan struct{}     // held by the one who waits for the second
	settling chan struct{}     // held by the one who settles

	mu      sync.Mutex
	until   time.Time     // before this what it has is its own; zero: nothing is
	stale   bool          // something was told that must be settled before the next call
	telling bool          // it is being settled at the moment
	known   bool          // the system has said what is left, or that nothing is limited
	used    bool          // since the last beat
	beating chan struct{} // closed to end the beats; nil: there are none
	closed  bool          // there will be none
	changed chan struct{} // closed when a call is answered
	claimed int64         // calls that are claimed and not sent
	busy    int64         // calls that are sent and not answered
	periods []*period
	second  second
	hold    time.Time // before this no request is made: the system said that nothing is left; zero: it did not
	heard   heard
}

// period is what this process has of a day or month.
type period struct {
	settled
	window string
	spent  int64 // sent since it was settled
	left   int64 // of the portion, without what is claimed; below 0 if more is claimed than there is
	late   int64 // answered after the period was over
	news   news
}

// second is how many calls this process may make in any second.
type second struct {
	shared
	wanted  int64
	hungry  bool        // somebody waited since the last beat
	waiting int64       // who wait
	cooling []time.Time // when calls that were answered count no longer, in order
	closed  time.Time   // a call was refused: no other before this
	news    news
}

func newBudget(q *Quota, id sallyport.ID, headers map[string]string) *budget {
	return &budget{
		quota: q, id: id, headers: headers, turn: make(chan struct{}, 1), settling: make(chan struct{}, 1), changed: make(chan struct{}),
		known:   len(headers) == 0,
		periods: []*period{{window: sallyport.WindowDay}, {window: sallyport.WindowMonth}},
	}
}

// claim takes one call out of the day and the month, or says which of them has none.
func (b *budget) claim(ctx context.Context, person bool) (*shortage, error) {
	claimed := false
	take := func() bool {
		claimed = claimed || b.take(b.quota.Now())
		return claimed
	}
	b.mu.Lock()
	b.used = true
	take()
	b.mu.Unlock()
	if claimed {
		return nil, nil
	}
	if err := b.settle(ctx, wish{calls: true, person: person}, take); err != nil || claimed {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var short *shortage
	if b.hold.After(b.quota.Now()) {
		short = &shortage{"", b.hold}
	}
	for _, p := range b.periods {
		if !p.limited || p.left > 0 {
			continue
		}
		if p.reserved && !person {
			return nil, sallyport.Errorf(sallyport.Limited, "the reserve for people leaves runs nothing of the %s: lower it with `sallyport credential quota NAME --reserve N`", p.window)
		}
		if short == nil || p.next.After(short.until) {
			short = &shortage{p.window, p.next}
		}
	}
	if short == nil { // others were faster
		short = &shortage{sallyport.WindowDay, b.quota.Now()}
	}
	return short, nil
}

// take takes a call of every window that is limited, if what is known is still true. The lock is held.
func (b *budget) take(now time.Time) bool {
	if b.stale || b.telling || !now.Before(b.until) || b.hold.After(now) {
		return false
	}
	for _, p := range b.periods {
		if p.limited && (p.left < 1 || !now.Before(p.end)) {
			return false
		}
	}
	for _, p := range b.periods {
		p.left--
	}
	b.claimed++
	return true
}

// unclaim gives back a call that was claimed and not sent. The lock is held.
func (b *budget) unclaim() {
	b.claimed--
	for _, p := range b.periods {
		p.left++
	}
}

// send makes a claimed call one that is sent. The lock is held.
func (b *budget) send() {
	b.claimed--
	b.busy++
	for _, p := range b.periods {
		p.spent++
	}
}

// errRevoked is why a claimed call is not sent: meanwhile the system said that there is less, or the period is over.
var errRevoked = errors.New("the claim no longer holds")

// revoked tells whether a claimed call must not be sent. The lock is held.
func (b *budget) revoked(now time.Time) bool {
	return b.hold.After(now) || slices.ContainsFunc(b.periods, func(p *period) bool { return p.limited && (p.left < 0 || !now.Before(p.end)) })
}

// slot waits until the claimed call may be sent in this second. If it may not, the claim is given back.
func (b *budget) slot(ctx context.Context, longest time.Duration) error {
	sent, err := b.line(longest)
	if sent || err != nil {
		return err
	}
	select {
	case b.turn <- struct{}{}:
		err = b.await(ctx)
		<-b.turn
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.second.waiting--
	if err != nil {
		b.unclaim()
	}
	return err
}

// line sends a call if nobody needs to wait, and else stands in line, unless the line is too long.
func (b *budget) line(longest time.Duration) (sent bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known && b.second.limit == 0 && b.second.closed.IsZero() && !b.revoked(b.quota.Now()) {
		b.send()
		return true, nil
	}
	if ahead := b.ahead(); ahead > longest {
		b.unclaim()
		return false, (&shortage{sallyport.WindowSecond, b.quota.Now().Add(ahead)}).failure()
	}
	b.second.waiting++
	return false, nil
}

// ahead is about how long those take who wait already.
func (b *budget) ahead() time.Duration {
	if b.second.limit == 0 {
		return 0
	}
	return time.Duration(b.second.waiting) * time.Second / time.Duration(b.second.limit)
}

// await waits, as the only one, for a call of the second.
func (b *budget) await(ctx context.Context) error {
	for {
		b.mu.Lock()
		now := b.quota.Now()
		revoked := b.revoked(now)
		pause, want := b.next(now)
		if pause == 0 && want == 0 && !revoked {
			b.send()
		}
		changed := b.changed
		b.mu.Unlock()
		switch {
		case revoked:
			return errRevoked
		case want > 0:
			if err := b.settle(ctx, wish{second: want}, func() bool { return false }); err != nil {
				return err
			}
		case pause > 0:
			if err := sleep(ctx, pause, changed); err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

// next says how long to wait for a call of the second, or how many to ask for: neither if there is one now. The lock is held.
func (b *budget) next(now time.Time) (pause time.Duration, want int64) {
	s := &b.second
	cooled := 0
	for cooled < len(s.cooling) && !s.cooling[cooled].After(now) {
		cooled++
	}
	s.cooling = s.cooling[cooled:]
	switch {
	case s.closed.After(now):
		return s.closed.Sub(now), 0
	case !b.known && b.busy > 0: // the first call goes alone: its answer says how many may go together
		return lease, 0
	case s.limit == 0:
		return 0, 0
	case now.Before(b.until) && s.usable > b.warm():
		return 0, 0
	}
	s.hungry, s.wanted = true, min(s.wanted, s.limit)
	switch full := s.usable >= s.wanted; {
	case !now.Before(b.until):
		return 0, max(1, s.wanted)
	case full && s.wanted < s.limit:
		return 0, min(s.limit, max(1, 2*s.wanted))
	case !full && !s.next.IsZero() && !now.Before(s.next):
		return 0, s.wanted
	}
	pause = beat
	if len(s.cooling) > 0 {
		pause = min(pause, s.cooling[0].Sub(now))
	}
	if !s.next.IsZero() {
		pause = min(pause, s.next.Sub(now))
	}
	return max(pause, time.Microsecond), 0
}

// warm is how many calls count in this second. The lock is held.
func (b *budget) warm() int64 { return b.busy + int64(len(b.second.cooling)) }

// answered learns from an answer, or that none came.
func (b *budget) answered(response *http.Response, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy--
	for _, p := range b.periods {
		if p.limited && !now.Before(p.end) {
			p.late++
		}
	}
	if response != nil {
		b.read(response, now)
		b.hear(response, now)
	}
	if b.second.limit > 0 {
		b.second.cooling = append(b.second.cooling, now.Add(hold))
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

// read learns from the headers of an answer. The lock is held.
func (b *budget) read(response *http.Response, now time.Time) {
	good := response.StatusCode/100 == 2
	b.known = b.known || good
	for _, p := range b.periods {
		left, told := b.left(p.window, response.Header)
		switch {
		case told:
			b.known = true
			if p.news.told && begin(p.window, now).Equal(begin(p.window, p.news.at)) {
				left = min(left, p.news.left)
			}
			p.news.told, p.news.left, p.news.at = true, left, now
			p.left = min(p.left, left-b.busy-b.claimed)
			b.stale = b.stale || !p.limited
		case good && p.limited && p.origin == sallyport.QuotaHeader:
			p.news.none, b.stale = true, true
		}
	}
	s := &b.second
	left, told := b.left(sallyport.WindowSecond, response.Header)
	switch {
	case told:
		b.known = true
		s.limit = max(s.limit, left+1)
		s.news.told, s.news.left = true, max(left, s.news.left)
	case good && s.limit > 0:
		s.news.none = true
	}
}

// left reads the header that says what is left in a window.
func (b *budget) left(window string, header http.Header) (left int64, told bool) {
	name := b.headers[window]
	if name == "" {
		return 0, false
	}
	left, err := strconv.ParseInt(strings.TrimSpace(header.Get(name)), 10, 64)
	return left, err == nil && left >= 0
}

// refused learns from a refusal.
func (b *budget) refused(f *connector.Failure, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.Window == "" {
		b.holdUntil(earlier(f.Until, now.Add(longestHold)), now)
		return
	}
	if f.Window == sallyport.WindowSecond {
		b.second.closed = now.Add(hold)
		if f.Limit > 0 {
			b.second.news.limit, b.second.limit = f.Limit, f.Limit
		}
		return
	}
	for _, p := range b.periods {
		if p.window != f.Window {
			continue
		}
		if f.Until.IsZero() {
			f.Until = probe(p.window, now)
		}
		p.news.refused, p.news.limit = f.Until, max(f.Limit, 0)
		b.stale = true
	}
}
