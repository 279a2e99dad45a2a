package web_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
)

// crowd adds 1,000 flows with two destinations and 10 runs each, past the pages.
func (s *site) crowd(credential sallyport.ID) {
	s.Helper()
	err := s.app.Service.Store.InTx(s.Context(), func(tx *store.Tx) error {
		for i := range 1000 {
			if err := s.member(tx, i, credential); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) member(tx *store.Tx, i int, credential sallyport.ID) error {
	ctx := context.Background()
	name := fmt.Sprintf("flow-%04d", i)
	f := sallyport.Flow{
		ID: sallyport.NewID("flw"), Name: name, Description: "One of many", State: sallyport.FlowActive, CreatedAt: sallyport.Now(), UpdatedAt: sallyport.Now(),
		Source: sallyport.Source{
			ID: sallyport.NewID("src"), Connector: "pulsedive", Credential: credential, Endpoint: "feed.indicators", Params: map[string]any{"fid": 1},
			Schedule: &sallyport.Schedule{Cron: "0 0 1 1 *"},
		},
		Dataset: sallyport.Dataset{ID: sallyport.NewID("set")},
	}
	for _, to := range []string{"a", "b"} {
		f.Destinations = append(f.Destinations, sallyport.Destination{
			ID: sallyport.NewID("dst"), Name: to, Connector: "file", Config: map[string]any{"path": "/nowhere/" + name + to, "format": "ndjson"},
		})
	}
	if err := tx.InsertFlow(ctx, &f); err != nil {
		return err
	}
	for n := range 10 {
		run, err := tx.InsertRun(ctx, f.ID)
		if err != nil {
			return err
		}
		run.State, run.StartedAt, run.EndedAt = sallyport.RunSucceeded, sallyport.Now(), sallyport.Now()
		if n == 9 && i%10 == 0 {
			run.State, run.Error = sallyport.RunFailed, "the host cannot be reached"
		}
		if err := tx.UpdateRun(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkPages measures every page at the server, with 1,000 flows and 10,000 runs.
func BenchmarkPages(b *testing.B) {
	s := newSite(b)
	c := s.signedUp()
	credential := s.addCredential("Pulsedive team", "For all of them")
	s.crowd(credential.ID)
	draft := c.newDraft("pulsedive")
	c.step(draft+"/authenticate", map[string][]string{"credential": {string(credential.ID)}})
	for _, path := range []string{
		"/flows", "/flows?after=flow-0500", "/flows?search=99", "/flows?show=failed", "/flows/flow-0500", "/datasets/flow-0500", "/flows/new", "/flows/import",
		"/runs", "/runs?flow=flow-0500", "/runs/5000", "/credentials", "/credentials/new", "/connectors/pulsedive/credentials/new",
		draft + "/authenticate", draft + "/configure", draft + "/destinations", draft + "/destinations?add=file", draft + "/schedule", draft + "/review",
		"/activity", "/settings",
	} {
		b.Run(path, func(b *testing.B) {
			size := 0
			for b.Loop() {
				size = len(c.get(path).want(http.StatusOK).text)
			}
			b.ReportMetric(float64(size)/1024, "KiB/page")
		})
	}
}

// BenchmarkManyCredentials measures the page of credentials with 2,500 of them, whose keys are all searched for.
func BenchmarkManyCredentials(b *testing.B) {
	s := newSite(b)
	c := s.signedUp()
	for i := range 2500 {
		_, err := s.app.Service.CreateCredential(b.Context(), actor, service.CredentialDraft{
			Name: fmt.Sprintf("many-%04d", i), Connector: "rest", Public: map[string]string{"address": "https://api.example.com", "auth": "query", "name": "key"},
			Secrets: map[string]secret.Text{"value": secret.New(fmt.Sprintf("a-long-key-of-number-%06d", i))},
		}, service.WithoutTesting)
		if err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		c.get("/credentials").want(http.StatusOK)
	}
}
