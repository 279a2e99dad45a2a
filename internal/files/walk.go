package files

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/sallyport-io/sallyport"
)

// maxLinks is how many symbolic links are followed on the way to one file, as by Linux.
const maxLinks = 40

// errChanged is the error for an entry that is exchanged while it is opened, again and again.
var errChanged = errors.New("it is being replaced while it is opened; try again")

// walk is the way from a root to an entry. Every folder on it is held open, so that ".." and the last element mean what they meant when
// their folder was checked.
type walk struct {
	root  *Root
	open  []*os.Root // the folders below the root
	names []string   // theirs
	links int        // followed so far

	base string      // the last element, in the last folder; "." is that folder itself
	info fs.FileInfo // of the entry, which is not a link if links are followed; nil: there is none
}

// walk goes to an entry. With follow, a symbolic link at the end is followed, too.
func (r *Root) walk(name string, follow bool) (*walk, error) {
	w := &walk{root: r, base: "."}
	if err := w.resolve(strings.Split(filepath.ToSlash(name), "/"), follow); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *walk) resolve(rest []string, follow bool) error {
	for len(rest) > 0 {
		element := rest[0]
		rest = rest[1:]
		switch element {
		case "", ".":
			continue
		case "..":
			if len(w.open) == 0 {
				return w.leaves()
			}
			w.up()
			continue
		}
		info, err := w.look(element)
		if err != nil && (len(rest) > 0 || !errors.Is(err, fs.ErrNotExist)) {
			return w.errorAt(element, "open", err)
		}
		if err == nil && info.Mode()&fs.ModeSymlink != 0 && (follow || len(rest) > 0) {
			target, err := w.link(element)
			if err != nil {
				return err
			}
			rest = append(target, rest...)
			continue
		}
		if len(rest) == 0 {
			w.base, w.info = element, info
			return nil
		}
		if err := w.enter(element, info); err != nil {
			return err
		}
	}
	info, err := w.here().Stat(".")
	w.info = info
	return err
}

// look describes an entry of the folder that the walk is in. In a folder in which others may create entries, it must not be theirs.
func (w *walk) look(element string) (fs.FileInfo, error) {
	info, err := w.here().Lstat(element)
	if err != nil {
		return nil, err
	}
	folder, err := w.here().Stat(".")
	if err != nil {
		return nil, err
	}
	return info, w.root.account.trustEntry(folder, info, filepath.Join(w.folder(), element))
}

// link reads a symbolic link, whose elements come next.
func (w *walk) link(element string) ([]string, error) {
	path := filepath.Join(w.folder(), element)
	if w.root.NoLinks {
		return nil, sallyport.Errorf(sallyport.Invalid, "%s is a symbolic link, which is not followed here; use the path that it leads to", path)
	}
	if w.links++; w.links > maxLinks {
		return nil, w.errorAt(element, "open", syscall.ELOOP)
	}
	target, err := w.here().Readlink(element)
	if err != nil {
		return nil, w.errorAt(element, "open", err)
	}
	if filepath.IsAbs(target) {
		volume := filepath.VolumeName(target) + string(filepath.Separator)
		if w.root.dir != volume {
			return nil, w.leaves()
		}
		for len(w.open) > 0 {
			w.up()
		}
	}
	return strings.Split(filepath.ToSlash(target), "/"), nil
}

// enter opens a folder of the folder that the walk is in, and checks it.
func (w *walk) enter(element string, seen fs.FileInfo) error {
	if !seen.IsDir() {
		return w.errorAt(element, "open", syscall.ENOTDIR)
	}
	sub, err := w.here().OpenRoot(element)
	if err != nil {
		return w.errorAt(element, "open", err)
	}
	w.open, w.names = append(w.open, sub), append(w.names, element)
	info, err := sub.Stat(".")
	if err != nil {
		return w.errorAt(".", "open", err)
	}
	if !Same(info, seen) {
		return w.errorAt(".", "open", errChanged)
	}
	return w.root.account.trustFolder(info, w.folder())
}

func (w *walk) up() {
	last := len(w.open) - 1
	w.open[last].Close() // it was only read
	w.open, w.names = w.open[:last], w.names[:last]
}

// here is the folder that the walk is in.
func (w *walk) here() *os.Root {
	if len(w.open) == 0 {
		return w.root.top
	}
	return w.open[len(w.open)-1]
}

// folder is the path of the folder that the walk is in, path that of the entry it ended at.
func (w *walk) folder() string { return filepath.Join(w.root.dir, filepath.Join(w.names...)) }
func (w *walk) path() string   { return filepath.Join(w.folder(), w.base) }

// release hands out the folder that the walk is in.
func (w *walk) release() (top *os.Root, err error) {
	if len(w.open) == 0 {
		return w.root.top.OpenRoot(".")
	}
	last := len(w.open) - 1
	top, w.open = w.open[last], w.open[:last]
	return top, nil
}

func (w *walk) close() {
	for _, r := range w.open {
		r.Close()
	}
}

func (w *walk) leaves() error {
	return sallyport.Errorf(sallyport.Invalid, "the path leaves %s; choose one below that folder, without symbolic links that lead out of it",
		w.root.dir)
}

func (w *walk) error(op string, err error) error { return w.errorAt(w.base, op, err) }

// errorAt is an error with the whole path of an entry. A sentence for a person stays as it is.
func (w *walk) errorAt(element, op string, err error) error {
	if _, ok := errors.AsType[*sallyport.Error](err); ok {
		return err
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		err = e.Err
	}
	return &fs.PathError{Op: op, Path: filepath.Join(w.folder(), element), Err: err}
}
