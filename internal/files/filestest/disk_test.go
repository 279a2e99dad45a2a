package filestest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"syscall"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/files/filestest"
)

// TestDiskIsLikeAFileSystem does the same things at random to a disk and to the file system of this machine, with the same results.
func TestDiskIsLikeAFileSystem(t *testing.T) {
	names := []string{"a", "b", "d", "d/a", "d/b", "d/e/a", "a/x"}
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "disk-test-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		root, err := files.OpenRoot(dir, files.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		both := []files.FS{filestest.New(), root}
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			step := rapid.SampledFrom([]string{"create", "create new", "append", "write", "truncate", "mkdir", "mkdir all", "rename", "remove", "stat", "sync"}).Draw(t, "step")
			name, other := rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(names).Draw(t, "other")
			number := rapid.IntRange(0, 20).Draw(t, "number")
			if step == "rename" && (path.Dir(name) != path.Dir(other) || isFolder(both[1], name) || isFolder(both[1], other)) {
				continue // only files are renamed, within a folder
			}
			var results [2]string
			for i, fsys := range both {
				results[i] = do(fsys, step, name, other, number)
			}
			if results[0] != results[1] {
				t.Fatalf("%s %s (%s, %d): the disk says %s, the file system %s", step, name, other, number, results[0], results[1])
			}
		}
		for _, name := range names {
			if disk, real := do(both[0], "stat", name, "", 0), do(both[1], "stat", name, "", 0); disk != real {
				t.Fatalf("%s is %s on the disk, %s in the file system", name, disk, real)
			}
		}
	})
}

// do does one step, and tells its result.
func do(fsys files.FS, step, name, other string, number int) string {
	var err error
	switch step {
	case "create":
		err = with(fsys, name, os.O_RDWR|os.O_CREATE, func(files.File) error { return nil })
	case "create new":
		err = with(fsys, name, os.O_RDWR|os.O_CREATE|os.O_EXCL, func(files.File) error { return nil })
	case "append":
		err = with(fsys, name, os.O_RDWR|os.O_APPEND, func(f files.File) error { return text(f, number) })
	case "write":
		err = with(fsys, name, os.O_RDWR, func(f files.File) error {
			_, err := f.Seek(int64(number), 0)
			return errors.Join(err, text(f, number))
		})
	case "truncate":
		err = with(fsys, name, os.O_RDWR, func(f files.File) error { return errors.Join(f.Truncate(int64(number)), f.Sync()) })
	case "mkdir":
		err = fsys.Mkdir(name, 0o755)
	case "mkdir all":
		err = files.MkdirAll(fsys, name, 0o755)
	case "rename":
		err = fsys.Rename(name, other)
	case "remove":
		err = fsys.Remove(name)
	case "sync":
		err = fsys.SyncDir(path.Dir(name))
	case "stat":
		return look(fsys, name)
	}
	return kind(err)
}

func text(f files.File, number int) error {
	_, err := fmt.Fprintf(f, "<%d>", number)
	return err
}

func with(fsys files.FS, name string, flag int, work func(files.File) error) error {
	f, err := fsys.OpenFile(name, flag, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(work(f), f.Close())
}

func look(fsys files.FS, name string) string {
	info, err := fsys.Stat(name)
	if err != nil || info.IsDir() {
		return fmt.Sprint("a folder: ", err == nil, ", ", kind(err))
	}
	content, err := files.ReadFile(fsys, name, 0, 1000)
	return fmt.Sprintf("%d bytes: %q, %s", info.Size(), content, kind(err))
}

func isFolder(fsys files.FS, name string) bool {
	info, err := fsys.Stat(name)
	return err == nil && info.IsDir()
}

// kind is the kind of an error: the real one has more words.
func kind(err error) string {
	for _, known := range []error{fs.ErrNotExist, fs.ErrExist, syscall.ENOTDIR} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err != nil {
		return "another error"
	}
	return "done"
}

// TestCrash shows what each kind of loss leaves of a file that was synced, appended to and renamed.
func TestCrash(t *testing.T) {
	d := filestest.New()
	for i, err := range []error{
		with(d, "a", os.O_RDWR|os.O_CREATE, func(f files.File) error { return errors.Join(text(f, 1), f.Sync()) }), d.SyncDir("."),
		with(d, "a", os.O_RDWR|os.O_APPEND, func(f files.File) error { return text(f, 22) }), d.Rename("a", "b"),
	} {
		if err != nil {
			t.Fatal(i, err)
		}
	}
	want := map[string]string{
		"all lost": `a "<1>"`, "all kept": `b "<1><22>"`, "torn": `b "<1><2"`, "zeroed": `b "<1>\x00\x00\x00\x00"`, "names only": `b "<1>"`, "content only": `a "<1><22>"`,
		"change 0 lost": `b "<1>"`, "change 0 alone kept": `a "<1><22>"`, "change 1 lost": `a "<1><22>"`, "change 1 alone kept": `b "<1>"`,
	}
	states := 0
	for name, after := range d.Crashes(1) {
		states++
		got := ""
		for _, file := range after.Names() {
			content, _ := after.Content(file)
			got += fmt.Sprintf("%s %q", file, content)
		}
		if want[name] != "" && got != want[name] {
			t.Errorf("%s: %s, want %s", name, got, want[name])
		}
	}
	if states <= len(want) {
		t.Errorf("there are %d states", states)
	}
}
