package file

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/files"
)

// open opens and locks the file, and cuts it to what is committed.
func (d *destination) open(target connector.Target, last state) (err error) {
	flag := os.O_RDWR | os.O_APPEND
	if last.Length == 0 {
		if err := files.MkdirAll(d.in, path.Dir(d.name), 0o755); err != nil {
			return err
		}
		flag |= os.O_CREATE
	}
	d.file, err = d.in.OpenFile(d.name, flag, 0o644)
	if errors.Is(err, fs.ErrNotExist) && last.Length > 0 {
		return d.gone(last.Length)
	}
	if err != nil {
		return err
	}
	if locked, err := d.file.TryLock(); err != nil {
		return err
	} else if !locked {
		return sallyport.Errorf(sallyport.Conflict, "%s is being written by another process; the next delivery tries again", d.path)
	}
	if err := d.checkName(); err != nil {
		return err
	}
	if last.Length == 0 {
		err = d.claim(target.ID)
	} else {
		err = d.resume(last)
	}
	if err != nil {
		return err
	}
	d.committed = last.Length
	if err := d.cut(); err != nil {
		return err
	}
	d.tail, err = readTail(d.file, last.Length)
	return err
}

// resume makes sure that what was committed is in the file.
func (d *destination) resume(last state) error {
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < last.Length {
		return d.changed(last.Length)
	}
	end, err := readTail(d.file, last.Length)
	if err != nil {
		return err
	}
	if last.Tail != "" && end.hash() != last.Tail || !bytes.HasSuffix(end.last, []byte("\n")) {
		return d.changed(last.Length)
	}
	return nil
}

// cut removes what follows the committed bytes. A file that is shorter is left as it is: to make it longer would fill it with zeros.
func (d *destination) cut() error {
	info, err := d.file.Stat()
	if err != nil || info.Size() <= d.committed {
		return err
	}
	return d.file.Truncate(d.committed)
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

// unwritable is the error for a path that cannot be used.
func (d *destination) unwritable(err error) error {
	if e, ok := errors.AsType[*sallyport.Error](err); ok {
		if e.Code == sallyport.Invalid && e.Field == "" {
			return sallyport.FieldErrorf("path", "%w", err)
		}
		return err
	}
	if outage := connector.LocalOutage(d.path, err); outage != nil {
		return outage
	}
	return sallyport.FieldErrorf("path", "%s cannot be written (%w); let the user that Sallyport runs as write there, or choose another path",
		d.path, cause(err))
}
