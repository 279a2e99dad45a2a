package files

import (
	"errors"
	"io/fs"
	"os"
	"path"

	"path/filepath"
	"syscall"

	"github.com/sallyport-io/sallyport"
)

// Options are how a root treats what it finds.
type Options struct {
	Own     *Own // files that are never opened; nil: none
	NoLinks bool // symbolic links are refused instead of followed: for paths that were resolved before
	Foreign bool // what other programs keep there may be changed: the path was permitted by itself, not as one of many below a folder
}

// Root is a folder of the operating system.
type Root struct {
	dir     string // absolute and without symbolic links
	top     *os.Root
	account account
	Options
}

// OpenRoot opens an existing folder. Symbolic links on the way to it are followed, those below it may not leave it. The root of the file
// system itself, "/", is for paths that were permitted one by one.
func OpenRoot(dir string, o Options) (*Root, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	volume := filepath.VolumeName(dir) + string(filepath.Separator)
	top, err := os.OpenRoot(volume)
	if err != nil {
		return nil, err
	}
	r := &Root{dir: volume, top: top, account: currentAccount(), Options: Options{Own: o.Own}}
	info, err := top.Stat(".")
	if err == nil {
		err = r.account.trustFolder(info, volume)
	}
	if err != nil {
		return nil, errors.Join(err, top.Close())
	}
	if name := filepath.ToSlash(dir[len(volume):]); name != "" {
		sub, err := r.OpenRoot(name)
		if err = errors.Join(err, top.Close()); err != nil {
			return nil, err
		}
		r = sub
	}
	r.Options = o
	return r, nil
}

// OpenPath opens the whole file system for a path that was permitted by itself, and returns the name of the path below it.
func OpenPath(path string, o Options) (r *Root, name string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, "", err
	}
	volume := filepath.VolumeName(path) + string(filepath.Separator)
	r, err = OpenRoot(volume, o)
	return r, filepath.ToSlash(path[len(volume):]), err
}

// OpenRoot opens an existing folder below the root as a root of its own. It stays the same folder, even if its name is given to another.
func (r *Root) OpenRoot(name string) (*Root, error) {
	w, err := r.walk(name, true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if w.base != "." {
		if w.info == nil {
			return nil, w.error("open", syscall.ENOENT)
		}
		if err := w.enter(w.base, w.info); err != nil {
			return nil, err
		}
	}
	dir := w.folder()
	top, err := w.release()
	if err != nil {
		return nil, err
	}
	return &Root{dir: dir, top: top, account: r.account, Options: r.Options}, nil
}

// Dir is the absolute path that the root had, without symbolic links, when it was opened.
func (r *Root) Dir() string { return r.dir }

// Close closes the root. Files that were opened below it stay open.
func (r *Root) Close() error { return r.top.Close() }

// attempts is how often an entry may change between being looked at and being opened.
const attempts = 5

// OpenFile implements [FS].
func (r *Root) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	if flag&os.O_TRUNC != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EINVAL}
	}
	for i := 1; ; i++ {
		f, err := r.openOnce(name, flag, perm)
		if !errors.Is(err, errChanged) || i == attempts {
			return f, err
		}
	}
}

// openOnce opens the file that is there, or creates one that is not.
func (r *Root) openOnce(name string, flag int, perm fs.FileMode) (File, error) {
	w, err := r.walk(name, flag&(NoFollow|os.O_EXCL) == 0)
	if err != nil {
		return nil, err
	}
	defer w.close()
	return w.openFile(flag, perm)
}

// openFile opens the entry that the walk ended at, or creates it if there was none. Neither follows a link that was put there since.
func (w *walk) openFile(flag int, perm fs.FileMode) (File, error) {
	if err := w.openable(flag); err != nil {
		return nil, err
	}
	how := flag&^(NoFollow|os.O_CREATE|os.O_EXCL) | nonblock
	if w.info == nil {
		how |= os.O_CREATE | os.O_EXCL
	}
	f, err := w.here().OpenFile(w.base, how, perm)
	switch {
	case w.info == nil && errors.Is(err, fs.ErrExist) && flag&os.O_EXCL == 0, w.info != nil && errors.Is(err, fs.ErrNotExist):
		return nil, errChanged
	case err != nil:
		return nil, w.error("open", err)
	}
	if err := w.opened(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return file{f}, nil
}

// openable reports why the entry that the walk ended at may not be opened.
func (w *walk) openable(flag int) error {
	switch {
	case w.info == nil && flag&os.O_CREATE == 0:
		return w.error("open", syscall.ENOENT)
	case w.info == nil:
		return w.root.Own.refuseEntry(w.here(), w.base, w.path())
	case flag&(os.O_CREATE|os.O_EXCL) == os.O_CREATE|os.O_EXCL:
		return w.error("open", syscall.EEXIST)
	}
	return w.usable(w.info)
}

// usable refuses what is not a regular file, or is one of the program's own.
func (w *walk) usable(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return sallyport.Errorf(sallyport.Invalid, "%s exists already and is not a regular file but %s; choose another path", w.path(),
			kindOf(info.Mode()))
	}
	return w.root.Own.refuse(info, w.path())
}

// opened checks the opened file itself: only it is certain to be the one that is read and written.
func (w *walk) opened(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if w.info != nil && !Same(info, w.info) {
		return errChanged
	}
	return w.usable(info)
}

// Stat implements [FS].
func (r *Root) Stat(name string) (fs.FileInfo, error) {
	w, err := r.walk(name, true)
	if err != nil {
		return nil, err
	}
	defer w.close()
	if w.info == nil {
		return nil, w.error("stat", syscall.ENOENT)
	}
	return w.info, nil
}

// Mkdir implements [FS].
func (r *Root) Mkdir(name string, perm fs.FileMode) error {
	return r.in("mkdir", name, func(w *walk) error { return w.here().Mkdir(w.base, perm) })
}

// Remove implements [FS].
func (r *Root) Remove(name string) error {
	return r.in("remove", name, func(w *walk) error {
		if w.info == nil {
			return syscall.ENOENT
		}
		if err := w.root.Own.refuse(w.info, w.path()); err != nil {
			return err
		}
		return w.here().Remove(w.base)
	})
}

// Rename implements [FS].
func (r *Root) Rename(oldname, newname string) error {
	if path.Dir(path.Clean(oldname)) != path.Dir(path.Clean(newname)) {
		return &fs.PathError{Op: "rename", Path: newname, Err: syscall.EXDEV}
	}
	return r.in("rename", newname, func(w *walk) error {
		from := path.Base(path.Clean(oldname))
		for _, name := range []string{from, w.base} {
			if info, err := w.here().Lstat(name); err == nil {
				err = w.root.Own.refuse(info, w.path())
				if err != nil {
					return err
				}
			}
		}
		if err := w.root.Own.refuseEntry(w.here(), w.base, w.path()); err != nil {
			return err
		}
		return w.here().Rename(from, w.base)
	})
}

// SyncDir implements [FS]. File systems that cannot do it for a folder say that it is invalid.
func (r *Root) SyncDir(name string) error {
	sub, err := r.OpenRoot(name)
	if err != nil {
		return err
	}
	defer sub.Close()
	f, err := sub.top.Open(".")
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, f.Close())
}

// in does something to the entry of a name, in its open folder.
func (r *Root) in(op, name string, do func(*walk) error) error {
	w, err := r.walk(name, false)
	if err != nil {
		return err
	}
	defer w.close()
	if w.base == "." {
		return w.error(op, syscall.EINVAL)
	}
	if err := do(w); err != nil {
		return w.error(op, err)
	}
	return nil
}

// file is a file of the operating system.
type file struct{ *os.File }

func (f file) TryLock() (bool, error) { return tryLock(f.File) }
