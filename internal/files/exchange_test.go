package files

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// openTestRoot opens a root with files in the folders a and b, whose content is the name of their folder. The file b/one is the program's own.
func openTestRoot(t *testing.T) (dir string, r *Root) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	for _, name := range []string{"a", "b"} {
		err = errors.Join(err, os.Mkdir(filepath.Join(dir, name), 0o755), os.WriteFile(filepath.Join(dir, name, "one"), []byte(name), 0o644),
			os.WriteFile(filepath.Join(dir, name, "two"), []byte(name), 0o644))
	}
	if err == nil {
		r, err = OpenRoot(dir, Options{Own: NewOwn(filepath.Join(dir, "b/one")), NoLinks: true})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return dir, r
}

// exchange puts something else in the place of a file or folder of the root.
func exchange(t *testing.T, dir, name string, put func(path string) error) {
	t.Helper()
	path := filepath.Join(dir, name)
	err := os.Rename(path, path+".aside")
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	if err = errors.Join(err, put(path)); err != nil {
		t.Fatal(err)
	}
}

// TestExchangedFile exchanges a file between the moment in which it is looked at and that in which it is opened.
func TestExchangedFile(t *testing.T) {
	for what, put := range map[string]func(dir string) func(path string) error{
		"a link":            func(string) func(string) error { return func(path string) error { return os.Symlink("two", path) } },
		"a link to nothing": func(string) func(string) error { return func(path string) error { return os.Symlink("three", path) } },
		"another file": func(string) func(string) error {
			return func(path string) error { return os.WriteFile(path, nil, 0o644) }
		},
		"a hard link to an own file": func(dir string) func(string) error {
			return func(path string) error { return os.Link(dir+"/b/one", path) }
		},
	} {
		for name, flag := range map[string]int{"a/one": os.O_RDONLY, "a/new": os.O_WRONLY | os.O_CREATE} {
			dir, r := openTestRoot(t)
			w, err := r.walk(name, true)
			if err != nil {
				t.Fatal(err)
			}
			exchange(t, dir, name, put(dir))
			if f, err := w.openFile(flag, 0o644); !errors.Is(err, errChanged) {
				t.Errorf("%s in the place of %s: opened %v, %v; want an error that says that it was replaced", what, name, f, err)
			}
			w.close()
		}
	}
}

// TestExchangedFolder exchanges a folder between the moment in which it is looked at and that in which it is entered, and after that.
func TestExchangedFolder(t *testing.T) {
	toOther := func(path string) error { return os.Symlink("b", path) }
	dir, r := openTestRoot(t)
	w := &walk{root: r, base: "."}
	info, err := w.look("a")
	if err != nil {
		t.Fatal(err)
	}
	exchange(t, dir, "a", toOther)
	if err := w.enter("a", info); !errors.Is(err, errChanged) {
		t.Errorf("entered another folder: %v", err)
	}
	w.close()

	dir, r = openTestRoot(t)
	if w, err = r.walk("a/one", true); err != nil {
		t.Fatal(err)
	}
	defer w.close()
	exchange(t, dir, "a", toOther)
	f, err := w.openFile(os.O_RDONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if content, err := io.ReadAll(f); string(content) != "a" {
		t.Errorf("read %q of another folder, %v", content, err)
	}
}
