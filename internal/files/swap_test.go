package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport/internal/files"
)

// while repeats something that another program does until the test is done with its own work.
func while(t *testing.T, other func() error, work func()) {
	t.Helper()
	var done atomic.Bool
	ended := make(chan error)
	go func() {
		var err error
		for !done.Load() && err == nil {
			err = other()
		}
		ended <- err
	}()
	work()
	done.Store(true)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// TestSwappedFolder exchanges a folder for a link that leads out of the root, and back, while files in it are opened and created.
func TestSwappedFolder(t *testing.T) {
	dir := tree(t)
	root := filepath.Join(dir, "root")
	put(t, root+"/sub/secret", "inside")
	link(t, "../outside", dir+"/link")
	r := open(t, root, files.Options{})
	swap := func() error {
		for _, step := range [][2]string{{root + "/sub", dir + "/aside"}, {dir + "/link", root + "/sub"}, {root + "/sub", dir + "/link"}, {dir + "/aside", root + "/sub"}} {
			if err := os.Rename(step[0], step[1]); err != nil {
				return err
			}
		}
		return nil
	}
	read := 0
	while(t, swap, func() {
		for range 3_000 {
			if f, err := r.OpenFile("sub/new", os.O_RDWR|os.O_CREATE, 0o644); err == nil {
				f.Close()
			}
			content, err := files.ReadFile(r, "sub/secret", 0, 10)
			if err == nil && string(content) != "inside" {
				t.Fatalf("it read %q", content)
			}
			if err == nil {
				read++
			}
		}
	})
	if _, err := os.Lstat(dir + "/outside/new"); err == nil {
		t.Error("it created a file outside of the root")
	}
	t.Logf("%d of 3000 readings succeeded", read)
}

// TestSwappedFile exchanges a file for something else, and back, while it is opened.
func TestSwappedFile(t *testing.T) {
	for name, make := range map[string]func(dir, name string) error{
		"a hard link to an own file": func(dir, name string) error { return os.Link(dir+"/outside/secret", name) },
		"a link to another file":     func(_, name string) error { return os.Symlink("sub/secret", name) },
		"a FIFO":                     func(_, name string) error { return syscall.Mkfifo(name, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			file := dir + "/root/plain"
			put(t, dir+"/root/sub/secret", "secret")
			r := open(t, dir+"/root", files.Options{Own: files.NewOwn(dir + "/outside/secret"), NoLinks: true})
			swap := func() error {
				return errors.Join(make(dir, dir+"/bad"), os.Rename(dir+"/bad", file),
					os.WriteFile(dir+"/good", []byte("plain"), 0o644), os.Rename(dir+"/good", file))
			}
			while(t, swap, func() {
				for range 3_000 {
					content, err := files.ReadFile(r, "plain", 0, 10)
					if err == nil && string(content) != "plain" {
						t.Fatalf("it read %q", content)
					}
				}
			})
		})
	}
}

// TestSwappedWithoutLinks exchanges a folder, and a name that does not exist, for links that stay below a root where links are not followed.
func TestSwappedWithoutLinks(t *testing.T) {
	dir := tree(t)
	if err := os.Mkdir(dir+"/root/other", 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, dir+"/root/other/deep", "other")
	r := open(t, dir+"/root", files.Options{NoLinks: true})
	swap := func() error {
		os.Symlink("other/new", dir+"/root/new") // unless it is created at the moment
		os.Remove(dir + "/root/new")
		return errors.Join(os.Rename(dir+"/root/sub", dir+"/aside"), os.Symlink("other", dir+"/root/sub"),
			os.Remove(dir+"/root/sub"), os.Rename(dir+"/aside", dir+"/root/sub"))
	}
	while(t, swap, func() {
		for range 3_000 {
			if content, err := files.ReadFile(r, "sub/deep", 0, 10); err == nil && string(content) != "deep" {
				t.Fatalf("it read %q", content)
			}
			if f, err := r.OpenFile("new", os.O_RDWR|os.O_CREATE, 0o644); err == nil {
				f.Close()
				r.Remove("new") // if the other one has not
			}
			if _, err := os.Stat(dir + "/root/other/new"); err == nil {
				t.Fatal("it created a file through the link")
			}
		}
	})
}
