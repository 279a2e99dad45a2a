package cli

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/sallyport-io/sallyport"
)

type datasetCommand struct {
	List   datasetList   `cmd:"" help:"List datasets."`
	Show   datasetShow   `cmd:"" help:"Show a dataset and its schema."`
	Sample datasetSample `cmd:"" help:"Print some records of a dataset."`
	Export datasetExport `cmd:"" help:"Print all records of a dataset."`
}

type datasetList struct{}

// Run lists datasets.
func (datasetList) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	all, err := a.Service.Datasets(e.ctx)
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
func (c *datasetShow) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	d, err := a.Service.Dataset(e.ctx, c.Name)
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
		facts(w, "dataset", d.Name, "records", count(d.Records), "size", bytesOf(d.Bytes), "batches", count(d.LastSeq), "key", fmt.Sprint(d.Key))
		fmt.Fprintln(w)
		table(w, "It has no record yet.", []string{"FIELD", "KIND", "NULL", "EXAMPLE"}, rows)
	})
}

type datasetSample struct {
	Name  string `arg:"" help:"The name of its flow."`
	Limit int    `help:"How many records, at most 1000." default:"20"`
}

// Run prints some records.
func (c *datasetSample) Run(e *env) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return sallyport.FieldErrorf("--limit", "must be from 1 to 1000")
	}
	a, err := e.open()
	if err != nil {
		return err
	}
	d, err := a.Service.Dataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	sample, err := a.Service.Sample(e.ctx, d, c.Limit)
	if err != nil {
		return err
	}
	return e.show(sample, func(w io.Writer) { lines(w, sample) })
}

// lines prints records as JSON lines. The control characters that JSON lets stand, and a terminal could act on, are escaped.
func lines(w io.Writer, records []json.RawMessage) {
	for _, r := range records {
		for _, c := range string(r) {
			if c >= 0x7f && c < 0xa0 {
				fmt.Fprintf(w, `\u%04x`, c)
			} else {
				fmt.Fprintf(w, "%c", c)
			}
		}
		fmt.Fprintln(w)
	}
}

type datasetExport struct {
	Name   string `arg:"" help:"The name of its flow."`
	Format string `help:"ndjson or csv." enum:"ndjson,csv" default:"ndjson"`
}

// Run prints all records.
func (c *datasetExport) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	d, err := a.Service.Dataset(e.ctx, c.Name)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(e.Out, 256<<10)
	if err := a.Service.Export(e.ctx, d, c.Format, out); err != nil {
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
	Limit int    `help:"How many, at most 1000." default:"20"`
}

// Run lists runs.
func (c *runList) Run(e *env) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return sallyport.FieldErrorf("--limit", "must be from 1 to 1000")
	}
	a, err := e.open()
	if err != nil {
		return err
	}
	all, err := a.Service.Runs(e.ctx, c.Flow, c.Limit, 0)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, r := range all {
		rows = append(rows, []string{fmt.Sprint(r.ID), r.Flow, string(r.State), count(r.Records), count(r.Quarantined), moment(r.CreatedAt), span(r.StartedAt, r.EndedAt), r.Error})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "There was no run yet.", []string{"RUN", "FLOW", "STATE", "RECORDS", "QUARANTINED", "BEGAN", "TOOK", "ERROR"}, rows)
	})
}

type runShow struct {
	ID int64 `arg:""`
}

// Run shows a run.
func (c *runShow) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	r, err := a.Service.Run(e.ctx, c.ID)
	if err != nil {
		return err
	}
	return e.show(r, func(w io.Writer) {
		facts(w, "run", fmt.Sprint(r.ID), "flow", r.Flow, "state", string(r.State), "records", count(r.Records), "pages", count(r.Pages), "size", bytesOf(r.Bytes),
			"in quarantine", count(r.Quarantined), "began", moment(r.StartedAt), "ended", moment(r.EndedAt), "took", span(r.StartedAt, r.EndedAt),
			"waits until", moment(r.WaitUntil), "error", r.Error)
		fmt.Fprintln(w)
		rows := [][]string{}
		for _, d := range r.Deliveries {
			rows = append(rows, []string{d.Destination, string(d.State), count(d.Records), count(d.Rejected), span(d.StartedAt, d.EndedAt), d.Error})
		}
		table(w, "It delivered nothing.", []string{"DELIVERY", "STATE", "RECORDS", "QUARANTINED", "TOOK", "ERROR"}, rows)
	})
}

type quarantineCommand struct {
	List quarantineList `cmd:"" help:"List records in quarantine, newest first."`
	Show quarantineShow `cmd:"" help:"Show a record in quarantine."`
}

type quarantineList struct {
	Flow  string `arg:"" optional:"" help:"Only of this flow."`
	Limit int    `help:"How many, at most 1000." default:"20"`
}

// Run lists records in quarantine.
func (c *quarantineList) Run(e *env) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return sallyport.FieldErrorf("--limit", "must be from 1 to 1000")
	}
	a, err := e.open()
	if err != nil {
		return err
	}
	all, err := a.Service.Quarantine(e.ctx, c.Flow, c.Limit, 0)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, q := range all {
		rows = append(rows, []string{fmt.Sprint(q.ID), fmt.Sprint(q.RunID), moment(q.At), q.Reason})
	}
	return e.show(all, func(w io.Writer) {
		table(w, "Nothing is in quarantine.", []string{"NUMBER", "RUN", "SINCE", "REASON"}, rows)
	})
}

type quarantineShow struct {
	ID int64 `arg:"" help:"Its number."`
}

// Run shows a record in quarantine.
func (c *quarantineShow) Run(e *env) error {
	a, err := e.open()
	if err != nil {
		return err
	}
	q, err := a.Service.Quarantined(e.ctx, c.ID)
	if err != nil {
		return err
	}
	return e.show(q, func(w io.Writer) {
		facts(w, "number", fmt.Sprint(q.ID), "run", fmt.Sprint(q.RunID), "since", moment(q.At), "reason", q.Reason)
		fmt.Fprintf(w, "\n%s\n", q.Record)
	})
}
