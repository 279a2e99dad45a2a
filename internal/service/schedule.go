package service

import (
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/schedule"
)

// checkSchedule says what is wrong with a schedule. A source without a schedule is right.
func checkSchedule(s *sallyport.Schedule) error {
	if s == nil {
		return nil
	}
	_, err := schedule.Parse(*s)
	return err
}

// firstRun is when a new schedule is due for the first time, zero without a schedule.
func firstRun(s *sallyport.Schedule, now time.Time) (time.Time, error) {
	if s == nil {
		return time.Time{}, nil
	}
	plan, err := schedule.Parse(*s)
	if err != nil {
		return time.Time{}, err
	}
	return plan.First(now), nil
}

// runAfter is when a schedule is due next after a run at now, zero without a schedule.
func runAfter(s *sallyport.Schedule, now time.Time) (time.Time, error) {
	if s == nil {
		return time.Time{}, nil
	}
	plan, err := schedule.Parse(*s)
	if err != nil {
		return time.Time{}, err
	}
	return plan.Next(now), nil
}

// checkInterval makes sure that a schedule is not due more often than an endpoint allows. Cron expressions are checked in UTC, whose days
// are all of the same length.
func checkInterval(s *sallyport.Schedule, e *connector.Endpoint) error {
	least := time.Duration(e.MinInterval)
	switch {
	case s == nil || least == 0:
		return nil
	case s.Cron == "" && time.Duration(s.Every) < least:
		return sallyport.FieldErrorf("schedule.every", "must be at least %s: %s may not be pulled more often", e.MinInterval, e.ID)
	case s.Cron == "":
		return nil
	}
	plan, err := schedule.Parse(sallyport.Schedule{Cron: s.Cron})
	if err != nil {
		return err
	}
	last := plan.Next(time.Now())
	for range cronLook {
		next := plan.Next(last)
		if next.Sub(last) < least {
			return sallyport.FieldErrorf("schedule.cron", "is due again after %s: %s may be pulled every %s only", next.Sub(last), e.ID, e.MinInterval)
		}
		last = next
	}
	return nil
}

// cronLook is how many times of a cron expression are checked.
const cronLook = 50
