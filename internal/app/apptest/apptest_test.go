package apptest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport/internal/app/apptest"
)

// TestMidMonth looks at the clock in the last minutes of months.
func TestMidMonth(t *testing.T) {
	for _, date := range []time.Time{
		time.Date(2000, 1, 31, 23, 58, 0, 0, time.UTC), time.Date(2000, 2, 29, 23, 58, 0, 0, time.UTC), time.Date(2000, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Until(date))
			clock := apptest.MidMonth()
			time.Sleep(10 * time.Minute)
			now := clock().UTC()
			year, month, day := now.Date()
			if now.Before(date) || time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC).Sub(now) < 11*time.Hour ||
				time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).Sub(now) < 10*24*time.Hour {
				t.Errorf("at %s it shows %s", date, now)
			}
		})
	}
}
