package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// wizard registers the pages on which a flow is made.
func (s *server) wizard(closed func(pattern string, h handler)) {
	closed("GET /drafts/{id}", s.draft(s.resumeDraft))
	closed("POST /drafts/discard", s.discardDrafts)
	closed("POST /drafts/{id}/discard", s.draft(s.discardDraft))
	closed("GET /drafts/{id}/authenticate", s.draft(s.showDraftCredentials))
	closed("POST /drafts/{id}/authenticate", s.draft(s.chooseCredential))
	closed("GET /drafts/{id}/credentials/new", s.draft(s.showAddToDraft))
	closed("POST /drafts/{id}/credentials", s.draft(s.addToDraft))
	closed("GET /drafts/{id}/configure", s.draft(s.showConfigure))
	closed("POST /drafts/{id}/configure", s.draft(s.configure))
	closed("POST /drafts/{id}/test", s.draft(s.testSource))
	closed("GET /drafts/{id}/destinations", s.draft(s.showDestinations))
	closed("POST /drafts/{id}/destinations", s.draft(s.putDestination))
	closed("POST /drafts/{id}/destinations/{n}/remove", s.draft(s.removeDestination))
	closed("GET /drafts/{id}/destinations/credentials/new", s.draft(s.showAddForDestination))
	closed("POST /drafts/{id}/destinations/credentials", s.draft(s.addCredentialForDestination))
	closed("GET /drafts/{id}/schedule", s.draft(s.showSchedule))
	closed("POST /drafts/{id}/schedule", s.draft(s.setSchedule))
	closed("POST /drafts/{id}/times", s.draft(s.showTimes))
	closed("GET /drafts/{id}/review", s.draft(s.showReview))
	closed("POST /drafts/{id}/review", s.draft(s.finish))
}

// draftView is a step of a draft as a page.
type draftView struct {
	*service.Draft
	handle     string                // by which the pages name it, also once it is stored
	Definition *connector.Definition // of the source's connector
	Step       service.Step
	Errors     map[string]string // by the paths of values in a flow file
	Problem    string            // about the step as a whole
	Changed    bool              // it was changed in another window
	over       screen
}

// isChange tells whether the draft changes a flow that is there.
func (v draftView) isChange() bool { return v.Changes != "" }

func (v draftView) path(rest string) string { return "/drafts/" + v.handle + "/" + rest }

// steps are those that the draft goes through.
func (v draftView) steps() []service.Step {
	steps := []service.Step{service.StepAuthenticate, service.StepConfigure, service.StepDestinations, service.StepSchedule, service.StepReview}
	if v.Definition.Credential == nil {
		return steps[1:]
	}
	return steps
}

// before is where Back leads.
func (v draftView) before() string {
	last := ""
	for _, step := range v.steps() {
		if step == v.Step {
			break
		}
		last = string(step)
	}
	if last == "" && v.isChange() {
		return "/flows/" + string(v.Changes)
	}
	if last == "" {
		return "/flows/new"
	}
	return v.path(last)
}

// after is where Continue leads.
func (v draftView) after() string {
	steps := v.steps()
	for i, step := range steps[:len(steps)-1] {
		if step == v.Step {
			return v.path(string(steps[i+1]))
		}
	}
	return v.path(string(v.Step))
}

// draft finds the draft that a path names, which belongs to whoever asks. One that became a flow leads there.
func (s *server) draft(h func(http.ResponseWriter, *http.Request, draftView) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := parseForm(r); err != nil {
			return err
		}
		d, err := s.Service.Draft(r.Context(), userID(r), r.PathValue("id"))
		if sallyport.CodeOf(err) == sallyport.NotFound {
			if f, err := s.Service.FlowOfDraft(r.Context(), r.PathValue("id")); err == nil {
				return s.lead(w, r, "/flows/"+string(f.ID))
			}
			if f, err := s.Service.Flow(r.Context(), r.PostForm.Get("changes")); err == nil {
				return s.lead(w, r, "/flows/"+string(f.ID))
			}
			return sallyport.Errorf(sallyport.NotFound, "this draft does not exist any more")
		}
		if err != nil {
			return err
		}
		if d.Overtaken && r.Method == http.MethodGet {
			return s.changeAnew(w, r, d)
		}
		definition, err := s.Service.Catalogue.Definition(d.Connector)
		if err != nil {
			return err
		}
		v := draftView{Draft: d, handle: r.PathValue("id"), Definition: definition, Errors: map[string]string{}}
		if r.Method == http.MethodPost { // the state that the form was made of; what is no number is no state
			v.Version, _ = strconv.ParseInt(r.PostForm.Get("version"), 10, 64)
		}
		return h(w, r, v)
	}
}

// changeAnew leads to the same step of a draft that changes the flow as it is now.
func (s *server) changeAnew(w http.ResponseWriter, r *http.Request, d *service.Draft) error {
	fresh, err := s.Service.ChangeFlow(r.Context(), userID(r), string(d.Changes))
	if err != nil {
		return err
	}
	return s.lead(w, r, strings.Replace(r.URL.RequestURI(), url.PathEscape(r.PathValue("id")), fresh.Handle(), 1))
}

func userID(r *http.Request) sallyport.ID {
	u, _ := auth.UserOf(r.Context())
	return u.ID
}

// note puts an error to the field of the form that it is about, and tells whether it is one that a person can mend.
func (v *draftView) note(err error) bool {
	e, ok := errors.AsType[*sallyport.Error](err)
	switch {
	case !ok || e.Code != sallyport.Invalid && e.Code != sallyport.Conflict && e.Code != sallyport.NotFound:
		return false
	case e.Code == sallyport.Conflict && e.Field == "":
		v.Changed, v.Problem = true, fieldSentence(e)
	case e.Field == "":
		v.Problem = fieldSentence(e)
	default:
		v.Errors[e.Field] = fieldSentence(e)
	}
	return true
}

// status is what a page with this draft is answered with.
func (v draftView) status() int {
	switch {
	case v.Changed:
		return http.StatusConflict
	case v.Problem != "" || len(v.Errors) > 0:
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

// fault is something to mend that no field of the page shows.
type fault struct {
	Problem string
	Step    service.Step // where it is mended
}

// faults are the errors that no field of the page shows; shown says which paths have one.
func (v draftView) faults(shown func(path string) bool) (all []fault) {
	for _, path := range slices.Sorted(maps.Keys(v.Errors)) {
		if !shown(path) {
			all = append(all, fault{Problem: v.label(path) + ": " + v.Errors[path], Step: stepOf(path)})
		}
	}
	return all
}

// keep keeps a step and goes on, or back. What is not right is shown again; going back gives it up.
func (s *server) keep(w http.ResponseWriter, r *http.Request, v draftView, again func(draftView) error) error {
	back := r.PostForm.Get("go") == "back"
	if len(v.Errors) == 0 {
		err := s.Service.SaveDraft(r.Context(), userID(r), v.Draft, v.Step)
		if err != nil && !v.note(err) {
			return err
		}
	}
	switch {
	case back && !v.Changed:
		return s.lead(w, r, v.before())
	case v.status() != http.StatusOK:
		return again(v)
	}
	return s.lead(w, r, v.after())
}

func (s *server) newFlow(w http.ResponseWriter, r *http.Request) error {
	search := strings.TrimSpace(r.URL.Query().Get("search"))
	choices, err := s.choices(func(d *connector.Definition) *choice {
		if !service.IsSource(d) || !strings.Contains(strings.ToLower(d.Name+" "+d.Summary+" "+d.Connector), strings.ToLower(search)) {
			return nil
		}
		return &choice{}
	})
	if err != nil {
		return err
	}
	v := newFlowView{Search: search, Choices: choices}
	if v.Drafts, err = s.draftRows(r); err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, newFlowPage(s.frame(r, "New flow", "Flows"), v))
	return nil
}

// draftRow is an unfinished flow in the list of them.
type draftRow struct {
	*service.Draft
	Title string
}

func (v draftRow) version() string { return string(v.ID) + "~" + strconv.FormatInt(v.Version, 10) }

// draftRows are the unfinished flows of whoever asks, with names that tell them apart.
func (s *server) draftRows(r *http.Request) (rows []draftRow, err error) {
	drafts, err := s.Service.Drafts(r.Context(), userID(r))
	for _, d := range drafts {
		row := draftRow{Draft: d, Title: s.draftTitle(d)}
		if d.Credential != "" {
			c, err := s.Service.Credential(r.Context(), string(d.Credential))
			if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
				return nil, err
			}
			if c != nil {
				row.Title += " · " + c.Name
			}
		}
		rows = append(rows, row)
	}
	return rows, err
}

// draftTitle names a draft by its flow, or else by what it pulls.
func (s *server) draftTitle(d *service.Draft) string {
	definition, err := s.Service.Catalogue.Definition(d.Connector)
	switch {
	case d.Changes != "":
		return "Changes to " + d.Name
	case d.Name != "":
		return d.Name
	case err != nil || d.Endpoint == "" && d.Request == nil:
		return "New flow from " + s.system(d.Connector)
	}
	return draftView{Draft: d, Definition: definition}.sourceLabel()
}

func (s *server) createDraft(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	d, err := s.Service.CreateDraft(r.PostForm.Get("connector"))
	if err != nil {
		return err
	}
	return s.lead(w, r, "/drafts/"+d.Handle())
}

// changeFlow begins to change a flow.
func (s *server) changeFlow(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.ChangeFlow(r.Context(), userID(r), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.lead(w, r, "/drafts/"+d.Handle()+"/review")
}

// copyFlow begins a flow that is like another one. What it needs of its own comes first: how to get in.
func (s *server) copyFlow(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.CopyFlow(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.lead(w, r, "/drafts/"+d.Handle()+"/authenticate")
}

// resumeDraft leads to the first step that is not done yet.
func (s *server) resumeDraft(w http.ResponseWriter, r *http.Request, v draftView) error {
	step := service.StepReview
	switch {
	case v.Definition.Credential != nil && v.Credential == "":
		step = service.StepAuthenticate
	case v.Endpoint == "" && v.Request == nil:
		step = service.StepConfigure
	case len(v.Destinations) == 0:
		step = service.StepDestinations
	}
	return s.lead(w, r, v.path(string(step)))
}

func (s *server) discardDraft(w http.ResponseWriter, r *http.Request, v draftView) error {
	if err := s.Service.DiscardDraft(r.Context(), userID(r), service.DraftVersion{ID: v.ID, Version: v.Version}); err != nil {
		return err
	}
	if v.isChange() {
		return s.done(w, r, "/flows/"+string(v.Changes), "Changes discarded.")
	}
	return s.done(w, r, "/flows/new", "Draft discarded.")
}

// discardDrafts discards the drafts that are ticked, or all that the page shows.
func (s *server) discardDrafts(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	chosen := r.PostForm["draft"]
	if r.PostForm.Get("which") == "all" {
		chosen = r.PostForm["shown"]
	}
	var drafts []service.DraftVersion
	for _, text := range chosen {
		id, version, _ := strings.Cut(text, "~")
		n, _ := strconv.ParseInt(version, 10, 64) // what is no number is no version
		drafts = append(drafts, service.DraftVersion{ID: sallyport.ID(id), Version: n})
	}
	if len(drafts) == 0 {
		return s.done(w, r, "/flows/new", "No draft was selected.")
	}
	if err := s.Service.DiscardDrafts(r.Context(), userID(r), drafts); err != nil {
		return err
	}
	return s.done(w, r, "/flows/new", plural(int64(len(drafts)), "draft")+" discarded.")
}
