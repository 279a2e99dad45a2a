package cli_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector/resttest"
)

var (
	restBlocks = regexp.MustCompile("(?ms)^```(http|yaml|sh|json)\n(.*?)^```$")
	mustFail   = regexp.MustCompile(`(?m)^! (.*)$`)
	delivered  = regexp.MustCompile(`path: ([a-z]+\.ndjson)`)
)

// TestRestPage does what docs/rest.md says: it plays the responses, writes the files, runs the commands, and compares what is delivered. A command
// that begins with ! must fail.
func TestRestPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	server, h := resttest.Serve(t), newHome(t)
	var exchanges []resttest.Exchange
	file, compared := "", 0
	for _, block := range restBlocks.FindAllStringSubmatch(string(page), -1) {
		switch kind, text := block[1], strings.ReplaceAll(block[2], resttest.Address, server.URL); kind {
		case "http":
			x, err := resttest.Parse(block[2])
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			exchanges = append(exchanges, x)
			server.Play(exchanges...)
		case "yaml":
			name := fileName.FindStringSubmatch(text)
			if name == nil {
				t.Fatalf("a flow file must begin with its name:\n%s", text)
			}
			h.write(name[1], text)
			file = delivered.FindStringSubmatch(text)[1]
		case "sh":
			h.shell("", mustFail.ReplaceAllString(text, "if $1; then exit 99; fi"))
		case "json":
			got, err := os.ReadFile(filepath.Join(h.dir, file))
			if err != nil || string(got) != text {
				t.Errorf("%s: %v\n%s\nwant\n%s", file, err, got, text)
			}
			compared++
		}
	}
	if compared < 5 {
		t.Errorf("the page compares %d results only", compared)
	}
}
