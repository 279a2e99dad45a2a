package sandbox

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	journalSize   = 1000
	journalLength = 1 << 10 // of a path or query; more is cut off
)

// Request is what was asked of the sandbox, and the status of the answer.
type Request struct {
	At     time.Time
	Method string
	Path   string
	Query  string // encoded and sorted by name, without the key
	Status int
}

// journal remembers the last requests in a ring.
type journal struct {
	mu   sync.Mutex
	ring []Request
	next int // where the next one goes when the ring is full: the oldest
}

func (j *journal) add(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.ring) < journalSize {
		j.ring = append(j.ring, r)
		return
	}
	j.ring[j.next] = r
	j.next = (j.next + 1) % journalSize
}

func (j *journal) requests() []Request {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Concat(j.ring[j.next:], j.ring[:j.next])
}

// journaled writes every request into the journal and, at debug level, into the log.
func (s *Sandbox) journaled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := Request{At: s.now(), Method: clip(r.Method), Path: clip(r.URL.Path), Query: clip(keyless(r.URL.Query()))}
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		request.Status = recorder.status
		s.journal.add(request)
		slog.DebugContext(r.Context(), "sandbox request",
			"method", request.Method, "path", request.Path, "query", request.Query, "status", request.Status)
	})
}

// keyless encodes a query without the key, however it is spelled.
func keyless(query url.Values) string {
	for name := range query {
		if strings.EqualFold(name, "key") {
			delete(query, name)
		}
	}
	return query.Encode()
}

func clip(s string) string { return strings.Clone(s[:min(len(s), journalLength)]) }

// statusRecorder remembers the first status written.
type statusRecorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (w *statusRecorder) WriteHeader(status int) {
	if !w.wrote {
		w.status, w.wrote = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(b []byte) (int, error) {
	w.wrote = true
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
