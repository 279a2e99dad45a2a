// Package events tells a browser or a program what is new, as long as it listens: server-sent events.
package events

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/klauspost/compress/gzhttp"
)

// How often a stream looks and sends.
const (
	pace       = 200 * time.Millisecond // at most
	lookAnyway = time.Second            // what another process works is not told to this one
)

// Stream is something that is looked at again and again.
type Stream struct {
	Name    string                                                        // of its events
	Look    func(ctx context.Context) (data []byte, done bool, err error) // what there is to tell, and whether it is the last
	Changed func() <-chan struct{}                                        // closed when there may be news
	Stop    <-chan struct{}                                               // closed when the server stops
	Log     *slog.Logger
}

// Serve sends an event whenever there is something else to tell than before, until that is the last, the request ends or the server stops.
// A HEAD is told only that there is such a stream. An error is returned as long as nothing was sent; later it ends the stream, and is logged.
func (s Stream) Serve(w http.ResponseWriter, r *http.Request) error {
	out := &writer{ResponseWriter: w, name: s.Name}
	defer func() { // the end of the answer is still to be written
		http.NewResponseController(w).SetWriteDeadline(time.Now().Add(readWithin))
	}()
	for {
		changed := s.Changed()
		data, done, err := s.Look(r.Context())
		if err == nil {
			err = out.send(data)
		}
		switch {
		case err != nil && !out.begun:
			return err
		case err != nil && r.Context().Err() == nil:
			s.Log.WarnContext(r.Context(), "a stream of events broke off", "path", r.URL.Path, "error", err)
			return nil
		case err != nil || done || r.Method == http.MethodHead || !s.pause(r.Context(), changed):
			return nil
		}
	}
}

// pause waits until there may be news. It returns false when the stream is to end.
func (s Stream) pause(ctx context.Context, changed <-chan struct{}) bool {
	select {
	case <-time.After(pace):
	case <-ctx.Done():
		return false
	case <-s.Stop:
		return false
	}
	select {
	case <-changed:
		return true
	case <-time.After(lookAnyway - pace):
		return true
	case <-ctx.Done():
		return false
	case <-s.Stop:
		return false
	}
}

// writer is the answer.
type writer struct {
	http.ResponseWriter
	name  string
	begun bool
	last  []byte
}

// readWithin is how long whoever listens may take to take an event.
const readWithin = time.Minute

// send sends data, if it is other than before.
func (w *writer) send(data []byte) error {
	if w.begun && bytes.Equal(data, w.last) {
		return nil
	}
	w.last = data
	control := http.NewResponseController(w.ResponseWriter)
	if err := errors.Join(w.begin(control), control.SetWriteDeadline(time.Now().Add(readWithin))); err != nil {
		return err
	}
	event := bytes.NewBufferString("event: " + w.name + "\n")
	for line := range bytes.Lines(data) {
		event.WriteString("data: ")
		event.Write(bytes.TrimRight(line, "\r\n"))
		event.WriteByte('\n')
	}
	event.WriteByte('\n')
	if _, err := w.Write(event.Bytes()); err != nil {
		return err
	}
	return control.Flush()
}

// begin sends the head of the answer. The time in which a request must have been read is over by then, and must not end the stream.
func (w *writer) begin(control *http.ResponseController) error {
	if w.begun {
		return nil
	}
	w.begun = true
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy would wait for more
	h.Set(gzhttp.HeaderNoCompression, "1")
	return control.SetReadDeadline(time.Time{})
}
