package engine

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/riverqueue/river"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	deliverBytes = 4 << 20         // batches are committed at a destination together up to this size of records
	linger       = 2 * time.Second // how long a delivery waits for a run's next page before it gives its place up
)

// delivery is one execution of the deliver job: it brings a destination up to the end of its dataset.
type delivery struct {
	*Engine
	job         *river.Job[deliverArgs]
	flow        sallyport.Flow
	destination sallyport.Destination
	fence       int64
	row         sallyport.Delivery
	unpacker    *dataset.Unpacker
	target      connector.Destination
	keys        *keyring // nil if the destination needs no key
}

// deliver works a delivery until nothing is left, or to the end of its slice.
func (e *Engine) deliver(ctx context.Context, job *river.Job[deliverArgs]) error {
	d := &delivery{Engine: e, job: job}
	if claimed, err := d.claim(ctx); err != nil || !claimed {
		return err
	}
	err := d.write(ctx)
	_, fault := errors.AsType[storeFault](err)
	_, snooze := errors.AsType[*river.JobSnoozeError](err)
	if err == nil || fault || snooze || ctx.Err() != nil || errors.Is(err, store.ErrFenced) {
		return err
	}
	if until := pauseOf(err); !until.IsZero() {
		return d.wait(ctx, until, err)
	}
	if wait, retried := retryAfter(err, d.row.Attempts+1); retried {
		return d.wait(ctx, sallyport.Now().Add(wait), err)
	}
	return d.fail(ctx, err)
}

// retryAfter is how long a delivery waits after so many attempts in a row that failed, the last with err. It is not retried if somebody must
// act first.
func retryAfter(err error, attempts int64) (wait time.Duration, retried bool) {
	switch connector.CauseOf(err) {
	case connector.CauseLocal:
		return backoff(attempts, time.Second, time.Minute), true
	case connector.CauseRemote:
		return backoff(attempts, time.Minute, 30*time.Minute), true
	}
	return 0, false
}

// claim makes this execution the only one that may commit for the destination.
func (d *delivery) claim(ctx context.Context) (claimed bool, err error) {
	err = d.Store.InTx(ctx, func(tx *store.Tx) error {
		destination, err := tx.Destination(ctx, d.job.Args.Destination)
		if sallyport.CodeOf(err) == sallyport.NotFound {
			return complete(ctx, tx, d.job)
		}
		if err != nil {
			return err
		}
		d.destination = destination
		if d.flow, err = tx.Flow(ctx, destination.FlowID); err != nil {
			return err
		}
		if d.fence, err = tx.ClaimDestination(ctx, destination.ID); err != nil {
			return err
		}
		claimed = true
		d.row, err = tx.StartDelivery(ctx, destination.ID)
		return err
	})
	return claimed, err
}

// write brings batches there until nothing is left.
func (d *delivery) write(ctx context.Context) (err error) {
	if d.unpacker, err = dataset.NewUnpacker(); err != nil {
		return err
	}
	defer d.unpacker.Close()
	defer d.close()
	if err := d.checkTarget(ctx); err != nil {
		return err
	}
	for begin := time.Now(); ; {
		changed := d.signal.next()
		batches, last, err := d.Store.BatchesTo(ctx, d.flow.Dataset.ID, d.destination.ID, d.destination.Position, deliverBytes)
		if err != nil {
			return storeFault{err}
		}
		if last > d.destination.Position {
			err := d.writeBatches(ctx, batches, last)
			if behind, ok := errors.AsType[*connector.Behind](err); ok {
				err = d.goBack(ctx, behind)
			}
			if err != nil {
				return err
			}
		} else if more, err := d.more(ctx, changed); err != nil {
			return err
		} else if !more {
			if finished, err := d.finish(ctx); err != nil || finished {
				return err
			}
		}
		if time.Since(begin) > slice || d.stops() {
			return again
		}
	}
}

// checkTarget opens a destination to which something was delivered, whether or not there is more: that it is gone, or was set back, shows at
// the next run, not at the next new record. Where records are submitted there is nothing to open.
func (d *delivery) checkTarget(ctx context.Context) error {
	definition, err := d.Catalogue.Definition(d.destination.Connector)
	if err != nil || d.destination.Records == 0 || definition.Destination == nil || definition.Destination.Submit != nil {
		return err
	}
	err = d.openTarget(ctx)
	if behind, ok := errors.AsType[*connector.Behind](err); ok {
		return d.goBack(ctx, behind)
	}
	return err
}

// writeBatches writes batches, makes them durable there, and then moves the position here, to last. Where all up to that is for other
// destinations there is nothing to write.
func (d *delivery) writeBatches(ctx context.Context, batches []sallyport.Batch, last int64) error {
	c := store.DeliveryCommit{
		DestinationID: d.destination.ID, Fence: d.fence, DeliveryID: d.row.ID, Position: last, State: d.destination.State,
		Tally: d.destination.Tally,
	}
	if len(batches) > 0 {
		if err := d.writeTarget(ctx, batches, &c); err != nil {
			return err
		}
	}
	err := d.Store.InTx(ctx, func(tx *store.Tx) error { return tx.CommitDelivery(ctx, c) })
	if err != nil {
		return storeFault{err}
	}
	d.destination.Position, d.destination.State, d.destination.Tally = c.Position, c.State, c.Tally
	d.destination.Reached = max(d.destination.Reached, c.Position)
	d.row.Attempts = 0
	d.signal.send()
	return nil
}

// goBack lets the delivery go on where the destination turned out to be: it was restored from a backup.
func (d *delivery) goBack(ctx context.Context, to *connector.Behind) error {
	d.Log.WarnContext(ctx, "destination was set back", "flow", d.flow.Name, "destination", d.destination.Name,
		"from", d.destination.Position, "to", to.Seq)
	err := d.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.ReturnDestination(ctx, d.destination.ID, d.fence, to.Seq, to.State)
	})
	if err != nil {
		return storeFault{err}
	}
	d.destination.Position, d.destination.State = to.Seq, to.State
	d.close()
	d.target = nil
	return nil
}

// writeTarget writes batches to the destination itself, and notes what came of it.
func (d *delivery) writeTarget(ctx context.Context, batches []sallyport.Batch, c *store.DeliveryCommit) (err error) {
	if err := d.openTarget(ctx); err != nil {
		return err
	}
	for _, b := range batches {
		records, err := d.unpacker.Records(b)
		if err != nil {
			return err
		}
		result, err := d.writeBatch(ctx, connector.Batch{Seq: b.Seq, Hash: b.Hash, Records: records, Replayed: b.DestinationID != ""})
		if err != nil {
			return err
		}
		if b.Seq <= d.destination.Reached { // it was counted before the destination went back
			continue
		}
		if err := d.count(&c.Tally, b, result.Rejected); err != nil {
			return err
		}
		c.Records += b.Records - int64(len(result.Rejected))
		c.Rejected += int64(len(result.Rejected))
		c.Quarantined = append(c.Quarantined, d.quarantined(b, records, result.Rejected)...)
	}
	c.State, err = d.target.Commit(ctx)
	return err
}

// quarantined pairs the rejected records of a batch with their reasons.
func (d *delivery) quarantined(b sallyport.Batch, records iter.Seq[[]byte], rejected []connector.Rejection) (all []sallyport.Quarantined) {
	reasons := make(map[int]string, len(rejected))
	for _, r := range rejected {
		reasons[r.Index] = r.Reason
	}
	i := 0
	for record := range records {
		if len(all) == len(reasons) {
			break
		}
		if reason, ok := reasons[i]; ok {
			all = append(all, sallyport.Quarantined{
				DatasetID: b.DatasetID, RunID: b.RunID, DestinationID: d.destination.ID,
				Record: bytes.Clone(record), Reason: reason, At: sallyport.Now(),
			})
		}
		i++
	}
	return all
}

// openTarget opens the destination where it was last committed, once there is something to write.
func (d *delivery) openTarget(ctx context.Context) (err error) {
	if d.target != nil {
		return nil
	}
	current, err := d.Store.Dataset(ctx, d.flow.Dataset.ID) // its schema may have come with the first page
	if err != nil {
		return err
	}
	if writer, err := d.openWriter(ctx); err != nil || writer != nil {
		if writer != nil {
			d.target = writer
		}
		return err
	}
	d.target, err = d.Catalogue.Open(ctx, d.destination.Connector, connector.Target{
		ID: d.destination.ID, Dataset: current.ID, Config: d.destination.Config, Key: current.Key, Schema: current.Schema, State: d.destination.State,
		Epoch: d.destination.Epoch, Records: d.destination.Records, Flow: d.flow.Name, Name: d.destination.Name, Files: d.filesOf(d.flow, sallyport.FileWrite),
		HashOf: func(ctx context.Context, seq int64) (string, bool, error) {
			hash, found, err := d.Store.BatchHash(ctx, current.ID, seq)
			return hash, found, fault(err)
		},
	})
	return err
}

// close lets go of the destination. What matters was committed before, so a failure here is only worth a line in the log.
func (d *delivery) close() {
	if d.target == nil {
		return
	}
	if err := d.target.Close(); err != nil {
		d.Log.Warn("destination did not close cleanly", "flow", d.flow.Name, "destination", d.destination.Name, "error", err)
	}
}

// more tells whether there may soon be more to deliver: a run is pulling, and it commits before the patience of this delivery ends.
func (d *delivery) more(ctx context.Context, changed <-chan struct{}) (bool, error) {
	run, err := d.Store.UnfinishedRun(ctx, d.flow.ID)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return false, nil
	}
	if err != nil || (run.State != sallyport.RunQueued && run.State != sallyport.RunRunning) {
		return false, err
	}
	select {
	case <-changed:
		return true, nil
	case <-time.After(linger):
		return false, nil
	case <-d.stopping:
		return true, nil // and the execution ends
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// finish ends the delivery and its job, if really nothing is left: a page may have been committed since.
func (d *delivery) finish(ctx context.Context) (finished bool, err error) {
	err = d.Store.InTx(ctx, func(tx *store.Tx) error {
		if finished, err = tx.CaughtUp(ctx, d.destination.ID); err != nil || !finished {
			return err
		}
		if err := d.startAnswers(ctx, tx); err != nil {
			return err
		}
		if d.keys != nil && d.keys.proved == d.keys.version {
			if err := d.keys.mark(ctx, tx, sallyport.VerdictValid, "accepted in a delivery of "+d.flow.Name); err != nil {
				return err
			}
		}
		return d.end(ctx, tx, sallyport.RunSucceeded, "", "")
	})
	if err != nil {
		return false, storeFault{err}
	}
	d.signal.send()
	return finished, nil
}

// fail ends the delivery with an error. The dataset keeps what was not delivered, and the next run tries again; where the key was refused,
// a new key does.
func (d *delivery) fail(ctx context.Context, cause error) error {
	d.Log.InfoContext(ctx, "delivery failed", "flow", d.flow.Name, "destination", d.destination.Name, "error", cause)
	rotated, reason := false, d.Redactor.String(cause.Error())
	err := d.Store.InTx(ctx, func(tx *store.Tx) (err error) {
		if d.keys.blames(cause) {
			if reason, rotated, err = d.keys.refused(ctx, tx, cause, reason, "delivery"); err != nil || rotated {
				return err
			}
		}
		return d.end(ctx, tx, sallyport.RunFailed, sallyport.CodeOf(cause), reason)
	})
	d.signal.send()
	if err == nil && rotated {
		return again
	}
	return err
}

func (d *delivery) end(ctx context.Context, tx *store.Tx, state sallyport.RunState, code sallyport.Code, reason string) error {
	if err := tx.FinishDelivery(ctx, d.row.ID, state, code, reason); err != nil {
		return err
	}
	if _, _, err := tx.SettleRun(ctx, d.flow.ID); err != nil {
		return err
	}
	return complete(ctx, tx, d.job)
}
