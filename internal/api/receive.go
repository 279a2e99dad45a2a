package api

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/obs"
)

// received reads the body of a request, which is bounded in size and, by the server, in time. Once it is there the time to read it must not
// run on: it would break off an answer that takes longer.
func (s *server) received(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			p := s.problem(r.Context(), sallyport.Errorf(sallyport.Invalid, "the body has more than %d bytes", maxBody))
			p.Status = http.StatusRequestEntityTooLarge
			s.refuse(w, p)
			return
		}
		if err != nil {
			p := s.problem(r.Context(), sallyport.Errorf(sallyport.Invalid, "the body did not come to its end"))
			p.Status = http.StatusBadRequest
			s.refuse(w, p)
			return
		}
		defer clear(text) // it may hold a secret; what decodes it has copies, which nobody can wipe
		control := http.NewResponseController(w)
		if err := errors.Join(control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Now().Add(maxTime+takeWithin))); err != nil {
			s.refuse(w, s.problem(r.Context(), err))
			return
		}
		defer func() { // its end is still to be written
			control.SetWriteDeadline(time.Now().Add(takeWithin))
		}()
		r.Body = io.NopCloser(bytes.NewReader(text))
		next.ServeHTTP(w, r)
	})
}

// patient lets an answer take as long as it needs, as long as whoever asked takes of it.
type patient struct{ http.ResponseWriter }

func (p patient) Write(text []byte) (int, error) {
	if err := http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(takeWithin)); err != nil {
		return 0, err
	}
	return p.ResponseWriter.Write(text)
}

// recovered answers a request whose handler panicked with a problem that says nothing about why.
func (s *server) recovered(next http.Handler) http.Handler {
	return obs.Recovered(s.Log, next, func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, s.problem(r.Context(), sallyport.Errorf(sallyport.Internal, "panic")))
	})
}

// secured tells a browser to make nothing of an answer but what it says it is, and to keep nothing.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
