package web

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"
	"github.com/klauspost/compress/gzhttp"
)

// How often a stream looks and sends.
const (
	paceOfEvents = 200 * time.Millisecond // at most
	lookAnyway   = time.Second            // what another process works is not told to this one
)

// watch sends a part of a page as server-sent events, whenever it has changed, until look says that it is done. A stream lasts as long as any
// request may, and the browser asks again: it must still be signed in then.
func (s *server) watch(w http.ResponseWriter, r *http.Request, look func(*http.Request) (part templ.Component, done bool, err error)) error {
	stream := &events{ResponseWriter: w, control: http.NewResponseController(w)}
	for {
		changed := s.Service.Changed()
		part, done, err := look(r)
		if err == nil {
			err = stream.send(r.Context(), part)
		}
		switch {
		case err != nil && !stream.begun:
			return err
		case err != nil && r.Context().Err() == nil:
			s.Log.WarnContext(r.Context(), "a stream of events broke off", "path", r.URL.Path, "error", err)
			return nil
		case err != nil || done || !s.pause(r.Context(), changed):
			return nil
		}
	}
}

// pause waits until there may be news. It returns false when the stream is to end.
func (s *server) pause(ctx context.Context, changed <-chan struct{}) bool {
	select {
	case <-time.After(paceOfEvents):
	case <-ctx.Done():
		return false
	case <-s.Stopping:
		return false
	}
	select {
	case <-changed:
		return true
	case <-time.After(lookAnyway - paceOfEvents):
		return true
	case <-ctx.Done():
		return false
	case <-s.Stopping:
		return false
	}
}

// events is a stream of events.
type events struct {
	http.ResponseWriter
	control *http.ResponseController
	begun   bool
	last    []byte
}

// send sends a part of a page, if it is another than before.
func (e *events) send(ctx context.Context, part templ.Component) error {
	var text bytes.Buffer
	if err := part.Render(ctx, &text); err != nil {
		return err
	}
	if bytes.Equal(text.Bytes(), e.last) {
		return nil
	}
	e.last = text.Bytes()
	if err := e.begin(); err != nil {
		return err
	}
	var event bytes.Buffer
	event.WriteString("event: live\n")
	for line := range bytes.Lines(e.last) {
		event.WriteString("data: ")
		event.Write(bytes.TrimRight(line, "\r\n"))
		event.WriteByte('\n')
	}
	event.WriteByte('\n')
	if _, err := e.Write(event.Bytes()); err != nil {
		return err
	}
	return e.control.Flush()
}

// begin sends the head of the answer. The time in which a request must have been read is over by then, and must not end the stream.
func (e *events) begin() error {
	if e.begun {
		return nil
	}
	e.begun = true
	h := e.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy would wait for more
	h.Set(gzhttp.HeaderNoCompression, "1")
	return e.control.SetReadDeadline(time.Time{})
}
