package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

var (
	blocks   = regexp.MustCompile("(?ms)^(?:### .*?\n\n`([a-z.]+)`:|```(sh|yaml)\n(.*?)^```$)")
	fileName = regexp.MustCompile(`^# ([a-z-]+\.yaml)\n`)
	sample   = regexp.MustCompile(`(?m)^\{".*\}$`)
	success  = regexp.MustCompile(`succeeded: [1-9][0-9,]* record`)
)

// TestPageOfPulsedive does what the page of Pulsedive shows, as it stands there, in one data directory with a sandbox for Pulsedive: every
// file is written, every command succeeds, and every endpoint gives records. Only the run of a scan is left out: it waits ten seconds before
// it looks for its result. TestFaults in internal/service makes such runs, with the same source.
func TestPageOfPulsedive(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/connectors/pulsedive.md")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sandbox.New(sandbox.Options{ScanPolls: -1})
	if err != nil {
		t.Fatal(err)
	}
	address, _, err := s.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h, key := newHome(t), s.CreateKey("page")
	endpoint, shown := "", map[string]bool{}
	for _, block := range blocks.FindAllStringSubmatch(string(page), -1) {
		switch text := block[3]; {
		case block[1] != "":
			endpoint = block[1]
			shown[endpoint] = false
		case block[2] == "yaml":
			if name := fileName.FindStringSubmatch(text); name != nil {
				h.write(name[1], text)
			}
		case endpoint == "":
			h.shell(key, strings.ReplaceAll(text, " --secret-stdin", " --set address="+address+" --secret-stdin"))
		default:
			text, scans := strings.CutSuffix(text, "sallyport flow run 'scan indicator' --follow\n")
			out := h.shell("", text)
			runs := strings.Count(text, "flow run")
			if runs == 0 && !scans && !sample.MatchString(out) || len(success.FindAllString(out, -1)) != runs {
				t.Errorf("%s gives no records:\n%s%s", endpoint, text, out)
			}
			shown[endpoint] = true
		}
	}
	for endpoint, ok := range shown {
		if !ok {
			t.Errorf("the page does not show how %s is used", endpoint)
		}
	}
	if len(shown) < 18 {
		t.Errorf("the page has %d endpoints", len(shown))
	}
}

// shell runs commands of the program as a shell does, all of which must succeed, and returns what they print.
func (h home) shell(stdin, commands string) string {
	h.Helper()
	cmd := h.command(stdin)
	cmd.Env = append(cmd.Env, "PATH="+filepath.Dir(cmd.Path)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	shell := exec.Command("sh", "-e", "-c", commands)
	shell.Dir, shell.Env, shell.Stdin = cmd.Dir, cmd.Env, cmd.Stdin
	out, err := shell.CombinedOutput()
	if err != nil {
		h.Fatalf("%s%v\n%s", commands, err, out)
	}
	return string(out)
}
