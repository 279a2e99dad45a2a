package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
)

func (s *server) showReset(w http.ResponseWriter, r *http.Request) error {
	return s.showOverFlow(w, r, resetOverlay)
}

func (s *server) showGap(w http.ResponseWriter, r *http.Request) error {
	return s.showOverFlow(w, r, gapOverlay)
}

// showOverFlow shows an overlay of a flow: alone where htmx asks, else over the flow.
func (s *server) showOverFlow(w http.ResponseWriter, r *http.Request, overlay func(sallyport.Flow) templ.Component) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if isFragment(r) {
		s.show(w, r, http.StatusOK, overlay(f))
		return nil
	}
	return s.showFlowUnder(w, r, overlay(f))
}

// resetFlow lets the next run of a flow begin at a time.
func (s *server) resetFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowAndForm(r)
	if err != nil {
		return err
	}
	f, err = s.Service.ResetFlow(r.Context(), auth.ActorOf(r.Context()), string(f.ID), formTime(r, "since"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(f.ID), fmt.Sprintf("The next run of %q pulls what was added since %s.", f.Name, f.Source.PulledTo().Format("2 Jan 2006, 15:04:05 UTC")))
}

// fillGap starts a run that pulls what was added between two times.
func (s *server) fillGap(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowAndForm(r)
	if err != nil {
		return err
	}
	run, err := s.Service.FillGap(r.Context(), auth.ActorOf(r.Context()), string(f.ID), formTime(r, "from"), formTime(r, "until"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(f.ID), fmt.Sprintf("Run %d of %q is queued.", run.ID, f.Name))
}

func formTime(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

// flowAndForm finds the flow that a path names, and reads the form that was sent with it.
func (s *server) flowAndForm(r *http.Request) (sallyport.Flow, error) {
	if err := parseForm(r); err != nil {
		return sallyport.Flow{}, err
	}
	return s.flowOf(r)
}
