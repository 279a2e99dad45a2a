package service_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	apis "github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestOldRecordsAreRedactedAfterARestart keeps a record with a key in the clear, as an earlier version may have, and lets a new process show
// it: its first response has no key, and the audit log one entry about all credentials.
func TestOldRecordsAreRedactedAfterARestart(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[{"id":0,"text":"your key %s","%s":1}, "value %s"],"next":null}`, pasted, pasted, pasted)
	}})
	if run := p.run(); run.Records != 1 {
		t.Fatalf("%d records: %s", run.Records, run.Error)
	}
	p.change("UPDATE flow SET description = 'text " + pasted + "'")
	p.store("theirs", pasted)
	again, err := app.Open(t.Context(), apptest.Settings(t, p.data, "debug"), &p.log, new(secret.Redactor))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	d, err := again.Service.Dataset(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	var shown bytes.Buffer
	for _, format := range []string{"ndjson", "csv"} {
		if err := again.Service.Export(t.Context(), d, service.Exporting{Format: format}, &shown); err != nil {
			t.Fatal(err)
		}
	}
	page, err := again.Service.RecordsAfter(t.Context(), d, "", 10)
	sample, err2 := again.Service.Sample(t.Context(), d, 10)
	quarantine, err3 := again.Service.Quarantine(t.Context(), "", "", 10, 0)
	if err != nil || err2 != nil || err3 != nil || len(quarantine) != 1 {
		t.Fatal(err, err2, err3, quarantine)
	}
	flow, err := again.Service.ExportFlow(t.Context(), "f")
	if err != nil || strings.Contains(string(flow), pasted) || !strings.Contains(string(flow), "text "+secret.Redacted) {
		t.Errorf("the exported flow is\n%s\n%v", flow, err)
	}
	fmt.Fprintf(&shown, "%s %s %s", page.Records, sample, quarantine[0].Record)
	_, err = again.Service.EditQuarantined(t.Context(), actor, quarantine[0].ID, quarantine[0].EditedAt, []byte(`{"value":"[redacted]"}`))
	if sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("a mask replaced what was kept: %v", err)
	}
	if text := shown.String(); strings.Contains(text, pasted) || strings.Count(text, secret.Redacted) < 9 {
		t.Errorf("shown: %s", text)
	}
	if entries, err := again.Service.Audit(t.Context(), "", "credential.redact", 10, 0); err != nil || len(entries) != 1 { // of the new process: the old one knew both
		t.Errorf("%v, %v", entries, err)
	}
}

// TestFirstResponseAfterARestart is the same for the API, whose schema, runs and errors could name the key, too.
func TestFirstResponseAfterARestart(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[{"id":0,"%s":"%s"}],"next":null}`, pasted, pasted)
	}})
	p.run()
	_, token, err := p.Tokens.Create(t.Context(), actor, "T", sallyport.Scopes, sallyport.Now().AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	p.store("theirs", pasted)
	for _, path := range []string{"/datasets/f/schema", "/datasets/f/records", "/datasets/f/samples", "/datasets/f/export", "/datasets", "/flows", "/runs", "/audit", "/quarantine"} {
		again, err := app.Open(t.Context(), apptest.Settings(t, p.data, "debug"), &p.log, new(secret.Redactor))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(apis.New(apis.Config{Service: again.Service, Tokens: again.Tokens, Log: again.Service.Log}))
		r, err := http.NewRequest("GET", server.URL+"/api/v1"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if _, err := text.ReadFrom(response.Body); err != nil || response.StatusCode != http.StatusOK || strings.Contains(text.String(), pasted) {
			t.Errorf("%s: %s %s %v", path, response.Status, &text, err)
		}
		response.Body.Close()
		server.Close()
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestDraftSecretsAreForgotten lets nobody rewrite what others see by testing something as a key, and keeps keys no longer than it must.
func TestDraftSecretsAreForgotten(t *testing.T) {
	p := newPlace(t, nil)
	for _, key := range []string{"created_at", pasted} {
		if _, err := p.Service.TestDraft(t.Context(), actor, draftWith("", key)); err != nil {
			t.Fatal(err)
		}
		if p.Service.Redactor.Contains(key) || p.Service.Passing.Contains(key) {
			t.Errorf("%s is known after it was tested", key)
		}
	}
	p.store("one", pasted)
	p.store("word", "created_at")
	if !p.Service.Redactor.Contains(pasted) {
		t.Error("the key of a stored credential is unknown")
	}
	document := `{"created_at":"created_at"}`
	if got := string(p.Service.Shown().JSON([]byte(document))); got != document {
		t.Errorf("a word that is stored as a key changed a document: %s", got)
	}
	if err := p.Service.DeleteCredential(t.Context(), actor, "one"); err != nil {
		t.Fatal(err)
	}
	if p.Service.Redactor.Contains(pasted) {
		t.Error("the key of a deleted credential is still known")
	}
}
