package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

type flowCommand struct {
	Apply   flowApply   `cmd:"" help:"Make or change the flows of flow files."`
	List    flowList    `cmd:"" help:"List flows."`
	Show    flowShow    `cmd:"" help:"Show a flow: source, dataset, destinations."`
	Run     flowRun     `cmd:"" help:"Run a flow now, or go on with its unfinished run."`
	Reset   flowReset   `cmd:"" help:"Let the next run of a flow with since begin at a time."`
	Deliver flowDeliver `cmd:"" help:"Bring a flow's destinations up to date from what is kept, without a call to its source."`
	Accept  flowAccept  `cmd:"" help:"Deliver the held pull of a flow, exactly as it was pulled, and mark the missing records as vanished. No request is made."`
	Reject  flowReject  `cmd:"" help:"Drop the held pull of a flow: nothing of it is delivered, and the next run pulls again."`
	Pause   flowPause   `cmd:"" help:"Pause a flow."`
	Resume  flowResume  `cmd:"" help:"Resume a paused flow."`
	Rm      flowRm      `cmd:"" help:"Remove a flow with its dataset. What was delivered stays."`
	Grant   flowGrant   `cmd:"" help:"Permit a flow to use a file that it names, outside of files.roots."`
	Revoke  flowRevoke  `cmd:"" help:"Revoke the permission to use a file."`
	Export  flowExport  `cmd:"" help:"Print a flow as a flow file, in YAML: --output does not apply."`
}

type flowApply struct {
	File   []string `short:"f" help:"Flow file, or - for standard input." required:"" placeholder:"FILE"`
	DryRun bool     `help:"Only say what would change."`
}

// Run applies flow files: all of them or, when one has a fault, none.
func (c *flowApply) Run(e *env, s *service.Service) error {
	var files []service.FlowFile
	for _, name := range c.File {
		f, err := e.flowFile(name)
		if err != nil {
			return err
		}
		files = append(files, f)
	}
	changes, err := s.ApplyFlows(e.ctx, e.actor(), files, c.DryRun)
	if err != nil {
		return err
	}
	costs, err := s.FlowCosts(e.ctx, e.actor(), files)
	if err != nil {
		return err
	}
	e.warn(costs...)
	return e.show(changes, func(w io.Writer) {
		for _, change := range changes {
			fmt.Fprintf(w, "flow %q %s\n", change.Flow, changeText(change, c.DryRun))
			showDiff(w, change.Diff)
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
func (flowList) Run(e *env, s *service.Service) error {
	flows, err := s.Flows(e.ctx)
	if err != nil {
		return err
	}
	last, err := s.LastRuns(e.ctx, flows)
	if err != nil {
		return err
	}
	rows, shown := [][]string{}, []flowListed{}
	for _, f := range flows {
		shown = append(shown, listed(f, last))
		rows = append(rows, []string{f.Name, string(f.State), sourceText(f.Source), count(f.Dataset.Records), fmt.Sprint(len(f.Destinations)), lastText(last[f.ID]), f.Description})
	}
	return e.show(shown, func(w io.Writer) {
		table(w, "There is no flow yet: `sallyport flow apply -f FILE` makes one.", []string{"NAME", "STATE", "SOURCE", "RECORDS", "DESTINATIONS", "LAST RUN", "DESCRIPTION"}, rows)
	})
}

// flowListed is a flow with its newest run, if it has one.
type flowListed struct {
	sallyport.Flow
	PulledTo time.Time      `json:"pulled_to,omitzero"` // of a flow with since
	Last     *sallyport.Run `json:"last,omitempty"`
}

func listed(f sallyport.Flow, last map[sallyport.ID]*sallyport.Run) flowListed {
	return flowListed{f, f.Source.PulledTo(), last[f.ID]}
}

// lastText says how the newest run of a flow ended, or where it stands; nothing if there is none.
func lastText(r *sallyport.Run) string {
	switch {
	case r == nil:
		return ""
	case !r.State.Finished():
		return standing(*r)
	case runRemark(*r) != "":
		return string(r.State) + ": " + runRemark(*r)
	}
	return string(r.State)
}

func sourceText(s sallyport.Source) string {
	if s.Request != nil {
		return s.Connector + " " + s.Request.Method + " " + s.Request.URL
	}
	return s.Connector + " " + s.Endpoint
}

type flowShow struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run shows a flow.
func (c *flowShow) Run(e *env, s *service.Service) error {
	f, err := s.Flow(e.ctx, c.Name)
	if err != nil {
		return err
	}
	keeps, err := s.Tracking(f)
	if err != nil {
		return err
	}
	cost, err := s.FlowCost(e.ctx, c.Name)
	if err != nil {
		return err
	}
	last, err := s.LastRuns(e.ctx, []sallyport.Flow{f})
	if err != nil {
		return err
	}
	grants, err := s.FileGrants(e.ctx, f.ID)
	if err != nil {
		return err
	}
	shown := struct {
		flowListed
		Cost   service.Cost          `json:"cost"`
		Grants []sallyport.FileGrant `json:"grants"`
	}{listed(f, last), cost, grants}
	return e.show(shown, func(w io.Writer) {
		facts(w, "flow", f.Name, "description", f.Description, "state", string(f.State), "reason", f.Reason,
			"source", sourceText(f.Source), "schedule", scheduleText(f.Source.Schedule), "next run", moment(f.Source.NextRunAt), "last run", lastText(last[f.ID]), "pulled up to", moment(f.Source.PulledTo()), "keeps", keeps.String(),
			"cost", cost.String(), "warning", cost.Warning,
			"dataset", fmt.Sprintf("%s, %s in %s", plural(f.Dataset.Records, "record"), bytesOf(f.Dataset.Bytes), batches(f.Dataset.LastSeq)))
		fmt.Fprintln(w)
		rows := [][]string{}
		for _, d := range f.Destinations {
			rows = append(rows, []string{d.Name, d.Connector, count(d.Records), count(d.Rejected), batches(f.Dataset.LastSeq - d.Position), cmp.Or(d.Error, waitText(d))})
		}
		table(w, "It has no destination: its records are kept only.", []string{"DESTINATION", "CONNECTOR", "DELIVERED", "QUARANTINED", "BEHIND", "ERROR"}, rows)
		if len(grants) > 0 {
			fmt.Fprintln(w)
			grantTable(w, grants)
		}
	})
}

// waitText says why and until when the delivery to a destination waits, "" if it does not.
func waitText(d sallyport.Destination) string {
	if d.WaitUntil.IsZero() {
		return ""
	}
	return "waits until " + moment(d.WaitUntil) + ": " + d.WaitsFor
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
	Name    string        `arg:"" help:"Name of the flow."`
	Follow  bool          `help:"Work the run, or watch who works it, until it is finished."`
	MaxWait time.Duration `help:"How long to wait for a quota." default:"5m"`
	From    string        `help:"Fill a gap: pull what was added from this time on, for example 2026-01-31, and do not move the flow's cursor." placeholder:"TIME"`
	Until   string        `help:"With --from: the end of the gap; now if absent." placeholder:"TIME"`
}

// start starts the run, or takes up the one that is left unfinished.
func (c *flowRun) start(e *env, s *service.Service) (run sallyport.Run, resumed bool, err error) {
	switch {
	case c.From != "":
		run, err = s.FillGap(e.ctx, e.actor(), c.Name, c.From, c.Until)
		return run, false, err
	case c.Until != "":
		return run, false, sallyport.FieldErrorf("until", "needs --from: the beginning of the gap")
	}
	return s.StartRun(e.ctx, e.actor(), c.Name)
}

// Run begins a run of a flow, or takes up the one that is left unfinished. Only with --follow is it worked here.
func (c *flowRun) Run(e *env, s *service.Service) error {
	run, resumed, err := c.start(e, s)
	if err != nil {
		return err
	}
	if !c.Follow {
		return e.show(run, func(w io.Writer) {
			fmt.Fprintf(w, "run %d of %q %s; `sallyport flow run %s --follow` works it, if no other process does\n", run.ID, run.Flow, standing(run), word(run.Flow))
		})
	}
	if resumed {
		fmt.Fprintf(e.Err, "run %d goes on from where it stood: %s kept\n", run.ID, plural(run.Records, "record"))
	}
	return e.follow(s, run.ID, c.MaxWait)
}

// standing says where an unfinished run stands that nobody follows.
func standing(r sallyport.Run) string {
	switch r.State {
	case sallyport.RunQueued:
		return "is queued"
	case sallyport.RunWaiting:
		if r.WaitsForKey() {
			return "waits for a new key: " + r.Error
		}
		if r.WaitsForHost() {
			return fmt.Sprintf("waits for its system (%s): next attempt at %s, gives up at %s", r.Error, moment(r.WaitUntil), moment(r.GivesUpAt))
		}
		return "waits for the quota until " + moment(r.WaitUntil)
	case sallyport.RunHeld:
		return "is held: " + r.Error
	case sallyport.RunDelivering:
		if remark := runRemark(r); remark != "" {
			return "is delivering: " + remark
		}
	}
	return "is unfinished, with " + plural(r.Records, "record") + " kept"
}

type flowReset struct {
	Name  string `arg:"" help:"Name of the flow."`
	Since string `help:"Pull everything that was added from this time on again: 2026-01-31T08:00:00Z, 2026-01-31 or now-30d." required:"" placeholder:"TIME"`
}

// Run lets the next run of a flow begin at a time.
func (c *flowReset) Run(e *env, s *service.Service) error {
	f, err := s.ResetFlow(e.ctx, e.actor(), c.Name, c.Since)
	if err != nil {
		return err
	}
	return e.show(f, func(w io.Writer) {
		fmt.Fprintf(w, "the next run of %q pulls what was added since %s\n", f.Name, moment(f.Source.PulledTo()))
	})
}

type flowDeliver struct {
	Name  string `arg:"" help:"Name of the flow."`
	Again string `help:"Deliver everything that is kept to this destination again: a file is written anew, rows with a key are replaced, and a table without a key is renamed to TABLE_old_N and filled anew." placeholder:"DESTINATION"`
}

// Run brings the destinations of a flow up to date. It ends as a run does: with what failed, or what went to quarantine meanwhile.
func (c *flowDeliver) Run(e *env, s *service.Service) error {
	before, err := s.Flow(e.ctx, c.Name)
	if err != nil {
		return err
	}
	if c.Again != "" {
		d, err := s.DestinationOf(e.ctx, c.Name, c.Again)
		if err != nil {
			return err
		}
		if err := s.DeliverAgain(e.ctx, e.actor(), d); err != nil {
			return err
		}
	}
	e.working = true
	view := &progressView{env: e}
	destinations, err := s.Deliver(e.ctx, e.actor(), c.Name, view.tell)
	view.done()
	if err != nil {
		return err
	}
	quarantined := rejected(destinations) - rejected(before.Destinations)
	err = e.show(destinations, func(w io.Writer) {
		destinationTable(w, destinations, view.last.LastSeq)
		quarantineHint(w, quarantined, before.Name)
	})
	if err != nil {
		return err
	}
	return deliveryError(destinations, quarantined)
}

// deliveryError is how the end of deliveries becomes an exit code. What went wrong was shown with the destinations.
func deliveryError(destinations []sallyport.Destination, quarantined int64) error {
	switch {
	case slices.ContainsFunc(destinations, func(d sallyport.Destination) bool { return d.Error != "" }):
		return finding(exitCodes[sallyport.Upstream])
	case quarantined > 0:
		return finding(exitQuarantine)
	}
	return nil
}

// rejected is how many records the destinations have put into quarantine so far.
func rejected(destinations []sallyport.Destination) (n int64) {
	for _, d := range destinations {
		n += d.Rejected
	}
	return n
}

type flowAccept struct {
	Name    string        `arg:"" help:"Name of the flow."`
	MaxWait time.Duration `help:"How long to wait for a quota." default:"5m"`
}

// Run accepts a held pull and follows its delivery.
func (c *flowAccept) Run(e *env, s *service.Service) error {
	run, err := s.AcceptPull(e.ctx, e.actor(), c.Name)
	if err != nil {
		return err
	}
	return e.follow(s, run.ID, c.MaxWait)
}

type flowReject struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run rejects a held pull.
func (c *flowReject) Run(e *env, s *service.Service) error {
	run, err := s.RejectPull(e.ctx, e.actor(), c.Name)
	if err != nil {
		return err
	}
	return e.show(run, func(w io.Writer) {
		fmt.Fprintf(w, "the pull of run %d of %q is dropped: nothing of it was delivered; the next run pulls again\n", run.ID, run.Flow)
	})
}

type flowPause struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run pauses a flow.
func (c *flowPause) Run(e *env, s *service.Service) error {
	return e.setState(s, c.Name, sallyport.FlowPaused)
}

type flowResume struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run resumes a flow.
func (c *flowResume) Run(e *env, s *service.Service) error {
	cost, err := s.FlowCost(e.ctx, c.Name)
	if err != nil {
		return err
	}
	e.warn(cost)
	return e.setState(s, c.Name, sallyport.FlowActive)
}

func (e *env) setState(s *service.Service, name string, state sallyport.FlowState) error {
	if err := s.SetFlowState(e.ctx, e.actor(), name, state); err != nil {
		return err
	}
	return e.show(map[string]string{"flow": name, "state": string(state)}, func(w io.Writer) { fmt.Fprintf(w, "flow %q is %s\n", name, state) })
}

type flowRm struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run removes a flow and its dataset, which cannot be had back.
func (c *flowRm) Run(e *env, s *service.Service) error {
	if err := s.DeleteFlow(e.ctx, e.actor(), c.Name, time.Time{}); err != nil {
		return err
	}
	return e.show(map[string]string{"removed": c.Name}, func(w io.Writer) {
		fmt.Fprintf(w, "flow %q and its dataset are removed; what was delivered stays\n", c.Name)
	})
}

type flowGrant struct {
	Name string `arg:"" help:"Name of the flow."`
	Path string `arg:"" help:"The file, for example /srv/out/urlhaus.csv."`
}

// Run permits a flow to use a file, and lists what it may use then.
func (c *flowGrant) Run(e *env, s *service.Service) error {
	all, err := s.GrantFile(e.ctx, e.actor(), c.Name, c.Path)
	if err != nil {
		return err
	}
	return e.show(all, func(w io.Writer) { grantTable(w, all) })
}

type flowRevoke struct {
	Name string `arg:"" help:"Name of the flow."`
	Path string `arg:"" help:"The file."`
}

// Run revokes the permission to use a file. The flow still names it, so its next delivery fails.
func (c *flowRevoke) Run(e *env, s *service.Service) error {
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return err
	}
	if err := s.RevokeFile(e.ctx, e.actor(), c.Name, path); err != nil {
		return err
	}
	return e.show(map[string]string{"flow": c.Name, "revoked": path}, func(w io.Writer) {
		fmt.Fprintf(w, "flow %q may not use %s any more, unless it is in a folder of files.roots\n", c.Name, path)
	})
}

func grantTable(w io.Writer, all []sallyport.FileGrant) {
	rows := [][]string{}
	for _, g := range all {
		rows = append(rows, []string{g.Path, string(g.Purpose), g.Place, g.By, moment(g.CreatedAt)})
	}
	table(w, "No file is granted to it.", []string{"GRANTED FILE", "TO", "FOR", "BY", "GRANTED"}, rows)
}

type flowExport struct {
	Name string `arg:"" help:"Name of the flow."`
}

// Run prints a flow file that makes the flow as it is. It names credentials, and holds no secret.
func (c *flowExport) Run(e *env, s *service.Service) error {
	file, err := s.ExportFlow(e.ctx, c.Name)
	if err != nil {
		return err
	}
	return e.print(file)
}

// showDiff prints what a change changes and what follows from it.
func showDiff(w io.Writer, diff *service.FlowDiff) {
	if diff == nil {
		return
	}
	for _, c := range diff.Changes {
		where := strings.TrimPrefix(c.Part+": "+c.Field, ": ")
		fmt.Fprintf(w, "  %s: %s -> %s\n", where, cmp.Or(c.Old, "not set"), cmp.Or(c.New, "not set"))
	}
	for _, effect := range diff.Effects {
		fmt.Fprintf(w, "  note: %s\n", effect)
	}
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
