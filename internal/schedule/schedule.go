// Package schedule answers when a flow is due.
//
// A [Plan] is a schedule that was checked and parsed once; its Next is cheap enough to be called in a loop. The fields of cron expressions
// are parsed by robfig/cron; the times are computed here, because no library has them right when clocks change (docs/adr/026-cron.md).
package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones on machines that have none

	"github.com/robfig/cron/v3"

	"github.com/sallyport-io/sallyport"
)

// Least is the shortest interval of a schedule.
const Least = time.Minute

// Plan is a checked schedule. It is immutable.
type Plan struct {
	every time.Duration // 0: by fields
	fields
	zone *time.Location
}

// Parse checks a schedule. Errors name the field below the source that is wrong.
func Parse(s sallyport.Schedule) (*Plan, error) {
	switch every := time.Duration(s.Every); {
	case (every != 0) == (s.Cron != ""):
		return nil, sallyport.FieldErrorf("schedule", "must have either every or cron")
	case every != 0 && every < Least:
		return nil, sallyport.FieldErrorf("schedule.every", "must be at least 1m")
	case every != 0 && s.Zone != "":
		return nil, sallyport.FieldErrorf("schedule.zone", "is only valid with cron")
	case every != 0:
		return &Plan{every: every}, nil
	}
	zone, err := parseZone(s.Zone)
	if err != nil {
		return nil, err
	}
	f, err := parseCron(s.Cron)
	if err != nil {
		return nil, err
	}
	return &Plan{fields: f, zone: zone}, nil
}

func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" || len(name) > maxText {
		return nil, sallyport.FieldErrorf("schedule.zone", "%.100q is not a time zone; use a name like Europe/Vienna", name)
	}
	return zone, nil
}

// maxText bounds a cron expression, in bytes.
const maxText = 200

// nicknames are the expressions that have a name.
var nicknames = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// parseCron reads an expression of five fields, or one of the nicknames.
func parseCron(text string) (f fields, err error) {
	refuse := func(format string, args ...any) (fields, error) {
		return f, sallyport.FieldErrorf("schedule.cron", "%.100q "+format, append([]any{text}, args...)...)
	}
	name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), " ")
	five := nicknames[name]
	switch {
	case len(text) > maxText:
		return refuse("is longer than %d characters", maxText)
	case strings.HasPrefix(name, "tz=") || strings.HasPrefix(name, "cron_tz="):
		return refuse("names a time zone: use schedule.zone for that, for example zone: Europe/Vienna")
	case name == "@every":
		return refuse("is an interval: use schedule.every for that, for example every: 8h")
	case name == "@reboot":
		return refuse("cannot be used: a flow does not depend on when the program starts")
	case five == "":
		five = text
	case name != strings.ToLower(strings.TrimSpace(text)):
		return refuse("has more after %s: use the name alone", name)
	}
	if strings.HasPrefix(name, "@") && five == text {
		return refuse("is not a known name: use @hourly, @daily, @weekly, @monthly or @yearly, or five fields")
	}
	five = withoutSeven(five)
	parsed, err := cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).Parse(five)
	spec, ok := parsed.(*cron.SpecSchedule)
	if err != nil || !ok {
		return refuse("is not a cron expression of five fields (minute, hour, day of month, month, day of week): %w", err)
	}
	f = newFields(spec, strings.Fields(five))
	if !f.possible() {
		return refuse("is never due: there is no such day in any year")
	}
	return f, nil
}

// weekdays are the names that the field for the day of the week may have.
var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// withoutSeven writes the 7 in the field for the day of the week as 0: both mean Sunday, but the parser knows only 0. What is not valid stays
// as it is, so that the parser refuses it.
func withoutSeven(five string) string {
	texts := strings.Fields(five)
	if len(texts) != 5 {
		return five
	}
	parts := strings.Split(texts[4], ",")
	for i, part := range parts {
		days, by, stepped := strings.Cut(part, "/")
		first, last, ranged := strings.Cut(days, "-")
		if !ranged {
			last = first
		}
		step, err := 1, error(nil)
		if stepped {
			step, err = strconv.Atoi(by)
		}
		if from := weekday(first); last == "7" && from >= 0 && err == nil && step > 0 {
			parts[i] = daysFrom(from, step)
		}
	}
	texts[4] = strings.Join(parts, ",")
	return strings.Join(texts, " ")
}

// weekday returns the number of a day of the week, of which 7 is Sunday, too; -1 for what is none.
func weekday(text string) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 && n <= 7 {
		return n
	}
	return slices.Index(weekdays, strings.ToLower(text))
}

// daysFrom lists every step-th day from one up to the Sunday that ends the week.
func daysFrom(from, step int) string {
	var days []string
	for day := from; day <= 7; day += min(step, 7) {
		days = append(days, strconv.Itoa(day%7))
	}
	return strings.Join(days, ",")
}

// Next returns the first time after t at which the plan is due.
func (p *Plan) Next(t time.Time) time.Time {
	if p.every != 0 {
		return t.Add(p.every).UTC()
	}
	return p.next(t.In(p.zone)).UTC()
}

// First returns when a plan that begins at t is due for the first time: at once if it is an interval.
func (p *Plan) First(t time.Time) time.Time {
	if p.every != 0 {
		return t.UTC()
	}
	return p.Next(t)
}

// Interval is how far apart the times of a plan are, 0 if that is up to the calendar.
func (p *Plan) Interval() time.Duration { return p.every }
