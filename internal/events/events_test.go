package events_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-io/sallyport/internal/events"
)

var news = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}() // there may always be some

// serve serves a stream, and returns its address. A stream that fails before its first event is an answer with its error.
func serve(t *testing.T, s events.Stream) string {
	s.Name, s.Log = "live", slog.New(slog.DiscardHandler)
	if s.Changed == nil {
		s.Changed = func() <-chan struct{} { return news }
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := s.Serve(w, r); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func get(t *testing.T, url string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	return answer
}

// TestOnlyNewsIsSent looks three times, and two of them see the same: every line of it is data, and the last look ends the stream.
func TestOnlyNewsIsSent(t *testing.T) {
	news := []string{"one\ntwo", "one\ntwo", "three"}
	var looks atomic.Int64
	answer := get(t, serve(t, events.Stream{Look: func(context.Context) ([]byte, bool, error) {
		n := looks.Add(1)
		return []byte(news[n-1]), int(n) == len(news), nil
	}}))
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if want := "event: live\ndata: one\ndata: two\n\nevent: live\ndata: three\n\n"; string(text) != want {
		t.Errorf("it sent %q, want %q", text, want)
	}
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" || answer.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("the answer is %s", kind)
	}
}

// TestErrors shows that an error is one as long as nothing was sent, and ends the stream later.
func TestErrors(t *testing.T) {
	broken := errors.New("broken")
	first := get(t, serve(t, events.Stream{Look: func(context.Context) ([]byte, bool, error) { return nil, false, broken }}))
	if first.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d", first.StatusCode)
	}
	var looks atomic.Int64
	later := get(t, serve(t, events.Stream{Look: func(context.Context) ([]byte, bool, error) {
		if looks.Add(1) > 1 {
			return nil, false, broken
		}
		return []byte("x"), false, nil
	}}))
	if text, err := io.ReadAll(later.Body); err != nil || strings.Count(string(text), "event:") != 1 || strings.Contains(string(text), "broken") {
		t.Errorf("%q, %v", text, err)
	}
}

// TestStop ends a stream that has more to tell.
func TestStop(t *testing.T) {
	stop := make(chan struct{})
	answer := get(t, serve(t, events.Stream{Stop: stop, Look: func(context.Context) ([]byte, bool, error) { return []byte("x"), false, nil }}))
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() {
		t.Fatal("nothing was sent")
	}
	close(stop)
	for lines.Scan() { // until it ends
	}
}
