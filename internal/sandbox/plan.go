package sandbox

import (
	"slices"
	"sync"
	"time"
)

// plan is what an account may ask for.
type plan struct {
	name    string
	limits  []limit // longest period first; none for a period means no limit
	pages   int     // pages of one listing that are answered; 0 means all
	explore int     // the largest limit that Explore takes
	csv     bool    // the CSV export
	taxii   bool    // the collections of TAXII, not only that for tests
	soft    bool    // requests beyond the limits are counted, and not refused
}

// limit is how many requests a period of the calendar (UTC) may have.
type limit struct {
	period string // month, day or second
	max    int
}

var plans = []plan{
	{name: "free", limits: []limit{{"month", 250}, {"day", 10}, {"second", 1}}, pages: 1, explore: 100},
	{name: "pro", limits: []limit{{"month", 300_000}, {"day", 10_000}, {"second", 10}}, pages: 2, explore: 1000, taxii: true},
	{name: "team", limits: []limit{{"month", 1_000_000}, {"day", 50_000}, {"second", 20}}, pages: 4, explore: 2000, taxii: true, soft: true},
	{name: "business", limits: []limit{{"day", 200_000}, {"second", 50}}, pages: 10, explore: 10_000, taxii: true, soft: true},
	{name: "feed", limits: []limit{{"second", 50}}, explore: 10_000, csv: true, taxii: true},
	{name: "cut", pages: 2, explore: 100, csv: true, taxii: true},
	{name: "unlimited", explore: 100_000, csv: true, taxii: true},
}

// most returns how many requests a period may have; 1 where that is not limited.
func (p plan) most(period string) int {
	for _, l := range p.limits {
		if l.period == period {
			return l.max
		}
	}
	return 1
}

// anonymousPlan is what is answered without a key.
var anonymousPlan = plan{name: "anonymous", limits: []limit{{"month", 50}, {"day", 5}, {"second", 1}}, pages: 1, explore: 10}

func planNames() []string {
	var names []string
	for _, p := range plans {
		names = append(names, p.name)
	}
	return names
}

// begin returns when the period that t lies in began.
func begin(period string, t time.Time) time.Time {
	t = t.UTC()
	switch period {
	case "month":
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	case "day":
		return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	default:
		return t.Truncate(time.Second)
	}
}

// meter counts the requests of a plan. It may be used concurrently.
type meter struct {
	mu      sync.Mutex
	soft    bool
	windows []window
}

// window is the count of one limit in the period at hand.
type window struct {
	limit
	start time.Time
	used  int
}

func (w window) left() int { return max(w.max-w.used, 0) }

func newMeter(p plan) *meter {
	m := &meter{soft: p.soft}
	for _, l := range p.limits {
		m.windows = append(m.windows, window{limit: l})
	}
	return m
}

// take counts a request, unless a limit that is not soft is used up, or it is free. It returns the windows after that, or the longest one that is used up.
func (m *meter) take(now time.Time, counts bool) (left []window, exceeded *window) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	if !counts {
		return slices.Clone(m.windows), nil
	}
	for _, w := range m.windows {
		if w.left() == 0 && !m.soft {
			return nil, &w
		}
	}
	for i := range m.windows {
		m.windows[i].used++
	}
	return slices.Clone(m.windows), nil
}

// look returns the windows without counting.
func (m *meter) look(now time.Time) []window {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.roll(now)
	return slices.Clone(m.windows)
}

// roll starts every window anew whose period is over.
func (m *meter) roll(now time.Time) {
	for i := range m.windows {
		w := &m.windows[i]
		if start := begin(w.period, now); !start.Equal(w.start) {
			w.start, w.used = start, 0
		}
	}
}
