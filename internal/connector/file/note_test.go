package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// TestPlantedNote finds something in the place of the note that was put there by somebody else. What it leads to is neither written nor
// taken for a note.
func TestPlantedNote(t *testing.T) {
	for name, plant := range map[string]func(note, precious string) error{
		"a link":            func(note, precious string) error { return os.Symlink(precious, note) },
		"a dangling link":   func(note, precious string) error { return os.Symlink(precious+".new", note) },
		"a FIFO":            func(note, _ string) error { return syscall.Mkfifo(note, 0o600) },
		"a folder":          func(note, _ string) error { return os.Mkdir(note, 0o700) },
		"a very large file": func(note, _ string) error { return os.WriteFile(note, make([]byte, 1<<20), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			target := target(t, "ndjson")
			dir := filepath.Dir(target.Text("path"))
			precious := filepath.Join(t.TempDir(), "precious")
			must(t, os.MkdirAll(dir, 0o755))
			must(t, os.WriteFile(precious, []byte("dst_one"), 0o600))
			must(t, plant(filepath.Join(dir, "."+filepath.Base(target.Text("path"))+".sallyport"), precious))
			refused(t, target, sallyport.Invalid, "path: ")
			if content, err := os.ReadFile(precious); err != nil || string(content) != "dst_one" {
				t.Errorf("it was written: %q, %v", content, err)
			}
			if _, err := os.Stat(precious + ".new"); err == nil {
				t.Error("it was created through the link")
			}
		})
	}
}

// TestHardLinkedNote is a note that another destination also has: replacing it leaves the other one alone.
func TestHardLinkedNote(t *testing.T) {
	target := target(t, "ndjson")
	dir := filepath.Dir(target.Text("path"))
	other := filepath.Join(t.TempDir(), "other")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.WriteFile(other, []byte("dst_two"), 0o600))
	must(t, os.Link(other, filepath.Join(dir, "."+filepath.Base(target.Text("path"))+".sallyport")))
	write(t, &target, `{}`)
	if content, err := os.ReadFile(other); err != nil || !strings.Contains(string(content), "dst_two") {
		t.Errorf("it was written: %q, %v", content, err)
	}
}
