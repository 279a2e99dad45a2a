package cli

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

type flowCommand struct {
	Apply   flowApply   `cmd:"" help:"Make or change the flows of flow files."`
	List    flowList    `cmd:"" help:"List flows."`
	Show    flowShow    `cmd:"" help:"Show a flow: source, dataset, destinations."`
	Run     flowRun     `cmd:"" help:"Run a flow now, or go on with its unfinished run."`
	Deliver flowDeliver `cmd:"" help:"Bring a flow's destinations up to date from what is kept, without a call to its source."`
	Pause   flowPause   `cmd:"" help:"Pause a flow."`
	Resume  flowResume  `cmd:"" help:"Resume a paused flow."`
	Rm      flowRm      `cmd:"" help:"Remove a flow with its dataset. What was delivered stays."`
	Export  flowExport  `cmd:"" help:"Print a flow as a flow file."`
}

type flowApply struct {
	File   []string `short:"f" help:"Flow file, or - for standard input." required:"" placeholder:"FILE"`
	DryRun bool     `help:"Only say what would change."`
}

// Run applies flow files: all of them or, when one has a fault, none.
func (c *flowApply) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	var files []service.FlowFile
	for _, name := range c.File {
		f, err := e.flowFile(name)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	changes, err := a.Service.ApplyFlows(e.ctx, e.actor(), files, c.DryRun)
	if err != nil {
		return err
	}
	return e.show(changes, func(w io.Writer) {
		for _, change := range changes {
			fmt.Fprintf(w, "flow %q %s\n", change.Flow, changeText(change, c.DryRun))
		}
	})
}

// flowFile reads a flow file. Its size is bounded by whoever parses it.
func (e *env) flowFile(name string) (service.FlowFile, error) {
	if name == "-" {
		data, err := io.ReadAll(io.LimitReader(e.In, service.MaxFlowFile+1))
		return service.FlowFile{Name: "stdin", Data: data}, err
	}
	f, err := os.Open(name)
	if err != nil {
		return service.FlowFile{}, sallyport.FieldErrorf("--file", "%w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, service.MaxFlowFile+1))
	return service.FlowFile{Name: name, Data: data}, err
}

type flowList struct{}

// Run lists flows.
func (flowList) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	flows, err := a.Service.Flows(e.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, f := range flows {
		rows = append(rows, []string{f.Name, string(f.State), sourceText(f.Source), count(f.Dataset.Records), fmt.Sprint(len(f.Destinations)), f.Description})
	}
	return e.show(flows, func(w io.Writer) {
		table(w, "There is no flow yet: `sallyport flow apply -f FILE` makes one.", []string{"NAME", "STATE", "SOURCE", "RECORDS", "DESTINATIONS", "DESCRIPTION"}, rows)
	})
}

func sourceText(s sallyport.Source) string {
	if s.Request != nil {
		return s.Connector + " " + s.Request.Method + " " + s.Request.URL
	}
	return s.Connector + " " + s.Endpoint
}

type flowShow struct {
	Name string `arg:""`
}

// Run shows a flow.
func (c *flowShow) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	f, err := a.Service.Flow(e.ctx, c.Name)
	if err != nil {
		return err
	}
	return e.show(f, func(w io.Writer) {
		facts(w, "flow", f.Name, "description", f.Description, "state", string(f.State), "reason", f.Reason,
			"source", sourceText(f.Source), "schedule", scheduleText(f.Source.Schedule), "next run", moment(f.Source.NextRunAt),
			"dataset", fmt.Sprintf("%s, %s in %s", plural(f.Dataset.Records, "record"), bytesOf(f.Dataset.Bytes), batches(f.Dataset.LastSeq)))
		fmt.Fprintln(w)
		rows := [][]string{}
		for _, d := range f.Destinations {
			rows = append(rows, []string{d.Name, d.Connector, count(d.Records), count(d.Rejected), batches(f.Dataset.LastSeq - d.Position), d.Error})
		}
		table(w, "It has no destination: its records are kept only.", []string{"DESTINATION", "CONNECTOR", "DELIVERED", "QUARANTINED", "BEHIND", "ERROR"}, rows)
	})
}

func batches(n int64) string {
	if n == 1 {
		return "1 batch"
	}
	return count(n) + " batches"
}

func scheduleText(s *sallyport.Schedule) string {
	switch {
	case s == nil:
		return "on demand"
	case s.Cron != "":
		return "cron " + s.Cron + " " + s.Zone
	}
	return "every " + s.Every.String()
}

type flowRun struct {
	Name    string        `arg:""`
	Follow  bool          `help:"Work the run, or watch who works it, until it is finished."`
	MaxWait time.Duration `help:"How long to wait for a quota." default:"5m"`
}

// Run runs a flow.
func (c *flowRun) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	run, resumed, err := a.Service.StartRun(e.ctx, e.actor(), c.Name)
	if err != nil {
		return err
	}
	if !c.Follow {
		return e.show(run, func(w io.Writer) {
			fmt.Fprintf(w, "run %d of %q is queued; `sallyport flow run %s --follow` works it, if no other process does\n", run.ID, c.Name, c.Name)
		})
	}
	if resumed {
		fmt.Fprintf(e.Err, "run %d goes on from where it stood: %s kept\n", run.ID, plural(run.Records, "record"))
	}
	return e.follow(a.Service, run.ID, c.MaxWait)
}

type flowDeliver struct {
	Name string `arg:""`
}

// Run brings the destinations of a flow up to date.
func (c *flowDeliver) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	view := &progressView{env: e}
	destinations, err := a.Service.Deliver(e.ctx, e.actor(), c.Name, view.tell)
	view.done()
	if err != nil {
		return err
	}
	if err := e.show(destinations, func(w io.Writer) { destinationTable(w, destinations) }); err != nil {
		return err
	}
	if slices.ContainsFunc(destinations, func(d sallyport.Destination) bool { return d.Error != "" }) {
		return finding(exitCodes[sallyport.Upstream])
	}
	return nil
}

type flowPause struct {
	Name string `arg:""`
}

// Run pauses a flow.
func (c *flowPause) Run(e *env) error { return e.setState(c.Name, sallyport.FlowPaused) }

type flowResume struct {
	Name string `arg:""`
}

// Run resumes a flow.
func (c *flowResume) Run(e *env) error { return e.setState(c.Name, sallyport.FlowActive) }

func (e *env) setState(name string, state sallyport.FlowState) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	if err := a.Service.SetFlowState(e.ctx, e.actor(), name, state); err != nil {
		return err
	}
	return e.show(map[string]string{"flow": name, "state": string(state)}, func(w io.Writer) { fmt.Fprintf(w, "flow %q is %s\n", name, state) })
}

type flowRm struct {
	Name string `arg:""`
}

// Run removes a flow.
func (c *flowRm) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	if err := a.Service.DeleteFlow(e.ctx, e.actor(), c.Name); err != nil {
		return err
	}
	return e.show(map[string]string{"removed": c.Name}, func(w io.Writer) {
		fmt.Fprintf(w, "flow %q and its dataset are removed; what was delivered stays\n", c.Name)
	})
}

type flowExport struct {
	Name string `arg:""`
}

// Run prints a flow file.
func (c *flowExport) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	file, err := a.Service.ExportFlow(e.ctx, c.Name)
	if err != nil {
		return err
	}
	_, err = e.Out.Write(file)
	return err
}

func changeText(c service.FlowChange, dryRun bool) string {
	switch {
	case c.Change == service.FlowUnchanged:
		return "is as it was"
	case dryRun:
		return "would be " + c.Change
	}
	return "is " + c.Change
}
