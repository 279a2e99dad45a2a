package app

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	readyFor    = 2 * time.Second // how long an answer is reused: anyone may ask, and each probe writes to the disk
	readyWithin = 3 * time.Second
	readyKey    = "ready_at"
)

// readiness answers whether the process can do its work: whether its database accepts a write. It may be used concurrently.
type readiness struct {
	store *store.Store

	mu  sync.Mutex
	at  time.Time // of the last probe
	err error     // of the last probe
}

// ServeHTTP answers 200 or 503.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if r.probe(request.Context()) != nil {
		http.Error(w, "the database cannot be written", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (r *readiness) probe(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < readyFor {
		return r.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyWithin)
	defer cancel()
	r.err = r.store.InTx(ctx, func(tx *store.Tx) error {
		return tx.SetMeta(ctx, readyKey, []byte(sallyport.Now().Format(time.RFC3339)))
	})
	r.at = time.Now()
	return r.err
}
