package lookup_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/lookup"
	"github.com/sallyport-io/sallyport/internal/files"
)

// write makes a file and returns its path.
func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns the values of a list, and the error that they end in.
func read(t testing.TB, list lookup.List, mark string) (values []string, opened string, err error) {
	t.Helper()
	opened, all, err := list(t.Context(), mark)
	if err != nil {
		return nil, "", err
	}
	for value, err := range all {
		if err != nil {
			return values, opened, err
		}
		values = append(values, value)
	}
	return values, opened, nil
}

// anywhere opens every path.
func anywhere(_ context.Context, path string) (files.FS, string, error) {
	return files.OpenPath(path, files.Options{})
}

func TestFile(t *testing.T) {
	for name, c := range map[string]struct {
		file, content string
		want          []string
		err           string
	}{
		"lines":             {"list.txt", "\uFEFFa.example\r\n\n # not this\n b.example \n#c", []string{"a.example", "b.example"}, ""},
		"no ending":         {"list", "a,b\n", []string{"a,b"}, ""},
		"empty":             {"list.txt", "", nil, ""},
		"CSV":               {"list.csv", "\uFEFFid, Indicator ,note\n1,a.example,\"x\ny, z\"\n2,\"b,example\"\n3\n", []string{"a.example", "b,example", ""}, ""},
		"TSV":               {"list.TSV", "indicator\tnote\na.example\tx\n", []string{"a.example"}, ""},
		"semicolons":        {"list.csv", "id;indicator\n1;a,b\n", []string{"a,b"}, ""},
		"tabs":              {"list.csv", "id\tindicator\n1\ta.example\n", []string{"a.example"}, ""},
		"as Excel says":     {"list.csv", "sep=;\r\nid;indicator\r\n1;a\r\n", []string{"a"}, ""},
		"UTF-16":            {"list.txt", "\xff\xfea\x00\n\x00\xe9\x00", []string{"a", "é"}, ""},
		"a stray byte":      {"list.txt", "a\n\xe9\nb\n", []string{"a", "\xe9", "b"}, ""},
		"a PDF":             {"list.txt", "%PDF-1.7\n", nil, "it is a PDF"},
		"CSV with a fault":  {"list.csv", "indicator\n\"a", []string{"a"}, ""},
		"CSV column":        {"list.csv", "id,indicators\n1,a\n", nil, `there is no column "indicator"; did you mean "indicators"?`},
		"CSV without":       {"list.csv", "", nil, "it has no header"},
		"JSON Lines":        {"list.ndjson", `{"id":1,"indicator":"a\u002eexample"}` + "\n\n" + `{"indicator":null}` + "\n" + `{"indicator":7}`, []string{"a.example", "", "7"}, ""},
		"JSON Lines broken": {"list.jsonl", `{"indicator":"a"}` + "\n[\n", []string{"a"}, "line 2 is no JSON object"},
		"long line":         {"list.txt", "a\n" + strings.Repeat("x", 17<<20), []string{"a"}, "token too long"},
		"long CSV record":   {"list.csv", "indicator\na\n\"" + strings.Repeat("x", 17<<20), []string{"a"}, "a record is longer than"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.file, c.content)
			got, _, err := read(t, lookup.File(anywhere, path, "indicator"), "")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (c.err == "") || err != nil && (!strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), path)) {
				t.Errorf("error %v, want one with %q and the path", err, c.err)
			}
			if err != nil && sallyport.CodeOf(err) != sallyport.Invalid {
				t.Errorf("error %v has code %s", err, sallyport.CodeOf(err))
			}
		})
	}
}

func TestFileThatIsNone(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{dir: "is not a regular file", filepath.Join(dir, "none"): "no such file", "/dev/zero": "is not a regular file"} {
		_, _, err := read(t, lookup.File(anywhere, path, "indicator"), "")
		if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestChangedFile opens a file as it was, and then after each kind of change.
func TestChangedFile(t *testing.T) {
	path := write(t, "list.txt", "a\nb\n")
	now := time.Now().Add(-time.Hour)
	set := func(content string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	set("a\nb\n", now)
	_, mark, err := read(t, lookup.File(anywhere, path, "indicator"), "")
	if err != nil {
		t.Fatal(err)
	}
	if values, _, err := read(t, lookup.File(anywhere, path, "indicator"), mark); err != nil || len(values) != 2 {
		t.Errorf("the same file: %v, %v", values, err)
	}
	for name, change := range map[string]func(){
		"content": func() { set("a\nc\n", now) },
		"size":    func() { set("a\nb\nc\n", now) },
		"time":    func() { set("a\nb\n", now.Add(time.Second)) },
	} {
		change()
		if _, _, err := read(t, lookup.File(anywhere, path, "indicator"), mark); sallyport.CodeOf(err) != sallyport.Conflict {
			t.Errorf("another %s: %v", name, err)
		}
	}
}
