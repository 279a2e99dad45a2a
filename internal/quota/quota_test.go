package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
)

// TestFreePlan asks as fast as it may, day after day, until the month is used up: the sandbox never has to refuse.
func TestFreePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at midnight, on the first of a month
		p := newPlace(t, "free")
		q := p.quota()
		defer p.close(q)
		source := p.source(q.ForRun(credential, p.definition.Limits))
		for day := range 25 {
			for i := range 10 {
				if err := look(t.Context(), source); err != nil {
					t.Fatalf("day %d, call %d: %v", day, i, err)
				}
			}
			f := limited(t, look(t.Context(), source))
			if want := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); day < 24 && (f.Window != sallyport.WindowDay || !f.Until.Equal(want)) {
				t.Fatalf("day %d: limited in the %s until %s, want the day until %s", day, f.Window, f.Until, want)
			}
			if day == 24 && (f.Window != sallyport.WindowMonth || f.Until.Day() != 1) {
				t.Errorf("limited in the %s until %s, want the month", f.Window, f.Until)
			}
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)))
		}
		if p.refused.Load() != 0 || p.asked.Load() != 250 {
			t.Errorf("%d of %d calls were refused, want 0 of 250", p.refused.Load(), p.asked.Load())
		}
	})
}
