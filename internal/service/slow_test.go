package service_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// hanging is a system that answers nobody until it is released, and tells of every request.
func hanging(t *testing.T) (address string, asked chan struct{}, release func()) {
	t.Helper()
	asked, released := make(chan struct{}, 100), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-released
		fmt.Fprint(w, `{"results":[{"id":1}]}`)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked, func() { close(released) }
}

// crowd applies and starts 16 flows of a system.
func (p *place) crowd(address string) {
	p.Helper()
	draft := service.CredentialDraft{
		Name: "slow", Connector: "rest", Public: map[string]string{"address": address, "auth": "query", "name": "key"},
		Secrets: map[string]secret.Text{"value": secret.New("the-key-of-the-slow-system")},
	}
	if _, err := p.Service.CreateCredential(p.Context(), actor, draft, service.WithoutTesting); err != nil {
		p.Fatal(err)
	}
	for i := range 16 {
		file := service.FlowFile{Name: "slow.yaml", Data: fmt.Appendf(nil,
			"flow: slow-%d\nsource: {connector: rest, credential: slow, request: {url: /, records: \"$.results[*]\"}}\ndestinations: [{name: lines, connector: file, config: {path: %q}}]\n",
			i, filepath.Join(p.dir, fmt.Sprintf("slow-%d.ndjson", i)))}
		if _, err := p.Service.ApplyFlows(p.Context(), actor, []service.FlowFile{file}, false); err != nil {
			p.Fatal(err)
		}
		if _, _, err := p.Service.StartRun(p.Context(), actor, fmt.Sprintf("slow-%d", i)); err != nil {
			p.Fatal(err)
		}
	}
}

// TestHangingHost: sixteen flows of a system that hangs have half of the places. A flow of another system runs while they hang. When the system
// answers again, all go on, one after the other.
func TestHangingHost(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	address, asked, release := hanging(t)
	p.crowd(address)
	if _, err := p.Service.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	for range 8 {
		<-asked
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || p.kept() != 10 {
		t.Errorf("the run beside the hanging ones is %s: %s", run.State, run.Error)
	}
	select {
	case <-asked:
		t.Error("more than half of the places are used for one host")
	default:
	}
	release()
	for range 8 {
		<-asked
	}
	p.allDone(16)
}

// TestRestartWhileJobsWaitForTheirHost: what waits for a place goes on with the next process.
func TestRestartWhileJobsWaitForTheirHost(t *testing.T) {
	p := newPlace(t, nil)
	address, asked, release := hanging(t)
	p.crowd(address)
	if _, err := p.Service.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		<-asked
	}
	p.stop() // interrupts the requests, and those that wait have made none
	if len(asked) != 0 {
		t.Errorf("%d requests more", len(asked))
	}
	release()
	if _, err := p.Service.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	p.allDone(16)
}

func (p *place) stop() {
	p.Helper()
	if err := p.Service.Engine.Stop(context.WithoutCancel(p.Context())); err != nil {
		p.Error(err)
	}
}

// allDone waits until so many runs of the crowd have succeeded.
func (p *place) allDone(n int) {
	p.Helper()
	for changed := p.Service.Engine.Changed(); ; changed = p.Service.Engine.Changed() {
		runs, err := p.Service.Runs(p.Context(), "", "", 100, 0)
		if err != nil {
			p.Fatal(err)
		}
		done := 0
		for _, run := range runs {
			switch {
			case run.State == sallyport.RunFailed:
				p.Fatalf("run %d of %s failed: %s", run.ID, run.Flow, run.Error)
			case run.State == sallyport.RunSucceeded && run.Flow != "f":
				done++
			}
		}
		if done == n {
			return
		}
		select {
		case <-changed:
		case <-time.After(30 * time.Second):
			p.Fatalf("only %d of %d runs are done", done, n)
		}
	}
}
