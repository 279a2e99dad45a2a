package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// gone is a flow whose records were delivered, and whose source has no more.
func gone(t *testing.T) *place {
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")}
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatal(run.Error)
	}
	p.api.pages["0"] = list(0, 0, 0, "")
	return p
}

// late lets the queued deliveries begin in an hour. When the function that it returns is called, they begin.
func (p *place) late() (now func()) {
	p.change("UPDATE river_job SET state = 'scheduled', scheduled_at = datetime('now', '1 hour') WHERE kind = 'deliver' AND state = 'available'")
	return func() {
		p.change("UPDATE river_job SET state = 'available', scheduled_at = datetime('now') WHERE kind = 'deliver' AND state = 'scheduled'")
	}
}

// TestRunWaitsForItsDeliveries: a run without new records ends when its destinations were looked at, however fast its source was: one that is
// gone fails it.
func TestRunWaitsForItsDeliveries(t *testing.T) {
	for _, removed := range []bool{false, true} {
		p := gone(t)
		if removed {
			p.remove("out.ndjson")
		}
		run, _, err := p.Service.StartRun(t.Context(), actor, "f")
		if err != nil {
			t.Fatal(err)
		}
		begin, begun := p.late(), false
		run, err = p.Service.Follow(t.Context(), run.ID, time.Minute, func(now service.Progress) {
			if now.Run.State == sallyport.RunDelivering && !begun {
				begun = true
				begin()
			}
		})
		if err != nil || !begun || (run.State == sallyport.RunFailed) != removed || removed && !strings.Contains(run.Error, "--again") {
			t.Errorf("removed %v: after its deliveries began (%v) the run is %s: %s, %v", removed, begun, run.State, run.Error, err)
		}
	}
}

// TestDeliverLooksAtDestinations: so does a delivery without a run.
func TestDeliverLooksAtDestinations(t *testing.T) {
	p := gone(t)
	p.remove("out.ndjson")
	destinations, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {})
	if err != nil || len(destinations) != 1 || !strings.Contains(destinations[0].Error, "--again") {
		t.Errorf("%+v, %v", destinations, err)
	}
}

func (p *place) remove(name string) {
	p.Helper()
	if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
		p.Fatal(err)
	}
}
