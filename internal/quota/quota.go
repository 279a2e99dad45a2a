// Package quota says what a credential may still spend: one budget for each, shared by every run, test and look-up, in every process that
// works with the same database.
//
// A process takes portions of a budget, each in one short transaction (ledger.go), and spends them without asking again (budget.go). Of a
// day or month a portion is a number of calls. What was taken by a process that dies counts as spent: too little is used then, never too
// much. Of a second it is how many calls the process may make in any second, however long it has it (share.go): a call counts from when it
// is sent until one second after its answer, so that at no host and in no second, by whatever clock, there are more than allowed.
package quota

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Quota has the budgets of all credentials. It may be used concurrently.
type Quota struct {
	store  *store.Store
	log    *slog.Logger
	holder string // this process

	// Now is the clock by which seconds, days and months begin. Tests set another one before anything is spent, so that no window ends
	// while they run.
	Now func() time.Time

	mu      sync.Mutex
	budgets map[sallyport.ID]*budget
}

// New returns the budgets that a database keeps. Close gives back what was taken of them.
func New(s *store.Store, log *slog.Logger) *Quota {
	return &Quota{store: s, log: log, holder: rand.Text(), Now: time.Now, budgets: map[sallyport.ID]*budget{}}
}

// Spender spends a credential's budget. It may be used concurrently.
type Spender struct {
	budget *budget
	person bool
}

// ForRun returns how a run spends the budget of a credential: it leaves the reserve alone. Limits say in which headers the system tells
// what is left.
func (q *Quota) ForRun(credential sallyport.ID, limits connector.Limits) *Spender {
	return &Spender{budget: q.budget(credential, limits)}
}

// ForPerson returns how a test or a look-up by a person spends the budget of a credential.
func (q *Quota) ForPerson(credential sallyport.ID, limits connector.Limits) *Spender {
	return &Spender{budget: q.budget(credential, limits), person: true}
}

func (q *Quota) budget(credential sallyport.ID, limits connector.Limits) *budget {
	q.mu.Lock()
	defer q.mu.Unlock()
	b := q.budgets[credential]
	if b == nil {
		b = newBudget(q, credential, limits.Headers)
		q.budgets[credential] = b
	}
	return b
}

// Forget drops the budget of a credential that was deleted. What still spends it goes on with it.
func (q *Quota) Forget(credential sallyport.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.budgets, credential)
}

// Close gives back what this process has taken and not spent. Nothing may be spent any more.
func (q *Quota) Close(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []error
	for _, b := range q.budgets {
		errs = append(errs, b.close(ctx))
	}
	return errors.Join(errs...)
}

// Take waits until a request may be sent. If that takes longer than the longest wait, it is a [connector.Failure] that says until when.
func (s *Spender) Take(ctx context.Context, longest time.Duration) error {
	b := s.budget
	for {
		short, err := b.claim(ctx, s.person)
		if err == nil && short == nil {
			err = b.slot(ctx, longest)
		} else if err == nil {
			err = b.wait(ctx, short, longest)
		}
		if err != nil || short == nil {
			if errors.Is(err, errRevoked) {
				continue
			}
			return err
		}
	}
}

// Answered is told the answer to a request, nil if none came.
func (s *Spender) Answered(response *http.Response) {
	s.budget.answered(response, s.budget.quota.Now())
}

// Refused is told that a request was one too many. It writes into the failure until when to wait, if that is more than a moment.
func (s *Spender) Refused(failure *connector.Failure) {
	s.budget.refused(failure, s.budget.quota.Now())
}

// shortage is a window that has no call left, and when it may have.
type shortage struct {
	window string
	until  time.Time
}

func (s *shortage) failure() error {
	return &connector.Failure{Class: connector.ClassRate, Window: s.window, Until: s.until.UTC()}
}

// wait waits for the end of a shortage, unless that is longer than the longest wait.
func (b *budget) wait(ctx context.Context, s *shortage, longest time.Duration) error {
	left := s.until.Sub(b.quota.Now())
	if left > longest {
		return s.failure()
	}
	return sleep(ctx, left, nil)
}

// sleep waits for a while, or until something changed.
func sleep(ctx context.Context, d time.Duration, changed <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-changed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
