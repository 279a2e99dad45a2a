package file_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// meddling is what another program does to a file. It keeps a copy of what was committed beside it.
var meddling = map[string]func(path string) error{
	"removed":            os.Remove,
	"rotated":            func(path string) error { return os.Rename(path, path+".1") },
	"truncated":          func(path string) error { return os.Truncate(path, 0) },
	"truncated a little": func(path string) error { return os.Truncate(path, 9) },
	"appended to":        func(path string) error { return appendTo(path, "{}\n") },
	"replaced": func(path string) error {
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+".new", content, 0o644); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	},
	"rotated, and created anew": func(path string) error {
		if err := os.Rename(path, path+".1"); err != nil {
			return err
		}
		return os.WriteFile(path, nil, 0o644)
	},
	"copied and truncated, and written by another program": func(path string) error {
		if err := os.Truncate(path, 0); err != nil {
			return err
		}
		return appendTo(path, "other\n")
	},
	"overwritten at its end": func(path string) error {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("x"), info.Size()-3)
		return err
	},
	"its folder was moved": func(path string) error { return os.Rename(filepath.Dir(path), filepath.Dir(path)+".old") },
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(text)
	return err
}

// TestMeddlingDuringADelivery changes the file while it is open: with the first records committed, and more of them written or only
// buffered. The position must not move, the error says what to do, and no copy of the file has a hole.
func TestMeddlingDuringADelivery(t *testing.T) {
	for name, meddle := range meddling {
		for when, records := range map[string][]string{"nothing written since": nil, "buffered": {`{"a":3}`}, "written": slices.Repeat([]string{`{"a":3}`}, 100_000)} {
			if name == "overwritten at its end" && when == "written" {
				continue // by then it is not the end any more
			}
			t.Run(name+", "+when, func(t *testing.T) {
				target := target(t, "ndjson")
				path := target.Text("path")
				open, err := openFile(t.Context(), target)
				if err != nil {
					t.Fatal(err)
				}
				must(t, writeTo(t, open, `{"a":1}`, `{"a":2}`))
				_, err = open.Commit(t.Context())
				must(t, err)
				must(t, writeTo(t, open, records...))
				must(t, meddle(path))
				must(t, writeTo(t, open, `{"a":4}`))
				state, err := open.Commit(t.Context())
				if err == nil {
					t.Fatalf("it was committed: %s", state)
				}
				if sallyport.CodeOf(err) != sallyport.Invalid || connector.CauseOf(err) != connector.CausePermanent ||
					!strings.Contains(err.Error(), "`sallyport flow deliver f --again d`") || !strings.Contains(err.Error(), path) {
					t.Errorf("%v must name the file and say what to do", err)
				}
				if err := writeTo(t, open, `{"a":5}`); err == nil {
					t.Error("a destination is of no use after an error")
				}
				must(t, open.Close())
				noHole(t, filepath.Dir(filepath.Dir(path)))
			})
		}
	}
}

// TestAppendedBeforeACommit appends to the file when nothing is written any more: it is longer, but ends as before where it was committed.
func TestAppendedBeforeACommit(t *testing.T) {
	target := target(t, "ndjson")
	open, err := openFile(t.Context(), target)
	must(t, err)
	defer open.Close()
	must(t, writeTo(t, open, `{"a":1}`))
	_, err = open.Commit(t.Context())
	must(t, err)
	must(t, appendTo(target.Text("path"), "{}\n"))
	if state, err := open.Commit(t.Context()); err == nil {
		t.Errorf("it was committed: %s", state)
	}
}

// TestMeddlingBetweenDeliveries changes the file while it is closed. Only what was appended is cut off; an identical copy, such as one from a
// backup, is accepted.
func TestMeddlingBetweenDeliveries(t *testing.T) {
	for name, meddle := range meddling {
		t.Run(name, func(t *testing.T) {
			target := target(t, "ndjson")
			write(t, &target, `{"a":1}`, `{"a":2}`)
			must(t, meddle(target.Text("path")))
			if name == "appended to" || name == "replaced" {
				write(t, &target, `{"a":3}`)
				holds(t, target, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
				return
			}
			refused(t, target, sallyport.Invalid, "16 bytes", "`sallyport flow deliver f --again d`")
			noHole(t, filepath.Dir(filepath.Dir(target.Text("path"))))
			target.State = ""
			write(t, &target, `{"a":1}`, `{"a":2}`, `{"a":3}`)
			holds(t, target, "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n")
		})
	}
}

// TestStateOfAnOlderVersion has no hash of the end.
func TestStateOfAnOlderVersion(t *testing.T) {
	target := target(t, "csv")
	write(t, &target, `{"a":1}`, `{"a":2}`)
	target.State = `{"format":"csv","length":6,"columns":["a"]}`
	write(t, &target, `{"a":3}`)
	holds(t, target, "a\n1\n2\n3\n")
	if !strings.Contains(target.State, `"tail":"`) {
		t.Errorf("the state %s has no hash of the end", target.State)
	}
}

func writeTo(t *testing.T, open connector.Destination, records ...string) error {
	_, err := open.Write(t.Context(), batch(records...))
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// noHole fails on a file with zeros in it.
func noHole(t *testing.T, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if strings.Contains(string(content), "\x00") {
			t.Errorf("%s has a hole: %.100q", path, content)
		}
		return err
	}))
}
