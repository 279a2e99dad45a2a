package web

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestStandings looks at flows and runs in every state: only what is well is green.
func TestStandings(t *testing.T) {
	run := func(change func(r *sallyport.Run)) *sallyport.Run {
		r := &sallyport.Run{ID: 1, State: sallyport.RunSucceeded}
		change(r)
		return r
	}
	for _, test := range []struct {
		word, class string
		state       sallyport.FlowState
		last        *sallyport.Run
		to          sallyport.Destination
	}{
		{"Active", "good", sallyport.FlowActive, nil, sallyport.Destination{Position: 3}},
		{"Active", "good", sallyport.FlowActive, run(func(*sallyport.Run) {}), sallyport.Destination{Position: 3}},
		{"Active", "good", sallyport.FlowActive, run(func(r *sallyport.Run) { r.State = sallyport.RunRunning }), sallyport.Destination{}},
		{"Paused", "quiet", sallyport.FlowPaused, run(func(r *sallyport.Run) { r.State = sallyport.RunFailed }), sallyport.Destination{Position: 3}},
		{"Failing", "bad", sallyport.FlowActive, run(func(r *sallyport.Run) { r.State = sallyport.RunFailed }), sallyport.Destination{Position: 3}},
		{"Failing", "bad", sallyport.FlowActive, run(func(*sallyport.Run) {}), sallyport.Destination{Position: 3, Error: "disk full"}},
		{"Held", "warn", sallyport.FlowActive, run(func(r *sallyport.Run) { r.State = sallyport.RunHeld }), sallyport.Destination{Position: 3}},
		{"Waiting", "warn", sallyport.FlowActive, run(func(r *sallyport.Run) { r.State = sallyport.RunWaiting }), sallyport.Destination{Position: 3}},
		{"Incomplete", "warn", sallyport.FlowActive, run(func(r *sallyport.Run) { r.Incomplete = "page 2" }), sallyport.Destination{Position: 3}},
		{"Quarantined", "warn", sallyport.FlowActive, run(func(r *sallyport.Run) { r.Quarantined = 2 }), sallyport.Destination{Position: 3}},
		{"Behind", "warn", sallyport.FlowActive, run(func(*sallyport.Run) {}), sallyport.Destination{Position: 2}},
	} {
		f := service.FlowStatus{Flow: sallyport.Flow{State: test.state, Dataset: sallyport.Dataset{LastSeq: 3}, Destinations: []sallyport.Destination{test.to}}, Last: test.last}
		if got := flowStanding(f); got.Word != test.word || got.Class != test.class {
			t.Errorf("a flow is %+v, want %s in %s", got, test.word, test.class)
		}
	}
	for _, test := range []struct {
		word, class string
		run         sallyport.Run
	}{
		{"Succeeded", "good", sallyport.Run{State: sallyport.RunSucceeded}},
		{"Quarantined", "warn", sallyport.Run{State: sallyport.RunSucceeded, Quarantined: 1}},
		{"Incomplete", "warn", sallyport.Run{State: sallyport.RunSucceeded, Quarantined: 1, Incomplete: "page 2"}},
		{"Failed", "bad", sallyport.Run{State: sallyport.RunFailed, Quarantined: 1}},
		{"Waiting", "warn", sallyport.Run{State: sallyport.RunWaiting}},
		{"Running", "busy", sallyport.Run{State: sallyport.RunRunning}},
	} {
		if got := runStanding(test.run); got.Word != test.word || got.Class != test.class {
			t.Errorf("a run is %+v, want %s in %s", got, test.word, test.class)
		}
	}
}

// TestRunWaits: the table of runs says what a run waits for, not only how long.
func TestRunWaits(t *testing.T) {
	next := time.Date(2031, 3, 4, 5, 6, 0, 0, time.UTC)
	for want, run := range map[string]sallyport.Run{
		"for a new key":                            {State: sallyport.RunWaiting, Code: sallyport.Unauthenticated},
		"for its quota until 4 Mar, 05:06 UTC":     {State: sallyport.RunWaiting, Code: sallyport.Limited, WaitUntil: next},
		"for a destination until 4 Mar, 05:06 UTC": {State: sallyport.RunDelivering, WaitUntil: next},
		"": {State: sallyport.RunDelivering},
		"for its system; next attempt at 4 Mar, 05:06 UTC, gives up at 4 Mar, 17:06 UTC": {
			State: sallyport.RunWaiting, Code: sallyport.Upstream, WaitUntil: next, GivesUpAt: next.Add(12 * time.Hour),
		},
	} {
		var page strings.Builder
		if err := runTable([]sallyport.Run{run}, false).Render(t.Context(), &page); err != nil {
			t.Fatal(err)
		}
		if got := runWaits(run); got != want || !strings.Contains(page.String(), want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
