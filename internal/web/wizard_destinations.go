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
	Credential  sallyport.ID
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
	form := &destinationForm{draftView: v, At: at, To: to, Name: d.Name, Credential: d.Credential}
	form.Fields, form.Advanced = definedInputs(to.Destination.Fields, d.Config)
	if to.Credential != nil {
		if form.Credentials, err = s.tiles(r, to.Connector); err != nil {
			return err
		}
	}
	return s.listDestinations(w, r, v, form)
}

// receiver finds a connector that can be delivered to.
func (s *server) receiver(id string) (*connector.Definition, error) {
	d, err := s.Service.Catalogue.Definition(id)
	if err != nil || d.Destination == nil {
		return nil, sallyport.Errorf(sallyport.NotFound, "nothing can be delivered to %q", id)
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
	d := service.DraftDestination{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Connector: to.Connector, Credential: sallyport.ID(r.PostForm.Get("credential")),
		Config: readDefined(r, to.Destination.Fields),
	}
	before := v.Destinations
	v.Destinations = append(slices.Clone(before[:at]), d)
	if at < len(before) {
		v.Destinations = append(v.Destinations, before[at+1:]...)
	}
	if err := s.Service.SaveDraft(r.Context(), userID(r), v.Draft, v.Step); err != nil {
		if !v.note(err) {
			return err
		}
		v.Destinations = before
		return s.showDestinationForm(w, r, v, at, d)
	}
	return s.lead(w, r, v.path("destinations"))
}

func (s *server) removeDestination(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepDestinations
	at, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || at < 0 || at >= len(v.Destinations) {
		return sallyport.Errorf(sallyport.NotFound, "there is no such destination")
	}
	v.Destinations = slices.Delete(v.Destinations, at, at+1)
	if err := s.Service.SaveDraft(r.Context(), userID(r), v.Draft, v.Step); err != nil {
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
