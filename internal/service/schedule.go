package service

import (
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
)

// checkSchedule says what is wrong with a schedule; none is right.
func checkSchedule(s *sallyport.Schedule) error {
	switch {
	case s == nil:
		return nil
	case (s.Every != 0) == (s.Cron != ""):
		return sallyport.FieldErrorf("schedule", "must have either every or cron")
	case s.Every != 0 && time.Duration(s.Every) < time.Minute:
		return sallyport.FieldErrorf("schedule.every", "must be at least 1m")
	case s.Every != 0 && s.Zone != "":
		return sallyport.FieldErrorf("schedule.zone", "goes with cron only")
	}
	_, err := engine.Next(s, time.Now())
	return err
}

// checkInterval makes sure that a schedule is not due more often than an endpoint allows. Cron expressions are looked at in UTC, whose days
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
	plain := sallyport.Schedule{Cron: s.Cron}
	last, err := engine.Next(&plain, time.Now())
	for range cronLook {
		if err != nil {
			return err
		}
		var next time.Time
		if next, err = engine.Next(&plain, last); err == nil && next.Sub(last) < least {
			return sallyport.FieldErrorf("schedule.cron", "is due again after %s: %s may be pulled every %s only", next.Sub(last), e.ID, e.MinInterval)
		}
		last = next
	}
	return nil
}

// cronLook is how many times of a cron expression are looked at.
const cronLook = 50
