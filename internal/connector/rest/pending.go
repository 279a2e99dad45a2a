package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/ratelimit"
)

// How long a response that is still being prepared (HTTP 202) is waited for: pauses that double from the first up to the longest pause of a
// source, together as many times that as pendingPauses says. Three minutes by default; then the run waits as for a system that is away.
const (
	pendingFirst  = time.Second
	pendingPauses = 6
)

// ready makes a request as long as its response is still being prepared, within a deadline.
func (r *reading) ready(ctx context.Context, attempt func() (*answer, error)) (*answer, error) {
	var waited time.Duration
	for pause := pendingFirst; ; pause *= 2 {
		a, err := attempt()
		f, ok := errors.AsType[*connector.Failure](err)
		if !ok || !isPending(f) || r.isProbing() {
			return a, err
		}
		wait := min(pause, r.limits.Pause)
		if !f.Until.IsZero() {
			wait = max(wait, time.Until(f.Until))
		}
		if waited += wait; wait > r.limits.Pause || waited > pendingPauses*r.limits.Pause {
			return nil, err
		}
		if err := r.sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// isPending tells whether a response is still being prepared. A failure that a rule finds in one is something else.
func isPending(f *connector.Failure) bool {
	return f.Status == http.StatusAccepted && f.Class == connector.ClassTransient && f.Err != nil
}

// pending is the failure of a read whose response is still being prepared. Whatever its body is, it is no list.
func (j *judge) pending(response *http.Response) *connector.Failure {
	return &connector.Failure{
		Class: connector.ClassTransient, Host: j.host, Status: response.StatusCode, Until: ratelimit.Until(response.Header, time.Now()),
		Err: sallyport.Errorf(sallyport.Upstream, "%s is still preparing the response (HTTP 202): request it again later", j.host),
	}
}
