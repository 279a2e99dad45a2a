package web_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestSavedUnchanged opens flows in the wizard, saves every step as its page shows it, and finds the same flow files, byte for byte: of every
// endpoint and destination of the catalogue with values of every kind, and with none; of requests of every kind; of every schedule.
func TestSavedUnchanged(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Pulsedive team", "For feeds")
	s.scripting()
	s.addFlow("other", "Pulsedive team")
	n := 0
	for _, spec := range slices.Concat(s.endpointSpecs(), s.destinationSpecs(), requestSpecs(), scheduleSpecs()) {
		n++
		spec.Flow = fmt.Sprintf("flow %d", n)
		t.Run(fmt.Sprintf("%d %s%s", n, spec.Source.Connector, spec.Source.Endpoint), func(t *testing.T) {
			f, err := s.app.Service.CreateFlow(t.Context(), actor, spec)
			if err != nil {
				t.Fatalf("%+v: %v", spec, err)
			}
			before := s.exported(t, f.Name)
			c.saveUnchanged(f)
			if diff := gocmp.Diff(before, s.exported(t, f.Name)); diff != "" {
				t.Errorf("saving it unchanged changes it (-before +after):\n%s", diff)
			}
		})
	}
	if n < 50 {
		t.Errorf("only %d flows were saved", n)
	}
}

func (s *site) exported(t *testing.T, name string) string {
	file, err := s.app.Service.ExportFlow(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

// saveUnchanged goes through all steps of the wizard as a browser does, and saves what they show.
func (c *client) saveUnchanged(f sallyport.Flow) {
	c.Helper()
	draft := strings.TrimSuffix(c.post("/flows/"+string(f.ID)+"/change", nil).want(http.StatusSeeOther).Header.Get("Location"), "/review")
	save := func(page, action string, button ...string) {
		c.Helper()
		location := c.post(draft+action, c.get(draft+page).want(http.StatusOK).filledIn(action, button...)).want(http.StatusSeeOther).Header.Get("Location")
		if parts := strings.Split(location, "/"); len(parts) > 2 && parts[1] == "drafts" {
			draft = "/drafts/" + parts[2]
		}
	}
	save("/authenticate", "/authenticate", "go", "on")
	save("/configure", "/configure", "go", "on")
	for i := range f.Destinations {
		save(fmt.Sprintf("/destinations?edit=%d", i), "/destinations")
	}
	save("/schedule", "/schedule", "go", "on")
	save("/review", "/review", "go", "keep")
}

// endpointSpecs are flows of every endpoint of every connector: with each of what goes instead of each other, with and without what is optional.
func (s *site) endpointSpecs() (all []service.FlowSpec) {
	for _, d := range s.definitions() {
		if len(d.Endpoints) == 0 {
			continue
		}
		credential := s.credentialOf(d)
		for _, e := range d.Endpoints {
			emit := ""
			if tracking, err := d.Tracking(sallyport.Source{Endpoint: e.ID}); err == nil && len(tracking.Key) > 0 {
				emit = sallyport.EmitAll
			}
			for _, left := range alternatives(e.OneOf) {
				all = append(all,
					service.FlowSpec{Source: service.SourceSpec{Connector: d.Connector, Credential: credential, Endpoint: e.ID, Params: s.values(e.Params, left, false)}},
					service.FlowSpec{Description: "\n  with\r\nlines \n", Source: service.SourceSpec{Connector: d.Connector, Credential: credential, Endpoint: e.ID, Params: s.values(e.Params, left, true), Emit: emit, Raw: e.Schema != ""}})
			}
		}
	}
	return all
}

// credentialOf is the name of a credential of a connector, which is stored if it is not yet.
func (s *site) credentialOf(d *connector.Definition) string {
	s.Helper()
	if d.Connector == "pulsedive" {
		return "Pulsedive team"
	}
	secrets := map[string]secret.Text{}
	for _, f := range d.SecretFields() {
		secrets[f.Name] = secret.New("a-key-of-" + d.Connector + "-0123456789")
	}
	_, err := s.app.Service.CreateCredential(s.Context(), actor, service.CredentialDraft{Name: "of " + d.Connector, Connector: d.Connector, Secrets: secrets}, service.WithoutTesting)
	if err != nil {
		s.Fatal(err)
	}
	return "of " + d.Connector
}

func (s *site) definitions() []*connector.Definition {
	all, err := s.app.Service.Catalogue.Definitions()
	if err != nil {
		s.Fatal(err)
	}
	return all
}

// alternatives are the sets of parameters to leave out, so that one of every group stays.
func alternatives(groups [][]string) [][]string {
	all := [][]string{nil}
	for _, group := range groups {
		var next [][]string
		for _, stays := range group {
			for _, left := range all {
				next = append(next, slices.Concat(left, slices.DeleteFunc(slices.Clone(group), func(name string) bool { return name == stays })))
			}
		}
		all = next
	}
	return all
}

// values are values for fields that are not their defaults; of what is optional only if it is asked for.
func (s *site) values(fields []connector.Field, left []string, optional bool) service.Values {
	values := service.Values{}
	for _, f := range fields {
		if !slices.Contains(left, f.Name) && (optional || f.Required || left != nil && f.Default == nil && !f.Advanced) {
			values[f.Name] = s.value(f)
		}
	}
	return values
}

// value is one that a form might change: lists in an order of their own, the last choice of a menu, the other boolean.
func (s *site) value(f connector.Field) any {
	switch {
	case f.Type == connector.TypeList && len(f.Values) > 0:
		return []any{f.Values[len(f.Values)-1], f.Values[0]}
	case f.Type == connector.TypeList && f.Pattern == "" && f.Format == "":
		return []any{"with, comma", " spaces ", "plain"}
	case f.Type == connector.TypeList:
		some := connector.Texts(cmp.Or(f.Example, f.Default, any([]string{"aa--1", "bb--2"})))
		return []any{some[len(some)-1], some[0]}
	case f.Type == connector.TypeBoolean:
		return f.Default != true
	case f.Type == connector.TypePath:
		s.made++
		return filepath.Join(s.dir, "files", fmt.Sprintf("%d %s", s.made, f.Name))
	case f.Name == connector.ParamDataset || f.Name == connector.ParamFlow:
		return "other"
	case f.Name == connector.SettingAnswers:
		return "<b>its own</b> & \"flow\""
	case f.Name == connector.ParamDestination:
		return "lines"
	case f.Name == connector.ParamEvery || f.Name == connector.ParamDeadline || f.Name == connector.ParamMaxAge || f.Name == connector.SettingAgainAfter:
		return "36h"
	case len(f.Values) > 0 && f.Type == connector.TypeInteger:
		return json.Number(f.Values[len(f.Values)-1])
	case len(f.Values) > 0:
		return f.Values[len(f.Values)-1]
	case f.Type == connector.TypeInteger:
		return json.Number("7")
	case f.Pattern != "" && f.Example != nil:
		return fmt.Sprint(f.Example)
	case f.Pattern != "":
		return "week"
	case f.Format != "":
		return fmt.Sprint(f.Example)
	}
	return " <b>\"of\"</b> its own & "
}

// destinationSpecs are flows to every destination, with and without what is optional.
func (s *site) destinationSpecs() (all []service.FlowSpec) {
	for _, d := range s.definitions() {
		if d.Destination == nil {
			continue
		}
		credential := ""
		if d.Credential != nil {
			credential = "Pulsedive team"
		}
		spec := service.FlowSpec{Source: feed}
		for _, optional := range []bool{false, true} {
			spec.Destinations = append(spec.Destinations, service.DestinationSpec{
				Name: fmt.Sprintf("%s %v", d.Connector, optional), Connector: d.Connector, Credential: credential, Config: s.values(d.Destination.Fields, nil, optional),
			})
		}
		all = append(all, spec)
	}
	return all
}

var feed = service.SourceSpec{Connector: "pulsedive", Credential: "Pulsedive team", Endpoint: "feed.indicators", Params: service.Values{"fid": json.Number("1")}}

// requestSpecs are flows of requests that are described by hand.
func requestSpecs() (all []service.FlowSpec) {
	start := int64(0)
	for _, q := range []sallyport.Request{
		{URL: "/x"},
		{Method: "GET", URL: "/x", Format: "json", Records: "$.results[*]", Paging: sallyport.Paging{Type: "single"}},
		{Method: "POST", URL: "/a b/%41", Body: "\n{\"a\": 1}\r\n  \n\t", Headers: map[string]string{"Accept": "a:b=c", "X-Empty": "", "X-Spaces": "  two  "},
			Query: map[string]sallyport.Texts{"q": {"a=b&c"}, "a=b": {"c"}, "lines": {"one\ntwo\r\n"}, " ": {" "}, "empty": {""}, "pony": {"2", "1", "2"}, "quoted": {`"as it is"`}}},
		{URL: "/x", Records: "$[*][*]", Names: []string{"group"}, With: map[string]string{"of": " it = that ", "x": ""}, Key: []string{"of", "a, b", " c "}, Paging: sallyport.Paging{Type: "page", Query: "p", Start: &start, Size: 50}},
		{URL: "/x", Records: "$.a[*]", Fail: []sallyport.FailRule{{Path: "$.ok", Equals: "false", Class: "rate", Message: "$['e']['a.b']"}, {Path: "$.x"}, {Path: "$.y", Equals: " a: \"b\"\r\n#, é", Class: "empty"}, {Path: "$.y", Equals: "null"}}},
		{URL: "/x", Format: "csv", Columns: []string{"id", "a, b"}, Key: []string{"id"}},
		{URL: "/x", Paging: sallyport.Paging{Type: "offset", Query: "from", Size: 1}},
		{URL: "/x", Paging: sallyport.Paging{Type: "next_value", Query: "p", Header: "X-Next-Page", More: "$.more", Total: "$.n", Pages: "$.m.pages", Until: sallyport.Until{Path: "$.s", Equals: "done"}}},
		{URL: "/x", Paging: sallyport.Paging{Type: "next_value", Query: "after", Last: "$.id", Size: 100}},
		{URL: "/x", Paging: sallyport.Paging{Type: "next_value", Query: "after", Value: "$.next"}, Records: "$.results[*]"},
		{URL: "/x", Paging: sallyport.Paging{Type: "next_url", Value: "$.next"}, Records: "$.results[*]"},
		{URL: "/x", Paging: sallyport.Paging{Type: "link_header"}, Records: "$[*]"},
		{URL: "/x", Query: map[string]sallyport.Texts{"from": {"{since}"}, "to": {"{until}"}}, Key: []string{"id"},
			Since: sallyport.Since{Field: "meta.at", Start: "now-1w", Overlap: sallyport.Duration(90 * time.Minute), Step: sallyport.Duration(48 * time.Hour), Format: "%Y-%m-%d %H:%M"}},
		{URL: "/x/{now-5d}"},
		{URL: "/x", Format: "taxii", Paging: sallyport.Paging{Type: "taxii"}, Records: "$.objects[*]", Key: []string{"id"}},
	} {
		spec := service.FlowSpec{Source: service.SourceSpec{Connector: "rest", Credential: "hostile", Request: &q}}
		if len(q.Key) > 0 {
			spec.Source.Emit = sallyport.EmitChanges
		}
		all = append(all, spec)
	}
	return all
}

// scheduleSpecs are flows with every kind of schedule.
func scheduleSpecs() (all []service.FlowSpec) {
	for _, schedule := range []string{`{"every":"90s"}`, `{"every":"8h"}`, `{"every":"14d"}`, `{"cron":"0 */8 * * *"}`, `{"cron":"5 4 * * 1-5","zone":"Europe/Vienna"}`} {
		source := feed
		source.Schedule = new(sallyport.Schedule)
		if err := json.Unmarshal([]byte(schedule), source.Schedule); err != nil {
			panic(err)
		}
		all = append(all, service.FlowSpec{Source: source})
	}
	return all
}
