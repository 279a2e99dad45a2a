package quota

import (
	"context"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/store"
)

// patience is how long the database may take to settle a budget.
const patience = 15 * time.Second

// wish is what a process asks for when it settles, beside saying what it spent.
type wish struct {
	calls   bool  // of the day and the month,
	person  bool  // one of them, for a person
	second  int64 // calls in a second; 0: as before
	release bool  // it gives everything back
}

// account is what a process says when it settles, and what comes of it.
type account struct {
	claims  map[string]claimOn
	share   shareOf
	heard   heard
	hold    time.Time // that comes of it
	settled map[string]settled
	shared  shared
	at      time.Time
}

// settle brings the database up to date with what was spent and learned here, and takes what is wished for. It does nothing if enough says
// before that there is enough, and asks it again afterwards. The lock is held for both.
func (b *budget) settle(ctx context.Context, w wish, enough func() bool) error {
	select {
	case b.settling <- struct{}{}:
		defer func() { <-b.settling }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	b.mu.Lock()
	if enough() {
		b.mu.Unlock()
		return nil
	}
	a := b.report(w, b.quota.Now())
	b.mu.Unlock()
	// What was said and not heard would have to be said again: a transaction that began is ended.
	inTime, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := b.transact(inTime, a)
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case sallyport.CodeOf(err) == sallyport.NotFound:
		b.restore(a)
		b.alone(a, w)
	case err != nil:
		b.restore(a)
		return err
	default:
		b.adopt(a, w)
	}
	enough()
	return nil
}

// report says what was spent and learned since the last time. The lock is held.
func (b *budget) report(w wish, now time.Time) *account {
	a := &account{claims: map[string]claimOn{}, at: now}
	for _, p := range b.periods {
		a.claims[p.window] = claimOn{
			began: p.began, spent: p.spent, unspent: max(0, p.left+b.claimed), held: p.held, pending: b.busy, late: p.late, seen: p.seen,
			news: p.news, wants: w.calls && p.left < 1, person: w.person, release: w.release,
		}
		p.spent, p.late, p.news = 0, 0, news{}
	}
	if w.release {
		b.until = time.Time{} // whoever claims now must settle
	}
	s := &b.second
	if w.second > 0 {
		s.wanted = w.second
	}
	a.share = shareOf{usable: s.usable, warm: b.warm(), wants: s.wanted, news: s.news, cold: now.Add(lease)}
	if b.busy == 0 && len(s.cooling) > 0 {
		a.share.cold = s.cooling[len(s.cooling)-1].Add(time.Microsecond) // the database cuts off what is less
	}
	if !now.Before(b.until) { // others may have it now
		a.share.usable = 0
	}
	if w.release {
		s.usable, a.share.usable, s.wanted, a.share.wants = 0, 0, 0, 0
	}
	s.news, b.stale, b.telling = news{}, false, b.stale
	a.heard, b.heard = b.heard, heard{}
	return a
}

// restore takes back a report that was not heard. The lock is held.
func (b *budget) restore(a *account) {
	for _, p := range b.periods {
		c := a.claims[p.window]
		p.spent, p.late = p.spent+c.spent, p.late+c.late
		if p.news.isEmpty() {
			p.news = c.news
		}
	}
	if b.second.news.isEmpty() {
		b.second.news = a.share.news
	}
	if b.heard.isEmpty() {
		b.heard = a.heard
	}
	b.stale, b.telling = true, false
}

// alone goes on without the database, for a key that is tested before its credential is stored: all that was learned of it is used here,
// and said again when the credential may be there. The lock is held.
func (b *budget) alone(a *account, w wish) {
	for _, p := range b.periods {
		p.settled, p.left = settled{}, -b.claimed
	}
	s := &b.second
	s.usable, s.wanted = s.limit, s.limit
	b.stale, b.telling, b.until = false, false, a.at.Add(beat)
	if !w.release {
		b.beat()
	}
}

// adopt takes over what was settled. The lock is held.
func (b *budget) adopt(a *account, w wish) {
	b.telling = false
	if b.heard.hold.IsZero() { // else it is newer
		b.hold = a.hold
	}
	for _, p := range b.periods {
		p.settled = a.settled[p.window]
		p.left = p.held - b.claimed - p.spent
		if p.news.told { // meanwhile
			p.left = min(p.left, p.news.left-b.busy-b.claimed)
		}
	}
	s := &b.second
	s.shared = a.shared
	if s.news.told { // meanwhile
		s.limit = max(s.limit, s.news.left+1)
	}
	if s.news.limit > 0 {
		s.limit = s.news.limit
	}
	b.until = a.at.Add(lease - beat)
	if w.release {
		b.until = time.Time{}
		return
	}
	b.beat()
}

// transact settles an account in the database. Where nothing is known of a credential, and nothing was learned, nothing is written.
func (b *budget) transact(ctx context.Context, a *account) error {
	s := b.quota.store
	if a.silent() {
		if known, err := s.Quota(ctx, b.id); err != nil || len(known) == 0 {
			return err
		}
	}
	return s.InTx(ctx, func(tx *store.Tx) error {
		l, err := b.load(ctx, tx, a.at)
		if err != nil {
			return err
		}
		a.settled = map[string]settled{}
		for window, c := range a.claims {
			a.settled[window] = l.settle(window, c)
		}
		a.shared = l.share(a.share)
		a.hold = l.other(a.heard)
		return l.write(ctx, tx)
	})
}

// silent tells whether nothing was learned.
func (a *account) silent() bool {
	for _, c := range a.claims {
		if !c.news.isEmpty() {
			return false
		}
	}
	return a.share.news.isEmpty() && a.heard.isEmpty()
}

// load locks and reads the budget of a credential.
func (b *budget) load(ctx context.Context, tx *store.Tx, now time.Time) (*ledger, error) {
	if err := tx.LockQuota(ctx, b.id); err != nil {
		return nil, err
	}
	windows, err := tx.Quota(ctx, b.id)
	if err != nil {
		return nil, err
	}
	portions, err := tx.QuotaPortions(ctx, b.id)
	return newLedger(b.id, b.quota.holder, now, windows, portions), err
}

// write stores what was changed.
func (l *ledger) write(ctx context.Context, tx *store.Tx) error {
	for _, w := range l.windows {
		if err := tx.PutQuota(ctx, *w); err != nil {
			return err
		}
	}
	for _, p := range l.gone {
		if err := tx.DeletePortion(ctx, p); err != nil {
			return err
		}
	}
	for _, portions := range l.portions {
		for _, p := range portions {
			if p.Holder != l.holder && p.Holder != unknownHolder {
				continue
			}
			if err := tx.PutPortion(ctx, *p); err != nil {
				return err
			}
		}
	}
	return nil
}

// beat begins to settle every second, so that what this process has stays its own, and what it does not need goes back. The lock is held.
func (b *budget) beat() {
	if b.beating != nil || b.closed {
		return
	}
	stop := make(chan struct{})
	b.beating = stop
	go obs.Caught(context.Background(), b.quota.log, func() error { b.beats(stop); return nil }) // it logs a panic itself
}

// beats settles every second, until it is stopped or nothing is in use.
func (b *budget) beats(stop <-chan struct{}) {
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-stop:
			return
		}
		if b.renew() {
			return
		}
	}
}

// renew settles what is in use. What is not is given back, and the beats end.
func (b *budget) renew() (over bool) {
	b.mu.Lock()
	idle := !b.used && b.busy+b.claimed == 0
	b.used = b.busy+b.claimed > 0
	s := &b.second
	if !s.hungry {
		s.wanted = max(1, b.warm())
	}
	s.hungry = s.waiting > 0
	if idle {
		b.beating = nil
	}
	b.mu.Unlock()
	err := b.settle(context.Background(), wish{release: idle}, func() bool { return b.closed })
	if err != nil {
		b.quota.log.Warn("a budget could not be settled; what was taken of it is used up more slowly", "credential", string(b.id), "error", err)
	}
	return idle
}

// close gives back everything.
func (b *budget) close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	if b.beating != nil {
		close(b.beating)
		b.beating = nil
	}
	b.mu.Unlock()
	return b.settle(ctx, wish{release: true}, func() bool { return b.until.IsZero() && !b.stale })
}
