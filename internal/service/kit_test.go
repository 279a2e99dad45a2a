package service_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

var actor = sallyport.Actor{Kind: "cli", Name: "somebody"}

// place is the program on an empty data directory, with an API that it has a credential for.
type place struct {
	*testing.T
	dir  string // a folder of files.roots
	data string
	*app.App
	api    *api
	server *httptest.Server
	log    bytes.Buffer
}

// api serves pages, to whoever has the key.
type api struct {
	mu      sync.Mutex
	key     string
	pages   map[string]func(w http.ResponseWriter) // by the parameter page
	asked   []string                               // the pages, in order
	address string
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	page := r.URL.Query().Get("page")
	a.asked = append(a.asked, page)
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Query().Get("key") != a.key {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	a.pages[page](w)
}

// list makes a page of numbered records of about the given size, with the number of the next page, or "".
func list(first, n, size int, next string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Write(records(first, n, size)) // the client notices
		if next == "" {
			next = "null"
		}
		fmt.Fprintf(w, `],"next":%s}`, next)
	}
}

func records(first, n, size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"results":[`)
	for i := first; i < first+n; i++ {
		if i > first {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":%d,"text":"%s"}`, i, bytes.Repeat([]byte(strconv.Itoa(i%10)), size))
	}
	return b.Bytes()
}

const firstKey = "the-first-key-of-the-api"

func newPlace(t *testing.T, pages map[string]func(http.ResponseWriter)) *place {
	t.Helper()
	p := &place{T: t, dir: t.TempDir(), data: t.TempDir(), api: &api{key: firstKey, pages: pages}}
	server := httptest.NewServer(p.api)
	t.Cleanup(server.Close)
	p.api.address, p.server = server.URL, server
	apptest.Start(t, p.data)
	settings := apptest.Settings(t, p.data, "debug")
	settings.Files.Roots = []string{p.dir}
	var err error
	if p.App, err = app.Open(t.Context(), settings, &p.log, new(secret.Redactor)); err != nil {
		t.Fatal(err)
	}
	p.Service.Engine.Quota.Now = apptest.MidMonth()
	p.Service.Engine.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	p.credential()
	p.apply(`{name: lines, connector: file, config: {path: ` + filepath.Join(p.dir, "out.ndjson") + `}}`)
	return p
}

func (p *place) credential() {
	p.Helper()
	_, err := p.Service.CreateCredential(p.Context(), actor, service.CredentialDraft{
		Name: "api", Connector: "rest", Public: map[string]string{"address": p.api.address, "auth": "query", "name": "key"},
		Secrets: map[string]secret.Text{"value": secret.New(firstKey)},
	}, service.WithoutTesting)
	if err != nil {
		p.Fatal(err)
	}
}

func (p *place) apply(destinations string) {
	p.Helper()
	file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: f
source:
  connector: rest
  credential: api
  request: {url: /, query: {page: "0"}, records: "$.results[*]", paging: {type: next_value, value: $.next, query: page}}
destinations: [%s]
`, destinations)}
	if _, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{file}, false); err != nil {
		p.Fatal(err)
	}
}

// run runs the flow to its end, or until it waits.
func (p *place) run() sallyport.Run {
	p.Helper()
	run, _, err := p.Service.StartRun(p.Context(), actor, "f")
	if err != nil {
		p.Fatal(err)
	}
	if run, err = p.Service.Follow(p.Context(), run.ID, time.Second, func(service.Progress) {}); err != nil {
		p.Fatal(err)
	}
	return run
}

// kept is the number of records in the dataset. They must be numbered from 0 without a gap.
func (p *place) kept() int {
	p.Helper()
	d, err := p.Service.Dataset(p.Context(), "f")
	if err != nil {
		p.Fatal(err)
	}
	n := 0
	for record, err := range p.Service.Records(p.Context(), d.ID) {
		if err != nil {
			p.Fatal(err)
		}
		if !bytes.HasPrefix(record, fmt.Appendf(nil, `{"id":%d,`, n)) {
			p.Fatalf("record %d is %.40s", n, record)
		}
		n++
	}
	if int64(n) != d.Records {
		p.Errorf("the dataset counts %d records and has %d", d.Records, n)
	}
	return n
}
