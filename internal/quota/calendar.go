package quota

import (
	"time"

	"github.com/sallyport-io/sallyport"
)

// begin returns when the period of a day or month that t lies in began, by the calendar in UTC.
func begin(window string, t time.Time) time.Time {
	t = t.UTC()
	if window == sallyport.WindowMonth {
		return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}

// end returns when the next period begins.
func end(window string, t time.Time) time.Time {
	if window == sallyport.WindowMonth {
		return begin(window, t).AddDate(0, 1, 0)
	}
	return begin(window, t).AddDate(0, 0, 1)
}

// probe returns when a call is tried again after the system refused one at t: its periods may begin at other times than the calendar's.
func probe(window string, t time.Time) time.Time {
	pause := time.Hour
	if window == sallyport.WindowMonth {
		pause = 6 * time.Hour
	}
	if next := end(window, t); next.Before(t.Add(pause)) {
		return next
	}
	return t.Add(pause).UTC().Truncate(time.Microsecond)
}
