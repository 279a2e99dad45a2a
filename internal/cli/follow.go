package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// follow works or watches a run until it is finished, shows how it goes, and ends with the run's exit code.
func (e *env) follow(s *service.Service, id int64, maxWait time.Duration) error {
	e.working = true
	view := &progressView{env: e}
	run, err := s.Follow(e.ctx, id, maxWait, view.tell)
	view.done()
	if err != nil {
		return err
	}
	detail, err := s.Run(e.ctx, id)
	if err != nil {
		return err
	}
	if err := e.show(detail, func(w io.Writer) { runSummary(w, detail, view.last) }); err != nil {
		return err
	}
	return runError(run)
}

// runError is how a run's end becomes an exit code. The error itself was shown with the run.
func runError(run sallyport.Run) error {
	switch {
	case run.State == sallyport.RunFailed, run.WaitsForKey():
		return finding(exitCodes[run.Code])
	case !run.State.Finished():
		return finding(exitCodes[cmp.Or(run.Code, sallyport.Limited)])
	case run.Quarantined > 0:
		return finding(exitQuarantine)
	}
	return nil
}

// runWait says what a run waits for that waits until a time.
func runWait(r sallyport.Run) string {
	if r.WaitsForHost() {
		return fmt.Sprintf("waiting for the system: next attempt at %s, gives up at %s; run the flow again to try at once", moment(r.WaitUntil), moment(r.GivesUpAt))
	}
	return fmt.Sprintf("waiting for the quota until %s; run the flow again then, or set --max-wait", moment(r.WaitUntil))
}

// runSummary says how a run ended, or why it has not, and where its destinations were when that was seen last.
func runSummary(w io.Writer, r *service.RunDetail, last service.Progress) {
	fmt.Fprintf(w, "run %d of %q %s: %s in %s", r.ID, r.Flow, stateText(r.State), plural(r.Records, "record"), plural(r.Pages, "page"))
	if took := span(r.StartedAt, r.EndedAt); took != "" {
		fmt.Fprintf(w, ", %s", took)
	}
	fmt.Fprintln(w)
	if changes := changesText(r.Changes); changes != "" {
		fmt.Fprintf(w, "  %s seen, %s\n", count(r.Seen), changes)
	}
	if r.Incomplete != "" {
		fmt.Fprintf(w, "  incomplete: %s; nothing counts as vanished\n", oneLine(r.Incomplete))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "  warning: %s\n", oneLine(warning))
	}
	if r.Error != "" {
		fmt.Fprintf(w, "  %s\n", oneLine(r.Error))
	}
	for _, d := range r.Deliveries {
		if d.State == sallyport.RunWaiting {
			fmt.Fprintf(w, "  %s waits until %s: %s\n", d.Destination, moment(d.WaitUntil), oneLine(d.Error))
		}
	}
	if !r.WaitUntil.IsZero() && r.State == sallyport.RunWaiting {
		fmt.Fprintf(w, "  %s\n", runWait(r.Run))
	}
	if len(last.Destinations) > 0 && r.State.Finished() {
		destinationTable(w, last.Destinations, last.LastSeq)
	}
	quarantineHint(w, r.Quarantined, r.Flow)
}

// changesText says what became of the records that a run saw: "12 changed, 3 vanished".
func changesText(changes sallyport.Changes) string {
	var parts []string
	for _, c := range []sallyport.Change{
		sallyport.ChangeNew, sallyport.ChangeChanged, sallyport.ChangeRetired, sallyport.ChangeReturned, sallyport.ChangeVanished,
	} {
		if n := *changes.Of(c); n > 0 {
			parts = append(parts, count(n)+" "+string(c))
		}
	}
	if changes.Missing > 0 {
		parts = append(parts, count(changes.Missing)+" missing for the first time")
	}
	if len(parts) == 0 && changes.Unchanged > 0 {
		return "nothing changed"
	}
	return strings.Join(parts, ", ")
}

// runRemark is what is to be said of a run besides its numbers.
func runRemark(r sallyport.Run) string {
	if r.State == sallyport.RunDelivering && !r.WaitUntil.IsZero() {
		return "a destination waits until " + moment(r.WaitUntil)
	}
	if r.Error == "" && r.Incomplete != "" {
		return "incomplete: " + r.Incomplete
	}
	return r.Error
}

// quarantineHint says where to read why records are in quarantine, if any are.
func quarantineHint(w io.Writer, records int64, flow string) {
	if records > 0 {
		fmt.Fprintf(w, "  %s in quarantine: `sallyport quarantine list %s` tells why\n", plural(records, "record"), word(flow))
	}
}

// destinationTable draws where the destinations of a dataset with so many batches are.
func destinationTable(w io.Writer, destinations []sallyport.Destination, lastSeq int64) {
	rows := [][]string{}
	for _, d := range destinations {
		rows = append(rows, []string{"  " + d.Name, count(d.Records) + " delivered so far", destinationText(d, lastSeq)})
	}
	table(w, "  There is no destination.", []string{"  DESTINATION", "RECORDS", "STATE"}, rows)
}

func destinationText(d sallyport.Destination, lastSeq int64) string {
	switch {
	case d.Error != "":
		return d.Error
	case !d.WaitUntil.IsZero():
		return waitText(d)
	case d.Position < lastSeq:
		return batches(lastSeq-d.Position) + " behind"
	}
	if d.Rejected > 0 && d.Records == 0 {
		return "up to date, but every record was rejected"
	}
	return "up to date"
}

func stateText(s sallyport.RunState) string {
	if !s.Finished() {
		return "is " + string(s)
	}
	return string(s)
}

// progressView shows a run's progress on stderr: one line drawn over itself at a terminal, else a line now and then.
type progressView struct {
	*env
	last  service.Progress
	shown string
	at    time.Time
	width int
}

const quietFor = time.Second // between lines where they cannot be drawn over

func (v *progressView) tell(p service.Progress) {
	first := v.shown == ""
	v.last = p
	line := progressText(p)
	if line == v.shown || line == "" || (!v.Terminal && !first && !p.Run.State.Finished() && time.Since(v.at) < quietFor) {
		return
	}
	v.shown, v.at = line, time.Now()
	if !v.Terminal {
		fmt.Fprintln(v.Err, line)
		return
	}
	fmt.Fprintf(v.Err, "\r%s%s", line, strings.Repeat(" ", max(0, v.width-len(line))))
	v.width = len(line)
}

// done ends the line.
func (v *progressView) done() {
	if v.Terminal && v.width > 0 {
		fmt.Fprintf(v.Err, "\r%s\r", strings.Repeat(" ", v.width))
	}
}

func progressText(p service.Progress) string {
	var parts []string
	if r := p.Run; r.ID != 0 {
		part := fmt.Sprintf("run %d %s: %s, %s", r.ID, r.State, plural(r.Pages, "page"), plural(r.Records, "record"))
		if !r.WaitUntil.IsZero() && r.State == sallyport.RunWaiting {
			part += ", " + runWait(r)
		}
		parts = append(parts, part)
	}
	for _, d := range p.Destinations {
		parts = append(parts, fmt.Sprintf("%s %s", d.Name, count(d.Records)))
	}
	for _, w := range p.Waiting {
		parts = append(parts, fmt.Sprintf("%s waits until %s: %s", w.Destination, moment(w.WaitUntil), w.Error))
	}
	if p.Elsewhere {
		parts = append(parts, "worked by another process")
	}
	return oneLine(strings.Join(parts, "; "))
}
