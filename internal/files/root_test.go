package files_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
)

// tree is a folder with a root in it, beside something that must stay out of reach.
func tree(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, folder := range []string{"root/sub", "outside"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, filepath.Join(dir, "outside/secret"), "secret")
	put(t, filepath.Join(dir, "root/plain"), "plain")
	put(t, filepath.Join(dir, "root/sub/deep"), "deep")
	return dir
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, target, name string) {
	t.Helper()
	if err := os.Symlink(target, name); err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, dir string, o files.Options) *files.Root {
	t.Helper()
	r, err := files.OpenRoot(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// refused wants a sentence for a person with some words in it.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if sallyport.CodeOf(err) != sallyport.Invalid {
		t.Fatalf("%v must be a refusal", err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%q must say %q", err, word)
		}
	}
}

func TestNamesStayBelowTheRoot(t *testing.T) {
	dir := tree(t)
	root := filepath.Join(dir, "root")
	link(t, "../outside", root+"/out")
	link(t, dir+"/outside/secret", root+"/absolute")
	link(t, "../../outside/secret", root+"/sub/up")
	link(t, "loop", root+"/loop")
	link(t, "sub/../plain", root+"/inner")
	link(t, "sub", root+"/folder")
	r := open(t, root, files.Options{})
	for name, want := range map[string]string{"plain": "plain", "./sub//deep": "deep", "sub/../plain": "plain", "inner": "plain", "folder/deep": "deep"} {
		if content, err := files.ReadFile(r, name, 0, 10); err != nil || string(content) != want {
			t.Errorf("%s holds %q, %v; want %q", name, content, err, want)
		}
	}
	for _, name := range []string{"../outside/secret", "sub/../../outside/secret", "out/secret", "absolute", "sub/up"} {
		for _, flag := range []int{os.O_RDONLY, os.O_RDWR | os.O_CREATE, os.O_WRONLY | os.O_APPEND} {
			_, err := r.OpenFile(name, flag, 0o644)
			refused(t, err, root)
		}
	}
	if _, err := r.OpenFile("loop", os.O_RDONLY, 0); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestNoLinks(t *testing.T) {
	dir := tree(t)
	link(t, "sub", dir+"/root/folder")
	link(t, "plain", dir+"/root/inner")
	r := open(t, dir+"/root", files.Options{NoLinks: true})
	for _, name := range []string{"folder/deep", "inner"} {
		_, err := r.OpenFile(name, os.O_RDONLY, 0)
		refused(t, err, "symbolic link")
	}
	followed := open(t, dir+"/root", files.Options{})
	_, err := followed.OpenFile("inner", os.O_RDONLY|files.NoFollow, 0)
	refused(t, err, "a symbolic link")
}

// TestSystemRoot opens paths below the root of the file system, where links may lead anywhere.
func TestSystemRoot(t *testing.T) {
	dir := tree(t)
	link(t, dir+"/root", dir+"/outside/absolute")
	r := open(t, "/", files.Options{})
	if content, err := files.ReadFile(r, dir[1:]+"/outside/absolute/sub/deep", 0, 10); err != nil || string(content) != "deep" {
		t.Errorf("%q, %v", content, err)
	}
}

func TestUnsafeFolders(t *testing.T) {
	for _, tc := range []struct {
		mode os.FileMode
		says string // empty: the folder is safe
	}{
		{0o755, ""}, {0o700, ""}, {0o777 | os.ModeSticky, ""}, {0o777, "chmod go-w "}, {0o757, "chmod o-w "}, {0o775, "chmod g-w "}, {0o702, "chmod o-w "},
	} {
		dir := tree(t)
		if err := os.Chmod(dir+"/root", tc.mode); err != nil {
			t.Fatal(err)
		}
		r := open(t, "/", files.Options{})
		for _, name := range []string{"/root/plain", "/root/sub/deep", "/root/new"} {
			f, err := r.OpenFile(dir[1:]+name, os.O_RDWR|os.O_CREATE, 0o644)
			switch {
			case tc.says != "":
				refused(t, err, tc.says+dir+"/root", "not safe")
			case err != nil:
				t.Errorf("%v: %v", tc.mode, err)
			default:
				f.Close()
			}
		}
		if _, err := files.OpenRoot(dir+"/root/sub", files.Options{}); (err != nil) != (tc.says != "") {
			t.Errorf("a root below a folder of mode %v: %v", tc.mode, err)
		}
	}
}

func TestOwnFiles(t *testing.T) {
	dir := tree(t)
	key := dir + "/outside/secret"
	link(t, key, dir+"/root/link")
	if err := os.Link(key, dir+"/root/hard"); err != nil {
		t.Fatal(err)
	}
	r := open(t, "/", files.Options{Own: files.NewOwn(key, dir+"/outside/later")})
	for _, name := range []string{"/outside/secret", "/root/link", "/root/hard", "/outside/later", "/outside/LATER"} {
		for _, flag := range []int{os.O_RDONLY | os.O_CREATE, os.O_RDWR | os.O_CREATE | os.O_APPEND} {
			_, err := r.OpenFile(dir[1:]+name, flag, 0o644)
			refused(t, err, "a file of Sallyport itself")
		}
	}
	refused(t, r.Remove(dir[1:]+"/root/hard"), "a file of Sallyport itself")
	refused(t, r.Rename(dir[1:]+"/outside/secret", dir[1:]+"/outside/x"), "a file of Sallyport itself")
	put(t, dir+"/outside/mine", "")
	refused(t, r.Rename(dir[1:]+"/outside/mine", dir[1:]+"/outside/later"), "a file of Sallyport itself")
}

// TestOwnFileThatIsCreated: where a file of the program's own is a symbolic link that leads nowhere yet, what it leads to is known only once it
// is there.
func TestOwnFileThatIsCreated(t *testing.T) {
	dir := tree(t)
	link(t, dir+"/root/sub/target", dir+"/outside/later")
	r := open(t, "/", files.Options{Own: files.NewOwn(dir + "/outside/later")})
	_, err := r.OpenFile(dir[1:]+"/root/sub/target", os.O_RDWR|os.O_CREATE, 0o644)
	refused(t, err, "a file of Sallyport itself")
}

// TestCompanionsOfALinkedDatabase: they lie beside the file that the link leads to, and need not exist at the moment.
func TestCompanionsOfALinkedDatabase(t *testing.T) {
	dir := tree(t)
	link(t, dir+"/outside/secret", dir+"/root/data.db")
	r := open(t, "/", files.Options{Own: files.NewOwn(dir+"/root/data.db", dir+"/root/data.db-wal")})
	for _, name := range []string{"/outside/secret", "/outside/secret-wal", "/root/data.db", "/root/data.db-wal"} {
		_, err := r.OpenFile(dir[1:]+name, os.O_RDWR|os.O_CREATE, 0o644)
		refused(t, err, "a file of Sallyport itself")
	}
}

func TestOnlyRegularFiles(t *testing.T) {
	dir := tree(t)
	if err := syscall.Mkfifo(dir+"/root/fifo", 0o644); err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("unix", dir+"/root/socket")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	r := open(t, "/", files.Options{})
	for name, kind := range map[string]string{dir[1:] + "/root/fifo": "a FIFO", dir[1:] + "/root/socket": "a socket", dir[1:] + "/root/sub": "a folder", "dev/null": "a device"} {
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY, os.O_RDWR | os.O_CREATE} {
			_, err := r.OpenFile(name, flag, 0o644)
			refused(t, err, kind)
		}
	}
}

func TestExclusiveCreation(t *testing.T) {
	dir := tree(t)
	link(t, dir+"/outside/new", dir+"/root/dangling")
	link(t, "new", dir+"/root/inner")
	r := open(t, "/", files.Options{})
	for _, name := range []string{"/root/plain", "/root/dangling", "/root/inner"} {
		if _, err := r.OpenFile(dir[1:]+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v, want %v", name, err, fs.ErrExist)
		}
	}
	if _, err := r.OpenFile("x", os.O_RDWR|os.O_TRUNC, 0); err == nil {
		t.Error("a file may not be truncated before it is checked")
	}
}

func TestFoldersAndNames(t *testing.T) {
	dir := tree(t)
	r := open(t, dir+"/root", files.Options{})
	if err := files.MkdirAll(r, "a/b/c", 0o750); err != nil {
		t.Fatal(err)
	}
	if err := files.MkdirAll(r, "plain/x", 0o750); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("a folder below a file: %v", err)
	}
	f, err := r.OpenFile("a/b/c/f", os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := r.Rename("a/b/c/f", "a/b/c/g"); err != nil {
		t.Fatal(err)
	}
	opened, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if named, err := r.Stat("a/b/c/g"); err != nil || !files.Same(opened, named) {
		t.Errorf("the file is not found under its new name: %v", err)
	}
	if plain, err := r.Stat("plain"); err != nil || files.Same(opened, plain) {
		t.Errorf("another file is not told from it: %v", err)
	}
	if err := errors.Join(r.SyncDir("a/b/c"), r.Remove("a/b/c/g"), r.SyncDir(".")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Stat("a/b/c/g"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it was removed: %v", err)
	}
	if err := r.Rename("plain", "sub/plain"); !errors.Is(err, syscall.EXDEV) {
		t.Errorf("to another folder: %v", err)
	}
}

func TestLock(t *testing.T) {
	r := open(t, tree(t)+"/root", files.Options{})
	var opened [2]files.File
	for i := range opened {
		f, err := r.OpenFile("plain", os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		opened[i] = f
	}
	for i, want := range []bool{true, false} {
		if got, err := opened[i].TryLock(); err != nil || got != want {
			t.Errorf("opening %d is locked: %t, %v; want %t", i, got, err, want)
		}
	}
	if err := opened[0].Close(); err != nil {
		t.Fatal(err)
	}
	if got, err := opened[1].TryLock(); err != nil || !got {
		t.Errorf("after the other was closed: %t, %v", got, err)
	}
}
