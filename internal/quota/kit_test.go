package quota_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// place is a database with a credential, and a sandbox with its key.
type place struct {
	testing.TB
	dsn        string
	store      *store.Store
	definition *connector.Definition
	sandbox    *sandbox.Sandbox
	key        secret.Text
	address    string               // of the sandbox, and
	transport  http.RoundTripper    // how it is asked: this place itself, without a network, if nothing else is set
	latency    func() time.Duration // of a call: half of it before the sandbox counts, half behind that
	asked      atomic.Int64
	refused    atomic.Int64 // 429

	mu      sync.Mutex
	counted []time.Time // when the sandbox counted a call
}

const credential = sallyport.ID("crd_1")

func newPlace(t testing.TB, plan string) *place {
	t.Helper()
	p := &place{TB: t, dsn: "sqlite:" + filepath.Join(t.TempDir(), "x.db"), latency: func() time.Duration { return 0 }}
	p.store, p.address, p.transport = p.open(), "https://pulsedive.com", p
	catalogue, err := connector.NewCatalogue(connectors.FS, nil)
	if err == nil {
		p.definition, err = catalogue.Definition("pulsedive")
	}
	if err == nil {
		p.sandbox, err = sandbox.New(sandbox.Options{Records: 100, Plan: plan})
	}
	if err != nil {
		t.Fatal(err)
	}
	p.insert()
	p.key = secret.New(p.sandbox.CreateKey("test"))
	return p
}

func (p *place) insert() {
	p.Helper()
	p.do(func(ctx context.Context, tx *store.Tx) error {
		return tx.InsertCredential(ctx, sallyport.Credential{ID: credential, Name: "c", Connector: "pulsedive", CreatedAt: sallyport.Now()})
	})
}

func (p *place) remove() {
	p.Helper()
	p.do(func(ctx context.Context, tx *store.Tx) error { return tx.DeleteCredential(ctx, credential) })
}

func (p *place) do(f func(ctx context.Context, tx *store.Tx) error) {
	p.Helper()
	if err := p.store.InTx(context.Background(), func(tx *store.Tx) error { return f(context.Background(), tx) }); err != nil {
		p.Fatal(err)
	}
}

func (p *place) open() *store.Store {
	s, err := store.Open(context.Background(), p.dsn)
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() {
		if err := s.Close(); err != nil {
			p.Error(err)
		}
	})
	return s
}

// quota is the budgets as one process has them.
func (p *place) quota() *quota.Quota { return quota.New(p.store, slog.New(slog.DiscardHandler)) }

func (p *place) close(q *quota.Quota) {
	p.Helper()
	if err := q.Close(context.Background()); err != nil {
		p.Error(err)
	}
}

// RoundTrip asks the sandbox, without a network.
func (p *place) RoundTrip(r *http.Request) (*http.Response, error) {
	p.asked.Add(1)
	latency := p.latency()
	time.Sleep(latency / 2)
	p.mu.Lock()
	p.counted = append(p.counted, time.Now())
	p.mu.Unlock()
	recorder := httptest.NewRecorder()
	p.sandbox.Handler().ServeHTTP(recorder, r)
	if recorder.Code == http.StatusTooManyRequests {
		p.refused.Add(1)
	}
	time.Sleep(latency - latency/2)
	return recorder.Result(), nil
}

// source looks an indicator up that the sandbox does not know.
func (p *place) source(s *quota.Spender) *rest.Source {
	p.Helper()
	endpoint, err := p.definition.Endpoint("indicator.get")
	if err != nil {
		p.Fatal(err)
	}
	var budget rest.Quota
	if s != nil {
		budget = s
	}
	source, err := rest.Open(rest.Config{
		Definition: p.definition, Endpoint: endpoint, Params: map[string]any{"indicator": "unknown.example.com"},
		Secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": p.key}, nil
		},
		Public:    map[string]string{"address": p.address},
		Transport: func(*url.URL) http.RoundTripper { return p.transport },
		Quota:     budget,
	})
	if err != nil {
		p.Fatal(err)
	}
	return source
}

// look makes one look-up.
func look(ctx context.Context, source *rest.Source) error {
	for page, err := range source.Pages(ctx, "") {
		if sallyport.CodeOf(err) == sallyport.NotFound { // a response like any other, as far as the quota goes
			return nil
		}
		if err != nil {
			return err
		}
		for _, err := range page.Records {
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// limited returns the failure that says until when to wait.
func limited(t testing.TB, err error) *connector.Failure {
	t.Helper()
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok || f.Class != connector.ClassRate {
		t.Fatalf("got %v, want a limit", err)
	}
	return f
}

// never wants that in no second, wherever it begins, there were more calls than a limit.
func (p *place) never(limit int) {
	p.Helper()
	for i := limit; i < len(p.counted); i++ {
		if span := p.counted[i].Sub(p.counted[i-limit]); span < time.Second {
			p.Fatalf("%d calls within %s, by call %d", limit+1, span, i)
		}
	}
}

// set changes the budget.
func (p *place) set(c quota.Change) {
	p.Helper()
	p.do(func(ctx context.Context, tx *store.Tx) error { return quota.Set(ctx, tx, credential, c) })
}

// left is what is left of the windows.
func (p *place) left() map[string]int64 {
	p.Helper()
	windows, err := quota.Read(context.Background(), p.store, credential, time.Now())
	if err != nil {
		p.Fatal(err)
	}
	left := map[string]int64{}
	for _, w := range windows {
		left[w.Window] = w.Left
	}
	return left
}
