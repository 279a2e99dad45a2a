package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// maxUsers is how many flows a tile names that use it.
const maxUsers = 6

// maxDescription bounds the description of a credential, in characters.
const maxDescription = 1000

// tile makes a tile of a credential. A connector that is not there any more is called by its id.
func (s *server) tile(r *http.Request, c service.CredentialUse) (t tileView, err error) {
	t = tileView{CredentialUse: c, System: s.system(c.Connector)}
	t.Quota, err = s.Service.Quota(r.Context(), string(c.ID))
	return t, err
}

// tiles makes tiles of the credentials of a connector, or of all ("").
func (s *server) tiles(r *http.Request, connector string) ([]tileView, error) {
	all, err := s.Service.CredentialUses(r.Context())
	if err != nil {
		return nil, err
	}
	quotas, err := s.Service.Quotas(r.Context())
	if err != nil {
		return nil, err
	}
	tiles := []tileView{}
	for _, c := range all {
		if connector != "" && c.Connector != connector {
			continue
		}
		selected := string(c.ID) == r.URL.Query().Get("selected")
		tiles = append(tiles, tileView{CredentialUse: c, System: s.system(c.Connector), Quota: quotas[c.ID], Selected: selected})
	}
	return tiles, nil
}

// oneTile finds the credential that a path names.
func (s *server) oneTile(r *http.Request) (tileView, error) {
	c, err := s.Service.Credential(r.Context(), r.PathValue("id"))
	if err != nil {
		return tileView{}, err
	}
	return s.tile(r, *c)
}

func (s *server) listCredentials(w http.ResponseWriter, r *http.Request) error {
	return s.showCredentials(w, r, http.StatusOK, nil, screen{})
}

// showCredentials shows all tiles; special takes the place of the one with its id.
func (s *server) showCredentials(w http.ResponseWriter, r *http.Request, status int, special *tileView, over screen) error {
	tiles, err := s.tiles(r, "")
	if err != nil {
		return err
	}
	for i := range tiles {
		if special != nil && tiles[i].ID == special.ID {
			tiles[i] = *special
		}
	}
	s.show(w, r, status, credentialsPage(s.frame(r, "Credentials", "Credentials"), tiles, over))
	return nil
}

// showTile shows one tile: alone where htmx asks, else among the others.
func (s *server) showTile(w http.ResponseWriter, r *http.Request, status int, t tileView) error {
	if isFragment(r) {
		s.show(w, r, status, credentialTile(t))
		return nil
	}
	return s.showCredentials(w, r, status, &t, screen{})
}

func (s *server) showCredential(w http.ResponseWriter, r *http.Request) error {
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	t.Focus, t.Selected = r.URL.Query().Get("focus"), !isFragment(r)
	return s.showTile(w, r, http.StatusOK, t)
}

func (s *server) editCredential(w http.ResponseWriter, r *http.Request) error {
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	t.Edit = &editForm{Name: t.Name, Description: t.Description, Since: strconv.FormatInt(t.UpdatedAt.UnixMicro(), 10), Errors: map[string]string{}}
	return s.showTile(w, r, http.StatusOK, t)
}

func (s *server) updateCredential(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	form := &editForm{
		Name: strings.TrimSpace(r.PostForm.Get("name")), Description: description(r), Since: r.PostForm.Get("since"), Errors: map[string]string{},
	}
	since, err := strconv.ParseInt(form.Since, 10, 64)
	if err != nil {
		return sallyport.FieldErrorf("since", "is no time; load the page again")
	}
	changed := t.Credential
	changed.Name, changed.Description, changed.UpdatedAt = form.Name, form.Description, time.UnixMicro(since).UTC()
	err = checkDescription(form.Description)
	if err == nil {
		err = s.Service.UpdateCredential(r.Context(), auth.ActorOf(r.Context()), changed)
	}
	if e, ok := errors.AsType[*sallyport.Error](err); ok && (e.Code == sallyport.Invalid || e.Code == sallyport.Conflict) {
		form.Errors[e.Field] = fieldSentence(e)
		t.Edit = form
		return s.showTile(w, r, http.StatusUnprocessableEntity, t)
	}
	if err != nil {
		return err
	}
	return s.tileAgain(w, r, "edit")
}

// tileAgain shows a tile as it is after something was done to it.
func (s *server) tileAgain(w http.ResponseWriter, r *http.Request, focus string) error {
	if !isPartial(r) {
		http.Redirect(w, r, "/credentials?selected="+r.PathValue("id"), http.StatusSeeOther)
		return nil
	}
	t, err := s.oneTile(r)
	if err != nil {
		return err
	}
	t.Focus = focus
	return s.showTile(w, r, http.StatusOK, t)
}

func (s *server) testCredential(w http.ResponseWriter, r *http.Request) error {
	p, err := s.Service.TestCredential(r.Context(), auth.ActorOf(r.Context()), r.PathValue("id"))
	if p.Verdict == "" {
		return err // it could not even be tried
	}
	return s.tileAgain(w, r, "test")
}

// description is the description in a form, with the line ends that everything but forms uses.
func description(r *http.Request) string {
	return strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("description"), "\r\n", "\n"))
}

func checkDescription(text string) error {
	switch {
	case utf8.RuneCountInString(text) > maxDescription:
		return sallyport.FieldErrorf("description", "is longer than %d characters", maxDescription)
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return sallyport.FieldErrorf("description", "must be readable text")
	}
	return nil
}

// chooseConnector shows the connectors that want a credential.
func (s *server) chooseConnector(w http.ResponseWriter, r *http.Request) error {
	return s.showChoice(w, r, http.StatusOK, screen{})
}

func (s *server) showChoice(w http.ResponseWriter, r *http.Request, status int, over screen) error {
	choices, err := s.choices(func(d *connector.Definition) *choice {
		if d.Credential == nil {
			return nil
		}
		return &choice{Path: "/connectors/" + d.Connector + "/credentials/new", Overlay: true}
	})
	if err != nil {
		return err
	}
	f := s.frame(r, "Add Credential", "Credentials")
	s.show(w, r, status, choicePage(f, "Add Credential", "Which system does the key belong to?", choices, over))
	return nil
}

// choices are the connectors that make says a choice of.
func (s *server) choices(make func(d *connector.Definition) *choice) (all []choice, err error) {
	definitions, err := s.Service.Catalogue.Definitions()
	if err != nil {
		return nil, err
	}
	for _, d := range definitions {
		if c := make(d); c != nil {
			c.Definition = d
			all = append(all, *c)
		}
	}
	return all, nil
}

// definition finds the connector that a path names; it must want a credential.
func (s *server) definition(r *http.Request) (*connector.Definition, error) {
	id := r.PathValue("connector")
	d, err := s.Service.Catalogue.Definition(id)
	if err != nil {
		return nil, sallyport.Errorf(sallyport.NotFound, "there is no connector %s", sallyport.Quoted(id))
	}
	if d.Credential == nil {
		return nil, sallyport.Errorf(sallyport.NotFound, "%s needs no credential", d.Name)
	}
	return d, nil
}
