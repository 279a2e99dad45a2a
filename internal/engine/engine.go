// Package engine does the work: it ingests (source → batches), delivers (batches → destination), and runs both as jobs.
//
// The database is the truth. A process may be killed at any instant: whatever it had not committed is done again by the next one.
package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/gofrs/flock"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// Config is what an engine works with.
type Config struct {
	Store     *store.Store
	Vault     *vault.Vault
	Catalogue *connector.Catalogue
	Quota     *quota.Quota
	Egress    egress.Policy
	Files     *grant.Policy // which files flows may use
	Redactor  *secret.Redactor
	UserAgent string
	Sleep     func(ctx context.Context, d time.Duration) error // before a call is made again, or a result is asked for; nil: by the clock
	LockFile  string                                           // beside the database: held by the one process that works its jobs
	Log       *slog.Logger
	QueueLog  *slog.Logger // for what the job queue itself has to say

	Patience    time.Duration // how long a run waits for a system that is away
	VanishLimit int           // percent of a source's known records that may vanish at once before a pull is held; 0: all
	Confirm     int           // complete pulls in a row that must miss a record before it has vanished; 0: what fits the source
	RejectLimit int           // percent of a run's records that a destination may reject; 0: all
}

// Engine works jobs between Start and Stop, and can queue them at any time.
type Engine struct {
	Config
	jobs   *river.Client[*sql.Tx]
	lock   *flock.Flock
	signal broadcast

	ingests    *slots
	deliveries *slots

	mu       sync.Mutex // held while starting and stopping
	users    int        // who have started it and not stopped it
	stopping chan struct{}
}

const (
	slice        = 45 * time.Second       // how long a job works before it makes room for others
	pollInterval = 200 * time.Millisecond // how late a job is seen that another process queued
	stopPatience = 5 * time.Second        // how long Stop waits for pages that are being read
	workers      = 16                     // ingests at once, and deliveries at once: see slots
	held         = 10_000                 // jobs of a queue that work or wait for a slot
)

// New makes an engine, and the tables of its job queue if they are not there yet.
func New(ctx context.Context, c Config) (*Engine, error) {
	if c.Sleep == nil {
		c.Sleep = rest.Sleep
	}
	e := &Engine{Config: c, lock: flock.New(c.LockFile, flock.SetPermissions(0o600)), ingests: newSlots(workers), deliveries: newSlots(workers)}
	driver := riversqlite.New(c.Store.SQL())
	if err := migrate(ctx, driver); err != nil {
		return nil, err
	}
	kinds := river.NewWorkers()
	river.AddWorker(kinds, &ingestWorker{engine: e})
	river.AddWorker(kinds, &deliverWorker{engine: e})
	jobs, err := river.NewClient(driver, &river.Config{
		Queues:            map[string]river.QueueConfig{ingestQueue: {MaxWorkers: held}, deliverQueue: {MaxWorkers: held}},
		Workers:           kinds,
		Logger:            c.QueueLog,
		FetchCooldown:     5 * time.Millisecond,
		FetchPollInterval: pollInterval,
		MaxAttempts:       math.MaxInt16, // the engine gives up itself; crashes and faults of weeks are no reason
		JobTimeout:        -1,            // a job ends its slice itself, between two pages
		// Only one process works the jobs of a SQLite database, and it frees those of a dead predecessor when it starts.
		RescueStuckJobsAfter: 365 * 24 * time.Hour,
	})
	e.jobs = jobs
	return e, err
}

// migrate brings the job queue's tables up to date. The common case, nothing to do, costs one query.
func migrate(ctx context.Context, driver *riversqlite.Driver) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("the job queue's tables cannot be made: %w", err)
	}
	return nil
}

// Start begins to work jobs, unless another process works them already: then it does nothing and returns false. Whoever got true calls
// Stop once; the work goes on until the last one did.
func (e *Engine) Start(ctx context.Context) (working bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users > 0 {
		e.users++
		return true, nil
	}
	if locked, err := e.lock.TryLock(); err != nil || !locked {
		return false, err
	}
	// Whoever holds the lock is the only worker: a job that still counts as running was left by a process that died.
	if err := e.takeOver(ctx); err != nil {
		return false, errors.Join(fmt.Errorf("the jobs of an earlier process cannot be taken over: %w", err), e.lock.Unlock())
	}
	e.stopping = make(chan struct{})
	if err := e.jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return false, errors.Join(err, e.lock.Unlock())
	}
	e.users = 1
	return true, nil
}

// takeOver frees the jobs of a process that died, and its place as the leader of the queue, which would expire late if its clock was wrong.
func (e *Engine) takeOver(ctx context.Context) error {
	for _, statement := range []string{`UPDATE river_job SET state = 'available' WHERE state = 'running'`, `DELETE FROM river_leader`} {
		if _, err := e.Store.SQL().ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	return e.wakeEarly(ctx, sallyport.Now())
}

// Stop lets the jobs end at their next page, interrupts those that take too long for that, and lets another process go on with them.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.users--; e.users > 0 {
		return nil
	}
	close(e.stopping)
	soon, cancel := context.WithTimeout(ctx, stopPatience)
	defer cancel()
	err := e.jobs.Stop(soon)
	if soon.Err() != nil {
		err = e.jobs.StopAndCancel(ctx)
	}
	return errors.Join(err, e.lock.Unlock())
}

// stops tells whether a job is to end at its next page.
func (e *Engine) stops() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

// Changed is closed when the next commit of an ingest or a delivery in this process is done.
func (e *Engine) Changed() <-chan struct{} { return e.signal.next() }
