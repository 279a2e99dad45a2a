package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func target(t *testing.T, format string) connector.Target {
	return connector.Target{ID: "dst_one", Flow: "f", Name: "d", Dataset: "set_one", Config: config(t, format)}
}

// write opens the target with its state, writes one batch, commits and closes. The new state is in the target.
func write(t *testing.T, target *connector.Target, records ...string) connector.Result {
	t.Helper()
	open, err := openFile(t.Context(), *target)
	if err != nil {
		t.Fatal(err)
	}
	result, err := open.Write(t.Context(), batch(records...))
	if err != nil {
		t.Fatal(err)
	}
	if target.State, err = open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	return result
}

func batch(records ...string) connector.Batch {
	return connector.Batch{Seq: 1, Records: func(yield func([]byte) bool) {
		for _, r := range records {
			if !yield([]byte(r)) {
				return
			}
		}
	}}
}

func holds(t *testing.T, target connector.Target, want string) {
	t.Helper()
	if diff := cmp.Diff(want, string(readFile(t, target.Config))); diff != "" {
		t.Errorf("the file (-want +got):\n%s", diff)
	}
}

// refused opens the target, which must fail for a reason, and must not change the file.
func refused(t *testing.T, target connector.Target, code sallyport.Code, reasons ...string) {
	t.Helper()
	before, _ := os.ReadFile(target.Text("path"))
	open, err := openFile(t.Context(), target)
	if err == nil {
		t.Error("it was opened", open.Close())
		return
	}
	if got := sallyport.CodeOf(err); got != code {
		t.Errorf("the code of %v is %s, want %s", err, got, code)
	}
	for _, reason := range reasons {
		if !strings.Contains(err.Error(), reason) {
			t.Errorf("%q must say %q", err, reason)
		}
	}
	if after, _ := os.ReadFile(target.Text("path")); string(before) != string(after) {
		t.Errorf("the file was changed from %q to %q", before, after)
	}
}

func TestLinesAreTheRecordsAsTheyAre(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{ "b":1.50,"a":"\u00e9","b":null }`, `{}`)
	holds(t, target, "{ \"b\":1.50,\"a\":\"\\u00e9\",\"b\":null }\n{}\n")
}

func TestModes(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{}`)
	path := target.Text("path")
	for name, want := range map[string]os.FileMode{
		path:               0o644,
		filepath.Dir(path): 0o755 | os.ModeDir,
		filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".sallyport"): 0o600,
	} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != want {
			t.Errorf("the mode of %s is %v, want %v", name, info.Mode(), want)
		}
	}
}

func TestForeignFileIsLeftAlone(t *testing.T) {
	target := target(t, "ndjson")
	path := target.Text("path")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	refused(t, target, sallyport.Invalid, path, "move it away")
	target.ID = ""
	refused(t, target, sallyport.Invalid, path, "move it away")
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("beside the file stands something now: %v, %v", entries, err)
	}
}

func TestFileOfAnotherDestinationIsLeftAlone(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{"a":1}`)
	target.ID, target.State = "dst_other", ""
	refused(t, target, sallyport.Invalid, "move it away")
	if err := os.Remove(target.Text("path")); err != nil {
		t.Fatal(err)
	}
	write(t, &target, `{"a":2}`)
	holds(t, target, "{\"a\":2}\n")
}

func TestStartingAgainWritesAnew(t *testing.T) {
	target := target(t, "csv")
	write(t, &target, `{"a":1}`, `{"a":2}`)
	target.State = ""
	write(t, &target, `{"b":3}`)
	holds(t, target, "b\n3\n")
}

func TestUncommittedTailIsCutOff(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{"a":1}`)
	tail, err := os.OpenFile(target.Text("path"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tail.WriteString("{\"a\":2}\n{\"a\""); err != nil {
		t.Fatal(err)
	}
	if err := tail.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, &target, `{"a":3}`)
	holds(t, target, "{\"a\":1}\n{\"a\":3}\n")
}

func TestCloseTakesBackWhatWasNotCommitted(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{"a":1}`)
	open, err := openFile(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write(t.Context(), batch(slices.Repeat([]string{`{"a":2}`}, 100_000)...)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(target.Text("path")); err != nil || info.Size() < 100_000 {
		t.Fatalf("nothing was written before the commit: %v", err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	holds(t, target, "{\"a\":1}\n")
}

func TestChangedFileIsLeftAlone(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"shorter":      func(path string) error { return os.Truncate(path, 9) },
		"empty":        func(path string) error { return os.Truncate(path, 0) },
		"gone":         os.Remove,
		"other length": func(path string) error { return os.WriteFile(path, []byte(`{"a":1,"b":"edited"}`+"\n{}\n"), 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			target := target(t, "ndjson")
			write(t, &target, `{"a":1}`, `{"a":2}`)
			if err := change(target.Text("path")); err != nil {
				t.Fatal(err)
			}
			refused(t, target, sallyport.Invalid, target.Text("path"), "16 bytes", "sallyport flow deliver f --again d")
		})
	}
}

// TestShorterFileOfAnOldState: a state from before ends of files were known tells a file that lacks lines by its length.
func TestShorterFileOfAnOldState(t *testing.T) {
	target := target(t, "ndjson")
	write(t, &target, `{"a":1}`, `{"a":2}`)
	target.State = `{"format":"ndjson","length":16}`
	if err := os.Truncate(target.Text("path"), 8); err != nil {
		t.Fatal(err)
	}
	refused(t, target, sallyport.Invalid, target.Text("path"), "16 bytes")
}

func TestOneWriterAtATime(t *testing.T) {
	target := target(t, "ndjson")
	first, err := openFile(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, target, sallyport.Conflict, "another process")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, &target, `{}`)
}

func TestWhatIsNoFile(t *testing.T) {
	target := target(t, "ndjson")
	for _, path := range []string{t.TempDir(), "/dev/null"} {
		target.Config["path"] = path
		refused(t, target, sallyport.Invalid, path, "not a regular file")
	}
	target.Config["path"] = "a\x00b"
	refused(t, target, sallyport.Invalid, "cannot be written")
}

func TestFormAFileWasBegunIn(t *testing.T) {
	target := target(t, "csv")
	target.Config["columns"] = []any{"a", "b"}
	write(t, &target, `{"a":1}`)
	target.Config["columns"] = []string{"b", "a"}
	refused(t, target, sallyport.Invalid, "columns: ", "a, b")
	target.Config["columns"] = []string{"a", "b", "a"}
	refused(t, target, sallyport.Invalid, "columns: ", `"a" twice`)
	target.Config = map[string]any{"path": target.Text("path"), "format": "ndjson"}
	refused(t, target, sallyport.Invalid, "format: ", "csv")
}

func TestBrokenState(t *testing.T) {
	target := target(t, "ndjson")
	target.State = "{"
	refused(t, target, sallyport.Internal, "state")
}
