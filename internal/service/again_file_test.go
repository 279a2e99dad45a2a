package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/service"
)

// TestFileChangedBetweenRuns lets another program change a file between two runs. The second one keeps its records, fails to deliver them and says
// what to do; what it says delivers everything.
func TestFileChangedBetweenRuns(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"removed":   os.Remove,
		"truncated": func(path string) error { return os.Truncate(path, 0) },
		"rotated": func(path string) error {
			if err := os.Rename(path, path+".1"); err != nil {
				return err
			}
			return os.WriteFile(path, nil, 0o644)
		},
		"restored from an older backup": func(path string) error {
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			half := len(content) / 2
			return os.WriteFile(path, content[:half+1+strings.IndexByte(string(content[half:]), '\n')], 0o644)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 20, 10, "")})
			path := filepath.Join(p.dir, "out.ndjson")
			p.apply(`{name: lines, connector: file, config: {path: ` + path + `}}`)
			p.run()
			if err := meddle(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			p.run()
			after, _ := os.ReadFile(path)
			d, err := p.Service.DestinationOf(t.Context(), "f", "lines")
			if err != nil || !strings.Contains(d.Error, "`sallyport flow deliver f --again lines`") || d.Records != 20 || string(before) != string(after) {
				t.Fatalf("%d records are delivered, %q, %v", d.Records, d.Error, err)
			}
			if err := p.Service.DeliverAgain(t.Context(), actor, d); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {}); err != nil {
				t.Fatal(err)
			}
			if lines := p.delivered("out.ndjson"); lines != 40 {
				t.Errorf("%d lines are delivered again, want 40", lines)
			}
		})
	}
}
