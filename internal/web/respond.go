package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/obs"
)

// handler answers a request, or fails: page makes an answer of that.
type handler func(w http.ResponseWriter, r *http.Request) error

// page is the one place where errors, and panics, become pages.
func (s *server) page(h handler) http.Handler {
	return s.recovered(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), maxTime)
		defer cancel()
		r = r.WithContext(ctx)
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}))
}

// recovered shows the page of an internal error where a handler panicked.
func (s *server) recovered(next http.Handler) http.Handler {
	return obs.Recovered(s.Log, next, func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, sallyport.Errorf(sallyport.Internal, "panic"))
	})
}

// statuses are the HTTP status of each code of an error.
var statuses = map[sallyport.Code]int{
	sallyport.Invalid: http.StatusUnprocessableEntity, sallyport.NotFound: http.StatusNotFound, sallyport.Conflict: http.StatusConflict,
	sallyport.Unauthenticated: http.StatusUnauthorized, sallyport.Forbidden: http.StatusForbidden, sallyport.Limited: http.StatusTooManyRequests,
	sallyport.Upstream: http.StatusBadGateway, sallyport.Internal: http.StatusInternalServerError,
}

// fail shows an error: its sentence, what to do next, and the id under which the log has more.
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := sallyport.CodeOf(err)
	status := statuses[code]
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err, code, status = sallyport.Errorf(sallyport.Invalid, "this is more than a form may hold"), sallyport.Invalid, http.StatusRequestEntityTooLarge
	}
	if _, ok := errors.AsType[malformedForm](err); ok {
		status = http.StatusBadRequest
	}
	view := errorView{Status: status, Sentence: sentence(err), Next: nextStep(err), Request: obs.RequestID(r.Context())}
	if code == sallyport.Internal {
		s.Log.ErrorContext(r.Context(), "a page failed", "request", view.Request, "path", r.URL.Path, "error", err)
	}
	if isPartial(r) {
		if status == http.StatusUnprocessableEntity { // it would be put in the place of the form
			status = http.StatusBadRequest
		}
		s.show(w, r, status, problemNotice(view))
		return
	}
	s.show(w, r, status, errorPage(s.frame(r, view.title(), ""), view))
}

// sentence is what a person is told of an error. What is not meant for people is not told.
func sentence(err error) string {
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Code != sallyport.Internal {
		return capital(e.Error())
	}
	return "Something went wrong inside Sallyport."
}

// advised is an error whose sentence is followed by advice of its own, or by none.
type advised struct {
	error
	next string
}

func (a advised) Unwrap() error { return a.error }

// nextStep is the advice that follows the sentence of an error.
func nextStep(err error) string {
	if a, ok := errors.AsType[advised](err); ok {
		return a.next
	}
	switch sallyport.CodeOf(err) {
	case sallyport.NotFound:
		return "It may have been deleted or renamed."
	case sallyport.Conflict:
		return "Reload the page to see the current state."
	case sallyport.Limited:
		return "Wait a little, then try again."
	case sallyport.Internal:
		return "Try again. If the error remains, look for the request number in the server's log."
	}
	return "Go back, fix the value, and try again."
}

// parseForm reads the form of a request, whichever way it is encoded. What cannot be read is a fault of the request, not of the program.
func parseForm(r *http.Request) error {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(maxBody)
	}
	if err == nil || errors.Is(err, http.ErrNotMultipart) {
		return nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return malformedForm{sallyport.Errorf(sallyport.Invalid, "the form could not be read: it is incomplete or not encoded as a form")}
}

// malformedForm is the error of a form that cannot be read.
type malformedForm struct{ error }

func (m malformedForm) Unwrap() error { return m.error }

// show renders a component, without keys. Pages are never kept by anyone: they show what is private.
func (s *server) show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	page, err := s.render(r.Context(), c)
	if err != nil {
		s.Log.ErrorContext(r.Context(), "a page could not be rendered", "request", obs.RequestID(r.Context()), "path", r.URL.Path, "error", err)
		http.Error(w, "Something went wrong inside Sallyport.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "HX-Request")
	w.WriteHeader(status)
	if _, err := w.Write(page); err != nil {
		s.Log.WarnContext(r.Context(), "a page was not written to its end", "path", r.URL.Path, "error", err)
	}
}

// render renders a page or a part of one. It is the one place where pages come from, and where keys are taken out of them.
func (s *server) render(ctx context.Context, c templ.Component) ([]byte, error) {
	var page bytes.Buffer
	if err := c.Render(ctx, &page); err != nil {
		return nil, err
	}
	return redactHTML(s.Service.Shown(), page.Bytes()), nil
}

// done leads to a page after something was done, with a sentence about it.
func (s *server) done(w http.ResponseWriter, r *http.Request, path, notice string) error {
	s.Auth.Notify(r.Context(), notice)
	return s.lead(w, r, path)
}

// lead leads to a page: htmx puts its main part in place of the present one.
func (s *server) lead(w http.ResponseWriter, r *http.Request, path string) error {
	if !isPartial(r) {
		http.Redirect(w, r, path, http.StatusSeeOther)
		return nil
	}
	return s.leadInto(w, path, "#main")
}

// leadInto lets htmx put a part of a page in the place of the one that is there, and close an overlay that is not in that part.
func (s *server) leadInto(w http.ResponseWriter, path, part string) error {
	location, err := json.Marshal(map[string]string{"path": path, "target": part, "select": part, "swap": "outerHTML"})
	if err != nil {
		return err
	}
	w.Header().Set("HX-Location", string(location))
	if part != "#main" {
		w.Header().Set("HX-Trigger", "closeOverlay")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// isPartial tells whether htmx asks, and will put the answer into the page that is there.
func isPartial(r *http.Request) bool { return r.Header.Get("HX-Request") == "true" }

// isFragment tells whether htmx asks for less than the main part of a page.
func isFragment(r *http.Request) bool { return isPartial(r) && r.Header.Get("HX-Target") != "main" }

// signedIn lets only those in who are; others sign in, and are led back.
func (s *server) signedIn(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if _, ok := auth.UserOf(r.Context()); ok {
			if err := s.Service.LearnKeys(r.Context()); err != nil { // what is shown could hold any of them
				return err
			}
			return h(w, r)
		}
		path := "/sign-in?next=" + url.QueryEscape(s.origin(r))
		if hadSession(r) {
			path += "&ended=1"
		}
		if isPartial(r) {
			w.Header().Set("HX-Redirect", path)
			w.WriteHeader(http.StatusUnauthorized)
			return nil
		}
		http.Redirect(w, r, path, http.StatusSeeOther)
		return nil
	}
}

// hadSession tells whether somebody was signed in where a request comes from.
func hadSession(r *http.Request) bool {
	return slices.ContainsFunc(r.Cookies(), func(c *http.Cookie) bool { return strings.HasSuffix(c.Name, "sallyport_session") })
}

// origin is the page that the browser is on, or was going to. The page that a form is on has the path that the form is posted to, if there
// is a page there at all.
func (s *server) origin(r *http.Request) string {
	if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path != "" {
		return local(u.RequestURI())
	}
	if r.Method == http.MethodGet {
		return local(r.URL.RequestURI())
	}
	_, pattern := s.routes.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host})
	if pattern == "/" {
		return "/"
	}
	return local(r.URL.Path)
}

// local returns a path of this site as it is, and "/" instead of anything that leads elsewhere.
func local(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsAny(path, "\\\t\r\n") {
		return "/"
	}
	return path
}

// crossSite answers a form that another site sent.
func crossSite(http.ResponseWriter, *http.Request) error {
	return advised{sallyport.Errorf(sallyport.Forbidden, "the form came from another site, so nothing was done"), "Open Sallyport directly, and try again there."}
}

func (s *server) missing(_ http.ResponseWriter, r *http.Request) error {
	return sallyport.Errorf(sallyport.NotFound, "there is no page %s", sallyport.QuotedPath(r.URL.Path))
}

// secured tells the browser to load nothing from elsewhere, to run nothing that is written in a page, and to tell nobody where it was.
func (s *server) secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// frame is what every page has around it.
func (s *server) frame(r *http.Request, title, section string) frame {
	u, _ := auth.UserOf(r.Context())
	f := frame{Title: title, Section: section, User: u.Name, Partial: isPartial(r) && !isFragment(r), Safer: safer(r), asset: s.assets.url}
	if u.ID != "" && !isFragment(r) {
		f.Notice = s.Auth.TakeNotice(r.Context())
	}
	return f
}

// safer is the page that a browser is on, at the name of its own that Sallyport has on this machine. Browsers give the cookies of localhost and
// 127.0.0.1 to the programs at all its ports.
func safer(r *http.Request) string {
	name, port, err := net.SplitHostPort(r.Host)
	ip, notIP := netip.ParseAddr(name)
	if err != nil || !strings.EqualFold(name, "localhost") && (notIP != nil || !ip.Unmap().IsLoopback()) {
		return ""
	}
	path := "/"
	if r.Method == http.MethodGet && !isFragment(r) { // others are no pages to open
		path = r.URL.RequestURI()
	}
	return "http://" + net.JoinHostPort("sallyport.localhost", port) + path
}
