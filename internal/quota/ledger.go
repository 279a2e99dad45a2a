package quota

import (
	"time"

	"github.com/sallyport-io/sallyport"
)

const (
	lease         = 10 * time.Second // how long a portion is a process's own; it is renewed every second
	retry         = time.Second      // how soon to look again for calls that other processes hold and may give back
	unknownHolder = "unknown"        // of calls that nobody has told of
	maxPortion    = 1000             // calls of a day or month that a process takes at once
)

// ledger is the budget of one credential as the database has it, while it is locked. What is changed of it is written afterwards.
type ledger struct {
	now      time.Time
	id       sallyport.ID
	holder   string // this process
	windows  map[string]*sallyport.QuotaWindow
	portions map[string][]*sallyport.QuotaPortion // by window, those of other processes too
	gone     []sallyport.QuotaPortion             // to be removed
}

func newLedger(id sallyport.ID, holder string, now time.Time, windows []sallyport.QuotaWindow, portions []sallyport.QuotaPortion) *ledger {
	l := &ledger{
		now: now, id: id, holder: holder, windows: map[string]*sallyport.QuotaWindow{}, portions: map[string][]*sallyport.QuotaPortion{},
	}
	for i := range windows {
		l.windows[windows[i].Window] = &windows[i]
	}
	for i := range portions {
		l.portions[portions[i].Window] = append(l.portions[portions[i].Window], &portions[i])
	}
	return l
}

// news is what a system said of a window.
type news struct {
	left    int64 // calls; only if told
	told    bool
	at      time.Time
	none    bool      // a good answer named no such limit
	limit   int64     // calls that a refusal said are allowed; 0: it did not say
	refused time.Time // a call was refused: no other is made before this; zero: none was
}

func (n news) isEmpty() bool { return n == news{} }

// window returns a window; nil if nothing was known of it and nothing is.
func (l *ledger) window(name string, n news) *sallyport.QuotaWindow {
	w := l.windows[name]
	if w == nil && (n.told || n.limit > 0 || !n.refused.IsZero()) {
		w = &sallyport.QuotaWindow{CredentialID: l.id, Window: name}
		l.windows[name] = w
	}
	return w
}

// claimOn is what a process says about a day or month when it settles.
type claimOn struct {
	began   time.Time // of the period that it believes it is in; zero: none yet
	spent   int64     // calls that it has sent since it settled last
	unspent int64     // calls of its portion that are left
	held    int64     // calls of its portion when it settled last
	pending int64     // sent, and not answered: the system may not have counted these yet
	late    int64     // answered after the period was over
	seen    int64     // Spent of the window when it settled last
	news    news
	wants   bool // more calls,
	person  bool // one of them for a person, who may use the reserve
	release bool // it gives back what is left
}

// settled is what comes of that.
type settled struct {
	limited  bool
	origin   sallyport.QuotaOrigin
	began    time.Time
	end      time.Time
	seen     int64
	held     int64     // calls of its portion now
	next     time.Time // when there may be calls if there are none
	reserved bool      // there will never be any for a run: the reserve is all there is
}

// settle brings a day or month up to date, and gives a process what it may have of it.
func (l *ledger) settle(name string, c claimOn) settled {
	w := l.window(name, c.news)
	if w == nil {
		return settled{}
	}
	l.turn(w)
	own := l.take(name)
	lost := own == nil && c.held > 0 // others took this process for dead, and counted its portion as used
	others := max(0, w.Spent-c.seen)
	w.Spent += c.spent
	held := c.unspent
	switch {
	case !c.began.Equal(w.BeganAt): // what it had was of another period
		w.Used += c.pending + c.late
		held = 0
	case lost:
		held = 0
	default:
		w.Used += c.spent
	}
	l.learn(w, c.news, c.pending+others)
	s := settled{limited: w.Limit > 0 || w.RefusedUntil.After(l.now), origin: w.Origin, began: w.BeganAt, end: end(name, l.now), seen: w.Spent}
	keep := l.grant(w, held, c, &s)
	s.held = keep
	if keep > 0 {
		l.portions[name] = append(l.portions[name], &sallyport.QuotaPortion{
			CredentialID: l.id, Window: name, Holder: l.holder, Calls: keep, ExpiresAt: l.now.Add(lease),
		})
	} else if own != nil {
		l.gone = append(l.gone, *own)
	}
	w.UpdatedAt = l.now
	return s
}

// turn begins a new period if the old one is over, and counts as used what processes held that have died.
func (l *ledger) turn(w *sallyport.QuotaWindow) {
	from := begin(w.Window, l.now)
	ahead := w.BeganAt.After(l.now.Add(time.Hour)) // by a clock that was wrong
	over := ahead || from.After(w.BeganAt)
	var alive []*sallyport.QuotaPortion
	for _, p := range l.portions[w.Window] {
		switch {
		case !over && p.ExpiresAt.After(l.now):
			alive = append(alive, p)
			continue
		case !over:
			w.Used, w.Spent = w.Used+p.Calls, w.Spent+p.Calls
		}
		l.gone = append(l.gone, *p)
	}
	l.portions[w.Window] = alive
	if over {
		w.BeganAt, w.Used = from, 0
	}
	if ahead {
		w.RefusedUntil = time.Time{}
	}
}

// take takes the portion of this process out of those of a window.
func (l *ledger) take(window string) (own *sallyport.QuotaPortion) {
	var others []*sallyport.QuotaPortion
	for _, p := range l.portions[window] {
		if p.Holder == l.holder {
			own = p
		} else {
			others = append(others, p)
		}
	}
	l.portions[window] = others
	return own
}

// learn believes what a system said. Calls that it may not have counted when it said so are uncounted.
func (l *ledger) learn(w *sallyport.QuotaWindow, n news, uncounted int64) {
	if n.none && w.Origin == sallyport.QuotaHeader {
		w.Limit, w.Origin, w.Used = 0, "", 0
	}
	l.correct(w, n)
	if n.told && begin(w.Window, n.at).Equal(w.BeganAt) {
		used := w.Limit - n.left + uncounted
		if w.Origin == sallyport.QuotaHand { // the system may allow more, or less: what it has counted does not follow
			used = max(used, w.Used)
		}
		w.Used = used
	}
	if n.refused.After(w.RefusedUntil) {
		w.RefusedUntil, w.Used = n.refused, max(w.Used, w.Limit)
	}
}

// correct changes the limit of a window to what a system said. What a person set is only ever lowered.
func (l *ledger) correct(w *sallyport.QuotaWindow, n news) {
	byHand := w.Origin == sallyport.QuotaHand
	switch {
	case n.limit > 0 && (n.limit < w.Limit || !byHand):
		w.Limit, w.Origin = n.limit, sallyport.QuotaSentence
	case n.told && n.left+1 > w.Limit && !byHand:
		w.Limit, w.Origin = n.left+1, sallyport.QuotaHeader
	}
}

// grant returns how many calls a process may have, those that it held included.
func (l *ledger) grant(w *sallyport.QuotaWindow, held int64, c claimOn, s *settled) (keep int64) {
	if w.RefusedUntil.After(l.now) {
		s.next = w.RefusedUntil
		return 0
	}
	if !w.RefusedUntil.IsZero() { // one call is tried
		w.RefusedUntil, w.Used = time.Time{}, max(0, min(w.Used, w.Limit-1))
	}
	if w.Limit == 0 || c.release {
		return 0
	}
	left, taken := w.Limit-w.Used, int64(0)
	for _, p := range l.portions[w.Window] {
		taken += p.Calls
	}
	keep = max(0, min(held, left-taken))
	free, reserve := left-taken-keep, w.Reserve.Of(w.Limit)
	switch {
	case !c.wants:
	case c.person:
		keep += min(1, max(0, free))
	default:
		free -= reserve
		keep += max(0, min(free, max(1, free/100), maxPortion))
		s.reserved = reserve >= w.Limit
	}
	if s.next = s.end; taken > 0 {
		s.next = l.now.Add(retry)
	}
	return keep
}

// shareOf is what a process says about the second when it settles.
type shareOf struct {
	usable int64     // calls that it may make in any second
	warm   int64     // calls that are not answered, or were answered within the last second
	cold   time.Time // when the last of these that are answered no longer count
	wants  int64     // calls that it could use in a second
	news   news
}

// shared is what comes of that.
type shared struct {
	limit  int64 // 0: there is none
	usable int64
	next   time.Time // when there may be more; zero: not before the next beat
}

// share gives a process its part of what the second allows. What it used until now it keeps for one more turn, in which it learns that it
// has less; so whatever another process gets was not used for a second.
func (l *ledger) share(c shareOf) shared {
	w := l.second(c.news)
	if w == nil {
		return shared{}
	}
	own := l.take(w.Window)
	if w.Limit == 0 {
		return shared{}
	}
	taken, next := l.taken(w.Window)
	mine := &sallyport.QuotaPortion{CredentialID: l.id, Window: w.Window, Holder: l.holder, Wanted: c.wants, ExpiresAt: l.now.Add(lease)}
	if own != nil {
		mine.TurnAt = own.TurnAt
	}
	fair := fairShare(w.Limit, mine, l.portions[w.Window])
	mine.Calls = max(c.usable, c.warm)
	mine.Calls = max(mine.Calls, min(fair, w.Limit-taken))
	usable := min(fair, mine.Calls)
	if usable > 0 {
		mine.TurnAt = l.now
	}
	if c.wants == 0 { // it is idle
		mine.ExpiresAt = c.cold
	}
	l.put(mine, own)
	s := shared{limit: w.Limit, usable: usable}
	if usable < min(c.wants, w.Limit) {
		s.next = next
	}
	if soon := l.now.Add(retry / 4); c.wants > 0 && usable == 0 && (next.IsZero() || next.After(soon)) {
		s.next = soon
	}
	return s
}

// second is the window of a second as the news have it, without the portions that count no longer; nil: nothing is known of it.
func (l *ledger) second(n news) *sallyport.QuotaWindow {
	name := sallyport.WindowSecond
	w := l.window(name, n)
	if w == nil {
		return nil
	}
	if n.none && w.Origin == sallyport.QuotaHeader {
		w.Limit, w.Origin = 0, ""
	}
	first := w.Limit == 0
	l.correct(w, n)
	w.UpdatedAt = l.now
	l.expire(name)
	if first && w.Limit > 0 { // other processes may have made calls before anybody knew
		l.put(&sallyport.QuotaPortion{CredentialID: l.id, Window: name, Holder: unknownHolder, Calls: w.Limit, ExpiresAt: l.now.Add(hold)}, nil)
	}
	return w
}

// taken is how many calls the portions of a window have, and when the first of those is free again that nobody wants any more; zero: none is.
func (l *ledger) taken(window string) (calls int64, next time.Time) {
	for _, p := range l.portions[window] {
		calls += p.Calls
		if p.Wanted == 0 && (next.IsZero() || p.ExpiresAt.Before(next)) {
			next = p.ExpiresAt
		}
	}
	return calls, next
}

// put keeps a portion, unless it is of nothing, and nothing is wanted.
func (l *ledger) put(mine, old *sallyport.QuotaPortion) {
	switch {
	case mine.Calls > 0 || mine.Wanted > 0:
		l.portions[mine.Window] = append(l.portions[mine.Window], mine)
	case old != nil:
		l.gone = append(l.gone, *old)
	}
}

// expire forgets the portions of a second that count no longer.
func (l *ledger) expire(window string) {
	var alive []*sallyport.QuotaPortion
	for _, p := range l.portions[window] {
		if p.ExpiresAt.After(l.now) {
			alive = append(alive, p)
		} else {
			l.gone = append(l.gone, *p)
		}
	}
	l.portions[window] = alive
}
