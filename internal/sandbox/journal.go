package sandbox

import (
	"log/slog"
	"maps"
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
	At     time.Time `json:"time"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Query  string    `json:"query"`          // encoded and sorted by name, without the key
	Form   string    `json:"form,omitempty"` // of a body, in the same way
	Status int       `json:"status"`         // 0 if the connection ended before
}

// journal remembers the last requests in a ring.
type journal struct {
	mu   sync.Mutex
	ring []Request
	next int // where the next one goes when the ring is full: the oldest
	all  map[int]int
}

// journalView is the journal as it is shown.
type journalView struct {
	Statuses map[int]int `json:"statuses"` // how many answers had which status, the forgotten ones too
	Requests []Request   `json:"requests"`
}

func (j *journal) add(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.all == nil {
		j.all = map[int]int{}
	}
	j.all[r.Status]++
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

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ring, j.next, j.all = nil, 0, nil
}

func (j *journal) statuses() map[int]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.all)
}

func (j *journal) view() journalView {
	v := journalView{Statuses: j.statuses(), Requests: j.requests()}
	if v.Requests == nil {
		v = journalView{Statuses: map[int]int{}, Requests: []Request{}}
	}
	return v
}

// journaled writes every request into the journal and, at debug level, into the log; the controls are left out.
func (s *Sandbox) journaled(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controls) {
			next.ServeHTTP(w, r)
			return
		}
		request := Request{At: s.now(), Method: clip(r.Method), Path: clip(r.URL.Path), Query: clip(keyless(r.URL.Query()))}
		recorder := &statusRecorder{ResponseWriter: w}
		done := false
		defer func() { // a request whose connection is cut off is one too
			request.Form = clip(keyless(r.PostForm))
			if request.Status = recorder.status; done && request.Status == 0 {
				request.Status = http.StatusOK
			}
			s.journal.add(request)
			slog.DebugContext(r.Context(), "sandbox request",
				"method", request.Method, "path", request.Path, "query", request.Query, "status", request.Status)
		}()
		next.ServeHTTP(recorder, r)
		done = true
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
	status int // 0 before anything is written
}

func (w *statusRecorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusRecorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap serves http.ResponseController.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
