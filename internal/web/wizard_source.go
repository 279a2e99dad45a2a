package web

import (
	"cmp"
	"net/http"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) showDraftCredentials(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepAuthenticate
	return s.showDraftAuthenticate(w, r, v, screen{})
}

func (s *server) showDraftAuthenticate(w http.ResponseWriter, r *http.Request, v draftView, over screen) error {
	if v.Definition.Credential == nil {
		return s.lead(w, r, v.path(string(service.StepConfigure)))
	}
	tiles, err := s.tiles(r, v.Connector)
	if err != nil {
		return err
	}
	for i := range tiles {
		if !r.URL.Query().Has("selected") {
			tiles[i].Selected = tiles[i].ID == v.Credential
		}
	}
	s.show(w, r, v.status(), draftAuthenticatePage(s.frame(r, "Authenticate", "Flows"), v, tiles, over))
	return nil
}

func (s *server) chooseCredential(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step, v.Credential = service.StepAuthenticate, sallyport.ID(r.PostForm.Get("credential"))
	return s.keep(w, r, v, func(v draftView) error { return s.showDraftAuthenticate(w, r, v, screen{}) })
}

// addForm is the overlay over the credentials of a draft.
func (s *server) addToDraftForm(w http.ResponseWriter, r *http.Request, v draftView) credentialForm {
	form := s.addForm(w, r, v.Definition)
	form.Path, form.Action, form.Back = v.path("credentials/new"), v.path("credentials"), v.path(string(service.StepAuthenticate))
	form.Stored = form.Back + "?selected="
	form.below = func(_ int, over screen) error { return s.showDraftAuthenticate(w, r, v, over) }
	return form
}

func (s *server) showAddToDraft(w http.ResponseWriter, r *http.Request, v draftView) error {
	if v.Definition.Credential == nil {
		return sallyport.Errorf(sallyport.NotFound, "%s needs no credential", v.Definition.Name)
	}
	return s.showOverlay(w, r, http.StatusOK, s.addToDraftForm(w, r, v))
}

// addToDraft stores a credential after a test, and leads back to the draft, where its tile is selected. It changes nothing of the draft.
func (s *server) addToDraft(w http.ResponseWriter, r *http.Request, v draftView) error {
	return s.addWith(w, r, s.addToDraftForm(w, r, v))
}

// configureView is the step in which the source is described.
type configureView struct {
	draftView
	Manual   bool
	Chosen   *connector.Endpoint // of a template
	Fields   []input             // of the endpoint or of the request
	Advanced []input
	Sample   *sampleView
}

const emitPath = "source.emit" // in a flow file

// emitChoices are the ways to keep records, in words.
var emitChoices = []struct{ Emit, Words string }{
	{"", "what fits the source"},
	{sallyport.EmitChanges, "those that changed"},
	{sallyport.EmitAll, "all, with what became of each"},
}

func (s *server) showConfigure(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepConfigure
	if query := r.URL.Query(); query.Has("endpoint") && query.Get("endpoint") != v.Endpoint {
		v.Endpoint, v.Params, v.Request = query.Get("endpoint"), nil, nil
	} else if query.Get("mode") == "manual" && v.Request == nil {
		v.Request = new(sallyport.Request)
	} else if query.Get("mode") == "template" {
		v.Request = nil
	}
	return s.showSource(w, r, v, nil)
}

// showSource shows the fields of what the draft has: a request of one's own, or an endpoint, the first one if none is chosen.
func (s *server) showSource(w http.ResponseWriter, r *http.Request, v draftView, sample *sampleView) error {
	view := configureView{draftView: v, Sample: sample}
	view.Manual = v.Definition.Manual && (v.Request != nil || len(v.Definition.Endpoints) == 0)
	if view.Manual {
		view.Fields = requestInputs(v.Request)
	} else {
		view.Chosen = &v.Definition.Endpoints[0]
		if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
			view.Chosen = e
		}
		view.Fields, view.Advanced = definedInputs(view.Chosen.Params, v.Params)
	}
	s.show(w, r, v.status(), configurePage(s.frame(r, "Configure", "Flows"), view))
	return nil
}

// source is what a draft pulls from, as far as it matters to which of its records are kept.
func (v configureView) source() sallyport.Source {
	if v.Manual {
		return sallyport.Source{Request: cmp.Or(v.Request, new(sallyport.Request))}
	}
	return sallyport.Source{Endpoint: v.Chosen.ID}
}

// compares tells whether the records of the source may be compared with those of its last pull. Those of a request of one's own may: it can
// be given a key.
func (v configureView) compares() bool {
	tracking, err := v.Definition.Tracking(v.source())
	return err == nil && (v.Manual || len(tracking.Key) > 0)
}

// fitting says which records are kept unless something else is chosen.
func (v configureView) fitting() string {
	tracking, err := v.Definition.Tracking(v.source())
	if err != nil {
		return ""
	}
	return "What fits this source: " + tracking.String() + "."
}

// kept says which records the flow keeps.
func (v draftView) kept() string {
	tracking, err := v.Definition.Tracking(sallyport.Source{Endpoint: v.Endpoint, Request: v.Request, Emit: v.Emit})
	if err != nil {
		return "records" // what is wrong is said by its step
	}
	return tracking.String()
}

// readSource reads the form of a source into the draft.
func (v *draftView) readSource(r *http.Request) {
	v.Emit, v.Raw = r.PostForm.Get("emit"), r.PostForm.Has("raw")
	if r.PostForm.Get("mode") == "manual" {
		v.Endpoint, v.Params = "", nil
		v.Request = readRequest(r, v.Errors)
		return
	}
	v.Request, v.Endpoint = nil, r.PostForm.Get("endpoint")
	if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
		v.Params = readDefined(r, e.Params)
	}
}

func (s *server) configure(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepConfigure
	v.readSource(r)
	return s.keep(w, r, v, func(v draftView) error { return s.showSource(w, r, v, nil) })
}

// testSource shows a sample of what the form says. Nothing is kept.
func (s *server) testSource(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepConfigure
	v.readSource(r)
	var sample *sampleView
	if len(v.Errors) == 0 {
		got, err := s.Service.SampleDraft(r.Context(), userID(r), auth.ActorOf(r.Context()), v.Draft)
		if sallyport.CodeOf(err) == sallyport.Internal {
			return err
		}
		if sallyport.CodeOf(err) != sallyport.Invalid || !v.note(err) {
			sample = sampleOf(got, err)
			if v.Request != nil {
				sample.Answer = treeOf(got.Answer)
			}
		}
	}
	if isFragment(r) {
		s.show(w, r, http.StatusOK, sampleResult(sample, v.problems()))
		return nil
	}
	return s.showSource(w, r, v, sample)
}

// problems are all errors of the draft, with what the form calls their fields.
func (v draftView) problems() (all []string) {
	if v.Problem != "" {
		all = append(all, v.Problem)
	}
	for path, problem := range v.Errors {
		all = append(all, v.label(path)+": "+problem)
	}
	return all
}
