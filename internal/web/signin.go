package web

import (
	"errors"
	"net/http"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
)

// signInForm is the form of signing in and of setting up, as it was filled in.
type signInForm struct {
	Action  string
	Next    string
	Name    string
	SetUp   bool
	Minimum int
	Ended   bool              // somebody was signed in, and is not any more
	Errors  map[string]string // by field; "" is about the form as a whole
}

func (s *server) showSetUp(w http.ResponseWriter, r *http.Request) error {
	if err := s.Auth.CheckSetUp(r.Context(), r.PathValue("token")); err != nil {
		return s.spent(err)
	}
	s.show(w, r, http.StatusOK, signInPage(s.frame(r, "Set up", ""), setUpForm(r)))
	return nil
}

func setUpForm(r *http.Request) signInForm {
	return signInForm{Action: r.URL.Path, SetUp: true, Minimum: auth.MinPassword, Errors: map[string]string{}}
}

// spent says what to do where a set-up link is worth nothing.
func (s *server) spent(err error) error {
	if sallyport.CodeOf(err) != sallyport.NotFound {
		return err
	}
	return advised{sallyport.Errorf(sallyport.NotFound, "this setup link has expired or was already used"), "Sign in, or restart `sallyport serve` to get a new link."}
}

func (s *server) setUp(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	form := setUpForm(r)
	form.Name = r.PostForm.Get("name")
	password := r.PostForm.Get("password")
	if password != r.PostForm.Get("repeat") {
		form.Errors["repeat"] = "The two passwords differ. Type both again."
		s.show(w, r, http.StatusUnprocessableEntity, signInPage(s.frame(r, "Set up", ""), form))
		return nil
	}
	err := s.Auth.SetUp(r.Context(), r.PathValue("token"), form.Name, password, auth.Address(r))
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Field != "" {
		form.Errors[e.Field] = capital(fieldLabel(e.Field) + " " + e.Message + ".")
		s.show(w, r, http.StatusUnprocessableEntity, signInPage(s.frame(r, "Set up", ""), form))
		return nil
	}
	if err != nil {
		return s.spent(err)
	}
	s.remember(w, r, form.Name)
	return s.done(w, r, "/credentials", "Welcome! Start by adding a credential for the account you want to pull data from.")
}

func fieldLabel(field string) string {
	return map[string]string{"name": "the name", "password": "the password"}[field]
}

func (s *server) showSignIn(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if _, ok := auth.UserOf(r.Context()); ok {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	form := signInForm{Action: "/sign-in", Next: next, Ended: r.URL.Query().Has("ended"), Errors: map[string]string{}}
	s.show(w, r, http.StatusOK, signInPage(s.frame(r, "Sign in", ""), form))
	return nil
}

func (s *server) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	form := signInForm{Action: "/sign-in", Name: r.PostForm.Get("name"), Next: local(r.PostForm.Get("next")), Errors: map[string]string{}}
	err := s.Auth.SignIn(r.Context(), form.Name, r.PostForm.Get("password"), auth.Address(r))
	switch code := sallyport.CodeOf(err); code {
	case "":
		s.remember(w, r, form.Name)
		http.Redirect(w, r, form.Next, http.StatusSeeOther)
		return nil
	case sallyport.Unauthenticated, sallyport.Limited:
		form.Errors[""] = sentence(err) + "."
		s.show(w, r, statuses[code], signInPage(s.frame(r, "Sign in", ""), form))
		return nil
	}
	return err
}

// remember makes the browser known to the limit of attempts. Signing in does not depend on it.
func (s *server) remember(w http.ResponseWriter, r *http.Request, name string) {
	if err := s.Auth.RememberDevice(r.Context(), w, name); err != nil {
		s.Log.WarnContext(r.Context(), "a device is not remembered", "error", err)
	}
}

func (s *server) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := s.Auth.SignOut(r.Context(), auth.Address(r)); err != nil {
		return err
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
	return nil
}

func (s *server) home(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, "/flows", http.StatusSeeOther)
	return nil
}
