package api_test

import (
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestStoredKeyIsInNoAnswer starts the program again over a database that has a key in the clear everywhere, and reads everything that the
// document has to read. Each request is the first one of a process.
func TestStoredKeyIsInNoAnswer(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	p := apptest.Plant(t, h.app)
	_, token, err := h.app.Tokens.Create(t.Context(), actor, "T", sallyport.Scopes, time.Time{}) // by the process before: to create one learns the keys
	if err != nil {
		t.Fatal(err)
	}
	if err := h.app.Close(); err != nil {
		t.Fatal(err)
	}
	h.watch(apptest.PlantedPart)
	masked := 0
	for _, pattern := range slices.Sorted(maps.Keys(operations())) {
		path, get := strings.CutPrefix(pattern, "GET ")
		if !get {
			continue
		}
		id := map[string]string{
			"connectors": "rest", "credentials": string(p.Credential), "datasets": string(p.Flow.Dataset.ID), "destinations": string(p.Flow.Destinations[0].ID),
			"flows": string(p.Flow.ID), "quarantine": "1", "runs": fmt.Sprint(p.Run), "tokens": string(p.Token),
		}[strings.Split(path, "/")[1]]
		again, err := app.Open(t.Context(), apptest.Settings(t, h.dir, "error"), io.Discard, new(secret.Redactor))
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(api.New(api.Config{Service: again.Service, Tokens: again.Tokens, Log: slog.New(slog.NewTextHandler(h.log, nil)), Stopping: h.stop}))
		h.URL = server.URL
		a := client{h, token}.get(strings.NewReplacer("{id}", id, "{name}", "indicator").Replace(path))
		if a.StatusCode >= 400 && !strings.Contains(path, "{name}") {
			t.Errorf("%s: %d %s", pattern, a.StatusCode, a.text)
		}
		masked += strings.Count(a.text, secret.Redacted)
		server.Close()
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
	if masked < 40 {
		t.Errorf("only %d keys were redacted", masked)
	}
}
