package app_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

const benchLookups = 10_000

// BenchmarkLookup looks up 10,000 indicators of a file one by one, at an API without limits in the same process, and then once more, when
// all of them are known. An answer is of 2 kB.
func BenchmarkLookup(b *testing.B) {
	padding := strings.Repeat("property ", 220)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"iid":7,"indicator":%q,"risk":"low","properties":%q}`, r.URL.Query().Get("indicator"), padding)
	}))
	defer api.Close()
	var list strings.Builder
	for i := range benchLookups {
		fmt.Fprintf(&list, "host-%d.example.net\n", i)
	}
	var first, second time.Duration
	for b.Loop() {
		dir := b.TempDir()
		a := openLookups(b, dir, api.URL, list.String())
		first += timed(b, a, benchLookups)
		second += timed(b, a, 0)
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(benchLookups*float64(b.N)/first.Seconds(), "asked/s")
	b.ReportMetric(benchLookups*float64(b.N)/second.Seconds(), "known/s")
}

func openLookups(b *testing.B, dir, address, list string) *app.App {
	b.Helper()
	a := openApp(b, dir, address, "")
	path := filepath.Join(dir, "list.txt")
	if err := os.WriteFile(path, []byte(list), 0o600); err != nil {
		b.Fatal(err)
	}
	draft := service.CredentialDraft{Name: "P", Connector: "pulsedive", Public: map[string]string{"address": address}, Secrets: map[string]secret.Text{"key": secret.New("key-of-the-benchmark")}}
	if _, err := a.Service.CreateCredential(b.Context(), sallyport.Actor{}, draft, service.WithoutTesting); err != nil {
		b.Fatal(err)
	}
	flow := fmt.Sprintf("flow: l\nsource: {connector: pulsedive, credential: P, endpoint: indicator.lookup, params: {file: %s}}\n", path)
	if _, err := a.Service.ApplyFlows(b.Context(), sallyport.Actor{}, []service.FlowFile{{Name: "l.yaml", Data: []byte(flow)}}, false); err != nil {
		b.Fatal(err)
	}
	return a
}

// timed runs the flow, which must make so many calls, and tells how long it took.
func timed(b *testing.B, a *app.App, calls int64) time.Duration {
	b.Helper()
	begin := time.Now()
	run, _, err := a.Service.StartRun(context.WithoutCancel(b.Context()), sallyport.Actor{}, "l")
	if err == nil {
		run, err = a.Service.Follow(b.Context(), run.ID, time.Second, func(service.Progress) {})
	}
	if err != nil || run.State != sallyport.RunSucceeded || run.Pages != calls || run.Records != benchLookups {
		b.Fatalf("run %s after %d calls with %d records: %s %v", run.State, run.Pages, run.Records, run.Error, err)
	}
	return time.Since(begin)
}
