package web

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"

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

// The paths in a flow file of the settings that say what is kept.
const (
	emitPath    = "source.emit"
	confirmPath = "source.confirm"
	limitPath   = "source.vanish_limit"
)

// keptOpen tells whether the settings that say what is kept are shown at once: one of them is set or wrong.
func (v configureView) keptOpen() bool {
	return v.Emit != "" || v.Raw || v.Confirm != 0 || v.VanishLimit != "" ||
		v.Errors[emitPath] != "" || v.Errors[confirmPath] != "" || v.Errors[limitPath] != ""
}

// confirmInput chooses how many pulls must miss a record.
func (v configureView) confirmInput() input {
	value := ""
	if v.Confirm != 0 {
		value = strconv.Itoa(v.Confirm)
	}
	return input{ID: "confirm", Name: "confirm", Label: "Pulls that confirm", Value: value, Options: []option{{"", "Default"}, {"1", "1"}, {"2", "2"}, {"3", "3"}},
		Help: "How many complete pulls in a row must miss a record before it counts as vanished. The default is 2 for a list in pages, else 1."}
}

// limitInput says how much may vanish at once.
func (v configureView) limitInput() input {
	return input{ID: "vanish_limit", Name: "vanish_limit", Label: "Vanish limit", Value: v.VanishLimit, Placeholder: "50%",
		Help: "If a larger share of the known records (of at least 20) would vanish, the pull is held until you accept or reject it. `off` for rolling lists."}
}

// emitInput chooses which records are kept.
func (v configureView) emitInput() input {
	return input{ID: "emit", Name: "emit", Label: "Records", Value: v.Emit, Help: v.fitting(), Options: []option{
		{"", "Default for this source"}, {sallyport.EmitChanges, "Changed records"}, {sallyport.EmitAll, "All records, with their change type"},
	}}
}

// endpoints are the choices of the menu of endpoints.
func (v configureView) endpoints() input {
	in := input{Value: v.Chosen.ID}
	for _, e := range v.Definition.Endpoints {
		in.Options = append(in.Options, option{e.ID, e.Name})
	}
	return in
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
		view.Chosen = v.chosen()
		view.Fields, view.Advanced = definedInputs(view.Chosen.Params, v.Params)
	}
	s.show(w, r, v.status(), configurePage(s.frame(r, "Configure", "Flows"), view))
	return nil
}

// chosen is the endpoint of the draft: the first one if none is chosen. One that the connector does not have any more is not replaced by another.
func (v draftView) chosen() *connector.Endpoint {
	if v.Endpoint == "" && len(v.Definition.Endpoints) > 0 {
		return &v.Definition.Endpoints[0]
	}
	if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
		return e
	}
	return &connector.Endpoint{ID: v.Endpoint, Summary: v.Definition.Name + " does not have this endpoint. Choose another."}
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

// hasOriginals tells whether the records are normalized, so that the originals can be kept beside them.
func (v configureView) hasOriginals() bool { return !v.Manual && (v.Chosen.Schema != "" || v.Raw) }

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

// readSource reads the form of a source into the draft. What the form does not show stays as it is, unless the source is another one now.
func (v *draftView) readSource(r *http.Request) {
	manual := r.PostForm.Get("mode") == "manual"
	if endpoint := r.PostForm.Get("endpoint"); manual != (v.Request != nil) || endpoint != v.Endpoint {
		v.Endpoint, v.Params, v.Emit, v.Raw, v.Confirm, v.VanishLimit = endpoint, nil, "", false, 0, ""
	}
	if r.PostForm.Has("emit") {
		v.Emit = r.PostForm.Get("emit")
	}
	if r.PostForm.Has("confirm") {
		v.Confirm, _ = strconv.Atoi(r.PostForm.Get("confirm")) // a menu: anything else is the default
	}
	if r.PostForm.Has("vanish_limit") {
		v.VanishLimit = strings.TrimSpace(r.PostForm.Get("vanish_limit"))
	}
	if r.PostForm.Has("raw") {
		v.Raw = len(ticked(r.PostForm["raw"])) > 0
	}
	if manual {
		v.Endpoint, v.Request = "", readRequest(r, v.Request, v.Errors)
		return
	}
	v.Request = nil
	v.Params = readDefined(r, v.chosen().Params, v.Params)
}

func (s *server) configure(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepConfigure
	v.readSource(r)
	s.Service.MakeAbsolute(v.chosen().Params, v.Params)
	return s.keep(w, r, v, func(v draftView) error { return s.showSource(w, r, v, nil) })
}

// testSource shows a sample of what the form says. Nothing is kept.
func (s *server) testSource(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepConfigure
	v.readSource(r)
	s.Service.MakeAbsolute(v.chosen().Params, v.Params)
	var sample *sampleView
	if len(v.Errors) == 0 {
		got, err := s.Service.SampleDraft(r.Context(), userID(r), auth.ActorOf(r.Context()), v.Draft)
		if sallyport.CodeOf(err) == sallyport.Internal {
			return err
		}
		if sallyport.CodeOf(err) != sallyport.Invalid || !v.note(err) {
			sample = sampleOf(got, err)
			if v.Request != nil {
				sample.Answer, sample.Test = treeOf(got.Answer), v.path("test")
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
