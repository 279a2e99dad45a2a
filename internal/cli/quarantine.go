package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

type quarantineCommand struct {
	List    quarantineList    `cmd:"" help:"List records in quarantine, newest first."`
	Show    quarantineShow    `cmd:"" help:"Show a record in quarantine."`
	Edit    quarantineEdit    `cmd:"" help:"Put another record in the place of one in quarantine, where it stays until it is replayed."`
	Replay  quarantineReplay  `cmd:"" help:"Take records out of quarantine, and deliver them to whom they were meant for."`
	Discard quarantineDiscard `cmd:"" help:"Delete records from quarantine for good."`
}

type quarantineList struct {
	Flow   string `arg:"" optional:"" help:"Only of this flow."`
	Limit  limit  `help:"How many, at most 1000." default:"20"`
	Before int64  `help:"Only those with lower numbers: where the last list ended." placeholder:"NUMBER"`
}

// Run lists records in quarantine.
func (c *quarantineList) Run(e *env, s *service.Service) error {
	all, err := s.Quarantine(e.ctx, c.Flow, "", int(c.Limit), c.Before)
	if err != nil {
		return err
	}
	flows, err := s.Flows(e.ctx)
	if err != nil {
		return err
	}
	listed, rows := []listedQuarantine{}, [][]string{}
	for _, q := range all {
		flow, taker := takerOf(flows, q)
		listed = append(listed, listedQuarantine{Quarantined: q})
		rows = append(rows, []string{fmt.Sprint(q.ID), flow, taker, runText(q.RunID), moment(q.At), moment(q.EditedAt), q.Reason})
	}
	return e.show(listed, func(w io.Writer) {
		table(w, "Nothing is in quarantine.", []string{"NUMBER", "FLOW", "NOT TAKEN BY", "RUN", "SINCE", "EDITED", "REASON"}, rows)
	})
}

// takerOf says of which flow a record is, and what could not take it.
func takerOf(flows []sallyport.Flow, q sallyport.Quarantined) (flow, taker string) {
	for _, f := range flows {
		if f.Dataset.ID != q.DatasetID {
			continue
		}
		for _, d := range f.Destinations {
			if d.ID == q.DestinationID {
				return f.Name, "destination " + d.Name
			}
		}
		return f.Name, "the dataset"
	}
	return "", "" // it was removed meanwhile
}

func runText(id int64) string {
	if id == 0 {
		return "replayed"
	}
	return fmt.Sprint(id)
}

// listedQuarantine is a record in quarantine without the record: a list tells why they are there, and show shows one of them.
type listedQuarantine struct {
	sallyport.Quarantined
	Record any `json:"record,omitempty"` // stays empty, and hides the one of Quarantined
}

type quarantineShow struct {
	ID     int64 `arg:"" help:"Its number, as quarantine list shows it."`
	Record bool  `help:"Print the record alone, to edit it: --output does not apply."`
}

// Run shows a record in quarantine.
func (c *quarantineShow) Run(e *env, s *service.Service) error {
	q, err := s.Quarantined(e.ctx, c.ID)
	if err != nil {
		return err
	}
	if c.Record {
		return e.print([]byte(visible(string(q.Record)) + "\n"))
	}
	return e.show(q, func(w io.Writer) {
		facts(w, "number", fmt.Sprint(q.ID), "run", runText(q.RunID), "since", moment(q.At), "edited", moment(q.EditedAt), "reason", q.Reason)
		fmt.Fprintln(w)
		lines(w, []json.RawMessage{q.Record})
	})
}

type quarantineEdit struct {
	ID   int64  `arg:"" help:"Its number, as quarantine list shows it."`
	File string `short:"f" help:"A file with the record, a JSON object, or - for standard input." required:"" placeholder:"FILE"`
}

// Run edits a record in quarantine.
func (c *quarantineEdit) Run(e *env, s *service.Service) error {
	before, err := s.Quarantined(e.ctx, c.ID)
	if err != nil {
		return err
	}
	text, err := e.recordFile(c.File)
	if err != nil {
		return err
	}
	q, err := s.EditQuarantined(e.ctx, e.actor(), c.ID, before.EditedAt, text)
	if err != nil {
		return err
	}
	return e.show(listedQuarantine{Quarantined: q}, func(w io.Writer) {
		fmt.Fprintf(w, "record %d is edited; `sallyport quarantine replay --id %[1]d` delivers it\n", q.ID)
	})
}

// recordFile reads a record. Its size is bounded by whoever checks it.
func (e *env) recordFile(name string) (text []byte, err error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(e.In, service.MaxEdited+1))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, sallyport.FieldErrorf("--file", "%w", err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, service.MaxEdited+1))
}

// quarantineChoice is the records that a command is about.
type quarantineChoice struct {
	Flow        string  `arg:"" optional:"" help:"All of this flow."`
	Destination string  `help:"Only what this destination of the flow has rejected." placeholder:"NAME"`
	ID          []int64 `help:"Only the record with this number; may be given several times." placeholder:"NUMBER"`
}

func (c quarantineChoice) selection() (service.Selection, error) {
	switch {
	case c.Flow == "" && c.Destination != "":
		return service.Selection{}, sallyport.FieldErrorf("--destination", "needs the name of its flow, too")
	case c.Flow == "" && len(c.ID) == 0:
		return service.Selection{}, sallyport.Errorf(sallyport.Invalid, "which records? Name a flow for all of them, or give --id")
	}
	return service.Selection{Flow: c.Flow, Destination: c.Destination, IDs: c.ID}, nil
}

type quarantineReplay struct {
	quarantineChoice
}

// Run takes records out of quarantine and works their delivery. It ends as a delivery does: with what failed, or came back.
func (c *quarantineReplay) Run(e *env, s *service.Service) error {
	which, err := c.selection()
	if err != nil {
		return err
	}
	done, failed := s.ReplayQuarantined(e.ctx, e.actor(), which)
	e.working = len(done) > 0
	all := []replayedFlow{}
	for _, settled := range done {
		view := &progressView{env: e}
		destinations, err := s.FollowDeliveries(e.ctx, settled.FlowID, view.tell)
		view.done()
		if err != nil {
			return errors.Join(failed, err)
		}
		all = append(all, replayedFlow{settled, rejected(destinations) - settled.Rejected, destinations, view.last.LastSeq})
	}
	if failed != nil {
		return failed
	}
	return e.showReplayed(all)
}

// replayedFlow is what came of a replay.
type replayedFlow struct {
	service.Settled
	Quarantined  int64                   `json:"quarantined"` // what its destinations rejected meanwhile
	Destinations []sallyport.Destination `json:"destinations"`
	lastSeq      int64
}

func (e *env) showReplayed(all []replayedFlow) error {
	err := e.show(all, func(w io.Writer) {
		for _, r := range all {
			fmt.Fprintf(w, "%s of %q replayed\n", plural(r.Records, "record"), r.Flow)
			destinationTable(w, r.Destinations, r.lastSeq)
			quarantineHint(w, r.Quarantined, r.Flow)
		}
	})
	if err != nil {
		return err
	}
	var destinations []sallyport.Destination
	quarantined := int64(0)
	for _, r := range all {
		destinations, quarantined = append(destinations, r.Destinations...), quarantined+max(0, r.Quarantined)
	}
	return deliveryError(destinations, quarantined)
}

type quarantineDiscard struct {
	quarantineChoice
}

// Run deletes records from quarantine, which cannot be had back.
func (c *quarantineDiscard) Run(e *env, s *service.Service) error {
	which, err := c.selection()
	if err != nil {
		return err
	}
	done, err := s.DiscardQuarantined(e.ctx, e.actor(), which)
	if err != nil {
		return err
	}
	return e.show(done, func(w io.Writer) {
		for _, settled := range done {
			fmt.Fprintf(w, "%s of %q discarded\n", plural(settled.Records, "record"), settled.Flow)
		}
	})
}
