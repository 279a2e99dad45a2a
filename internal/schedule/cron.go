package schedule

import (
	"math/bits"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// fields are the sets of a cron expression: bit n is the number n.
type fields struct {
	minute, hour, dom, month, dow uint64
	anyDay                        bool // either kind of day must fit, as both are given
	everyHour                     bool
	wild                          bool // minute or hour is a wildcard: the expression means "all through", not "at"
}

const star = 1 << 63 // of a field that is *

func newFields(s *cron.SpecSchedule, text []string) fields {
	const minutes, hours = 1<<60 - 1, 1<<24 - 1
	f := fields{minute: s.Minute & minutes, hour: s.Hour & hours, dom: s.Dom &^ star, month: s.Month &^ star, dow: s.Dow &^ star}
	f.anyDay = s.Dom&star == 0 && s.Dow&star == 0
	f.everyHour = f.hour == hours
	f.wild = f.everyHour || f.minute == minutes || strings.HasPrefix(text[0], "*") || strings.HasPrefix(text[1], "*")
	return f
}

// day tells whether a date fits.
func (f fields) day(civil time.Time) bool {
	dom, dow := f.dom>>civil.Day()&1 == 1, f.dow>>civil.Weekday()&1 == 1
	return f.anyDay && (dom || dow) || dom && dow
}

// possible tells whether there is a date that fits.
func (f fields) possible() bool {
	if f.anyDay {
		return true
	}
	for month := time.January; month <= time.December; month++ {
		last := time.Date(2000, month+1, 0, 0, 0, 0, 0, time.UTC).Day() // of a leap year
		if f.month>>month&1 == 1 && bits.TrailingZeros64(f.dom) <= last {
			return true
		}
	}
	return false
}

// forty years hold a leap day on every day of the week, also around a year without one such as 2100.
const horizon = 40

// after returns the first fitting reading of a clock that never changes, from civil on. Readings are written as times in UTC.
func (f fields) after(civil time.Time) time.Time {
	if civil.Second() != 0 || civil.Nanosecond() != 0 {
		civil = civil.Truncate(time.Minute).Add(time.Minute)
	}
	for end := civil.Year() + horizon; civil.Year() <= end; {
		year, month, day := civil.Date()
		if f.month>>month&1 == 0 {
			civil = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
			continue
		}
		if f.day(civil) {
			if minute := f.minuteFrom(civil.Hour()*60 + civil.Minute()); minute >= 0 {
				return time.Date(year, month, day, 0, minute, 0, 0, time.UTC)
			}
		}
		civil = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}

// minuteFrom returns the first fitting minute of a day from the given one on, -1 if none is left.
func (f fields) minuteFrom(from int) int {
	hour, minute := from/60, from%60
	if left := f.minute >> minute; f.hour>>hour&1 == 1 && left != 0 {
		return hour*60 + minute + bits.TrailingZeros64(left)
	}
	if left := f.hour >> (hour + 1); left != 0 {
		return (hour+1+bits.TrailingZeros64(left))*60 + bits.TrailingZeros64(f.minute)
	}
	return -1
}

// next returns the first time after t, in the zone of t, at which the expression is due; zero for never.
//
// Between two changes of the clocks a zone is a clock that never changes. Where the clocks go forward, what they skip is due right after,
// once, unless the expression is due in every hour. Where they go back, a reading that comes again is due again only if the
// expression has a wildcard for the minute or the hour.
func (f fields) next(t time.Time) time.Time {
	from := t.Truncate(time.Minute).Add(time.Minute)
	if _, end := steady(t); !end.IsZero() && !end.After(from) { // within the minute before a change
		from = end
		if f.skipped(end) {
			return end
		}
	}
	for limit := t.Year() + horizon; from.Year() <= limit; {
		_, end := steady(from)
		due := f.within(from)
		switch {
		case !due.IsZero() && (end.IsZero() || due.Before(end)):
			return due
		case end.IsZero():
			return due
		case f.skipped(end):
			return end
		}
		from = end
	}
	return time.Time{}
}

// steady returns the time around t in which the clocks are not changed. It may be shorter than it could be, but the end is after t: on the last
// day of leap years after 2037, ZoneBounds returns an end that is over.
func steady(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = t.Add(24 * time.Hour)
	}
	if start.After(t) {
		start = t
	}
	return start, end
}

// within returns the first time from the given one on at which the expression is due, if the clocks are not changed until then.
func (f fields) within(from time.Time) time.Time {
	start, _ := steady(from)
	civil := civilOf(from)
	if !f.wild && !start.IsZero() { // what the clock before the change has shown is over
		if shown := civilAt(start, start.Add(-1)); civil.Before(shown) {
			civil = shown
		}
	}
	due := f.after(civil)
	if due.IsZero() {
		return due
	}
	return from.Add(due.Sub(civilOf(from)))
}

// skipped tells whether clocks that go forward at a time skip a reading that fits.
func (f fields) skipped(at time.Time) bool {
	if f.everyHour {
		return false
	}
	due := f.after(civilAt(at, at.Add(-1)))
	return !due.IsZero() && due.Before(civilOf(at))
}

// civilOf is what a clock in the zone of t shows at t.
func civilOf(t time.Time) time.Time { return civilAt(t, t) }

// civilAt is what a clock shows at t that is not changed after like.
func civilAt(t, like time.Time) time.Time {
	_, offset := like.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
