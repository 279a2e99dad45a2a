package quota_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/quota"
)

// TestLimitsAreNotGuessed learns what is left from headers: that is shown, and no limit follows from it until the system names one.
func TestLimitsAreNotGuessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at midnight, on the first of a month
		p := newPlace(t, "free")
		q := p.quota()
		defer p.close(q)
		run := q.ForRun(credential, p.definition.Limits)
		seen := func() map[string][3]any {
			t.Helper()
			time.Sleep(2 * time.Second) // until it is settled
			all, err := quota.Read(t.Context(), p.store, credential, sallyport.Now())
			if err != nil {
				t.Fatal(err)
			}
			found := map[string][3]any{}
			for _, w := range all {
				found[w.Window] = [3]any{w.Left, w.Limit, w.IsTold()}
			}
			return found
		}
		want := func(what string, second, day, month [3]any) {
			t.Helper()
			if diff := cmp.Diff(map[string][3]any{"second": second, "day": day, "month": month}, seen()); diff != "" {
				t.Errorf("%s, left, limit, told:\n%s", what, diff)
			}
		}
		source := p.source(run)
		for range 3 {
			if err := look(t.Context(), source); err != nil {
				t.Fatal(err)
			}
		}
		want("after three calls", [3]any{int64(1), int64(0), true}, [3]any{int64(7), int64(0), true}, [3]any{int64(247), int64(0), true})
		time.Sleep(24 * time.Hour)
		want("the next day", [3]any{int64(1), int64(0), true}, [3]any{int64(0), int64(0), false}, [3]any{int64(247), int64(0), true})
		p.set(quota.Change{Limits: map[string]int64{sallyport.WindowDay: 10}})
		want("once a limit is set", [3]any{int64(1), int64(0), true}, [3]any{int64(10), int64(10), false}, [3]any{int64(247), int64(0), true})
	})
}
