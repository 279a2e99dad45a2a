package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
	maxPages       = 1_000_000              // of one run: it would not end
	checkedRecords = 1000                   // of the first page, one of which must have the key
)

// ingestion is one execution of the ingest job: it pulls what is left of a run, from the run's cursor on. Large pages are staged in the
// store while they are read.
type ingestion struct {
	*Engine
	job        *river.Job[ingestArgs]
	flow       sallyport.Flow
	run        sallyport.Run
	fence      int64
	keys       *keyring  // nil without a credential
	source     committer // nil if the source has nothing to commit
	buffer     buffer
	observer   *dataset.Observer
	schemaHeld *sallyport.Schema // what the observer had found before this execution, if the run holds it back
	tracker    tracker
	cursor     string              // of the page that is being read
	resume     string              // where the next run begins, "" if that is as it was
	begun      time.Time           // when this execution began to pull
	ended      bool                // there is no more page
	barren     int64               // the last pages in a row that had no new record
	cut        string              // why the source does not give everything; "" if it does
	keyCheck   *connector.KeyCheck // until the first page is read
	staged     bool                // something of this page is staged
	broken     bool                // this page is given up: what is staged of it must go
	committed  time.Time           // the last commit; never yet, so that the first page is committed, and delivered, at once
	looked     time.Time           // when the log of the database was looked at
	redacted   atomic.Int64        // places in the records of this page
}

// storeFault is a failure of our own store: the run is not to blame, and the job is tried again, though not for ever.
type storeFault struct{ error }

func (f storeFault) Unwrap() error { return f.error }

// ingest works a flow's unfinished run to its end, to the end of the slice, or until it must wait.
func (e *Engine) ingest(ctx context.Context, job *river.Job[ingestArgs]) error {
	in := &ingestion{Engine: e, job: job}
	if err := in.mayGoOn(ctx); err != nil {
		return err
	}
	if claimed, err := in.claim(ctx); err != nil || !claimed {
		return err
	}
	err := in.pull(ctx)
	_, fault := errors.AsType[storeFault](err)
	_, snooze := errors.AsType[*river.JobSnoozeError](err)
	if err == nil || fault || snooze || ctx.Err() != nil {
		return err
	}
	return in.stop(ctx, err)
}

// claim makes this execution the only one that may commit for the source. It ends the job when there is nothing to pull.
func (in *ingestion) claim(ctx context.Context) (claimed bool, err error) {
	if in.buffer, err = newBuffer(); err != nil {
		return false, err
	}
	err = in.Store.InTx(ctx, func(tx *store.Tx) error {
		if in.flow, err = tx.Flow(ctx, in.job.Args.Flow); err == nil {
			in.run, err = tx.UnfinishedRun(ctx, in.flow.ID)
		}
		nothing := sallyport.CodeOf(err) == sallyport.NotFound
		switch {
		case nothing || err == nil && (in.flow.State == sallyport.FlowPaused || in.run.State == sallyport.RunDelivering || in.run.State == sallyport.RunHeld):
			return complete(ctx, tx, in.job)
		case err != nil:
			return err
		}
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
		if in.schemaHeld, err = tx.HeldSchema(ctx, in.run.ID); err != nil {
			return err
		}
		if err := in.claimIndex(ctx, tx); err != nil {
			return err
		}
		claimed = true
		return tx.UpdateRun(ctx, in.run)
	})
	in.barren = in.run.Barren
	in.cursor, in.observer = in.run.Cursor, dataset.NewObserver(in.flow.Dataset.Schema)
	if in.schemaHeld != nil {
		in.observer = dataset.NewObserver(*in.schemaHeld)
	}
	if in.cursor == "" && in.run.Pages == 0 && in.goesOn(in.flow.Source) {
		in.cursor = in.flow.Source.Resume
	}
	if request := in.flow.Source.Request; request != nil && in.flow.Dataset.Records == 0 && in.run.Records == 0 {
		in.keyCheck = connector.NewKeyCheck(request.Key)
	}
	return claimed, err
}

// pull reads what is left of the source, and then does what follows from its end.
func (in *ingestion) pull(ctx context.Context) error {
	defer in.tracker.index.Close() // its memory is not the collector's
	if err := in.loadIndex(ctx); err != nil {
		return err
	}
	if !in.run.Pulled {
		if err := in.read(ctx); err != nil {
			return err
		}
	}
	in.ended = true
	if err := in.settleChanges(ctx); err != nil {
		return err
	}
	if in.holds() {
		return in.commit(ctx, in.hold)
	}
	return in.commit(ctx, in.end)
}

// read reads what is left of the source.
func (in *ingestion) read(ctx context.Context) error {
	source, keys, err := in.openFlowSource(ctx, in.flow, in.run, &in.redacted)
	if err != nil {
		return err
	}
	in.keys = keys
	if err := in.mayBegin(ctx); err != nil {
		return err
	}
	in.source, _ = source.(committer)
	return in.reread(ctx, func() error { return in.readPages(ctx, source) })
}

// readPages reads the pages of a source from the cursor on.
func (in *ingestion) readPages(ctx context.Context, source connector.Source) error {
	in.redacted.Store(0) // of a page that broke off
	for page, err := range source.Pages(ctx, in.cursor) {
		if err != nil {
			return err
		}
		if err := in.readPage(ctx, page); err != nil {
			return err
		}
		if in.ended {
			break
		}
		if page.Commit { // what was submitted must be seen to its end
			continue
		}
		if err := in.mayGoOn(ctx); err != nil {
			return err
		}
		if time.Since(in.begun) > slice || in.stops() {
			if err := in.commit(ctx, nil); err != nil {
				return err
			}
			return again
		}
	}
	return nil
}

// logPause is how long a run rests while the log of the database is full.
const logPause = 5 * time.Second

// mayGoOn lets the run rest at its last commit while another program keeps the log of the database from beginning anew: it would fill the disk.
// It is called before the run writes anything, and after its pages.
func (in *ingestion) mayGoOn(ctx context.Context) error {
	if !in.looked.IsZero() && !in.committed.After(in.looked) {
		return nil // nothing was written since
	}
	in.looked = time.Now()
	full, err := in.Store.LogIsFull(ctx)
	if err != nil {
		return storeFault{err}
	}
	if full {
		in.Log.WarnContext(ctx, "a run pauses: another program keeps a long read transaction open, so the write-ahead log cannot be reused; end that program or let it finish", "flow", in.job.Args.Flow)
		return river.JobSnooze(logPause)
	}
	return nil
}

// readPage takes the records of a page, and commits when it is time.
func (in *ingestion) readPage(ctx context.Context, page *connector.Page) error {
	for record, err := range page.Records {
		if err != nil {
			return err
		}
		if err := in.take(ctx, record, page); err != nil {
			return err
		}
	}
	if bad := in.buffer.page.quarantined; in.buffer.page.seen == 0 && len(bad) > 0 {
		return sallyport.Errorf(sallyport.Upstream, "none of the %d values that %s gave as records is an object (%s): check the path to the records",
			len(bad), in.flow.Source.Connector, bad[0].Reason)
	}
	if err := in.checkKey(); err != nil {
		return err
	}
	if !page.Free {
		in.buffer.page.pages = 1
	}
	in.run.Warnings = halves.add(in.run.Warnings, page.Replaced)
	in.run.Warnings = redactions.add(in.run.Warnings, in.redacted.Swap(0))
	in.buffer.finish()
	in.cursor, in.ended, in.cut = page.Next, page.Next == "", cmp.Or(in.cut, page.Incomplete)
	in.warn(page.Warnings)
	if page.Resume != "" {
		in.resume = page.Resume
	}
	in.countBarren(page)
	if in.run.Pages+in.buffer.finished.pages > maxPages {
		return sallyport.Errorf(sallyport.Upstream, "endless paging: the run has more than %d pages", maxPages)
	}
	if page.Commit || in.staged || in.buffer.waiting() >= commitBytes || time.Since(in.committed) >= commitInterval {
		return in.commit(ctx, nil)
	}
	return nil
}

// checkKey refuses the key of a manual request if none of the first records of its dataset has it. It comes before the first page is finished,
// so nothing is kept.
func (in *ingestion) checkKey() error {
	if in.keyCheck == nil || in.buffer.page.seen == 0 {
		return nil
	}
	err := in.keyCheck.Err()
	in.keyCheck = nil
	return err
}

// countBarren ends a list whose pages have had no new record for too long, also over several executions.
func (in *ingestion) countBarren(page *connector.Page) {
	if !page.Barren {
		in.barren = 0
		return
	}
	if in.barren++; in.barren >= connector.MaxBarren {
		in.cursor, in.ended, in.cut = "", true, cmp.Or(in.cut, connector.BarrenReason)
	}
}

// take keeps a record, unless only changes are kept and it is none, or puts a value that is no record, or is refused, into quarantine.
func (in *ingestion) take(ctx context.Context, record []byte, page *connector.Page) (err error) {
	if page.Refused != "" {
		in.buffer.page.seen++
		return in.reject(record, page.Refused)
	}
	if reason := WhyNoRecord(record); reason != "" {
		in.cut = cmp.Or(in.cut, "some of its records cannot be read; they are in quarantine") // what they would be has not vanished
		return in.reject(record, cmp.Or(page.Flaw, reason))
	}
	in.buffer.page.seen++
	if in.keyCheck != nil && in.buffer.page.seen <= checkedRecords {
		in.keyCheck.See(record)
	}
	if in.tracker.On {
		if record, err = in.tracker.judge(record, &in.buffer.page.judged); err != nil {
			return err
		}
	}
	if err := in.keep(record); err != nil || in.buffer.open() < commitBytes {
		return err
	}
	return in.stage(ctx)
}

// keep adds a record to the page; nil is none.
func (in *ingestion) keep(record []byte) error {
	if record == nil {
		return nil
	}
	if in.observer.Due() {
		if err := in.observer.Observe(record); err != nil {
			return err
		}
	}
	in.buffer.add(record)
	return nil
}

func (in *ingestion) reject(value []byte, reason string) error {
	q := sallyport.Quarantined{Reason: reason, At: sallyport.Now()}
	if in.buffer.reject(value, q) {
		return nil
	}
	return sallyport.Errorf(sallyport.Upstream, "more than %d values that %s gave as records are no objects: check the path to the records",
		maxRejected, in.flow.Source.Connector)
}

// stage stores what there is of a large page, invisible until the page is committed. The pages before it are committed first.
func (in *ingestion) stage(ctx context.Context) error {
	if in.buffer.hasFinished() {
		if err := in.commit(ctx, nil); err != nil {
			return err
		}
	}
	batches, parts := in.buffer.takeOpen()
	for i := range batches {
		batches[i].DatasetID, batches[i].RunID = in.flow.Dataset.ID, in.run.ID
	}
	in.staged = true
	return in.inTx(ctx, func(tx *store.Tx) error {
		if err := tx.StageBatches(ctx, in.flow.Source.ID, in.fence, batches); err != nil {
			return err
		}
		return tx.StageParts(ctx, in.moves(parts), false)
	})
}

// commit makes the finished pages visible: batches, cursor and counts move, deliveries are queued, and what last adds happens, in one
// transaction.
func (in *ingestion) commit(ctx context.Context, last func(context.Context, *store.Tx, *sallyport.Run) error) error {
	done, batches := in.buffer.ready()
	p := in.moves(done.judged.parts())
	p.Cursor, p.Batches, p.Pages, p.Records, p.Bytes, p.Quarantined = in.cursor, batches, done.pages, done.records, done.bytes, done.quarantined
	p.Seen, p.Changes, p.Pulled, p.Incomplete = done.seen, done.judged.changes, in.ended, in.cut
	p.Resume, p.Barren, p.Warnings, p.Hold = in.resume, in.barren, in.run.Warnings, in.holds()
	release := in.run.Hold != "" && !p.Hold
	changed := in.observer.Changed() || release
	var run sallyport.Run
	err := in.inTx(ctx, func(tx *store.Tx) (err error) {
		if in.broken {
			if err := tx.DropStaged(ctx, in.flow.Dataset.ID); err != nil {
				return err
			}
		}
		if changed {
			if p.Schema, err = in.schema(ctx, tx); err != nil {
				return err
			}
		}
		if release {
			if _, err := tx.ReleaseHeld(ctx, in.run, in.flow.Dataset.ID, p.Schema); err != nil {
				return err
			}
		}
		if run, err = tx.CommitPage(ctx, p); err != nil {
			return err
		}
		if in.source != nil {
			if err := in.source.commit(ctx, tx); err != nil {
				return err
			}
		}
		if !p.Hold {
			err = in.EnqueueDeliveries(ctx, tx, in.flow.ID)
		}
		if err != nil || last == nil {
			return err
		}
		return last(ctx, tx, &run)
	})
	if err != nil {
		return err
	}
	in.run, in.staged, in.committed = run, false, time.Now()
	in.resume = ""
	in.buffer.committed()
	in.signal.send()
	return nil
}

// schema is what was found, together with what a replay from quarantine has found meanwhile.
func (in *ingestion) schema(ctx context.Context, tx *store.Tx) (*sallyport.Schema, error) {
	d, err := tx.LockDataset(ctx, in.flow.Dataset.ID)
	if err != nil {
		return nil, err
	}
	in.observer.Learn(d.Schema)
	schema := in.observer.Schema()
	return &schema, nil
}

// end ends the ingest: everything is kept, and what is left is to deliver it.
func (in *ingestion) end(ctx context.Context, tx *store.Tx, run *sallyport.Run) error {
	if err := in.keys.mark(ctx, tx, sallyport.VerdictValid, fmt.Sprintf("accepted in run %d", run.ID)); err != nil {
		return err
	}
	if err := in.pulled(ctx, tx); err != nil {
		return err
	}
	if err := in.endIndex(ctx, tx); err != nil {
		return err
	}
	return in.deliverRest(ctx, tx, run)
}

// deliverRest lets the run go on with its deliveries only, and ends the job.
func (in *ingestion) deliverRest(ctx context.Context, tx *store.Tx, run *sallyport.Run) error {
	if err := in.release(ctx, tx, run); err != nil {
		return err
	}
	run.State, run.Attempts, run.GivesUpAt = sallyport.RunDelivering, 0, time.Time{}
	if err := tx.UpdateRun(ctx, *run); err != nil {
		return err
	}
	if _, _, err := tx.SettleRun(ctx, in.flow.ID); err != nil {
		return err
	}
	return complete(ctx, tx, in.job)
}

// stop keeps the finished pages, and lets the run sleep until its quota allows the next call or its system may be back, wait for a new key where
// the key was refused, or fail once these pages are delivered.
func (in *ingestion) stop(ctx context.Context, cause error) error {
	in.buffer.discard()
	in.broken = true
	in.Log.InfoContext(ctx, "run stopped", "flow", in.flow.Name, "run", in.run.ID, "error", cause)
	until, rotated := pauseOf(cause), false
	away := mayPass(cause)
	err := in.commit(ctx, func(ctx context.Context, tx *store.Tx, run *sallyport.Run) (err error) {
		run.Code, run.Error = sallyport.CodeOf(cause), in.Redactor.String(cause.Error())
		switch {
		case !until.IsZero():
			run.State, run.WaitUntil = sallyport.RunWaiting, until
			if err := tx.UpdateRun(ctx, *run); err != nil {
				return err
			}
			return sleep(ctx, in.Engine, tx, in.job, until)
		case away && in.waitsForHost(run, cause):
			if err := tx.UpdateRun(ctx, *run); err != nil {
				return err
			}
			return sleep(ctx, in.Engine, tx, in.job, run.WaitUntil)
		case in.keys.blames(cause):
			if run.Error, rotated, err = in.keys.refused(ctx, tx, cause, run.Error, "run"); err != nil || rotated {
				return err
			}
			run.State = sallyport.RunWaiting
			if err := tx.UpdateRun(ctx, *run); err != nil {
				return err
			}
			return complete(ctx, tx, in.job)
		}
		return in.deliverRest(ctx, tx, run)
	})
	if err == nil && rotated {
		return again
	}
	return err
}

// pauseOf is until when a run waits that was stopped by a limit, zero if it was by something else.
func pauseOf(cause error) time.Time {
	failure, ok := errors.AsType[*connector.Failure](cause)
	if ok && failure.Class == connector.ClassRate {
		return resumeAt(failure)
	}
	if limit, ok := errors.AsType[*sallyport.Error](cause); ok && limit.Code == sallyport.Limited {
		return limit.Until
	}
	return time.Time{}
}

// resumeAt is when to try a limited call again. Where the system does not say, its window decides how soon that makes sense: the source
// has tried several times by then.
func resumeAt(f *connector.Failure) time.Time {
	if !f.Until.IsZero() {
		return f.Until.UTC().Truncate(time.Microsecond)
	}
	wait, known := map[string]time.Duration{"second": 10 * time.Second, "day": time.Hour, "month": 6 * time.Hour}[f.Window]
	if !known {
		wait = time.Minute
	}
	return sallyport.Now().Add(wait)
}
