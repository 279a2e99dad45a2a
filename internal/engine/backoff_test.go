package engine

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// TestRetryAfter retries what passes: within a minute on this machine, within half an hour elsewhere. What somebody must fix is not retried.
func TestRetryAfter(t *testing.T) {
	local, remote := connector.LocalOutagef("full"), &connector.Failure{Class: connector.ClassTransient}
	for _, test := range []struct {
		err      error
		attempts int64
		want     time.Duration
		retried  bool
	}{
		{local, 1, time.Second, true},
		{local, 4, 8 * time.Second, true},
		{local, 1000, time.Minute, true},
		{remote, 1, time.Minute, true},
		{remote, 3, 4 * time.Minute, true},
		{remote, 1000, 30 * time.Minute, true},
		{&connector.Failure{Class: connector.ClassPermanent}, 1, 0, false},
		{&connector.Outage{Cause: connector.CausePermanent, Err: remote}, 1, 0, false},
		{sallyport.FieldErrorf("path", "wrong"), 1, 0, false},
		{errors.New("unknown"), 1, 0, false},
	} {
		if wait, retried := retryAfter(test.err, test.attempts); wait != test.want || retried != test.retried {
			t.Errorf("%v after %d attempts: %s, %v, want %s, %v", test.err, test.attempts, wait, retried, test.want, test.retried)
		}
	}
}

// TestRejectLimit counts the records of a run over any number of batches, and stops at the same batch however they come.
func TestRejectLimit(t *testing.T) {
	type step struct {
		run, records int64
		rejected     int
		stops        bool
	}
	for name, test := range map[string]struct {
		limit int
		steps []step
	}{
		"half is allowed":       {50, []step{{1, 100, 50, false}, {1, 100, 50, false}}},
		"more is not":           {50, []step{{1, 100, 50, false}, {1, 100, 51, true}}},
		"few records":           {50, []step{{1, 99, 99, false}}},
		"few, then more":        {50, []step{{1, 99, 99, false}, {1, 1, 0, true}}},
		"each run for itself":   {50, []step{{1, 99, 99, false}, {2, 99, 99, false}, {2, 1, 1, true}}},
		"off":                   {0, []step{{1, 1000, 1000, false}}},
		"another limit":         {10, []step{{1, 1000, 100, false}, {1, 1, 1, true}}},
		"records of quarantine": {50, []step{{0, 1000, 1000, false}, {1, 100, 0, false}}},
	} {
		d := &delivery{Engine: &Engine{Config: Config{RejectLimit: test.limit}}}
		var tally sallyport.RunTally
		for i, s := range test.steps {
			rejected := make([]connector.Rejection, s.rejected)
			err := d.count(&tally, sallyport.Batch{RunID: s.run, Records: s.records}, rejected)
			if (err != nil) != s.stops {
				t.Errorf("%s, step %d: %v", name, i, err)
			}
		}
	}
	reason, times := mostFrequent([]connector.Rejection{{Reason: "a"}, {Reason: "b"}, {Reason: "b"}, {Reason: "a"}, {Reason: "b"}})
	if reason != "b" || times != 3 {
		t.Errorf("the most frequent reason is %q, %d times", reason, times)
	}
}

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int64]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second, 7: time.Minute, 8: time.Minute,
		math.MaxInt64: time.Minute,
	} {
		if got := backoff(attempts, time.Second, time.Minute); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}
