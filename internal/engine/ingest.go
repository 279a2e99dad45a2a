package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	commitBytes    = 4 << 20                // pages are committed together up to this size of records,
	commitInterval = 100 * time.Millisecond // and at least this often
	maxQuarantined = 10_000                 // values that are no records, between two commits
	maxRejectBytes = 64 << 10               // what is kept of one
)

// ingestion is one execution of the ingest job: it pulls what is left of a run, from the run's cursor on.
//
// Records of finished pages wait in done and in the packer for the next commit; those of the page that is being read wait in open,
// or are staged in the store when the page is large. An error takes back the unfinished page only.
type ingestion struct {
	*Engine
	job         *river.Job[ingestArgs]
	flow        sallyport.Flow
	run         sallyport.Run
	fence       int64
	packer      *dataset.Packer
	observer    *dataset.Observer
	cursor      string // of the page that is being read
	done, open  []sallyport.Batch
	finished    tally // pages that are not committed
	page        tally // the page that is being read
	staged      bool  // something of this page is staged
	broken      bool  // this page is given up: what is staged of it must go
	quarantined []sallyport.Quarantined
	committed   time.Time // the last commit; never yet, so that the first page is committed, and delivered, at once
}

// tally counts what was kept, and what was put into quarantine.
type tally struct {
	pages, records, bytes int64
	quarantined           int
}

// ingest works a flow's unfinished run to its end, to the end of the slice, or until it must wait.
func (e *Engine) ingest(ctx context.Context, job *river.Job[ingestArgs]) error {
	flow, err := e.Store.Flow(ctx, job.Args.Flow)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil // the flow was removed
	}
	if err != nil {
		return err
	}
	in := &ingestion{Engine: e, job: job, flow: flow}
	if claimed, err := in.claim(ctx); err != nil || !claimed {
		return err
	}
	err = in.pull(ctx)
	if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrFenced) {
		return err
	}
	if snooze := new(river.JobSnoozeError); errors.As(err, &snooze) {
		return err
	}
	return in.stop(ctx, err)
}

// claim makes this execution the only one that may commit for the source.
func (in *ingestion) claim(ctx context.Context) (claimed bool, err error) {
	if in.packer, err = dataset.NewPacker(); err != nil {
		return false, err
	}
	in.observer = dataset.NewObserver(in.flow.Dataset.Schema)
	err = in.Store.InTx(ctx, func(tx *store.Tx) error {
		run, err := tx.UnfinishedRun(ctx, in.flow.ID)
		if sallyport.CodeOf(err) == sallyport.NotFound {
			return complete(ctx, tx, in.job)
		}
		if err != nil {
			return err
		}
		if run.State == sallyport.RunDelivering {
			return complete(ctx, tx, in.job)
		}
		claimed, in.run, in.cursor = true, run, run.Cursor
		in.run.State, in.run.WaitUntil, in.run.Code, in.run.Error = sallyport.RunRunning, time.Time{}, "", ""
		if in.run.StartedAt.IsZero() {
			in.run.StartedAt = sallyport.Now()
		}
		if in.fence, err = tx.ClaimSource(ctx, in.flow.Source.ID); err != nil {
			return err
		}
		if err := tx.DropStaged(ctx, in.flow.Dataset.ID); err != nil {
			return err
		}
		return tx.UpdateRun(ctx, in.run)
	})
	return claimed, err
}

// pull reads page after page until the source ends.
func (in *ingestion) pull(ctx context.Context) error {
	source, err := in.openFlowSource(ctx, in.flow)
	if err != nil {
		return err
	}
	begin := time.Now()
	for page, err := range source.Pages(ctx, in.cursor) {
		if err != nil {
			return err
		}
		if err := in.readPage(ctx, page); err != nil {
			return err
		}
		if page.Next == "" {
			break
		}
		if time.Since(begin) > slice {
			if err := in.commit(ctx, nil); err != nil {
				return err
			}
			return errSliceOver()
		}
	}
	return in.commit(ctx, in.end)
}

// readPage takes the records of a page, and commits when it is time.
func (in *ingestion) readPage(ctx context.Context, page *connector.Page) error {
	in.page = tally{pages: 1}
	before := len(in.quarantined)
	for record, err := range page.Records {
		if err != nil {
			return err
		}
		if err := in.take(ctx, record); err != nil {
			return err
		}
	}
	if bad := len(in.quarantined) - before; in.page.records == 0 && bad > 0 {
		return sallyport.Errorf(sallyport.Upstream, "none of the %d values that %s gave as records is an object (%s): check the path to the records",
			bad, in.flow.Source.Connector, in.quarantined[before].Reason)
	}
	in.packer.Finish()
	in.done, in.open = append(in.done, in.open...), nil
	in.cursor = page.Next
	in.finished.pages++
	in.finished.records += in.page.records
	in.finished.bytes += in.page.bytes
	in.finished.quarantined = len(in.quarantined)
	if in.staged || in.waiting() >= commitBytes || time.Since(in.committed) >= commitInterval {
		return in.commit(ctx, nil)
	}
	return nil
}

// take keeps a record, or puts a value that is none into quarantine.
func (in *ingestion) take(ctx context.Context, record []byte) error {
	if len(record) == 0 || record[0] != '{' {
		return in.quarantine(record)
	}
	if in.observer.Due() {
		if err := in.observer.Observe(record); err != nil {
			return err
		}
	}
	in.page.records++
	in.page.bytes += int64(len(record)) + 1
	if !in.packer.Add(record) {
		return nil
	}
	for in.packer.Bytes() >= dataset.BatchBytes {
		in.pack()
	}
	if sum(in.open) < commitBytes {
		return nil
	}
	return in.stage(ctx)
}

// pack makes a batch of the finished pages or, when it has none of these, of the unfinished one.
func (in *ingestion) pack() {
	b, finished := in.packer.Pack()
	b.DatasetID, b.RunID = in.flow.Dataset.ID, in.run.ID
	if finished {
		in.done = append(in.done, b)
	} else {
		in.open = append(in.open, b)
	}
}

func (in *ingestion) quarantine(value []byte) error {
	if len(in.quarantined) == maxQuarantined {
		return sallyport.Errorf(sallyport.Upstream, "more than %d values that %s gave as records are no objects: check the path to the records",
			maxQuarantined, in.flow.Source.Connector)
	}
	in.quarantined = append(in.quarantined, sallyport.Quarantined{
		DatasetID: in.flow.Dataset.ID,
		RunID:     in.run.ID,
		Record:    excerpt(value),
		Reason:    "a record must be an object, and this is " + kindOf(value),
		At:        sallyport.Now(),
	})
	return nil
}

// stage stores what there is of a large page, invisible until the page is committed. The pages before it are committed first.
func (in *ingestion) stage(ctx context.Context) error {
	if in.finished.pages > 0 {
		if err := in.commit(ctx, nil); err != nil {
			return err
		}
	}
	err := in.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.StageBatches(ctx, in.flow.Source.ID, in.fence, in.open)
	})
	in.open, in.staged = nil, true
	return err
}

// commit makes the finished pages visible: batches, cursor and counts move, deliveries are queued, and what last adds happens, in one
// transaction.
func (in *ingestion) commit(ctx context.Context, last func(context.Context, *store.Tx) error) error {
	if in.packer.HasFinished() {
		in.pack()
	}
	p := store.PageCommit{
		SourceID: in.flow.Source.ID, Fence: in.fence, RunID: in.run.ID, DatasetID: in.flow.Dataset.ID,
		Batches: in.done, Cursor: in.cursor, Quarantined: in.quarantined[:in.finished.quarantined],
		Pages: in.finished.pages, Records: in.finished.records, Bytes: in.finished.bytes,
	}
	if in.observer.Changed() {
		schema := in.observer.Schema()
		p.Schema = &schema
	}
	err := in.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if in.broken {
			if err := tx.DropStaged(ctx, in.flow.Dataset.ID); err != nil {
				return err
			}
		}
		if in.run, err = tx.CommitPage(ctx, p); err != nil {
			return err
		}
		if err := in.EnqueueDeliveries(ctx, tx, in.flow.ID); err != nil {
			return err
		}
		if last != nil {
			return last(ctx, tx)
		}
		return nil
	})
	in.quarantined = in.quarantined[in.finished.quarantined:]
	in.done, in.finished, in.staged, in.committed = nil, tally{}, false, time.Now()
	in.signal.send()
	return err
}

// end ends the ingest: everything is kept, and what is left is to deliver it.
func (in *ingestion) end(ctx context.Context, tx *store.Tx) error {
	in.run.State, in.run.Cursor = sallyport.RunDelivering, ""
	if err := tx.UpdateRun(ctx, in.run); err != nil {
		return err
	}
	if _, _, err := tx.SettleRun(ctx, in.flow.ID); err != nil {
		return err
	}
	if err := in.mark(ctx, tx, sallyport.VerdictValid, fmt.Sprintf("accepted in run %d", in.run.ID)); err != nil {
		return err
	}
	return complete(ctx, tx, in.job)
}

// stop keeps the finished pages and ends the run with an error, or puts it to sleep until the quota allows the next call.
func (in *ingestion) stop(ctx context.Context, cause error) error {
	in.packer.Discard()
	in.broken = true
	in.open, in.quarantined = nil, in.quarantined[:in.finished.quarantined]
	failure, _ := errors.AsType[*connector.Failure](cause)
	wait := failure != nil && failure.Class == connector.ClassRate
	err := in.commit(ctx, func(ctx context.Context, tx *store.Tx) error {
		in.run.Code, in.run.Error = sallyport.CodeOf(cause), in.Redactor.String(cause.Error())
		if wait {
			in.run.State, in.run.WaitUntil = sallyport.RunWaiting, resumeAt(failure)
			return tx.UpdateRun(ctx, in.run)
		}
		in.run.State, in.run.EndedAt = sallyport.RunFailed, sallyport.Now()
		if err := tx.UpdateRun(ctx, in.run); err != nil {
			return err
		}
		if failure != nil && failure.Class == connector.ClassCredential {
			if err := in.mark(ctx, tx, failure.Verdict(), in.run.Error); err != nil {
				return err
			}
		}
		return complete(ctx, tx, in.job)
	})
	in.Log.InfoContext(ctx, "run stopped", "flow", in.flow.Name, "run", in.run.ID, "state", in.run.State, "error", cause)
	if err == nil && wait {
		return errAsleep(in.run.WaitUntil)
	}
	return err
}

// mark writes what the run proves about the credential: that the key works, or that it was refused. A failed look at the network proves
// nothing.
func (in *ingestion) mark(ctx context.Context, tx *store.Tx, verdict sallyport.Verdict, reason string) error {
	if in.flow.Source.Credential == "" {
		return nil
	}
	c, err := tx.Credential(ctx, in.flow.Source.Credential)
	if err != nil || c.Verdict == verdict {
		return err
	}
	return tx.SetVerdict(ctx, c.ID, c.Version, verdict, reason, sallyport.Now())
}

// waiting is the size of the finished pages that are not committed.
func (in *ingestion) waiting() int64 { return sum(in.done) + in.packer.Bytes() }

func sum(batches []sallyport.Batch) (bytes int64) {
	for _, b := range batches {
		bytes += b.Bytes
	}
	return bytes
}

// resumeAt is when to try a limited call again. Where the system does not say, its window decides how soon that makes sense.
func resumeAt(f *connector.Failure) time.Time {
	if !f.Until.IsZero() {
		return f.Until.UTC().Truncate(time.Microsecond)
	}
	wait := map[string]time.Duration{"second": time.Second, "day": time.Hour, "month": 6 * time.Hour}[f.Window]
	return sallyport.Now().Add(max(wait, time.Second))
}

// excerpt keeps a value as it is when it is short, and the beginning of it as a string when it is long.
func excerpt(value []byte) json.RawMessage {
	if len(value) <= maxRejectBytes {
		return bytes.Clone(value)
	}
	quoted, err := json.Marshal(fmt.Sprintf("%s… (%d bytes)", value[:1000], len(value)))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return quoted
}

// kindOf names the kind of a JSON value that is no object.
func kindOf(value []byte) string {
	switch {
	case len(value) == 0:
		return "nothing"
	case value[0] == '[':
		return "a list"
	case value[0] == '"':
		return "a text"
	case value[0] == 't' || value[0] == 'f':
		return "true or false"
	case value[0] == 'n':
		return "null"
	}
	return "a number"
}
