package web

import (
	"fmt"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// standing is how a flow or a run is doing, in a word and a colour.
type standing struct {
	Word  string
	Class string // good, bad, warn, busy or quiet
	Why   string
}

// flowStanding says how a flow is doing: an active one is green only if its last run and all its deliveries went well.
func flowStanding(v service.FlowStatus) standing {
	if v.State == sallyport.FlowPaused {
		return standing{"Paused", "quiet", v.Reason}
	}
	for _, d := range v.Destinations {
		if d.Error != "" {
			return standing{"Failing", "bad", fmt.Sprintf("%s: %s", d.Name, d.Error)}
		}
	}
	if v.Last == nil {
		return standing{Word: "Active", Class: "good"}
	}
	run := runStanding(*v.Last)
	switch {
	case v.Last.State == sallyport.RunFailed:
		return standing{"Failing", "bad", v.Last.Error}
	case run.Class == "warn":
		return run
	case !v.Last.State.Finished():
		return standing{Word: "Active", Class: "good", Why: "Run " + fmt.Sprint(v.Last.ID) + " is not finished"}
	}
	for _, d := range v.Destinations {
		if d.Position < v.Dataset.LastSeq {
			return standing{"Behind", "warn", d.Name + " has not received everything that is kept"}
		}
	}
	return standing{Word: "Active", Class: "good"}
}

// runWaits says what a run waits for and how long, "" if it does not wait.
func runWaits(run sallyport.Run) string {
	switch {
	case run.WaitsForKey():
		return "for a new key"
	case run.WaitsForHost():
		return fmt.Sprintf("for its system; next attempt at %s, gives up at %s", clock(run.WaitUntil), clock(run.GivesUpAt))
	case run.WaitsForQuota():
		return "for its quota until " + clock(run.WaitUntil)
	case run.State == sallyport.RunDelivering && !run.WaitUntil.IsZero():
		return "for a destination until " + clock(run.WaitUntil)
	}
	return ""
}

// runStanding says how a run went: it is green only if it is complete and nothing of it is in quarantine.
func runStanding(run sallyport.Run) standing {
	switch {
	case run.State == sallyport.RunFailed:
		return standing{"Failed", "bad", run.Error}
	case run.State == sallyport.RunWaiting:
		return standing{"Waiting", "warn", run.Error}
	case run.State == sallyport.RunHeld:
		return standing{"Held", "warn", run.Error}
	case !run.State.Finished():
		return standing{Word: capital(string(run.State)), Class: "busy"}
	case run.Incomplete != "":
		return standing{"Incomplete", "warn", run.Incomplete}
	case run.Quarantined > 0:
		return standing{"Quarantined", "warn", plural(run.Quarantined, "record") + " in quarantine"}
	}
	return standing{Word: capital(string(run.State)), Class: "good"}
}
