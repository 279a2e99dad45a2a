package service_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

// look lets the engine look at the schedules, as a server does, until done says so.
func (p *place) look(done func() bool) {
	p.Helper()
	ctx, stop := context.WithTimeout(p.Context(), 20*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() { defer close(ended); p.Service.Engine.Schedule(ctx) }()
	for !done() && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		p.Error("it does not happen")
	}
	stop()
	<-ended
}

// TestClockThatWasAhead: what a wrong clock has put off by a year is put right when the schedule is looked at.
func TestClockThatWasAhead(t *testing.T) {
	for name, schedule := range map[string]string{"every": "schedule: {every: 8h}", "cron": `schedule: {cron: "0 */8 * * *", zone: Europe/Berlin}`} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, nil)
			p.follow(schedule, "id")
			p.change("UPDATE source SET next_run_at = next_run_at + 365 * 86400 * 1000000")
			due := func() time.Duration { return p.flow("f").Source.NextRunAt.Sub(sallyport.Now()) }
			p.look(func() bool { return due() <= 8*time.Hour })
			if due() < -time.Second {
				t.Errorf("it is due in %s", due())
			}
		})
	}
}

func tooMany(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "3600")
	w.WriteHeader(http.StatusTooManyRequests)
}

// TestSleepThatIsTooLong: a job that was put to sleep at a time that is still to come, by a wrong clock, is woken, and one that sleeps
// for good reason is not. After a restart, too.
func TestSleepThatIsTooLong(t *testing.T) {
	for _, restart := range []bool{false, true} {
		p := newPlace(t, map[string]func(http.ResponseWriter){"0": tooMany})
		run := p.run()
		if run.State != sallyport.RunWaiting {
			t.Fatalf("the run is %s", run.State)
		}
		p.api.pages["0"] = list(0, 10, 10, "")
		sql := p.Service.Store.SQL()
		if p.run().State != sallyport.RunWaiting {
			t.Error("a sleep for good reason was ended")
		}
		for _, statement := range []string{
			"UPDATE run SET wait_until = wait_until + 365 * 86400 * 1000000",
			"UPDATE river_job SET created_at = datetime(created_at, 'subsec', '+1 year'), scheduled_at = datetime(scheduled_at, 'subsec', '+1 year') WHERE state = 'scheduled'",
			"UPDATE river_leader SET expires_at = datetime(expires_at, 'subsec', '+1 year')",
		} {
			p.change(statement)
		}
		if restart {
			if run = p.run(); run.State != sallyport.RunSucceeded {
				t.Errorf("after a restart the run is %s", run.State)
			}
			continue
		}
		p.look(func() bool {
			var state string
			if err := sql.QueryRowContext(t.Context(), "SELECT state FROM river_job WHERE kind = 'ingest' AND state IN ('scheduled', 'available')").Scan(&state); err != nil {
				t.Fatal(err)
			}
			return state == "available"
		})
	}
}

// TestStoredScheduleThatIsNotValid: a schedule that was stored by an older version and is not valid any more pauses its flow, and says why.
func TestStoredScheduleThatIsNotValid(t *testing.T) {
	for _, cron := range []string{"TZ=UTC", "@every 1s", "30 2 31 2 *"} {
		p := newPlace(t, nil)
		p.follow("schedule: {every: 8h}", "id")
		if _, err := p.Service.Store.SQL().ExecContext(t.Context(), `UPDATE source SET schedule = '{"cron":"'||$1||'"}'`, cron); err != nil {
			t.Fatal(err)
		}
		p.look(func() bool { return p.flow("f").State == sallyport.FlowPaused })
		if reason := p.flow("f").Reason; !strings.Contains(reason, cron) {
			t.Errorf("%s: paused as %q", cron, reason)
		}
	}
}
