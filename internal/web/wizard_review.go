package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// reviewView is the last step: the flow as a whole.
type reviewView struct {
	draftView
	Credential string // its name
	System     func(id string) string
	Times      timesView
	Cost       service.Cost
	Diff       service.FlowDiff // of a draft that changes a flow
}

// elsewhere are the faults of the steps before.
func (v reviewView) elsewhere() []fault {
	return v.faults(func(path string) bool { return stepOf(path) == service.StepReview })
}

// stepNames are what the pages call the steps.
var stepNames = map[service.Step]string{
	service.StepAuthenticate: "Authenticate", service.StepConfigure: "Configure", service.StepDestinations: "Destinations",
	service.StepSchedule: "Schedule", service.StepReview: "Review",
}

// stepOf is the step in which the value at a path is chosen.
func stepOf(path string) service.Step {
	switch {
	case path == "flow" || path == "description":
		return service.StepReview
	case strings.HasPrefix(path, "destinations"):
		return service.StepDestinations
	case strings.HasPrefix(path, "source.schedule"):
		return service.StepSchedule
	case path == "source.credential":
		return service.StepAuthenticate
	}
	return service.StepConfigure
}

func (s *server) showReview(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepReview
	err := s.Service.CheckDraft(r.Context(), v.Draft)
	if err != nil && !v.note(err) {
		return err
	}
	return s.showWhole(w, r, v, http.StatusOK)
}

func (s *server) showWhole(w http.ResponseWriter, r *http.Request, v draftView, status int) error {
	view := reviewView{draftView: v, System: s.system, Times: s.times(v)}
	if v.Draft.Credential != "" {
		c, err := s.Service.Credential(r.Context(), string(v.Draft.Credential))
		if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
			return err
		}
		if c != nil {
			view.Credential = c.Name
		}
	}
	var err error
	if view.Cost, err = s.Service.DraftCost(r.Context(), v.Draft); err != nil && sallyport.CodeOf(err) == sallyport.Internal {
		return err // what else is wrong is told as a fault of its step
	}
	if view.Diff, err = s.Service.DraftDiff(r.Context(), v.Draft); err != nil && sallyport.CodeOf(err) == sallyport.Internal {
		return err
	}
	if isPartial(r) && status == http.StatusConflict { // it takes the place of the form, not that of the notice
		status = http.StatusUnprocessableEntity
	}
	s.show(w, r, status, reviewPage(s.frame(r, "Review", "Flows"), view))
	return nil
}

// finish makes the flow, or changes it. Whoever comes too late with the same draft is led to it too.
func (s *server) finish(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepReview
	if !v.isChange() {
		v.Name = strings.TrimSpace(r.PostForm.Get("name"))
	}
	before := v.Description
	err := v.readDescription(r)
	if r.PostForm.Get("go") == "back" {
		return s.keep(w, r, v, func(v draftView) error { return s.showWhole(w, r, v, v.status()) })
	}
	begin := r.PostForm.Get("go") == "activate"
	if v.Overtaken && v.Description == before && !begin {
		return s.lead(w, r, "/flows/"+string(v.Changes)) // a double click: it is saved, and nothing else was entered
	}
	if err == nil {
		err = s.Service.FinishDraft(r.Context(), userID(r), auth.ActorOf(r.Context()), v.Draft, begin)
	}
	if sallyport.CodeOf(err) == sallyport.NotFound {
		if f, err := s.Service.FlowOfDraft(r.Context(), string(v.ID)); err == nil {
			return s.lead(w, r, "/flows/"+string(f.ID))
		}
	}
	if err != nil {
		if !v.note(err) {
			return err
		}
		return s.showWhole(w, r, v, v.status())
	}
	return s.done(w, r, "/flows/"+string(v.FlowID()), fmt.Sprintf(v.finished(begin), v.Name))
}

// readDescription takes the description from the form. One that the person did not touch stays as it is stored, also if no form would take it.
func (v *draftView) readDescription(r *http.Request) error {
	stored := input{Value: v.Description, Lines: true}
	if stored.untouched(r.PostForm["description"]) {
		return nil
	}
	v.Description = description(r)
	return checkDescription(v.Description)
}

// finished is what is told about a flow that was made or changed.
func (v draftView) finished(begin bool) string {
	switch {
	case v.isChange() && begin:
		return "%q is changed, and runs."
	case v.isChange():
		return "%q is changed."
	case begin:
		return "%q is saved and active. Its first run has begun."
	}
	return "%q is saved. It is paused until you resume it."
}

// sourceLabel says what the draft pulls.
func (v draftView) sourceLabel() string {
	if v.Request != nil {
		return strings.TrimSpace(v.Request.Method + " " + v.Request.URL)
	}
	if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
		return e.Name
	}
	return "not configured yet"
}

// paramWords are the parameters of the draft, as the form calls them.
func (v draftView) paramWords() (all []string) {
	e, err := v.Definition.Endpoint(v.Endpoint)
	if err != nil {
		return nil
	}
	return fieldWords(e.Params, v.Params)
}

func fieldWords(fields []connector.Field, values map[string]any) (all []string) {
	for _, f := range fields {
		if value, ok := values[f.Name]; ok {
			all = append(all, labelOf(f)+": "+valueText(value))
		}
	}
	return all
}
