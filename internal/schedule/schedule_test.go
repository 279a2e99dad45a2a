package schedule

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

func TestNext(t *testing.T) {
	for _, c := range []struct{ name, zone, cron, from, want string }{
		{"UTC", "", "0 */8 * * *", "2026-01-01T08:00:00Z", "2026-01-01T16:00:00Z 2026-01-02T00:00:00Z"},
		{"between two minutes", "", "* * * * *", "2026-01-01T08:00:59.5Z", "2026-01-01T08:01:00Z 2026-01-01T08:02:00Z"},
		{"a zone", "Europe/Vienna", "0 8 * * *", "2026-01-01T00:00:00Z", "2026-01-01T08:00:00+01:00"},
		{"summer", "Europe/Vienna", "0 8 * * *", "2026-03-28T00:00:00Z", "2026-03-28T08:00:00+01:00 2026-03-29T08:00:00+02:00"},
		{"a gap", "Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:30:00+02:00"},
		{"a date in a gap", "Europe/Berlin", "30 2 28 3 *", "2027-03-27T12:00:00Z", "2027-03-28T03:00:00+02:00 2028-03-28T02:30:00+02:00"},
		{"several times in a gap", "Europe/Berlin", "0,30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"minutes in a gap", "Europe/Berlin", "*/15 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"every other hour over a gap", "Europe/Berlin", "0 */2 * * *", "2026-03-28T23:00:00Z", "2026-03-29T03:00:00+02:00 2026-03-29T04:00:00+02:00"},
		{"hourly over a gap", "Europe/Berlin", "30 * * * *", "2026-03-29T00:00:00Z", "2026-03-29T01:30:00+01:00 2026-03-29T03:30:00+02:00"},
		{"a fold", "Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00 2026-10-26T02:30:00+01:00"},
		{"from within a fold", "Europe/Berlin", "30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T02:30:00+01:00"},
		{"quarters in a fold", "Europe/Berlin", "*/15 * * * *", "2026-10-25T00:40:00Z",
			"2026-10-25T02:45:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T02:15:00+01:00"},
		{"hourly in a fold", "Europe/Berlin", "@hourly", "2026-10-24T23:00:00Z",
			"2026-10-25T02:00:00+02:00 2026-10-25T02:00:00+01:00 2026-10-25T03:00:00+01:00"},
		{"half an hour", "Australia/Lord_Howe", "15 2 * * *", "2026-10-02T20:00:00Z", "2026-10-04T02:30:00+11:00 2026-10-05T02:15:00+11:00"},
		{"half an hour back", "Australia/Lord_Howe", "45 1 * * *", "2026-04-03T20:00:00Z", "2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		{"a day that is not there", "Pacific/Apia", "0 9 * * *", "2011-12-29T00:00:00Z", "2011-12-29T09:00:00-10:00 2011-12-31T00:00:00+14:00 2011-12-31T09:00:00+14:00"},
		{"winter time as the exception", "Europe/Dublin", "30 1 * * *", "2026-03-28T12:00:00Z", "2026-03-29T02:00:00+01:00 2026-03-30T01:30:00+01:00"},
		{"past midnight", "America/St_Johns", "30 23 * * *", "2009-10-31T12:00:00Z", "2009-10-31T23:30:00-02:30 2009-11-01T23:30:00-03:30"},
		{"a leap day", "", "0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z"},
		{"no leap day in 2100", "", "0 0 29 2 *", "2096-03-01T00:00:00Z", "2104-02-29T00:00:00Z"},
		{"after 2037", "Europe/Berlin", "0 12 29 2 *", "2037-01-01T00:00:00Z", "2040-02-29T12:00:00+01:00 2044-02-29T12:00:00+01:00"},
		{"the last day of a leap year after 2037", "Europe/Berlin", "0 12 * * *", "2040-12-30T00:00:00Z",
			"2040-12-30T12:00:00+01:00 2040-12-31T12:00:00+01:00 2041-01-01T12:00:00+01:00"},
		{"either day", "", "0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z 2026-01-09T00:00:00Z 2026-01-13T00:00:00Z"},
		{"yearly", "", " @YEARLY ", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := Parse(sallyport.Schedule{Cron: c.cron, Zone: c.zone})
			if err != nil {
				t.Fatal(err)
			}
			at := instant(t, c.from)
			for _, want := range strings.Fields(c.want) {
				if at = plan.Next(at); !at.Equal(instant(t, want)) {
					t.Fatalf("got %s, want %s", at.In(plan.zone).Format(time.RFC3339), want)
				}
			}
		})
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestParse(t *testing.T) {
	hour := sallyport.Duration(time.Hour)
	for _, c := range []struct {
		schedule sallyport.Schedule
		field    string // "": it is right
		says     string
	}{
		{sallyport.Schedule{Every: hour}, "", ""},
		{sallyport.Schedule{Every: sallyport.Duration(time.Minute)}, "", ""},
		{sallyport.Schedule{Cron: "@weekly"}, "", ""},
		{sallyport.Schedule{Cron: "0 8 * jan-MAR mon"}, "", ""},
		{sallyport.Schedule{}, "schedule", "either"},
		{sallyport.Schedule{Every: hour, Cron: "@daily"}, "schedule", "either"},
		{sallyport.Schedule{Every: sallyport.Duration(30 * time.Second)}, "schedule.every", "at least 1m"},
		{sallyport.Schedule{Every: -hour}, "schedule.every", "at least 1m"},
		{sallyport.Schedule{Every: hour, Zone: "UTC"}, "schedule.zone", "only valid with cron"},
		{sallyport.Schedule{Cron: "0 8 * * *", Zone: "Vienna"}, "schedule.zone", "Vienna"},
		{sallyport.Schedule{Cron: "0 8 * * *", Zone: "Local"}, "schedule.zone", "Local"},
		{sallyport.Schedule{Cron: "TZ=UTC"}, "schedule.cron", "zone: Europe/Vienna"},
		{sallyport.Schedule{Cron: " tz=UTC 0 8 * * *"}, "schedule.cron", "zone: Europe/Vienna"},
		{sallyport.Schedule{Cron: "CRON_TZ=Europe/Berlin 0 8 * * *"}, "schedule.cron", "zone: Europe/Vienna"},
		{sallyport.Schedule{Cron: "@every 1s"}, "schedule.cron", "every: 8h"},
		{sallyport.Schedule{Cron: "@reboot"}, "schedule.cron", "program starts"},
		{sallyport.Schedule{Cron: "@fortnightly"}, "schedule.cron", "not a known name"},
		{sallyport.Schedule{Cron: "@daily 5"}, "schedule.cron", "name alone"},
		{sallyport.Schedule{Cron: "daily"}, "schedule.cron", "five fields"},
		{sallyport.Schedule{Cron: "* * * * * *"}, "schedule.cron", "five fields"},
		{sallyport.Schedule{Cron: "0 24 * * *"}, "schedule.cron", "24"},
		{sallyport.Schedule{Cron: "30 2 31 2 *"}, "schedule.cron", "never due"},
		{sallyport.Schedule{Cron: "0 0 31 4,6,9,11 *"}, "schedule.cron", "never due"},
		{sallyport.Schedule{Cron: strings.Repeat("1,", 150) + "1 * * * *"}, "schedule.cron", "longer"},
	} {
		_, err := Parse(c.schedule)
		if c.field == "" && err != nil || c.field != "" && (err == nil || !strings.Contains(err.Error(), c.says) || fieldOf(err) != c.field) {
			t.Errorf("%+v: %v; want %s … %s", c.schedule, err, c.field, c.says)
		}
	}
}

func fieldOf(err error) string {
	if e, ok := errors.AsType[*sallyport.Error](err); ok {
		return e.Field
	}
	return ""
}

// FuzzParse: whatever is typed is an error or a plan that gets on, at least a minute a time.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"TZ=UTC", "@every 1s", "*/15 2 * * *", "0 0 29 2 *", "* * 31 2 0", "0 0 1-5/2,9 * ?"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		plan, err := Parse(sallyport.Schedule{Cron: text, Zone: "Europe/Berlin"})
		if err != nil {
			return
		}
		at := time.Date(2026, 3, 28, 0, 0, 0, 0, time.UTC)
		for range 5 {
			next := plan.Next(at)
			if next.Sub(at) < Least {
				t.Fatalf("%q is due at %s and at %s", text, at, next)
			}
			at = next
		}
	})
}

// minute is a minute of a year, as the clocks of a zone show it.
type minute struct {
	at      time.Time
	civil   time.Time
	again   bool      // this reading was there before
	skipped time.Time // the first reading that was skipped right before; zero for none
}

// minutes are all minutes from one time to another.
func minutes(zone *time.Location, from, to time.Time) (all []minute) {
	shown := map[int64]bool{}
	for at := from.Add(-25 * time.Hour); at.Before(to); at = at.Add(time.Minute) {
		local := at.In(zone)
		civil := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
		m := minute{at: at, civil: civil, again: shown[civil.Unix()]}
		if len(all) > 0 {
			if due := all[len(all)-1].civil.Add(time.Minute); due.Before(civil) {
				m.skipped = due
			}
		}
		shown[civil.Unix()] = true
		all = append(all, m)
	}
	return all
}

// fits is the meaning of an expression, as plainly as it can be written.
func fits(f fields, m minute) bool {
	match := func(c time.Time) bool {
		return f.minute>>c.Minute()&1 == 1 && f.hour>>c.Hour()&1 == 1 && f.month>>c.Month()&1 == 1 && f.day(c)
	}
	if match(m.civil) && (f.wild || !m.again) {
		return true
	}
	if !m.skipped.IsZero() && !f.everyHour {
		for c := m.skipped; c.Before(m.civil); c = c.Add(time.Minute) {
			if match(c) {
				return true
			}
		}
	}
	return false
}

// TestEveryMinute compares the times of arbitrary expressions with what looking at every minute finds, around changes of clocks of all kinds.
func TestEveryMinute(t *testing.T) {
	for _, c := range []struct {
		zone     string
		from, to string
	}{
		{"Europe/Berlin", "2026-03-20", "2026-04-05"}, {"Europe/Berlin", "2026-10-20", "2026-11-01"}, // an hour, forth and back
		{"America/New_York", "2026-03-01", "2026-03-15"}, {"America/New_York", "2026-10-25", "2026-11-08"},
		{"Australia/Lord_Howe", "2026-03-28", "2026-04-12"}, {"Australia/Lord_Howe", "2026-09-27", "2026-10-11"}, // half an hour
		{"Pacific/Apia", "2011-12-20", "2012-01-10"},                                                 // a day is missing
		{"Europe/Dublin", "2026-03-20", "2026-04-05"}, {"Europe/Dublin", "2026-10-20", "2026-11-01"}, // winter time is the exception
		{"Africa/Casablanca", "2026-02-10", "2026-03-30"},                                              // for Ramadan
		{"America/St_Johns", "2009-10-25", "2009-11-08"},                                               // at one minute past midnight
		{"America/Havana", "2026-03-01", "2026-03-15"}, {"America/Havana", "2026-10-25", "2026-11-08"}, // at midnight
		{"Pacific/Kwajalein", "1993-08-15", "1993-08-28"}, {"Asia/Pyongyang", "2018-04-28", "2018-05-10"}, // not for summer
		{"UTC", "2027-12-20", "2028-01-10"},
	} {
		t.Run(c.zone+" "+c.from, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			from, to := instant(t, c.from+"T00:00:00Z"), instant(t, c.to+"T00:00:00Z")
			all := minutes(zone, from, to)
			rapid.Check(t, func(t *rapid.T) { compare(t, c.zone, expressions.Draw(t, "cron"), from, to, all) })
		})
	}
}

var (
	minuteField = rapid.SampledFrom([]string{"*", "*/15", "*/7", "0", "1", "30", "59", "0,30", "10-20/5", "0-59"})
	hourField   = rapid.SampledFrom([]string{"*", "*/2", "*/8", "0", "1", "2", "3", "23", "0-3", "2,3", "0-23"})
	dayField    = rapid.SampledFrom([]string{"*", "*", "*", "1", "4", "5", "25", "28-31", "29", "30", "*/2"})
	monthField  = rapid.SampledFrom([]string{"*", "*", "3", "4", "10-12"})
	weekField   = rapid.SampledFrom([]string{"*", "*", "0", "mon-fri", "6"})
	expressions = rapid.Custom(func(t *rapid.T) string {
		return strings.Join([]string{minuteField.Draw(t, "minute"), hourField.Draw(t, "hour"), dayField.Draw(t, "day"), monthField.Draw(t, "month"), weekField.Draw(t, "week")}, " ")
	})
)

func compare(t *rapid.T, zone, text string, from, to time.Time, all []minute) {
	plan, err := Parse(sallyport.Schedule{Cron: text, Zone: zone})
	if err != nil {
		t.Fatal(err)
	}
	due := plan.Next(from.Add(-time.Second))
	for _, m := range all {
		switch fit := !m.at.Before(from) && fits(plan.fields, m); {
		case fit && !due.Equal(m.at):
			t.Fatalf("%s in %s: %s is left out; next is %s", text, zone, m.at.In(plan.zone), due.In(plan.zone))
		case !fit && due.Equal(m.at):
			t.Fatalf("%s in %s: %s is too much", text, zone, m.at.In(plan.zone))
		case fit:
			due = plan.Next(m.at)
		}
	}
	if due.Before(to) {
		t.Fatalf("%s in %s: %s is no minute of its own", text, zone, due.In(plan.zone))
	}
}

func BenchmarkNext(b *testing.B) {
	plan, err := Parse(sallyport.Schedule{Cron: "30 2 28 3 *", Zone: "Europe/Berlin"})
	if err != nil {
		b.Fatal(err)
	}
	for at := time.Now(); b.Loop(); {
		plan.Next(at)
	}
}

// TestSunday: 7 is Sunday as 0 is, alone, in lists, at the end of ranges and with steps.
func TestSunday(t *testing.T) {
	for seven, zero := range map[string]string{
		"7": "0", "0,7": "0", "1,7": "0,1", "5-7": "0,5,6", "fri-7": "0,5,6", "0-7": "0-6", "1-7": "0-6", "7-7": "0", "7/2": "0",
		"1-7/2": "0,1,3,5", "1-7/3": "1,4,0", "0-7/7": "0", "1-7/99": "1", "sun,3-7/4": "0,3", "7,1-2": "0-2",
	} {
		got, err := Parse(sallyport.Schedule{Cron: "5 4 * * " + seven})
		if err != nil {
			t.Errorf("%s: %v", seven, err)
			continue
		}
		want, err := Parse(sallyport.Schedule{Cron: "5 4 * * " + zero})
		if err != nil {
			t.Fatal(err)
		}
		if got.fields != want.fields {
			t.Errorf("%s is not %s: days %b, want %b", seven, zero, got.dow, want.dow)
		}
	}
	for _, bad := range []string{"8", "7-8", "7-1", "-7", "8-7", "1-7/0", "1-7/-1", "1-7/x", "x-7", "07-8", "7-", "-", "7/", "1-7/2/3"} {
		if _, err := Parse(sallyport.Schedule{Cron: "5 4 * * " + bad}); fieldOf(err) != "schedule.cron" {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, err := Parse(sallyport.Schedule{Cron: "5 4 7 7 7"}); err != nil {
		t.Error(err)
	}
}
