package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// destinationsView is the step in which destinations are added, changed and removed.
type destinationsView struct {
	draftView
	Choices []choice
	System  func(id string) string
	Form    *destinationForm // nil: none is being added or changed
}

// destinationForm is one destination.
type destinationForm struct {
	draftView
	At          int // its place among the destinations; the next free one for a new one
	To          *connector.Definition
	Name        string
	Credentials []tileView // to choose from, if it wants one
	Preview     []previewed
	Fields      []input
	Advanced    []input
}

func (v destinationForm) isNew() bool { return v.At == len(v.Destinations) }

func (v destinationForm) place() string { return fmt.Sprintf("destinations.%d.", v.At) }

// general are the errors that belong to no field of the form.
func (v destinationForm) general() []fault {
	return v.faults(func(path string) bool {
		name, ok := strings.CutPrefix(path, v.place())
		return ok && (name == "name" || name == "credential" || slices.ContainsFunc(v.To.Destination.Fields, func(f connector.Field) bool { return name == "config."+f.Name }))
	})
}

func (s *server) showDestinations(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepDestinations
	query := r.URL.Query()
	at, err := strconv.Atoi(query.Get("edit"))
	switch {
	case query.Has("add"):
		return s.showDestinationForm(w, r, v, len(v.Destinations), service.DraftDestination{Connector: query.Get("add"), Name: v.freeName(query.Get("add"))})
	case query.Has("edit") && err == nil && at >= 0 && at < len(v.Destinations):
		return s.showDestinationForm(w, r, v, at, v.Destinations[at])
	}
	return s.listDestinations(w, r, v, nil)
}

// freeName proposes a name that no other destination has.
func (v draftView) freeName(connector string) string {
	taken := func(name string) bool {
		return slices.ContainsFunc(v.Destinations, func(d service.DraftDestination) bool { return d.Name == name })
	}
	name := connector
	for n := 2; taken(name); n++ {
		name = fmt.Sprintf("%s-%d", connector, n)
	}
	return name
}

func (s *server) showDestinationForm(w http.ResponseWriter, r *http.Request, v draftView, at int, d service.DraftDestination) error {
	to, err := s.receiver(d.Connector)
	if err != nil {
		return err
	}
	form := &destinationForm{draftView: v, At: at, To: to, Name: d.Name, Preview: v.preview()}
	form.Fields, form.Advanced = definedInputs(to.Destination.Fields, d.Config)
	if to.Credential != nil {
		if form.Credentials, err = s.tiles(r, to.Connector); err != nil {
			return err
		}
		for i := range form.Credentials {
			if t := &form.Credentials[i]; !r.URL.Query().Has("selected") {
				t.Selected = t.ID == d.Credential
			}
		}
	}
	return s.listDestinations(w, r, v, form)
}

// ownPath is where the form is.
func (v destinationForm) ownPath() string {
	if v.isNew() {
		return v.path("destinations?add=" + v.To.Connector)
	}
	return v.path(fmt.Sprintf("destinations?edit=%d", v.At))
}

// addPath is where a credential is added for the destination.
func (v destinationForm) addPath() string {
	return v.path(fmt.Sprintf("destinations/credentials/new?to=%s&at=%d", v.To.Connector, v.At))
}

// addForDestination is the overlay over the form of a destination.
func (s *server) addForDestination(w http.ResponseWriter, r *http.Request, v draftView) (form credentialForm, err error) {
	v.Step = service.StepDestinations
	to, err := s.receiver(r.URL.Query().Get("to"))
	if err != nil {
		return form, err
	}
	at, err := strconv.Atoi(r.URL.Query().Get("at"))
	if to.Credential == nil || err != nil || at < 0 || at > len(v.Destinations) {
		return form, sallyport.Errorf(sallyport.NotFound, "there is no such destination")
	}
	d := service.DraftDestination{Connector: to.Connector, Name: v.freeName(to.Connector)}
	if at < len(v.Destinations) {
		d = v.Destinations[at]
	}
	below := destinationForm{draftView: v, At: at, To: to}
	form = s.addForm(w, r, to)
	form.Path, form.Action, form.Back = v.path("destinations/credentials/new"), v.path("destinations/credentials?"+r.URL.RawQuery), below.ownPath()
	form.Stored, form.Into = below.ownPath()+"&selected=", "#destination-credentials"
	form.below = func(_ int, over screen) error {
		v.over = over
		return s.showDestinationForm(w, r, v, at, d)
	}
	return form, nil
}

func (s *server) showAddForDestination(w http.ResponseWriter, r *http.Request, v draftView) error {
	form, err := s.addForDestination(w, r, v)
	if err != nil {
		return err
	}
	return s.showOverlay(w, r, http.StatusOK, form)
}

// addCredentialForDestination stores a credential after a test, and selects it in the form of the destination.
func (s *server) addCredentialForDestination(w http.ResponseWriter, r *http.Request, v draftView) error {
	form, err := s.addForDestination(w, r, v)
	if err != nil {
		return err
	}
	return s.addWith(w, r, form)
}

// previewed is a field that will be delivered.
type previewed struct {
	Name, Kind, Example string
}

// preview are the fields that the source gave when it was tested.
func (v draftView) preview() (all []previewed) {
	if v.Sample == nil {
		return nil
	}
	tracking, err := v.Definition.Tracking(sallyport.Source{Endpoint: v.Endpoint, Request: v.Request, Emit: v.Emit})
	if err == nil && tracking.On && !slices.ContainsFunc(v.Sample.Schema.Fields, func(f sallyport.Field) bool { return f.Name == sallyport.ChangeField }) {
		all = append(all, previewed{sallyport.ChangeField, "string", string(sallyport.ChangeNew)})
	}
	for _, f := range v.Sample.Schema.Fields {
		all = append(all, previewed{f.Name, string(f.Kind), f.Example})
	}
	return all
}

// receiver finds a connector that can be delivered to.
func (s *server) receiver(id string) (*connector.Definition, error) {
	d, err := s.Service.Catalogue.Definition(id)
	if err != nil || d.Destination == nil {
		return nil, sallyport.Errorf(sallyport.NotFound, "nothing can be delivered to %s", sallyport.Quoted(id))
	}
	return d, nil
}

func (s *server) listDestinations(w http.ResponseWriter, r *http.Request, v draftView, form *destinationForm) error {
	choices, err := s.choices(func(d *connector.Definition) *choice {
		if d.Destination == nil {
			return nil
		}
		return &choice{Path: v.path("destinations?add=" + d.Connector)}
	})
	if err != nil {
		return err
	}
	view := destinationsView{draftView: v, Choices: choices, System: s.system, Form: form}
	s.show(w, r, v.status(), destinationsPage(s.frame(r, "Destinations", "Flows"), view))
	return nil
}

// putDestination adds a destination, or changes one.
func (s *server) putDestination(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepDestinations
	at, err := strconv.Atoi(r.PostForm.Get("at"))
	if err != nil || at < 0 || at > len(v.Destinations) {
		return sallyport.Errorf(sallyport.Conflict, "the destinations were changed in another window meanwhile")
	}
	to, err := s.receiver(r.PostForm.Get("connector"))
	if err != nil {
		return err
	}
	before := v.Destinations
	d := service.DraftDestination{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Connector: to.Connector, Credential: sallyport.ID(r.PostForm.Get("credential")),
		Config: readDefined(r, to.Destination.Fields, v.storedConfig(at, to.Connector)),
	}
	s.Service.MakeAbsolute(to.Destination.Fields, d.Config)
	v.Destinations = append(slices.Clone(before[:at]), d)
	if at < len(before) {
		v.Destinations = append(v.Destinations, before[at+1:]...)
	}
	if err := s.Service.SaveDraftDestination(r.Context(), userID(r), v.Draft, at); err != nil {
		if !v.note(err) {
			return err
		}
		v.Destinations = before
		return s.showDestinationForm(w, r, v, at, d)
	}
	return s.lead(w, r, v.path("destinations"))
}

// storedConfig is the configuration of the destination at a place, if there is one of that connector.
func (v draftView) storedConfig(at int, connector string) map[string]any {
	if at < len(v.Destinations) && v.Destinations[at].Connector == connector {
		return v.Destinations[at].Config
	}
	return nil
}

func (s *server) removeDestination(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepDestinations
	at, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || at < 0 || at >= len(v.Destinations) {
		return sallyport.Errorf(sallyport.NotFound, "there is no such destination")
	}
	v.Destinations = slices.Delete(v.Destinations, at, at+1)
	if err := s.Service.SaveDraft(r.Context(), userID(r), v.Draft, service.StepReview); err != nil { // others may have faults: they show in the list
		if !v.note(err) {
			return err
		}
		fresh, err := s.Service.Draft(r.Context(), userID(r), string(v.ID))
		if err != nil {
			return err
		}
		v.Draft = fresh
		return s.listDestinations(w, r, v, nil)
	}
	return s.lead(w, r, v.path("destinations"))
}
