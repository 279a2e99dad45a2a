package rest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestRecorderRepeats opens two sources with one recorder: the second tries another path on the response to the first one's request.
func TestRecorderRepeats(t *testing.T) {
	tests := map[string]struct {
		body     string
		requests int64
	}{
		"kept":                     {`{"items": [{"id": 1}], "more": "` + strings.Repeat("x", 200_000) + `"}`, 1},
		"larger than what is kept": {`{"items": [{"id": 1}], "more": "` + strings.Repeat("x", maxRecorded) + `"}`, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var asked atomic.Int64
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				io.WriteString(w, test.body)
			})
			recorder := new(Recorder)
			for _, try := range []struct {
				records string
				want    int
			}{{"$.nowhere[*]", 0}, {"$.items[*]", 1}} {
				c := testConfig(server.URL, sallyport.Request{URL: "/x", Records: try.records})
				c.Recorder = recorder
				records, _, err := pull(t.Context(), mustOpen(t, c), "")
				if len(records) != try.want || (err == nil) != (try.want > 0) {
					t.Errorf("%s gave %d records and the error %v", try.records, len(records), err)
				}
			}
			if got := asked.Load(); got != test.requests {
				t.Errorf("the system got %d requests, want %d", got, test.requests)
			}
		})
	}
}

// TestExchanges looks at what a test shows of its requests, of a system that repeats the key wherever it can.
func TestExchanges(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-RateLimit-Remaining", "41")
		w.Header().Set("X-Internal", "of no use")
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new?key="+testKey, http.StatusFound)
			return
		}
		w.Header().Set("Link", fmt.Sprintf(`<http://%s/new?key=%s&page=2>; rel="next"`, r.Host, testKey))
		io.WriteString(w, `[{"id": 1}]`)
	})
	c := testConfig(server.URL, sallyport.Request{URL: "/old", Records: "$[*]", Query: map[string]sallyport.Texts{"q": {"a b"}}})
	c.Recorder = new(Recorder)
	known := secret.NewRedactor()
	known.Add(secret.New(testKey))
	if _, _, err := pull(t.Context(), mustOpen(t, c), ""); err != nil {
		t.Fatal(err)
	}
	got := c.Recorder.Exchanges(known)
	if len(got) != 2 || got[0].Status != 302 || got[1].Status != 200 || got[1].Bytes != int64(len(`[{"id": 1}]`)) || got[1].Method != "GET" {
		t.Errorf("exchanges: %+v", got)
	}
	text := fmt.Sprintf("%+v", got)
	if strings.Contains(text, testKey) || strings.Contains(text, "of no use") || !strings.Contains(text, "41") || !strings.Contains(text, "page=2") {
		t.Errorf("exchanges: %s", text)
	}
}

// TestRecorderWaitsLittle closes a test whose response goes on and on.
func TestRecorderWaitsLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := testConfig("https://api.example.com", sallyport.Request{URL: "/x", Format: sallyport.FormatCSV})
		c.Recorder = new(Recorder)
		c.Transport = func(*url.URL) http.RoundTripper { return hanging(`{"this": "is no table"`) }
		begin := time.Now()
		if _, _, err := pull(t.Context(), mustOpen(t, c), ""); err == nil {
			t.Error("no error")
		}
		if took := time.Since(begin); took > silence+maxDrain {
			t.Errorf("it took %s", took)
		}
		if _, body := c.Recorder.First(); !strings.HasPrefix(string(body), `{"this`) {
			t.Errorf("kept: %q", body)
		}
	})
}

// hanging is a system that sends a beginning and then nothing more.
type hanging string

func (h hanging) RoundTrip(request *http.Request) (*http.Response, error) {
	from, to := io.Pipe()
	go func() {
		io.WriteString(to, string(h))
		<-request.Context().Done()
		to.CloseWithError(request.Context().Err())
	}()
	return &http.Response{StatusCode: 200, Status: "200 OK", Header: http.Header{}, Body: from, Request: request}, nil
}
