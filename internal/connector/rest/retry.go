package rest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/retrypolicy"

	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	attempts   = 5
	firstPause = 500 * time.Millisecond // the longest pause before the second attempt; it doubles from then on
)

// repeat makes a call, and again after a pause as long as that may help.
func (r *reading) repeat(ctx context.Context, c call) (*answer, error) {
	policy := r.retry
	if r.isProbing() {
		policy = r.once
	}
	a, err := r.ready(ctx, func() (*answer, error) { return r.attempts(ctx, c, policy) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if f, ok := errors.AsType[*connector.Failure](err); ok {
		f.Again = f.Class == connector.ClassTransient && (r.again || f.Unsent)
	} else if err == nil && r.probe != nil {
		r.probe.Store(false)
	}
	return a, err
}

// isProbing tells whether the system was away, so that a request is made once.
func (r *reading) isProbing() bool { return r.probe != nil && r.probe.Load() }

// attempts makes a call as often as the policy allows.
func (r *reading) attempts(ctx context.Context, c call, policy failsafe.Executor[*answer]) (*answer, error) {
	return policy.WithContext(ctx).GetWithExecution(func(e failsafe.Execution[*answer]) (*answer, error) {
		if retries := e.Retries(); retries > 0 {
			if err := r.sleep(ctx, pause(e.LastError(), retries-1)); err != nil {
				return nil, err
			}
		}
		return r.ask(ctx, c)
	})
}

// Sleep waits for a while, by the clock.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// retries says which attempts are made again: those that failed in a way that may pass.
func retries(again bool, attempts int, maxPause time.Duration) failsafe.Executor[*answer] {
	return failsafe.With(retrypolicy.NewBuilder[*answer]().
		HandleIf(func(_ *answer, err error) bool { return passing(err, again, maxPause) }).
		WithMaxAttempts(attempts).
		ReturnLastFailure().
		Build())
}

// passing tells whether a failure may have passed after a pause of at most maxPause. What was too slow is not requested again at once: it would
// hold its place for as long again. Whoever refused the key is not asked again, whatever the class. What a request does must not be done twice:
// unless it only reads, it is made again only if nothing of it was sent.
func passing(err error, again bool, maxPause time.Duration) bool {
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok || f.Slow || isPending(f) || f.Status == http.StatusUnauthorized || f.Status == http.StatusForbidden {
		return false
	}
	if fault, ok := errors.AsType[*fault](f.Err); !again && (!ok || !fault.unsent) {
		return false
	}
	soon := time.Until(f.Until) <= maxPause
	return soon && (f.Class == connector.ClassTransient || f.Class == connector.ClassRate && (f.Window == "" || f.Window == "second"))
}

// pause is how long to wait before the next attempt: a random time that grows, or until when the system says.
func pause(err error, retries int) time.Duration {
	random := rand.N(firstPause << retries)
	f, ok := errors.AsType[*connector.Failure](err)
	switch {
	case !ok:
		return random
	case !f.Until.IsZero():
		return max(0, time.Until(f.Until)) + min(random, firstPause)
	case f.Window == "second":
		return time.Second + random
	}
	return random
}
