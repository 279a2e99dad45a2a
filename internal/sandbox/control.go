package sandbox

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// controls is where the sandbox itself is told what to do. Nothing there is in the journal, counts against a limit or can fail on demand.
const controls = "/_"

func (s *Sandbox) addControls(mux *http.ServeMux) {
	mux.HandleFunc(controls+"fault", s.controlFaults)
	mux.HandleFunc(controls+"journal", s.controlJournal)
	mux.HandleFunc(controls+"oddities", s.controlOddities)
	mux.HandleFunc("POST "+controls+"advance", func(w http.ResponseWriter, _ *http.Request) { writeControl(w, s.Advance(), nil) })
}

// controlFaults adds a fault if there are parameters, or clears all of them with DELETE. It answers with those to come.
func (s *Sandbox) controlFaults(w http.ResponseWriter, r *http.Request) {
	form, err := readControl(w, r)
	if err == nil && r.Method == http.MethodDelete {
		s.ClearFaults()
	}
	if err == nil && r.Method != http.MethodDelete && len(form) > 0 {
		var f Fault
		if f, err = readFault(form); err == nil {
			err = s.Fault(f)
		}
	}
	views := []faultView{}
	for _, f := range s.faults.all() {
		views = append(views, f.view())
	}
	writeControl(w, views, err)
}

// faultView is a fault as it is shown, by the names of its parameters.
type faultView struct {
	Kind     string `json:"kind"`
	Status   int    `json:"status,omitempty"`
	Sentence string `json:"sentence,omitempty"`
	Times    int    `json:"times,omitempty"`
	After    int    `json:"after,omitempty"`
	Match    string `json:"match,omitempty"`
	Window   string `json:"window,omitempty"`
	Headers  int    `json:"headers"`
	Delay    string `json:"delay,omitempty"`
	Location string `json:"location,omitempty"`
}

func (f Fault) view() faultView {
	v := faultView{Kind: f.Kind, Status: f.Status, Sentence: f.Sentence, Times: f.Times, After: f.After, Match: f.Match, Window: f.Window,
		Headers: 1, Location: f.Location}
	if f.Bare {
		v.Headers = 0
	}
	if f.Delay > 0 {
		v.Delay = f.Delay.String()
	}
	return v
}

// faultParameters say what the parameters of a fault mean.
var faultParameters = map[string]func(f *Fault, value string) error{
	"kind":     func(f *Fault, v string) error { f.Kind = v; return nil },
	"status":   func(f *Fault, v string) (err error) { f.Status, err = strconv.Atoi(v); return err },
	"sentence": func(f *Fault, v string) error { f.Sentence = v; return nil },
	"times":    func(f *Fault, v string) (err error) { f.Times, err = strconv.Atoi(v); return err },
	"after":    func(f *Fault, v string) (err error) { f.After, err = strconv.Atoi(v); return err },
	"match":    func(f *Fault, v string) error { f.Match = v; return nil },
	"window":   func(f *Fault, v string) error { f.Window = v; return nil },
	"headers":  func(f *Fault, v string) error { f.Bare = v == "0"; return nil },
	"delay":    func(f *Fault, v string) (err error) { f.Delay, err = time.ParseDuration(v); return err },
	"location": func(f *Fault, v string) error { f.Location = v; return nil },
}

func readFault(form url.Values) (f Fault, err error) {
	for name := range form {
		set, ok := faultParameters[name]
		if !ok {
			return f, sallyport.Unknown(name, "parameter", name, sortedNames(faultParameters))
		}
		if set(&f, form.Get(name)) != nil {
			return f, sallyport.FieldErrorf(name, "%s cannot be read from %q", name, form.Get(name))
		}
	}
	return f, nil
}

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// controlJournal answers with the journal, or empties it with DELETE.
func (s *Sandbox) controlJournal(w http.ResponseWriter, r *http.Request) {
	_, err := readControl(w, r)
	if err == nil && r.Method == http.MethodDelete {
		s.ClearJournal()
	}
	writeControl(w, s.journal.view(), err)
}

// controlOddities sets the oddities if the parameter names is there, or ends all of them with DELETE. It answers with those that are on.
func (s *Sandbox) controlOddities(w http.ResponseWriter, r *http.Request) {
	form, err := readControl(w, r)
	if err == nil && (r.Method == http.MethodDelete || form.Has("names")) {
		err = s.SetOddities(strings.FieldsFunc(form.Get("names"), func(r rune) bool { return r == ',' })...)
	}
	writeControl(w, oddity(s.odd.Load()).names(), err)
}

// readControl returns the parameters, from the address or the body.
func readControl(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if err := r.ParseForm(); err != nil {
		return nil, sallyport.Errorf(sallyport.Invalid, "the parameters cannot be read: %w", err)
	}
	return r.Form, nil
}

// writeControl answers with JSON for people, or with the error.
func writeControl(w http.ResponseWriter, v any, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		v = map[string]string{"error": err.Error()}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		slog.Debug("an answer of the sandbox's controls did not arrive", "error", err)
	}
}
