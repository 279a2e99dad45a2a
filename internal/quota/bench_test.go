package quota_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/sallyport-io/sallyport/internal/egress"
)

// BenchmarkLookups makes look-ups at a sandbox that allows 50 a second, over real connections, as one flow and as eight that share the
// credential, in one process and in eight. It reports the share of what was allowed that was used, and how many calls were refused:
//
//	go test ./internal/quota -run '^$' -bench Lookups -benchtime 10000x
func BenchmarkLookups(b *testing.B) {
	for _, c := range []crowd{{processes: 1, flows: 1}, {processes: 1, flows: 8}, {processes: 8, flows: 1}} {
		b.Run(fmt.Sprintf("processes=%d/flows=%d", c.processes, c.flows), func(b *testing.B) { benchmarkLookups(b, c) })
	}
}

func benchmarkLookups(b *testing.B, c crowd) {
	p := newPlace(b, "feed")
	ctx, stop := context.WithCancel(context.Background())
	address, done, err := p.sandbox.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { stop(); <-done }()
	wire := &counting{next: egress.Policy{}.Transport(&url.URL{Scheme: "http", Host: address[len("http://"):]}, true)}
	p.address, p.transport = address, wire
	b.ResetTimer()
	took := c.run(b, p, int64(b.N))
	b.StopTimer()
	allowed := 50 * math.Max(1, took.Seconds())
	b.ReportMetric(100*float64(b.N)/allowed, "%used")
	b.ReportMetric(float64(wire.refused.Load()), "refused")
	b.ReportMetric(float64(wire.asked.Load()), "calls")
}

// counting counts what goes over the wire.
type counting struct {
	next           http.RoundTripper
	asked, refused atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.asked.Add(1)
	response, err := c.next.RoundTrip(r)
	if err == nil && response.StatusCode == http.StatusTooManyRequests {
		c.refused.Add(1)
	}
	return response, err
}
