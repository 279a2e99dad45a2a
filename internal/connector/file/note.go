package file

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
)

// noteBytes is more than a note ever holds.
const noteBytes = 256

// claim makes sure that the note names this destination, or that the file is empty and can be claimed. When it returns, the note is on the
// disk: only then the first record may be written.
func (d *destination) claim(id sallyport.ID) error {
	name := path.Join(path.Dir(d.name), "."+path.Base(d.name)+".sallyport")
	owner, err := files.ReadFile(d.in, name, files.NoFollow, noteBytes)
	switch {
	case err == nil && string(owner) == string(id):
		err = d.confirm(name)
	case err == nil && !isNote(owner):
		err = sallyport.FieldErrorf("path", "%s is taken by a file that this destination did not write; move it away or choose another path", name)
	case err == nil || errors.Is(err, fs.ErrNotExist):
		err = d.take(name, id, err == nil)
	}
	if err != nil {
		return err
	}
	return d.in.SyncDir(path.Dir(d.name))
}

// isNote reports whether a text may be the name of a destination, or what a power failure has left of one.
func isNote(text []byte) bool { return !noName.Match(text) }

var noName = regexp.MustCompile(`[^A-Za-z0-9_\x00-]`)

// confirm brings a note to the disk that a process may have left before it could do that.
func (d *destination) confirm(name string) error {
	note, err := d.in.OpenFile(name, os.O_RDONLY|files.NoFollow, 0)
	if err != nil {
		return err
	}
	return errors.Join(note.Sync(), note.Close())
}

// take writes the note for an empty file. One that exists belonged to a file that is gone, or was not completed.
func (d *destination) take(name string, id sallyport.ID, exists bool) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() > 0 {
		return sallyport.FieldErrorf("path", "%s exists already and was not written by this destination; move it away or choose another path",
			d.path)
	}
	if exists {
		if err := d.in.Remove(name); err != nil {
			return err
		}
	}
	note, err := d.in.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|files.NoFollow, 0o600)
	if err != nil {
		return err
	}
	_, err = note.Write([]byte(id))
	if err = errors.Join(err, note.Sync(), note.Close()); err != nil {
		return errors.Join(err, d.in.Remove(name)) // after a failed sync it would never get to the disk
	}
	return nil
}
