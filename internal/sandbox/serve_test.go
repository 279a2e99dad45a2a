package sandbox_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

func TestServeUntilTheContextEnds(t *testing.T) {
	b := start(t, sandbox.Options{})
	for _, addr := range []string{"127.0.0.1:0", "localhost:0", "[::1]:0"} {
		ctx, cancel := context.WithCancel(t.Context())
		address, done, err := b.Serve(ctx, addr)
		if err != nil {
			cancel()
			if strings.HasPrefix(addr, "[") {
				t.Logf("no IPv6 here: %v", err)
				continue
			}
			t.Fatal(err)
		}
		response, err := http.Get(address + target("/api/feed.php", "fid", "1", "key", b.key))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", address, response.StatusCode)
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s stops with %v", address, err)
		}
		if _, err := http.Get(address); err == nil {
			t.Errorf("%s still answers", address)
		}
	}
}

// A stop lets an answer that is on its way arrive whole.
func TestStopIsGraceful(t *testing.T) {
	b := start(t, sandbox.Options{Records: 60_000, PageSize: 60_000})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address, done, err := b.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(address + target("/api/feed.php", "fid", "1", "get", "links", "key", b.key))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	cancel()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rows := len(decode[page](t, body).Results); rows != 60_000 {
		t.Errorf("%d rows arrive", rows)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	b := start(t, sandbox.Options{})
	for _, addr := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "", "nonsense"} {
		address, _, err := b.Serve(t.Context(), addr)
		if sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%q: serves at %q, error %v", addr, address, err)
		}
	}
}

func TestTakenPortIsSaid(t *testing.T) {
	b := start(t, sandbox.Options{})
	address, _, err := b.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Serve(t.Context(), strings.TrimPrefix(address, "http://"))
	if sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("error %v", err)
	}
}

func TestJournalHasRequestsWithoutKeys(t *testing.T) {
	b := start(t, sandbox.Options{Now: func() time.Time { return noon }}) // without a key, one request a second
	b.ask("/api/feed.php", "fid", "99")
	b.do(httptest.NewRequest(http.MethodGet, target("/api/feed.php", "Key", b.key, "KEY", b.key, "fid", "1"), nil))
	b.do(httptest.NewRequest(http.MethodGet, "/account", nil))
	b.do(httptest.NewRequest(http.MethodGet, "/api/feed.php?key="+b.key+";fid=1", nil))
	want := []sandbox.Request{
		{At: noon, Method: "GET", Path: "/api/feed.php", Query: "fid=99", Status: 404},
		{At: noon, Method: "GET", Path: "/api/feed.php", Query: "fid=1", Status: 200},
		{At: noon, Method: "GET", Path: "/account", Status: 200},
		{At: noon, Method: "GET", Path: "/api/feed.php", Status: 429},
	}
	if diff := cmp.Diff(want, b.Journal()); diff != "" {
		t.Error(diff)
	}
}

func TestJournalKeepsTheLast(t *testing.T) {
	b := start(t, sandbox.Options{})
	for range 1500 {
		b.do(httptest.NewRequest(http.MethodGet, "/old", nil))
	}
	b.do(httptest.NewRequest(http.MethodGet, "/"+strings.Repeat("x", 5000), nil))
	got := b.Journal()
	if len(got) != 1000 || got[0].Path != "/old" || len(got[999].Path) != 1024 {
		t.Errorf("%d requests, the last with a path of %d bytes", len(got), len(got[len(got)-1].Path))
	}
}

func TestManyAtOnce(t *testing.T) {
	b := start(t, sandbox.Options{Plan: "feed", Records: 200})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			key := b.CreateKey("another")
			for range 20 {
				b.do(httptest.NewRequest(http.MethodGet, target("/api/feed.php", "fid", "1", "get", "links", "key", key), nil))
				b.do(httptest.NewRequest(http.MethodGet, target("/api/explore.php", "q", "risk=low", "pretty", "1"), nil))
				b.do(httptest.NewRequest(http.MethodGet, "/account", nil))
				b.Journal()
			}
		})
	}
	group.Wait()
	if got := len(b.Journal()); got != 8*20*3 {
		t.Errorf("%d requests in the journal", got)
	}
}
