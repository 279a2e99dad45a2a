package cli_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// TestPageOfTheAPI does what docs/api.md shows, as it stands there, with a server of its own and a sandbox for Pulsedive.
func TestPageOfTheAPI(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed: the commands of docs/api.md are not run")
	}
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Options{Records: 300})
	if err != nil {
		t.Fatal(err)
	}
	system, _, err := s.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, key := newHome(t), s.CreateKey("page")
	h.write("pulsedive.key", key)
	_, address := h.serveAt()
	var script strings.Builder
	for _, block := range shellBlock.FindAllStringSubmatch(string(page), -1) {
		script.WriteString(block[1])
	}
	out := h.shell("", strings.NewReplacer(
		"http://127.0.0.1:8420", address, `"secrets": {`, `"public": {"address": "`+system+`"}, "secrets": {`).Replace(script.String()))
	for _, want := range []string{
		`"connector":"pulsedive"`, `"verdict":"valid"`, `"state":"skipped"`, `"calls_per_run":`, `"state":"succeeded"`, `"_change":"new"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s is nowhere in what came:\n%s", want, out)
		}
	}
	if strings.Contains(out, key) {
		t.Error("the key came out")
	}
	if table, err := os.ReadFile(h.dir + "/feed.csv"); err != nil || strings.Count(string(table), "\n") != 301 {
		t.Errorf("feed.csv has %d lines, %v", strings.Count(string(table), "\n"), err)
	}
}
