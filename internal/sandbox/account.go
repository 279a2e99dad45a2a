package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

//go:embed assets
var assets embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"iso":   func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"human": func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") },
}).ParseFS(assets, "assets/*.html"))

// maxName bounds the name of a key, in characters.
const maxName = 100

// accountPage is what the template of the account page shows.
type accountPage struct {
	Plan       string
	Limits     []limitView
	Pages      int // 0 means all
	Explore    int
	CSV, TAXII bool
	Soft       bool
	Keys       []keyView
	Key        string // a new key, shown this once
	Form       keyForm
}

// keyForm is the form for a new key, as it was filled in.
type keyForm struct {
	Name       string
	Read, Scan bool
	Error      string // what is wrong with it, for the person
}

type limitView struct {
	Period          string
	Max, Used, Left int
}

type keyView struct {
	ID, Name, Start, Scopes string
	Created, Used           time.Time // Used may be zero
}

type feedView struct {
	ID, Count      int
	Name, Category string
}

func (s *Sandbox) addPages(mux *http.ServeMux) {
	guard := http.NewCrossOriginProtection()
	mux.HandleFunc("GET /{$}", s.showHome)
	mux.HandleFunc("GET /account", s.showAccount)
	mux.Handle("POST /account/keys", guard.Handler(http.HandlerFunc(s.createKey)))
	mux.Handle("POST /account/keys/{id}/revoke", guard.Handler(http.HandlerFunc(s.revokeKey)))
	for _, file := range []string{"style.css", "icon.svg"} {
		mux.HandleFunc("GET /"+file, func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "assets/"+file) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { render(w, http.StatusNotFound, "missing.html", nil) })
}

func (s *Sandbox) showHome(w http.ResponseWriter, _ *http.Request) {
	var feeds []feedView
	for _, f := range s.world.Load().feeds {
		feeds = append(feeds, feedView{f.id, f.count, f.name, f.category})
	}
	render(w, http.StatusOK, "home.html", feeds)
}

// showAccount shows a key that was just created, and only to a GET: after that it is gone.
func (s *Sandbox) showAccount(w http.ResponseWriter, r *http.Request) {
	page := s.accountPage()
	if r.Method == http.MethodGet {
		page.Key = s.keys.show(r.URL.Query().Get("created"))
	}
	render(w, http.StatusOK, "account.html", page)
}

func (s *Sandbox) accountPage() accountPage {
	page := accountPage{Plan: s.plan.name, Pages: s.plan.pages, Explore: s.plan.explore, CSV: s.plan.csv, TAXII: s.plan.taxii, Soft: s.plan.soft,
		Form: keyForm{Read: true}}
	for _, w := range s.account.look(s.now()) {
		page.Limits = append(page.Limits, limitView{w.period, w.max, w.used, w.left()})
	}
	slices.Reverse(page.Limits)
	for _, k := range s.keys.list() {
		page.Keys = append(page.Keys, keyView{k.id, k.name, k.start, strings.Join(k.scopes, ", "), k.created, k.used})
	}
	return page
}

// createKey adds the key and sends the browser to the page that shows it. The key itself is in no address.
func (s *Sandbox) createKey(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form cannot be read.", http.StatusBadRequest)
		return
	}
	form := readKeyForm(r)
	id, created := "", false
	if form.Error == "" {
		if id, created = s.keys.createToShow(form.Name, form.scopes(), s.now()); !created {
			form.Error = "This account has as many keys as it may have. Revoke one first."
		}
	}
	if !created {
		page := s.accountPage()
		page.Form = form
		render(w, http.StatusUnprocessableEntity, "account.html", page)
		return
	}
	http.Redirect(w, r, "/account?created="+id, http.StatusSeeOther)
}

func readKeyForm(r *http.Request) keyForm {
	scopes := r.PostForm["scope"]
	form := keyForm{
		Name: strings.TrimSpace(r.PostForm.Get("name")),
		Read: slices.Contains(scopes, scopeRead), Scan: slices.Contains(scopes, scopeScan),
	}
	switch {
	case form.Name == "":
		form.Error = "Give the key a name."
	case utf8.RuneCountInString(form.Name) > maxName:
		form.Error = "The name is too long."
	case len(form.scopes()) == 0:
		form.Error = "Choose what the key may do."
	}
	return form
}

func (f keyForm) scopes() []string {
	var scopes []string
	if f.Read {
		scopes = append(scopes, scopeRead)
	}
	if f.Scan {
		scopes = append(scopes, scopeScan)
	}
	return scopes
}

func (s *Sandbox) revokeKey(w http.ResponseWriter, r *http.Request) {
	s.keys.revoke(r.PathValue("id"))
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

// render answers with a page that may load nothing from elsewhere and is not kept by the browser.
func render(w http.ResponseWriter, status int, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		slog.Error("render a page of the sandbox", "page", name, "error", err)
		http.Error(w, "The page cannot be shown.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(page.Bytes()) // whoever asked is gone
}
