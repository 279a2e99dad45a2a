package web

import (
	"context"
	"net/http"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport/internal/events"
)

// watch sends a part of a page as server-sent events, whenever it has changed, until look says that it is done. A stream lasts as long as any
// request may, and the browser asks again: it must still be signed in then.
func (s *server) watch(w http.ResponseWriter, r *http.Request, look func(*http.Request) (part templ.Component, done bool, err error)) error {
	ctx, end := s.Auth.Watch(r.Context())
	defer end()
	r = r.WithContext(ctx)
	stream := events.Stream{Name: "live", Changed: s.Service.Changed, Stop: s.Stopping, Log: s.Log}
	stream.Look = func(ctx context.Context) ([]byte, bool, error) {
		if !s.Auth.Lives(ctx) {
			end()
			return nil, false, context.Canceled
		}
		part, done, err := look(r)
		if err != nil {
			return nil, false, err
		}
		text, err := s.render(ctx, part)
		return text, done, err
	}
	return stream.Serve(w, r)
}
