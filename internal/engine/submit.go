package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/store"
)

// journal is the journal of one delivery's submissions.
type journal struct {
	store       *store.Store
	destination sallyport.ID
	fence       int64
	keys        *keyring
}

func (j journal) Submission(ctx context.Context, value string) (sallyport.Submission, error) {
	s, err := j.store.Submission(ctx, j.destination, value)
	return s, fault(err)
}

func (j journal) SaveSubmission(ctx context.Context, s sallyport.Submission) error {
	if s.State == sallyport.Submitted {
		j.keys.proved = j.keys.version
	}
	s.DestinationID = j.destination
	return fault(j.store.SaveSubmission(ctx, s, j.fence))
}

func (j journal) DropSubmission(ctx context.Context, value string) error {
	return fault(j.store.DropSubmission(ctx, j.destination, value))
}

func (j journal) UnclearSubmissions(ctx context.Context) (int, error) {
	n, err := j.store.UnclearSubmissions(ctx, j.destination)
	return n, fault(err)
}

// fault marks an error as one of our own store.
func fault(err error) error {
	if err == nil || errors.Is(err, store.ErrFenced) {
		return err
	}
	return storeFault{err}
}

// openWriter opens a destination that submits records one by one; nil if it is none.
func (d *delivery) openWriter(ctx context.Context) (*rest.Writer, error) {
	definition, err := d.Catalogue.Definition(d.destination.Connector)
	if err != nil || definition.Destination == nil || definition.Destination.Submit == nil {
		return nil, err
	}
	c, err := d.Store.Credential(ctx, d.destination.Credential)
	if err != nil {
		return nil, err
	}
	c = d.Trusted(c)
	d.keys = d.keyring(sallyport.Actor{Kind: "run", Name: d.flow.Name}, c)
	if c.Verdict == sallyport.VerdictRejected { // another call would be wasted
		d.keys.version = c.Version
		return nil, sallyport.Errorf(sallyport.Unauthenticated,
			"the key of credential %q was refused before, and is not asked with again (if it is good after all, credential test %q shows it): %s",
			c.Name, c.Name, c.Reason)
	}
	config := d.restConfig(definition, c, d.keys.get)
	config.Quota = d.Quota.ForRun(c.ID, definition.Limits)
	if config.Params, err = definition.CheckConfig(d.destination.Config); err != nil {
		return nil, err
	}
	return rest.OpenWriter(config, journal{d.Store, d.destination.ID, d.fence, d.keys})
}

// writeBatch writes a batch. One whose records are submitted one by one makes room for others when its slice is over: what it did is written
// down, and the next execution goes on after that.
func (d *delivery) writeBatch(ctx context.Context, b connector.Batch) (connector.Result, error) {
	if _, one := d.target.(*rest.Writer); !one {
		return d.target.Write(ctx, b)
	}
	limited, cancel := context.WithTimeoutCause(ctx, slice, again)
	defer cancel()
	stopping := d.stopping // the goroutine below may begin only after the next Start has made another
	go func() {
		select {
		case <-stopping:
			cancel()
		case <-limited.Done():
		}
	}()
	result, err := d.target.Write(limited, b)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return result, again
	}
	return result, err
}

// wait lets a delivery sleep until the other system takes more. It did not fail.
func (d *delivery) wait(ctx context.Context, until time.Time, cause error) error {
	d.Log.InfoContext(ctx, "delivery waits", "flow", d.flow.Name, "destination", d.destination.Name, "until", until, "error", cause)
	err := d.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.WaitDelivery(ctx, d.row.ID, until, sallyport.CodeOf(cause), d.Redactor.String(cause.Error())); err != nil {
			return err
		}
		return sleep(ctx, d.Engine, tx, d.job, until)
	})
	if err != nil {
		return storeFault{err}
	}
	d.signal.send()
	return nil
}

// startAnswers begins a run of the flows that ask what came of what this destination has submitted, if something has no answer yet.
func (d *delivery) startAnswers(ctx context.Context, tx *store.Tx) error {
	definition, err := d.Catalogue.Definition(d.destination.Connector)
	if err != nil || definition.Destination == nil || definition.Destination.Submit == nil {
		return err
	}
	open, err := tx.Submissions(ctx, d.destination.ID, sallyport.Submitted, 0)
	if err != nil || len(open) == 0 {
		return err
	}
	flows, err := tx.Flows(ctx)
	if err != nil {
		return err
	}
	for _, f := range flows {
		if f.State == sallyport.FlowActive && AsksFor(f.Source, d.flow.Name, d.destination.Name) {
			if _, _, err := d.StartRun(ctx, tx, f.ID); err != nil {
				return err
			}
		}
	}
	return nil
}
