package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
)

// tokensView is the part of the settings that is about tokens.
type tokensView struct {
	All  []sallyport.Token
	Made string // the name of a token that was just made; "": none was
	Text string // the token itself: it is in this one answer, and kept nowhere
	Form tokenForm
}

// tokenForm is a token that is to be made, as it was filled in.
type tokenForm struct {
	Name     string
	Scopes   []sallyport.Scope
	Lifetime string
	Errors   map[string]string // by the names of the inputs
}

// lifetimes are how long a token may be good for, in the words of the form. 0: for ever.
var lifetimes = []struct {
	Words string
	Of    time.Duration
}{{"never", 0}, {"in 30 days", 30 * 24 * time.Hour}, {"in 90 days", 90 * 24 * time.Hour}, {"in a year", 365 * 24 * time.Hour}}

func newTokenForm() tokenForm {
	return tokenForm{Scopes: []sallyport.Scope{sallyport.ScopeRead}, Lifetime: lifetimes[2].Words, Errors: map[string]string{}}
}

func lifetimeWords() (all []string) {
	for _, l := range lifetimes {
		all = append(all, l.Words)
	}
	return all
}

func (s *server) showSettings(w http.ResponseWriter, r *http.Request) error {
	return s.showTokens(w, r, http.StatusOK, tokensView{Form: newTokenForm()}, screen{})
}

// showTokens shows the settings or, where htmx asks after a form, their part about tokens alone.
func (s *server) showTokens(w http.ResponseWriter, r *http.Request, status int, v tokensView, over screen) (err error) {
	if v.All, err = s.Tokens.List(r.Context()); err != nil {
		return err
	}
	if isFragment(r) {
		s.show(w, r, status, tokensSection(v))
	} else {
		s.show(w, r, status, settingsPage(s.frame(r, "Settings", "Settings"), s.Version, s.Data, v, over))
	}
	return nil
}

// createToken makes a token, and shows it in this one answer.
func (s *server) createToken(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v := tokensView{Form: tokenForm{Name: strings.TrimSpace(r.PostForm.Get("name")), Lifetime: r.PostForm.Get("lifetime"), Errors: map[string]string{}}}
	for _, scope := range r.PostForm["scopes"] {
		v.Form.Scopes = append(v.Form.Scopes, sallyport.Scope(scope))
	}
	expires := v.Form.check()
	if len(v.Form.Errors) > 0 {
		return s.showTokens(w, r, http.StatusUnprocessableEntity, v, screen{})
	}
	token, text, err := s.Tokens.Create(r.Context(), auth.ActorOf(r.Context()), v.Form.Name, v.Form.Scopes, expires)
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Field != "" {
		v.Form.note(err)
		return s.showTokens(w, r, http.StatusUnprocessableEntity, v, screen{})
	}
	if err != nil {
		return err
	}
	return s.showTokens(w, r, http.StatusOK, tokensView{Made: token.Name, Text: text, Form: newTokenForm()}, screen{})
}

// check notes all that is wrong with a form at its fields, and returns when the token is to expire.
func (f *tokenForm) check() (expires time.Time) {
	f.note(sallyport.CheckName("name", f.Name))
	_, err := sallyport.CheckScopes(f.Scopes)
	f.note(err)
	i := slices.Index(lifetimeWords(), f.Lifetime)
	if i < 0 {
		f.note(sallyport.Unknown("lifetime", "choice", f.Lifetime, lifetimeWords()))
		return expires
	}
	if of := lifetimes[i].Of; of > 0 {
		expires = time.Now().Add(of)
	}
	return expires
}

func (f *tokenForm) note(err error) {
	if e, ok := errors.AsType[*sallyport.Error](err); ok {
		f.Errors[e.Field] = fieldSentence(e)
	}
}

// lastUse tells whether something would miss a token.
func lastUse(t sallyport.Token) string {
	if t.LastUsedAt.IsZero() {
		return "It was never used."
	}
	return "It was last used " + ago(t.LastUsedAt) + "."
}

func revokePath(t sallyport.Token) string { return "/settings/tokens/" + string(t.ID) + "/revoke" }

func (s *server) showRevoke(w http.ResponseWriter, r *http.Request) error {
	token, err := s.Tokens.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if isFragment(r) {
		s.show(w, r, http.StatusOK, revokeOverlay(token))
		return nil
	}
	return s.showTokens(w, r, http.StatusOK, tokensView{Form: newTokenForm()}, screen{revokeOverlay(token)})
}

func (s *server) revokeToken(w http.ResponseWriter, r *http.Request) error {
	token, err := s.Tokens.Find(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.Tokens.Revoke(r.Context(), auth.ActorOf(r.Context()), string(token.ID)); err != nil {
		return err
	}
	return s.done(w, r, "/settings", fmt.Sprintf("The token %q is revoked.", token.Name))
}
