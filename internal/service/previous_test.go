package service_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestRecordsLosePreviousAndOtherKeys has an API whose cache repeats a key that was replaced, and records with the secrets of another credential:
// of these, only what is distinctive is a secret here.
func TestRecordsLosePreviousAndOtherKeys(t *testing.T) {
	const otherKey, word = "0ther-key/of+someone==", "a_field_that_is_no_secret"
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[{"cached":"%s","own":"%s","other":"%s","%s":"%s"}],"next":null}`,
			strings.ReplaceAll(firstKey, "-", `\u002d`), "key-two!", strings.ReplaceAll(otherKey, "=", "%3D"), word, word)
	}}
	rotate := func(key string) {
		t.Helper()
		if _, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New(key)}, service.WithoutTesting); err != nil {
			t.Fatal(err)
		}
		p.api.key = key
	}
	rotate("key-two!")
	rotate("key-three")
	p.restart()
	for name, text := range map[string]string{"other": otherKey, "word": word} {
		draft := service.CredentialDraft{Name: name, Connector: "rest", Public: map[string]string{"address": "https://other.example.com", "auth": "bearer"},
			Secrets: map[string]secret.Text{"value": secret.New(text)}}
		if _, err := p.Service.CreateCredential(t.Context(), actor, draft, service.WithoutTesting); err != nil {
			t.Fatal(err)
		}
	}
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatalf("%s: %s", run.State, run.Error)
	}
	got, err := os.ReadFile(filepath.Join(p.dir, "out.ndjson"))
	want := fmt.Sprintf(`{"cached":"[redacted]","own":"[redacted]","other":"[redacted]","%s":"%s"}`+"\n", word, word)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
	entries, err := p.Service.Audit(t.Context(), "", "credential.open", 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1", "2"} {
		found := false
		for _, e := range entries {
			found = found || e.Detail["purpose"] == "redaction" && e.Detail["version"] == version
		}
		if !found {
			t.Errorf("nothing in the audit log says that version %s was opened for redaction", version)
		}
	}
}

// restart closes the program and opens it again: it knows only what is stored.
func (p *place) restart() {
	p.Helper()
	if err := p.Close(); err != nil {
		p.Fatal(err)
	}
	var err error
	p.App, err = app.Open(p.Context(), apptest.Settings(p.T, p.data, "debug"), io.Discard, new(secret.Redactor))
	if err != nil {
		p.Fatal(err)
	}
}

// TestPreviousKeysAreShownByNobody restarts the program and shows a record of old with a key that was replaced.
func TestPreviousKeysAreShownByNobody(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(1, 1, 1, "")})
	if _, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New("another-key-0123")}, service.WithoutTesting); err != nil {
		t.Fatal(err)
	}
	p.restart()
	if p.Service.Redactor.Contains(firstKey) {
		t.Error("it is known before anything was opened")
	}
	if err := p.Service.LearnKeys(t.Context()); err != nil || !p.Service.Redactor.Contains(firstKey) {
		t.Errorf("the previous key is not known, %v", err)
	}
	p.restart()
	p.Service.KeepPrevious = 0
	if _, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New("a-third-key-0123")}, service.WithoutTesting); err != nil {
		t.Fatal(err)
	}
	kept, err := p.Service.Store.AllPreviousSecrets(t.Context(), sallyport.Now())
	if err != nil || len(kept) != 1 || kept[0].Version != 1 {
		t.Errorf("kept are %v, %v", kept, err)
	}
}
