package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/config"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

const benchRecords = 100_000

// BenchmarkJob is the main job: 100,000 records of about 430 bytes from a paging API with the key in the query, kept, and delivered to one
// file of JSON lines. The API runs in the same process, with its pages rendered beforehand. With changes, every record is compared with the
// last pull, and is new.
func BenchmarkJob(b *testing.B) {
	for _, size := range []int{1000, benchRecords} {
		b.Run(fmt.Sprintf("pages of %d", size), func(b *testing.B) { benchmarkJob(b, size, "") })
	}
	b.Run("pages of 1000 with changes", func(b *testing.B) { benchmarkJob(b, 1000, "emit: changes") })
}

func benchmarkJob(b *testing.B, size int, emit string) {
	pages := renderPages(size)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("page"))
		w.Header().Set("Content-Type", "application/json")
		w.Write(pages[page])
	}))
	defer api.Close()
	bytes := 0
	for _, page := range pages {
		bytes += len(page)
	}
	b.SetBytes(int64(bytes))
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		a := openApp(b, dir, api.URL, emit)
		b.StartTimer()
		runJob(b, a)
		b.StopTimer()
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(benchRecords*b.N)/b.Elapsed().Seconds(), "records/s")
}

func renderPages(size int) (pages [][]byte) {
	for first := 0; first < benchRecords; first += size {
		var page bytes.Buffer
		page.WriteString(`{"results":[`)
		for i := first; i < first+size; i++ {
			if i > first {
				page.WriteByte(',')
			}
			fmt.Fprintf(&page, `{"iid":%d,"indicator":"host-%d.example.net","type":"domain","risk":"high","risk_recommended":"low","manualrisk":0,"stamp_added":"2026-01-%02d 10:%02d:00","stamp_updated":"2026-02-%02d 10:%02d:00","stamp_seen":"2026-03-%02d 10:%02d:00","recent":1,"summary":{"properties":{"http":{"++code":"200","++content-type":"text/html"},"geo":{"countrycode":"US","org":"Example Org %d"}}},"threats":["Phishing","Emotet"],"feeds":["Feed A","Feed B"]}`,
				i, i, 1+i%28, i%60, 1+i%28, i%60, 1+i%28, i%60, i%97)
		}
		next := strconv.Itoa(first/size + 1)
		if first+size >= benchRecords {
			next = "null"
		}
		fmt.Fprintf(&page, `],"page_next":%s}`, next)
		pages = append(pages, page.Bytes())
	}
	return pages
}

var benchActor = sallyport.Actor{Kind: "cli", Name: "benchmark"}

// openApp opens an empty data directory with a credential and a flow in it.
func openApp(b *testing.B, dir, address, emit string) *app.App {
	b.Helper()
	ctx := context.Background()
	env := func(string) (string, bool) { return "", false }
	settings, err := config.Load(map[string]string{"data": filepath.Join(dir, "data"), "log.level": "error"}, env, noFile)
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.Open(ctx, settings, io.Discard, new(secret.Redactor))
	if err != nil {
		b.Fatal(err)
	}
	draft := service.CredentialDraft{
		Name: "api", Connector: "rest", Public: map[string]string{"address": address, "auth": "query", "name": "key"},
		Secrets: map[string]secret.Text{"value": secret.New("benchmark-0123456789")},
	}
	if _, err := a.Service.CreateCredential(ctx, benchActor, draft, service.WithoutTesting); err != nil {
		b.Fatal(err)
	}
	file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: job
source:
  connector: rest
  credential: api
  request:
    url: /list
    query: {page: "0"}
    records: $.results[*]
    paging: {type: next_value, value: $.page_next, query: page}
    key: [iid]
  %s
destinations:
  - {name: lines, connector: file, config: {path: %q}}
`, emit, filepath.Join(dir, "out.ndjson"))}
	if _, err := a.Service.ApplyFlows(ctx, benchActor, []service.FlowFile{file}, false); err != nil {
		b.Fatal(err)
	}
	return a
}

func noFile(string) ([]byte, error) { return nil, fs.ErrNotExist }

func runJob(b *testing.B, a *app.App) {
	b.Helper()
	ctx := context.Background()
	run, _, err := a.Service.StartRun(ctx, benchActor, "job")
	if err != nil {
		b.Fatal(err)
	}
	run, err = a.Service.Follow(ctx, run.ID, time.Minute, func(service.Progress) {})
	if err != nil || run.State != sallyport.RunSucceeded || run.Records != benchRecords {
		b.Fatalf("run %s with %d records: %v %s", run.State, run.Records, err, run.Error)
	}
}
