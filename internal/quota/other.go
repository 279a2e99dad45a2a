package quota

import (
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/ratelimit"
)

// longestHold bounds how long a refusal whose window is not known holds back all requests of a credential: it may be about one endpoint only.
const longestHold = time.Hour

// heard is what responses told of limits that nobody declared, since it was settled last.
type heard struct {
	told  bool
	left  int64     // requests, of the limit that has the fewest
	total int64     // that it allows; 0: unknown
	reset time.Time // when it begins anew; zero: unknown
	hold  time.Time // no request before this; zero: no reason
}

func (h heard) isEmpty() bool { return h == heard{} }

// hear learns from the headers of a response about limits that the definition does not name. The lock is held.
func (b *budget) hear(response *http.Response, now time.Time) {
	if len(b.headers) > 0 {
		return
	}
	limits := ratelimit.Read(response.Header, now)
	fewest := -1
	for i, l := range limits {
		if l.Left >= 0 && (fewest < 0 || l.Left < limits[fewest].Left) {
			fewest = i
		}
	}
	if fewest >= 0 {
		l := limits[fewest]
		b.heard.told, b.heard.left, b.heard.total, b.heard.reset = true, l.Left, l.Total, l.Reset
	}
	b.holdUntil(ratelimit.Spent(limits, now), now)
}

// holdUntil holds back every request until then. The lock is held.
func (b *budget) holdUntil(until, now time.Time) {
	if !until.After(now) || !until.After(b.hold) {
		return
	}
	until = until.Truncate(time.Microsecond).Add(time.Microsecond) // the database cuts off what is less
	b.hold, b.heard.hold, b.stale = until, until, true
}

// other brings the window of undeclared limits up to date, and returns until when no request is made. Only what is left is known for certain,
// so where no total is known the window has none: it is used to minus what is left.
func (l *ledger) other(h heard) (hold time.Time) {
	w := l.windows[sallyport.WindowOther]
	if w == nil && h.isEmpty() {
		return time.Time{}
	}
	if w == nil {
		w = &sallyport.QuotaWindow{CredentialID: l.id, Window: sallyport.WindowOther}
		l.windows[w.Window] = w
	}
	if h.told {
		w.Limit, w.Origin, w.Used, w.BeganAt, w.UpdatedAt = h.total, sallyport.QuotaHeader, h.total-h.left, h.reset, l.now
	}
	if h.hold.After(w.RefusedUntil) {
		w.RefusedUntil, w.UpdatedAt = h.hold, l.now
	}
	return w.RefusedUntil
}

// otherStands tells whether what is stored of undeclared limits still says something: until they begin anew, or for a while.
func otherStands(row sallyport.QuotaWindow, now time.Time) bool {
	until := row.BeganAt
	if until.IsZero() {
		until = row.UpdatedAt.Add(longestHold)
	}
	return until.After(now) || row.RefusedUntil.After(now)
}

func viewOther(row sallyport.QuotaWindow, now time.Time) Window {
	w := Window{Window: row.Window, Limit: row.Limit, Left: max(0, row.Limit-row.Used), Origin: row.Origin, UpdatedAt: row.UpdatedAt}
	if row.BeganAt.After(now) {
		w.RenewsAt = row.BeganAt
	}
	if row.RefusedUntil.After(now) {
		w.Left, w.RefusedUntil = 0, row.RefusedUntil
	}
	return w
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
