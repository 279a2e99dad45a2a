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

// system adds a credential for a system.
func (p *place) system(name, connector, address string, fields map[string]string, secretField string) {
	p.Helper()
	fields["address"] = address
	draft := service.CredentialDraft{Name: name, Connector: connector, Public: fields, Secrets: map[string]secret.Text{secretField: secret.New("the-key-of-the-slow-system")}}
	if _, err := p.Service.CreateCredential(p.Context(), actor, draft, service.WithoutTesting); err != nil {
		p.Fatal(err)
	}
}

// crowd applies and starts n flows of a system.
func (p *place) crowd(name, address string, n int) {
	p.Helper()
	p.system(name, "rest", address, map[string]string{"auth": "query", "name": "key"}, "value")
	for i := range n {
		p.begin(fmt.Sprintf("%s-%d", name, i), fmt.Sprintf(`source: {connector: rest, credential: %s, request: {url: /, records: "$.results[*]"}}
destinations: [{name: lines, connector: file, config: {path: %q}}]
`, name, filepath.Join(p.dir, fmt.Sprintf("%s-%d.ndjson", name, i))))
	}
}

// begin applies a flow and starts it.
func (p *place) begin(name, text string) {
	p.Helper()
	if err := p.applyFile("flow: %s\n%s", name, text); err != nil {
		p.Fatal(err)
	}
	if _, _, err := p.Service.StartRun(p.Context(), actor, name); err != nil {
		p.Fatal(err)
	}
}

// TestHangingHost: sixteen flows of a system that hangs have half of the places. A flow of another system runs while they hang. When the system
// answers again, all go on, one after the other.
func TestHangingHost(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	address, asked, release := hanging(t)
	p.crowd("slow", address, 16)
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

// TestHangingHosts: two systems that hang at the same time leave places, too.
func TestHangingHosts(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "")})
	one, askedOne, releaseOne := hanging(t)
	two, askedTwo, releaseTwo := hanging(t)
	p.crowd("one", one, 8)
	p.crowd("two", two, 8)
	if _, err := p.Service.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	defer releaseOne()
	defer releaseTwo()
	const least, most = 10, 12 // 5 and 5, 8 and 4
	for range least {
		select {
		case <-askedOne:
		case <-askedTwo:
		}
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || p.kept() != 10 {
		t.Errorf("the run beside the hanging ones is %s: %s", run.State, run.Error)
	}
	if n := least + len(askedOne) + len(askedTwo); n > most {
		t.Errorf("%d of 16 places are used for two hosts", n)
	}
}

// TestHangingSubmissions: sixteen deliveries that submit to a system that hangs leave places for those to another.
func TestHangingSubmissions(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"results":[{"id":0,"indicator":"a.example.com"}],"next":null}`)
	}})
	address, asked, release := hanging(t)
	p.system("scans", "pulsedive", address, map[string]string{}, "key")
	for i := range 16 {
		p.begin(fmt.Sprint("scan-", i), fmt.Sprintf(`source: {connector: rest, credential: api, request: {url: /, query: {page: "0"}, records: "$.results[*]"}}
destinations: [{name: scan, connector: pulsedive, credential: scans, config: {answers: answered-%d, field: indicator}}]
`, i))
	}
	if _, err := p.Service.Engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer p.stop()
	defer release()
	<-asked
	submitting := func() (n int) {
		err := p.Service.Store.SQL().QueryRowContext(t.Context(),
			"SELECT count(*) FROM delivery JOIN destination ON destination.id = destination_id WHERE name = 'scan' AND delivery.state = 'running'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for deadline := time.Now().Add(20 * time.Second); submitting() < 8 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	if run := p.run(); run.State != sallyport.RunSucceeded || p.delivered("out.ndjson") != 1 || submitting() != 8 {
		t.Errorf("the run beside the %d hanging deliveries is %s: %s", submitting(), run.State, run.Error)
	}
}

// TestRestartWhileJobsWaitForTheirHost: what waits for a place goes on with the next process.
func TestRestartWhileJobsWaitForTheirHost(t *testing.T) {
	p := newPlace(t, nil)
	address, asked, release := hanging(t)
	p.crowd("slow", address, 16)
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
