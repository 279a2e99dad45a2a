package file

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// open opens and locks the file, and cuts it to what is committed.
func (d *destination) open(target connector.Target, last state) error {
	if err := d.create(last); err != nil {
		return err
	}
	d.lock = flock.New(d.path, flock.SetPermissions(0o644))
	if free, err := d.lock.TryLock(); err != nil {
		return d.unwritable(err)
	} else if !free {
		return sallyport.Errorf(sallyport.Conflict, "%s is being written by another process; the next delivery tries again", d.path)
	}
	var err error
	if d.file, err = os.OpenFile(d.path, os.O_RDWR, 0); err != nil {
		return d.unwritable(err)
	}
	if target.State == "" {
		err = d.claim(target.ID)
	} else {
		err = d.resume(last)
	}
	if err != nil {
		return err
	}
	return d.cut(last.Length)
}

// create makes the file if it is not there, and makes sure that it stays there when the power fails.
func (d *destination) create(last state) error {
	switch info, err := os.Stat(d.path); {
	case err == nil && !info.Mode().IsRegular():
		return sallyport.FieldErrorf("path", "%s is there already and is no regular file; choose another path", d.path)
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist) && last.Length > 0:
		return sallyport.FieldErrorf("path", "%s is gone, although %d bytes were delivered to it; put it back, or choose another path to have "+
			"everything written anew", d.path, last.Length)
	}
	changed, err := makeFolders(filepath.Dir(d.path))
	if err != nil {
		return d.unwritable(err)
	}
	f, err := os.OpenFile(d.path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return d.unwritable(err)
	}
	if err := f.Close(); err != nil {
		return d.unwritable(err)
	}
	return d.sync(changed...)
}

// claim makes the file the destination's own, if nobody else's content stands in it, and empties it.
func (d *destination) claim(id sallyport.ID) error {
	note := filepath.Join(filepath.Dir(d.path), "."+filepath.Base(d.path)+".sallyport")
	owner, err := os.ReadFile(note)
	switch {
	case err == nil && string(owner) == string(id):
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return d.unwritable(err)
	}
	info, err := d.file.Stat()
	if err != nil {
		return d.unwritable(err)
	}
	if info.Size() > 0 {
		return sallyport.FieldErrorf("path", "%s is there already and was not written by this destination; move it away or choose another path",
			d.path)
	}
	if err := os.WriteFile(note, []byte(id), 0o600); err != nil {
		return d.unwritable(err)
	}
	return d.sync(note, filepath.Dir(note))
}

// resume makes sure that what was committed is there.
func (d *destination) resume(last state) error {
	info, err := d.file.Stat()
	if err != nil {
		return d.unwritable(err)
	}
	end := []byte{'\n'}
	if last.Length > 0 && info.Size() >= last.Length {
		if _, err := d.file.ReadAt(end, last.Length-1); err != nil {
			return d.unwritable(err)
		}
	}
	if info.Size() < last.Length || end[0] != '\n' {
		return sallyport.FieldErrorf("path", "%s was changed by something else: the %d bytes that were delivered to it are not all there; put "+
			"them back, or choose another path to have everything written anew", d.path, last.Length)
	}
	return nil
}

// cut takes away what comes after the committed bytes.
func (d *destination) cut(length int64) error {
	if err := d.file.Truncate(length); err != nil {
		return d.unwritable(err)
	}
	if _, err := d.file.Seek(length, io.SeekStart); err != nil {
		return d.unwritable(err)
	}
	d.committed = length
	return nil
}

// columnsFor returns the columns of the file: those it has, else those of the configuration, else the fields of the dataset. None are
// known if it has none.
func (d *destination) columnsFor(target connector.Target, last state) ([]string, error) {
	wanted := target.List("columns")
	for i, name := range wanted {
		if slices.Contains(wanted[:i], name) {
			return nil, sallyport.FieldErrorf("columns", "must not name %q twice", name)
		}
	}
	switch {
	case last.Format != "" && last.Format != d.format:
		return nil, sallyport.FieldErrorf("format", "cannot change: %s was begun as %s; choose another path", d.path, last.Format)
	case len(last.Columns) > 0 && len(wanted) > 0 && !slices.Equal(last.Columns, wanted):
		return nil, sallyport.FieldErrorf("columns", "cannot change: %s was begun with the columns %s; choose another path", d.path,
			strings.Join(last.Columns, ", "))
	case len(last.Columns) > 0:
		return last.Columns, nil
	case len(wanted) > 0:
		return wanted, nil
	}
	for _, f := range target.Schema.Fields {
		wanted = append(wanted, f.Name)
	}
	return wanted, nil
}

// makeFolders makes a folder and those above it, and returns those whose content changes when a file is put there.
func makeFolders(folder string) (changed []string, err error) {
	for {
		changed = append(changed, folder)
		above := filepath.Dir(folder)
		if _, err := os.Stat(folder); err == nil || above == folder {
			break
		}
		folder = above
	}
	return changed, os.MkdirAll(changed[0], 0o755)
}

// sync brings files and folders onto the disk. File systems that cannot do that for a folder say that it is invalid.
func (d *destination) sync(paths ...string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return d.unwritable(err)
		}
		err = f.Sync()
		if err = errors.Join(err, f.Close()); err != nil && !errors.Is(err, syscall.EINVAL) {
			return d.unwritable(err)
		}
	}
	return nil
}

// unwritable is the error for a path that cannot be used.
func (d *destination) unwritable(err error) error {
	return sallyport.FieldErrorf("path", "%s cannot be written (%w); let the user that Sallyport runs as write there, or choose another path",
		d.path, cause(err))
}
