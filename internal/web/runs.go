package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// runsView is a list of runs.
type runsView struct {
	Flow *sallyport.Flow // nil: of all flows
	Runs []sallyport.Run
	More string // the path of older ones
}

func (s *server) listRuns(w http.ResponseWriter, r *http.Request) error {
	before, err := beforeOf(r)
	if err != nil {
		return err
	}
	v := runsView{}
	flow := r.URL.Query().Get("flow")
	if flow != "" {
		f, err := s.Service.Flow(r.Context(), flow)
		if err != nil {
			return err
		}
		v.Flow = &f
	}
	if v.Runs, err = s.Service.Runs(r.Context(), flow, "", pageSize, before); err != nil {
		return err
	}
	if len(v.Runs) == pageSize {
		query := url.Values{"before": {strconv.FormatInt(v.Runs[len(v.Runs)-1].ID, 10)}}
		if flow != "" {
			query.Set("flow", flow)
		}
		v.More = "/runs?" + query.Encode()
	}
	s.show(w, r, http.StatusOK, runsPage(s.frame(r, "Runs", "Runs"), v))
	return nil
}

// beforeOf is where a list goes on.
func beforeOf(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("before")
	if text == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, sallyport.FieldErrorf("before", "is no number")
	}
	return before, nil
}

// runOf finds the run that a path names.
func (s *server) runOf(r *http.Request) (*service.RunDetail, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, sallyport.Errorf(sallyport.NotFound, "there is no run %s", sallyport.Quoted(r.PathValue("id")))
	}
	return s.Service.Run(r.Context(), id)
}

func (s *server) showRun(w http.ResponseWriter, r *http.Request) error {
	run, err := s.runOf(r)
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, runPage(s.frame(r, fmt.Sprintf("Run %d", run.ID), "Runs"), *run))
	return nil
}

// watchRun sends a run whenever it has moved.
func (s *server) watchRun(w http.ResponseWriter, r *http.Request) error {
	return s.watch(w, r, func(r *http.Request) (templ.Component, bool, error) {
		run, err := s.runOf(r)
		if err != nil {
			return nil, false, err
		}
		return runLive(*run), run.State.Finished(), nil
	})
}

// lasted says how long a run lasted, or has lasted so far.
func lasted(run sallyport.Run) string {
	switch {
	case run.StartedAt.IsZero():
		return "not begun"
	case run.EndedAt.IsZero():
		return took(time.Since(run.StartedAt)) + " so far"
	}
	return took(run.EndedAt.Sub(run.StartedAt))
}

// changeCount is how many records of a run changed in one way.
type changeCount struct {
	Name  string
	Count int64
}

// changeCounts are the ways in which something changed.
func changeCounts(c sallyport.Changes) (all []changeCount) {
	for _, one := range []changeCount{
		{"New", c.New}, {"Changed", c.Changed}, {"Retired", c.Retired}, {"Returned", c.Returned}, {"Vanished", c.Vanished}, {"Unchanged", c.Unchanged}, {"Missing for the first time", c.Missing},
	} {
		if one.Count > 0 {
			all = append(all, one)
		}
	}
	return all
}
