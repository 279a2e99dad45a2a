package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/service"
)

// How many runs the page of a flow lists, and how many its chart shows.
const (
	runsListed = 10
	runsDrawn  = 60
)

// flowView is a flow with its runs.
type flowView struct {
	service.FlowStatus
	Credential *sallyport.Credential // of its source; nil if it wants none
	System     func(id string) string
	Runs       []sallyport.Run // newest first
	Grants     []sallyport.FileGrant
	Cost       service.Cost
	over       screen
}

// live tells whether something of the flow is still under way.
func (v flowView) live() bool {
	return v.running() || slices.ContainsFunc(v.Destinations, func(d sallyport.Destination) bool { return d.Error == "" && d.Behind(v.Dataset.LastSeq) })
}

// running tells whether its newest run is.
func (v flowView) running() bool { return len(v.Runs) > 0 && !v.Runs[0].State.Finished() }

// listed are the runs in the table.
func (v flowView) listed() []sallyport.Run { return v.Runs[:min(len(v.Runs), runsListed)] }

func (s *server) showFlow(w http.ResponseWriter, r *http.Request) error {
	v, err := s.flowView(r, runsDrawn)
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, flowPage(s.frame(r, v.Name, "Flows"), v))
	return nil
}

func (s *server) flowView(r *http.Request, runs int) (v flowView, err error) {
	v.System = s.system
	if v.FlowStatus, err = s.Service.FlowStatus(r.Context(), r.PathValue("id")); err != nil {
		return v, err
	}
	if v.Grants, err = s.Service.FileGrants(r.Context(), v.ID); err != nil {
		return v, err
	}
	if v.Runs, err = s.Service.Runs(r.Context(), string(v.ID), "", runs, 0); err != nil {
		return v, err
	}
	if v.Cost, err = s.Service.FlowCost(r.Context(), string(v.ID)); err != nil || v.Source.Credential == "" {
		return v, err
	}
	c, err := s.Service.Credential(r.Context(), string(v.Source.Credential))
	if err != nil {
		return v, err
	}
	v.Credential = &c.Credential
	return v, nil
}

// watchFlow sends what moves of a flow whenever it has moved.
func (s *server) watchFlow(w http.ResponseWriter, r *http.Request) error {
	return s.watch(w, r, func(r *http.Request) (templ.Component, bool, error) {
		v, err := s.flowView(r, runsListed)
		return flowLive(v), !v.live(), err
	})
}

// flowOf finds the flow that a path names.
func (s *server) flowOf(r *http.Request) (sallyport.Flow, error) {
	return s.Service.Flow(r.Context(), r.PathValue("id"))
}

func (s *server) runFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if f.State == sallyport.FlowPaused {
		return sallyport.Errorf(sallyport.Conflict, "%q is paused; resume it first", f.Name)
	}
	run, resumed, err := s.Service.StartRun(r.Context(), auth.ActorOf(r.Context()), string(f.ID))
	if err != nil {
		return err
	}
	notice := fmt.Sprintf("Run %d of %q is queued.", run.ID, f.Name)
	if run.State == sallyport.RunHeld {
		notice = fmt.Sprintf("Run %d of %q is held: accept or reject its pull first.", run.ID, f.Name)
	} else if resumed {
		notice = fmt.Sprintf("Run %d of %q is not finished yet; it goes on.", run.ID, f.Name)
	}
	return s.done(w, r, "/flows/"+string(f.ID), notice)
}

// deliverFlow lets destinations that have failed try again.
func (s *server) deliverFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if err := s.Service.QueueDeliveries(r.Context(), auth.ActorOf(r.Context()), f); err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(f.ID), "The destinations get what they are behind with. Nothing is pulled again.")
}

func (s *server) showAgain(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.Destination(r.Context(), sallyport.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	over := againOverlay(d)
	if isFragment(r) {
		s.show(w, r, http.StatusOK, over)
		return nil
	}
	r.SetPathValue("id", string(d.FlowID))
	return s.showFlowUnder(w, r, over)
}

// deliverAgain lets a destination have everything again.
func (s *server) deliverAgain(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.Destination(r.Context(), sallyport.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if err := s.Service.DeliverAgain(r.Context(), auth.ActorOf(r.Context()), d); err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(d.FlowID), fmt.Sprintf("%q gets everything again. Nothing is pulled.", d.Name))
}

// revokeFilePath is where the overlay is that asks before a file is revoked.
func revokeFilePath(flow sallyport.ID, file string) string {
	return "/flows/" + string(flow) + "/files/revoke?" + url.Values{"path": {file}}.Encode()
}

func (s *server) showRevokeFile(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	granted, err := s.Service.FileGrants(r.Context(), f.ID)
	if err != nil {
		return err
	}
	path := r.URL.Query().Get("path")
	if !slices.ContainsFunc(granted, func(g sallyport.FileGrant) bool { return g.Path == path }) {
		return sallyport.Errorf(sallyport.NotFound, "the flow %q has no grant for %s", f.Name, sallyport.QuotedPath(path))
	}
	over := revokeFileOverlay(f, path)
	if isFragment(r) {
		s.show(w, r, http.StatusOK, over)
		return nil
	}
	return s.showFlowUnder(w, r, over)
}

// revokeFile takes the permission to use a file from a flow.
func (s *server) revokeFile(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	path := r.PostForm.Get("path")
	if err := s.Service.RevokeFile(r.Context(), auth.ActorOf(r.Context()), string(f.ID), path); err != nil {
		return err
	}
	return s.done(w, r, "/flows/"+string(f.ID), fmt.Sprintf("%q can no longer use %s.", f.Name, path))
}

func (s *server) pauseFlow(w http.ResponseWriter, r *http.Request) error {
	return s.setFlowState(w, r, sallyport.FlowPaused, "%q is paused. What it has kept stays.")
}

func (s *server) resumeFlow(w http.ResponseWriter, r *http.Request) error {
	return s.setFlowState(w, r, sallyport.FlowActive, "%q is active.")
}

func (s *server) setFlowState(w http.ResponseWriter, r *http.Request, state sallyport.FlowState, notice string) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if err := s.Service.SetFlowState(r.Context(), auth.ActorOf(r.Context()), string(f.ID), state); err != nil {
		return err
	}
	back := "/flows"
	if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && (u.Path == "/flows/"+string(f.ID) || u.Path == back) {
		back = u.RequestURI()
	}
	return s.done(w, r, back, fmt.Sprintf(notice, f.Name))
}

func (s *server) showDeleteFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	over := deleteFlowOverlay(f)
	if isFragment(r) {
		s.show(w, r, http.StatusOK, over)
		return nil
	}
	return s.showFlowUnder(w, r, over)
}

// showFlowUnder shows a flow with something over it.
func (s *server) showFlowUnder(w http.ResponseWriter, r *http.Request, over templ.Component) error {
	v, err := s.flowView(r, runsDrawn)
	if err != nil {
		return err
	}
	v.over = screen{over}
	s.show(w, r, http.StatusOK, flowPage(s.frame(r, v.Name, "Flows"), v))
	return nil
}

func (s *server) deleteFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if err := s.Service.DeleteFlow(r.Context(), auth.ActorOf(r.Context()), string(f.ID), time.Time{}); err != nil {
		return err
	}
	return s.done(w, r, "/flows", fmt.Sprintf("%q is deleted, with everything that it had kept.", f.Name))
}

// chart is what a chart of runs is drawn from: a value of each run, the oldest first.
type chart struct {
	Begin   []int64   `json:"begin"` // seconds since 1970
	Records []int64   `json:"records"`
	Lasted  []float64 `json:"lasted"` // seconds
	State   []string  `json:"state"`
}

// drawn are the finished runs as a chart, "" if they are too few.
func (v flowView) drawn() string {
	var c chart
	for i := len(v.Runs) - 1; i >= 0; i-- {
		run := v.Runs[i]
		if !run.State.Finished() || run.StartedAt.IsZero() {
			continue
		}
		c.Begin = append(c.Begin, run.StartedAt.Unix())
		c.Records = append(c.Records, run.Records)
		c.Lasted = append(c.Lasted, run.EndedAt.Sub(run.StartedAt).Seconds())
		c.State = append(c.State, string(run.State))
	}
	text, err := json.Marshal(c)
	if err != nil || len(c.Begin) < 3 {
		return ""
	}
	return string(text)
}

// waits says what a run waits for, "" if it does not wait.
func (v flowView) waits() string {
	if len(v.Runs) > 0 && v.Runs[0].State == sallyport.RunDelivering && !v.Runs[0].WaitUntil.IsZero() {
		return fmt.Sprintf("Run %d is waiting for a destination until %s (%s). Its delivery then continues automatically.",
			v.Runs[0].ID, clock(v.Runs[0].WaitUntil), ahead(v.Runs[0].WaitUntil))
	}
	if len(v.Runs) == 0 || v.Runs[0].State != sallyport.RunWaiting {
		return ""
	}
	run, of := v.Runs[0], "its source"
	if v.Credential != nil {
		of = v.Credential.Name
	}
	if run.WaitsForKey() {
		return fmt.Sprintf("Run %d is waiting for a new key of %s: %s. It goes on by itself after page %s; nothing is pulled twice.", run.ID, of, run.Error, number(run.Pages))
	}
	if run.WaitsForHost() {
		return fmt.Sprintf("Run %d is waiting: %s. Next attempt at %s (%s); it gives up at %s. It continues after page %s; nothing is pulled twice.",
			run.ID, run.Error, clock(run.WaitUntil), ahead(run.WaitUntil), clock(run.GivesUpAt), number(run.Pages))
	}
	until := "until " + clock(run.WaitUntil) + " (" + ahead(run.WaitUntil) + ")"
	return fmt.Sprintf("Run %d is waiting for the quota of %s %s. It goes on by itself after page %s; nothing is pulled twice.", run.ID, of, until, number(run.Pages))
}

// clock writes a time of today without its date.
func clock(t time.Time) string {
	t = t.UTC()
	if now := time.Now().UTC(); t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan, 15:04 UTC")
}

// failing tells whether some destination has failed.
func (v flowView) failing() bool {
	for _, d := range v.Destinations {
		if d.Error != "" {
			return true
		}
	}
	return false
}

// fileName is the name under which a flow file is saved.
func fileName(flow string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '-'
	}, flow)
	return strings.TrimLeft(clean, ".-") + ".yaml"
}

// exportFlow sends a flow as a flow file.
func (s *server) exportFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	file, err := s.Service.ExportFlow(r.Context(), string(f.ID))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/yaml; charset=utf-8")
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fileName(s.Service.Shown().String(f.Name))))
	h.Set("Cache-Control", "no-store")
	_, err = w.Write(file)
	if err != nil {
		s.Log.WarnContext(r.Context(), "a flow file was not sent to its end", "flow", f.Name, "error", err)
	}
	return nil
}
