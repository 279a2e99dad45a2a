package web

import (
	"fmt"
	"net/http"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
)

// heldRun is the run of the flow that waits for a decision, nil if none does.
func (v flowView) heldRun() *sallyport.Run {
	if len(v.Runs) > 0 && v.Runs[0].State == sallyport.RunHeld {
		return &v.Runs[0]
	}
	return nil
}

func (s *server) showAccept(w http.ResponseWriter, r *http.Request) error {
	return s.showDecision(w, r, acceptOverlay)
}

func (s *server) showReject(w http.ResponseWriter, r *http.Request) error {
	return s.showDecision(w, r, rejectOverlay)
}

// showDecision shows what a decision about the held pull of a flow does, and asks for it.
func (s *server) showDecision(w http.ResponseWriter, r *http.Request, overlay func(sallyport.Flow, sallyport.Run) templ.Component) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	runs, err := s.Service.Runs(r.Context(), string(f.ID), sallyport.RunHeld, 1, 0)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		return sallyport.Errorf(sallyport.Conflict, "%q has no pull that is held", f.Name)
	}
	over := overlay(f, runs[0])
	if isFragment(r) {
		s.show(w, r, http.StatusOK, over)
		return nil
	}
	return s.showFlowUnder(w, r, over)
}

func (s *server) acceptPull(w http.ResponseWriter, r *http.Request) error {
	run, err := s.Service.AcceptPull(r.Context(), auth.ActorOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(run.FlowID), fmt.Sprintf("The pull of run %d is accepted and delivered.", run.ID))
}

func (s *server) rejectPull(w http.ResponseWriter, r *http.Request) error {
	run, err := s.Service.RejectPull(r.Context(), auth.ActorOf(r.Context()), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(run.FlowID), fmt.Sprintf("The pull of run %d is dropped. The next run pulls again.", run.ID))
}
