package grant_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/grant"
)

// rows are the grants in a database that anyone can write to.
type rows []sallyport.FileGrant

func (r *rows) FileGrants(_ context.Context, flow sallyport.ID) (of []sallyport.FileGrant, err error) {
	for _, g := range *r {
		if g.FlowID == flow {
			of = append(of, g)
		}
	}
	return of, nil
}

// key attests as the vault does, without cryptography.
type key string

func (k key) Attest(kind string, facts ...string) ([]byte, error) {
	return fmt.Appendf(nil, "%s %q %q", k, kind, facts), nil
}

func (k key) Attests(mark []byte, kind string, facts ...string) bool {
	want, err := k.Attest(kind, facts...)
	return err == nil && bytes.Equal(mark, want)
}

type world struct {
	*testing.T
	*grant.Policy
	dir  string
	rows rows
}

// newWorld has a root with a file, and beside it a folder with a key of the program, a file and an empty folder.
func newWorld(t *testing.T) *world {
	w := &world{T: t, dir: t.TempDir()}
	for _, folder := range []string{"root", "out/sub"} {
		if err := os.MkdirAll(w.path(folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"root/in.txt", "out/list.txt", "out/master.key"} {
		if err := os.WriteFile(w.path(file), []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.Policy = &grant.Policy{Roots: []string{w.path("root"), w.path("second")}, Own: files.NewOwn(w.path("out/master.key")), Grants: &w.rows, Attester: key("k")}
	return w
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) link(to, name string) {
	w.Helper()
	if err := os.Symlink(w.path(to), w.path(name)); err != nil {
		w.Fatal(err)
	}
}

func (w *world) grant(flow sallyport.ID, name string, purpose sallyport.FilePurpose) *sallyport.FileGrant {
	w.Helper()
	g, err := w.New(flow, sallyport.FileUse{Place: "parameter file", Path: w.path(name), Purpose: purpose}, "ann")
	if err != nil {
		w.Fatal(err)
	}
	w.rows = append(w.rows, g)
	return &w.rows[len(w.rows)-1]
}

// read opens a file for flow f as its list, and reads it.
func (w *world) read(path string) (string, error) { return w.use("f", sallyport.FileRead, path) }

func (w *world) use(flow sallyport.ID, purpose sallyport.FilePurpose, path string) (content string, err error) {
	in, name, err := w.Open(w.Context(), grant.Flow{ID: flow, Name: string(flow)}, purpose, path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	b, err := files.ReadFile(in, name, 0, 1<<10)
	return string(b), err
}

func (w *world) refused(err error, says ...string) {
	w.Helper()
	if err == nil {
		w.Error("it was opened")
		return
	}
	for _, part := range says {
		if !strings.Contains(err.Error(), part) {
			w.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

func TestBelowRoots(t *testing.T) {
	w := newWorld(t)
	if got, err := w.read(w.path("root/in.txt")); got != "root/in.txt" {
		t.Errorf("%q, %v", got, err)
	}
	w.link("out/list.txt", "root/link")
	w.link("out", "root/folder")
	if err := os.Link(w.path("out/master.key"), w.path("root/hard")); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string]string{
		"root/link":                        "leaves",
		"root/folder/list.txt":             "leaves",
		"root/hard":                        "a file of Sallyport itself",
		"root/../out/list.txt":             "files.roots",
		"out/list.txt":                     "files.roots",
		"root":                             "files.roots",
		"rooted":                           "files.roots",
		"ROOT/in.txt":                      "files.roots",
		"root/" + strings.Repeat("x", 300): "too long",
		"root/a\x00b":                      "invalid argument",
	} {
		_, err := w.read(w.path(path))
		if strings.Contains(path, "..") {
			_, err = w.read(w.dir + "/" + path)
		}
		w.refused(err, says)
	}
	for _, path := range []string{"/proc/self/fd/0", "/proc/self/environ", "/dev/stdin", "/dev/fd/0", "/etc/passwd"} {
		_, err := w.read(path)
		w.refused(err, "files.roots", "sallyport flow grant", path)
	}
}

// TestRootIsCreated uses a root that does not exist, and one that is a symbolic link.
func TestRootIsCreated(t *testing.T) {
	w := newWorld(t)
	in, _, err := w.Open(t.Context(), grant.Flow{}, sallyport.FileWrite, w.path("second/new"))
	if err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(w.path("second")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	w.link("root", "alias")
	w.Roots = []string{w.path("alias")}
	if got, err := w.read(w.path("alias/in.txt")); got != "root/in.txt" {
		t.Errorf("below a link: %q, %v", got, err)
	}
}

func TestGrants(t *testing.T) {
	w := newWorld(t)
	w.grant("f", "out/list.txt", sallyport.FileRead)
	if got, err := w.read(w.path("out/list.txt")); got != "out/list.txt" {
		t.Errorf("%q, %v", got, err)
	}
	_, err := w.use("g", sallyport.FileRead, w.path("out/list.txt"))
	w.refused(err, "files.roots", `flow grant "g"`)
	_, err = w.use("f", sallyport.FileWrite, w.path("out/list.txt"))
	w.refused(err, "files.roots")
	_, err = w.use("", sallyport.FileRead, w.path("out/list.txt"))
	w.refused(err, "files.roots")
	w.grant("f", "out/master.key", sallyport.FileRead)
	_, err = w.read(w.path("out/master.key"))
	w.refused(err, "a file of Sallyport itself")
}

// TestForgedGrants changes what the database says, as somebody can who may write to it but does not have the master key.
func TestForgedGrants(t *testing.T) {
	for name, forge := range map[string]func(w *world, g *sallyport.FileGrant){
		"another path": func(w *world, g *sallyport.FileGrant) { g.Path = w.path("out/other.txt") },
		"another place": func(w *world, g *sallyport.FileGrant) {
			g.Path, g.Real = w.path("out/other.txt"), w.path("out/other.txt")
		},
		"where it leads":     func(w *world, g *sallyport.FileGrant) { g.Real = w.path("out/other.txt") },
		"another flow":       func(_ *world, g *sallyport.FileGrant) { g.FlowID = "g" },
		"another purpose":    func(_ *world, g *sallyport.FileGrant) { g.Purpose = sallyport.FileWrite },
		"by somebody else":   func(_ *world, g *sallyport.FileGrant) { g.By = "root" },
		"for something else": func(_ *world, g *sallyport.FileGrant) { g.Place = "destination x" },
		"another key":        func(_ *world, g *sallyport.FileGrant) { g.Mark = []byte("x" + string(g.Mark)) },
		"no mark":            func(_ *world, g *sallyport.FileGrant) { g.Mark = nil },
	} {
		w := newWorld(t)
		if err := os.WriteFile(w.path("out/other.txt"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		g := w.grant("f", "out/list.txt", sallyport.FileRead)
		forge(w, g)
		if _, err := w.use(g.FlowID, g.Purpose, g.Path); err == nil {
			t.Errorf("%s: it was opened", name)
		}
		if all, err := w.Of(t.Context(), &w.rows, g.FlowID); err != nil || len(all) > 0 {
			t.Errorf("%s: it is listed: %v, %v", name, all, err)
		}
	}
}

// TestLinksOfGrants grants a path through a link, and changes that link later.
func TestLinksOfGrants(t *testing.T) {
	w := newWorld(t)
	w.link("out", "way")
	w.grant("f", "way/list.txt", sallyport.FileRead)
	if got, err := w.read(w.path("way/list.txt")); got != "out/list.txt" {
		t.Fatalf("%q, %v", got, err)
	}
	if err := os.Remove(w.path("way")); err != nil {
		t.Fatal(err)
	}
	w.link("root", "way") // no list there: what was granted is still what is read
	if got, err := w.read(w.path("way/list.txt")); got != "out/list.txt" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.Remove(w.path("out/list.txt")); err != nil {
		t.Fatal(err)
	}
	w.link("out/master.key", "out/list.txt")
	_, err := w.read(w.path("way/list.txt"))
	w.refused(err, "symbolic link")
	w.grant("f", "out/sub/new.txt", sallyport.FileRead)
	if err := os.Remove(w.path("out/sub")); err != nil {
		t.Fatal(err)
	}
	w.link("root", "out/sub")
	_, err = w.read(w.path("out/sub/new.txt"))
	w.refused(err, "symbolic link")
}

func TestOwnerTestsAnyFile(t *testing.T) {
	w := newWorld(t)
	for path, says := range map[string]string{"out/list.txt": "", "out/master.key": "a file of Sallyport itself"} {
		in, name, err := w.OpenForOwner(t.Context(), w.path(path))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = files.ReadFile(in, name, 0, 1<<10); says != "" {
			w.refused(err, says)
		} else if err != nil {
			t.Error(err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestCheckRoots(t *testing.T) {
	w := newWorld(t)
	w.link("out", "alias")
	data := w.path("out/sub")
	for root, fine := range map[string]bool{
		"root": true, "out/sub/files": true, "none": true, "out/sub": false, "out": false, "alias": false, "alias/sub": false, ".": false,
	} {
		err := grant.CheckRoots([]string{w.path("root"), w.path(root)}, data)
		if (err == nil) != fine {
			t.Errorf("%s: %v", root, err)
		}
	}
	if err := grant.CheckRoots([]string{"/"}, data); err == nil {
		t.Error("the whole file system was accepted")
	}
}

func TestPathsOfPages(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]string{"a/b": w.path("root/a/b"), "../x": w.path("x"), w.path("out/x"): w.path("out/x"), w.path("out/../x"): w.path("x")} {
		if got := w.Absolute(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string]string{"root/a": "root/a", "second/a": "second/a", "out/a": "root/a"} {
		if got := w.Beside(w.path(path)); got != w.path(want) {
			t.Errorf("beside %s is %s", path, got)
		}
	}
}
