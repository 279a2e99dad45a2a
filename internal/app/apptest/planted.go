package apptest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// The key that [Plant] plants, and a part of it that no escape changes.
const (
	PlantedKey  = "gs+abcdefghijk0123=="
	PlantedPart = "abcdefghijk0123"
)

// Planted is where a key was planted.
type Planted struct {
	Flow       sallyport.Flow
	Run        int64
	Credential sallyport.ID
	Token      sallyport.ID
}

var planter = sallyport.Actor{Kind: "cli", Name: "planter"}

// Plant stores a key in the clear wherever something is stored: records and their field names, quarantine, errors, names, paths, requests and
// the audit log. Only then does it store the key as that of a credential, as if all else came from a version that redacted less.
func Plant(t testing.TB, a *app.App) (p Planted) {
	t.Helper()
	api := Reachable(t, httptest.NewServer(http.HandlerFunc(plantedAPI)))
	defer api.Close()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	key := PlantedKey
	of := service.CredentialDraft{
		Name: "of " + key, Description: "described as " + key, Connector: "rest",
		Public: map[string]string{"address": api.URL, "auth": "query", "name": "key"}, Secrets: map[string]secret.Text{"value": secret.New("another-key-0123456789")},
	}
	_, err := a.Service.CreateCredential(t.Context(), planter, of, service.WithoutTesting)
	must(err)
	spec := service.FlowSpec{
		Flow: "flow " + key, Description: "for " + key,
		Source: service.SourceSpec{Connector: "rest", Credential: of.Name, Request: &sallyport.Request{
			URL: "/list", Query: map[string]sallyport.Texts{"q": {key}}, Headers: map[string]string{"X-Note": key}, Records: "$.list[*]",
			Paging: sallyport.Paging{Type: "next_value", Value: "$.next", Query: "after"},
		}, Schedule: &sallyport.Schedule{Cron: "0 0 1 1 *"}},
		Destinations: []service.DestinationSpec{
			{Name: "to " + key, Connector: "file", Config: service.Values{"path": filepath.Join(t.TempDir(), key+".csv"), "format": "csv"}},
		},
	}
	p.Flow, err = a.Service.CreateFlow(t.Context(), planter, spec)
	must(err)
	run, _, err := a.Service.StartRun(t.Context(), planter, spec.Flow)
	must(err)
	run, err = a.Service.Follow(t.Context(), run.ID, time.Millisecond, func(service.Progress) {})
	must(err)
	if p.Run = run.ID; run.Records != 2 || run.Error == "" {
		t.Fatalf("%d records, error %q", run.Records, run.Error)
	}
	token, _, err := a.Tokens.Create(t.Context(), planter, "token "+key, sallyport.Scopes, time.Time{})
	must(err)
	p.Token = token.ID
	of.Name, of.Description, of.Secrets = "holder", "", map[string]secret.Text{"value": secret.New(key)}
	holder, err := a.Service.CreateCredential(t.Context(), planter, of, service.WithoutTesting)
	must(err)
	p.Credential = holder.ID
	return p
}

// plantedAPI repeats the key in records, as it is and escaped, in what is no record, and in an error.
func plantedAPI(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("after") != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error": "no more for %s"}`, PlantedKey)
		return
	}
	escaped := `gs\u002babcdefghijk0123\u003d\u003d`
	twice, _ := json.Marshal(escaped) // text always has a JSON form
	fmt.Fprintf(w, `{"list": [{"id": 1, "text": "your key %s", %[1]q: 1, "in": {"%s": ["%[2]s"]}}, {"id": 2, "escaped": %s}, "value %[1]s"], "next": "2"}`,
		PlantedKey, escaped, twice)
}
