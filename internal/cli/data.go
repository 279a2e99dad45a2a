package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// limit is how much a command lists at most.
type limit int

// Validate refuses what would be a mistake, or too much at once.
func (l limit) Validate() error {
	if l < 1 || l > 1000 {
		return errors.New("must be from 1 to 1000")
	}
	return nil
}

type datasetCommand struct {
	List   datasetList   `cmd:"" help:"List datasets."`
	Show   datasetShow   `cmd:"" help:"Show a dataset and its schema."`
	Sample datasetSample `cmd:"" help:"Print some records of a dataset."`
	Export datasetExport `cmd:"" help:"Print all records of a dataset, as --format says: --output does not apply."`
}

type datasetList struct{}

// Run lists datasets.
func (datasetList) Run(e *env, s *service.Service) error {
	all, err := s.Datasets(e.ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, d := range all {
		rows = append(rows, []string{d.Name, count(d.Records), bytesOf(d.Bytes), count(d.LastSeq), strconv.Itoa(len(d.Schema.Fields))})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "There is no dataset yet: every flow has one.", []string{"NAME", "RECORDS", "SIZE", "BATCHES", "FIELDS"}, rows)
	})
}

type datasetShow struct {
	Name string `arg:"" help:"The name of its flow."`
}

// Run shows a dataset.
func (c *datasetShow) Run(e *env, s *service.Service) error {
	d, err := s.Dataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, f := range d.Schema.Fields {
		null := ""
		if f.Nullable {
			null = "yes"
		}
		rows = append(rows, []string{f.Name, string(f.Kind), null, f.Example})
	}
	return e.show(d, func(w io.Writer) {
		facts(w, "dataset", d.Name, "records", count(d.Records), "size", bytesOf(d.Bytes), "batches", count(d.LastSeq), "key", strings.Join(d.Key, ", "))
		fmt.Fprintln(w)
		table(w, "It has no record yet.", []string{"FIELD", "KIND", "NULL", "EXAMPLE"}, rows)
	})
}

type datasetSample struct {
	Name  string `arg:"" help:"The name of its flow."`
	Limit limit  `help:"How many records, at most 1000." default:"20"`
}

// Run prints some records.
func (c *datasetSample) Run(e *env, s *service.Service) error {
	d, err := s.Dataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	sample, err := s.Sample(e.ctx, d, int(c.Limit))
	if err != nil {
		return err
	}
	return e.show(sample, func(w io.Writer) { lines(w, sample) })
}

type datasetExport struct {
	Name   string `arg:"" help:"The name of its flow."`
	Format string `help:"ndjson or csv." enum:"ndjson,csv" default:"ndjson"`
	Guard  bool   `name:"formula-guard" help:"For csv that a spreadsheet will open: lead texts that it would take for formulas by an apostrophe."`
}

// Run prints all records.
func (c *datasetExport) Run(e *env, s *service.Service) error {
	d, err := s.Dataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(e.Out, 256<<10)
	if err := s.Export(e.ctx, d, service.Exporting{Format: c.Format, FormulaGuard: c.Guard}, out); err != nil {
		return err
	}
	return out.Flush()
}

type runCommand struct {
	List runList `cmd:"" help:"List runs, newest first."`
	Show runShow `cmd:"" help:"Show a run and its deliveries."`
}

type runList struct {
	Flow  string `help:"Only of this flow." placeholder:"NAME"`
	Limit limit  `help:"How many, at most 1000." default:"20"`
}

// Run lists runs.
func (c *runList) Run(e *env, s *service.Service) error {
	all, err := s.Runs(e.ctx, c.Flow, "", int(c.Limit), 0)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, r := range all {
		rows = append(rows, []string{fmt.Sprint(r.ID), r.Flow, string(r.State), count(r.Seen), count(r.Records), count(r.Quarantined), moment(r.CreatedAt), span(r.StartedAt, r.EndedAt), runRemark(r)})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "There was no run yet.", []string{"RUN", "FLOW", "STATE", "SEEN", "RECORDS", "QUARANTINED", "BEGAN", "TOOK", "ERROR"}, rows)
	})
}

// windowText says what a run pulls that fills a gap, "" of any other.
func windowText(r sallyport.Run) string {
	if r.From.IsZero() {
		return ""
	}
	return moment(r.From) + " to " + moment(r.Until) + ", without moving the cursor"
}

type runShow struct {
	ID int64 `arg:"" help:"Its number, as run list shows it."`
}

// Run shows a run.
func (c *runShow) Run(e *env, s *service.Service) error {
	r, err := s.Run(e.ctx, c.ID)
	if err != nil {
		return err
	}
	return e.show(r, func(w io.Writer) {
		facts(w, "run", fmt.Sprint(r.ID), "flow", r.Flow, "state", string(r.State), "seen", count(r.Seen), "changes", changesText(r.Changes),
			"records", count(r.Records), "pages", count(r.Pages), "size", bytesOf(r.Bytes),
			"in quarantine", count(r.Quarantined), "began", moment(r.StartedAt), "ended", moment(r.EndedAt), "took", span(r.StartedAt, r.EndedAt),
			"window", windowText(r.Run), "incomplete", r.Incomplete, "warnings", strings.Join(r.Warnings, "; "), "waits until", moment(r.WaitUntil), "gives up at", moment(r.GivesUpAt), "error", r.Error)
		fmt.Fprintln(w)
		rows := [][]string{}
		for _, d := range r.Deliveries {
			rows = append(rows, []string{d.Destination, string(d.State), count(d.Records), count(d.Rejected), span(d.StartedAt, d.EndedAt), moment(d.WaitUntil), d.Error})
		}
		table(w, "It delivered nothing.", []string{"DELIVERY", "STATE", "RECORDS", "QUARANTINED", "TOOK", "WAITS UNTIL", "ERROR"}, rows)
	})
}
