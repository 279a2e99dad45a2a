package cli_test

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestStoredKeyIsNotPrinted runs every command that prints what is stored over a database that has a key in the clear everywhere.
func TestStoredKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	data := filepath.Join(h.dir, "data")
	apptest.Start(t, data)
	a, err := app.Open(t.Context(), apptest.Settings(t, data, "error"), io.Discard, new(secret.Redactor))
	if err != nil {
		t.Fatal(err)
	}
	p := apptest.Plant(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	h.write("planted.yaml", fmt.Sprintf("flow: new\nsource: {connector: rest, credential: %q, request: {url: /x}}\n", "of "+apptest.PlantedKey))
	flow, masked := string(p.Flow.ID), 0
	for _, command := range []string{
		"flow list", "flow show " + flow, "flow export " + flow, "flow pause " + flow, "flow resume " + flow, "flow deliver " + flow, "flow reset --since now-1d " + flow, "flow run --from now-1d " + flow,
		"dataset list", "dataset show " + flow, "dataset sample " + flow, "dataset export " + flow, "dataset export --format csv " + flow,
		"quarantine list", "quarantine list " + flow, "quarantine show 1", "quarantine show 1 --record", "quarantine replay --id 1",
		"run list", fmt.Sprint("run show ", p.Run), "credential list", "credential show " + string(p.Credential), "credential quota " + string(p.Credential),
		"token list", "flow run --follow --max-wait 1s " + flow, "source test -f planted.yaml", "flow apply -f planted.yaml", "flow show nowhere", "flow rm " + flow, "quarantine discard " + flow, "keys verify",
	} {
		for _, output := range []string{"table", "json"} {
			out, _ := h.command("", append([]string{"--output", output, "--log-level", "debug"}, strings.Fields(command)...)...).CombinedOutput() // may fail
			text := string(out)
			if strings.Contains(text, apptest.PlantedPart) {
				t.Errorf("%s (%s) prints the key:\n%s", command, output, text)
			}
			if strings.Contains(text, "unexpected") || strings.Contains(text, "unknown flag") {
				t.Errorf("%s: %s", command, text)
			}
			masked += strings.Count(text, secret.Redacted)
		}
	}
	if masked < 100 {
		t.Errorf("only %d keys were redacted", masked)
	}
}
