package service_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// faulty is the program beside a sandbox in which things go wrong on demand. Between two attempts it does not wait.
type faulty struct {
	*place
	sandbox *sandbox.Sandbox
	address string
	before  *atomic.Pointer[func(r *http.Request)] // called before the sandbox gets a request, if it is set
}

func newFaulty(t *testing.T, o sandbox.Options) faulty {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	before, handler := new(atomic.Pointer[func(r *http.Request)]), s.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if call := before.Load(); call != nil {
			(*call)(r)
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return faulty{newPlace(t, nil), s, server.URL, before}
}

// with is the same place in a subtest.
func (f faulty) with(t *testing.T) faulty {
	place := *f.place
	place.T = t
	f.place = &place
	return f
}

// cell is the name of the subtest in letters.
func (f faulty) cell() string {
	name := f.Name()[strings.LastIndex(f.Name(), "/")+1:]
	return strings.Map(func(c rune) rune {
		switch {
		case c >= '0' && c <= '9':
			return c - '0' + 'a'
		case c >= 'a' && c <= 'z':
			return c
		}
		return -1
	}, name)
}

// credential stores a key of the sandbox.
func (f faulty) keyed(name string) {
	f.Helper()
	_, err := f.Service.CreateCredential(f.Context(), actor, service.CredentialDraft{
		Name: name, Connector: "pulsedive", Public: map[string]string{"address": f.address},
		Secrets: map[string]secret.Text{"key": secret.New(f.sandbox.CreateKey(name))},
	}, service.WithoutTesting)
	if err != nil {
		f.Fatal(err)
	}
}

// rotate puts a new key into a credential.
func (f faulty) rotate(name string) {
	f.Helper()
	_, err := f.Service.RotateCredential(f.Context(), actor, name, map[string]secret.Text{"key": secret.New(f.sandbox.CreateKey("new"))}, service.WithoutTesting)
	if err != nil {
		f.Fatal(err)
	}
}

// asked counts the requests of which "METHOD path?query" holds a text, and forgets all.
func (f faulty) asked(match string) (n int) {
	for _, r := range f.sandbox.Journal() {
		if strings.Contains(r.Method+" "+r.Path+"?"+r.Query, match) {
			n++
		}
	}
	f.sandbox.ClearJournal()
	return n
}

// once counts the records of a flow, and wants no key twice.
func (f faulty) once(flow string, key ...string) (n int) {
	f.Helper()
	d, err := f.Service.Dataset(f.Context(), flow)
	if err != nil {
		f.Fatal(err)
	}
	seen := map[string]bool{}
	for record, err := range f.Service.Records(f.Context(), d.ID) {
		var fields map[string]any
		if err == nil {
			err = json.Unmarshal(record, &fields)
		}
		if err != nil {
			f.Fatal(err)
		}
		var of []any
		for _, name := range key {
			of = append(of, fields[name])
		}
		id, err := json.Marshal(of)
		if err != nil || seen[string(id)] || slices.Contains(of, nil) {
			f.Errorf("the record %s is there twice, or has no key: %v", id, err)
		}
		seen[string(id)] = true
		n++
	}
	return n
}

// allowMore ends what a flow waits for. Where a call was refused for its quota, none is made before that.
func (f faulty) allowMore(flow string, refused bool) {
	f.Helper()
	f.wake()
	if refused {
		if run := f.runOf(flow); run.State != sallyport.RunWaiting || len(f.sandbox.Journal()) != 0 {
			f.Errorf("run %s after %d requests: %s", run.State, len(f.sandbox.Journal()), run.Error)
		}
		more := service.QuotaChange{Limits: map[string]int64{sallyport.WindowDay: 1000, sallyport.WindowMonth: 1000}}
		if err := f.Service.SetQuota(f.Context(), actor, flow, more); err != nil {
			f.Fatal(err)
		}
		f.wake()
	}
}
