package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// BenchmarkRecords reads a dataset of 100,000 records in pages of 500: one page each time, from the beginning again after the last.
func BenchmarkRecords(b *testing.B) {
	h := newHost(b, sandbox.Options{Records: 100_000, Plan: "unlimited"})
	c := h.client()
	c.addCredential("mine")
	c.do("POST /flows", c.feed("feed", "mine")).want(http.StatusCreated)
	c.work(int64(c.do("POST /flows/feed/run", nil).want(http.StatusAccepted).at("run", "id").(float64)))
	read, after := 0, ""
	for b.Loop() {
		page := read1(c, "/datasets/feed/records?limit=500&after="+after)
		read += len(page.Items)
		after = page.Next
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkAnswer asks for the flows, of which there are none: what a request costs by itself.
func BenchmarkAnswer(b *testing.B) {
	h := newHost(b, sandbox.Options{})
	c := h.client()
	for b.Loop() {
		read1(c, "/flows")
	}
}

// BenchmarkManyCredentials lists 2,500 credentials, whose keys are all searched for. The pages have the same benchmark.
func BenchmarkManyCredentials(b *testing.B) {
	h := newHost(b, sandbox.Options{})
	for i := range 2500 {
		_, err := h.app.Service.CreateCredential(b.Context(), actor, service.CredentialDraft{
			Name: fmt.Sprintf("many-%04d", i), Connector: "rest", Public: map[string]string{"address": "https://api.example.com", "auth": "query", "name": "key"},
			Secrets: map[string]secret.Text{"value": secret.New(fmt.Sprintf("a-long-key-of-number-%06d", i))},
		}, service.WithoutTesting)
		if err != nil {
			b.Fatal(err)
		}
	}
	c := h.client()
	for b.Loop() {
		read1(c, "/credentials")
	}
}

// read1 asks without holding the answer against the document, which takes longer than the answer.
func read1(c client, path string) (page struct {
	Items []json.RawMessage `json:"items"`
	Next  string            `json:"next"`
}) {
	c.Helper()
	r, err := http.NewRequest(http.MethodGet, c.URL+"/api/v1"+path, http.NoBody)
	if err != nil {
		c.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil || answer.StatusCode != http.StatusOK {
		c.Fatal(answer.Status, err)
	}
	return page
}
