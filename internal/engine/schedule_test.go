package engine

import (
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

func TestNext(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name     string
		schedule *sallyport.Schedule
		from     string
		want     string // empty: an error
	}{
		{"every", &sallyport.Schedule{Every: sallyport.Duration(8 * time.Hour)}, "2026-01-01T00:30:00Z", "2026-01-01T08:30:00Z"},
		{"cron in UTC", &sallyport.Schedule{Cron: "0 */8 * * *"}, "2026-01-01T08:00:00Z", "2026-01-01T16:00:00Z"},
		{"cron in a zone", &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Europe/Vienna"}, "2026-01-01T00:00:00Z", "2026-01-01T07:00:00Z"},
		{"before the clocks change", &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Europe/Vienna"}, "2026-03-28T00:00:00Z", "2026-03-28T07:00:00Z"},
		{"after the clocks changed", &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Europe/Vienna"}, "2026-03-28T08:00:00Z", "2026-03-29T06:00:00Z"},
		{"a leap day", &sallyport.Schedule{Cron: "0 0 29 2 *"}, "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"never due", &sallyport.Schedule{Cron: "0 0 30 2 *"}, "2026-01-01T00:00:00Z", ""},
		{"no cron expression", &sallyport.Schedule{Cron: "daily"}, "2026-01-01T00:00:00Z", ""},
		{"no zone", &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Vienna"}, "2026-01-01T00:00:00Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Next(c.schedule, at(c.from))
			if c.want == "" {
				if err == nil {
					t.Errorf("no error but %s", got)
				}
				return
			}
			if err != nil || !got.Equal(at(c.want)) {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
	if got, err := Next(nil, time.Now()); err != nil || !got.IsZero() {
		t.Errorf("without a schedule: %s, %v", got, err)
	}
}
