package file

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
)

// tailBytes is how much of the end of a file is known, and compared.
const tailBytes = 4 << 10

// tail appends to a file and knows how long the file must be, and how it must end.
type tail struct {
	file   files.File
	length int64
	last   []byte // of the file, at most tailBytes
}

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	t.length += int64(n)
	t.last = append(t.last, p[max(0, n-tailBytes):n]...)
	t.last = t.last[:copy(t.last, t.last[max(0, len(t.last)-tailBytes):])]
	return n, err
}

func (t *tail) hash() string {
	sum := sha256.Sum256(t.last)
	return hex.EncodeToString(sum[:])
}

// readTail reads how a file ends if it is cut to a length. It is shorter if the file is.
func readTail(f files.File, length int64) (*tail, error) {
	size := min(length, tailBytes)
	last := make([]byte, size, 2*tailBytes)
	n, err := f.ReadAt(last, length-size)
	if err == io.EOF {
		err = nil
	}
	return &tail{f, length, last[:n]}, err
}

// check makes sure that everything that was written is in the file of that name, and nothing else.
func (d *destination) check() error {
	if err := d.checkName(); err != nil {
		return err
	}
	info, err := d.file.Stat()
	if err != nil {
		return err
	}
	now, err := readTail(d.file, d.tail.length)
	if err != nil {
		return err
	}
	if info.Size() != d.tail.length || !bytes.Equal(now.last, d.tail.last) {
		return d.changed(d.tail.length)
	}
	return nil
}

// checkName makes sure that the name still stands for the open file.
func (d *destination) checkName() error {
	opened, err := d.file.Stat()
	if err != nil {
		return err
	}
	named, err := d.in.Stat(d.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !files.Same(opened, named) {
		return d.moved()
	}
	return err
}

func (d *destination) moved() error {
	return sallyport.FieldErrorf("path", "%s was moved, replaced or removed by another program while it was written; put the file back, "+
		"or write everything to a new file with %s", d.path, d.again)
}

func (d *destination) gone(length int64) error {
	return sallyport.FieldErrorf("path", "%s is missing, although %d bytes were delivered to it; put the file back, "+
		"or write everything to a new file with %s", d.path, length, d.again)
}

func (d *destination) changed(length int64) error {
	return sallyport.FieldErrorf("path", "%s was changed by another program: it does not hold the %d bytes that were delivered to it; "+
		"restore the file, or replace it and write everything again with %s", d.path, length, d.again)
}
