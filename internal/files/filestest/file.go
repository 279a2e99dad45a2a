package filestest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
)

// file is an open file.
type file struct {
	disk *Disk
	node *node
	name string
	flag int
	boot int
	at   int64
}

// begin counts an operation of the file, unless it was opened before the last restart.
func (f *file) begin(op Op) error {
	if f.boot != f.disk.boot {
		return ErrStopped
	}
	return f.disk.begin(op)
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.ReadAt(p, f.at)
	f.at += int64(n)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f *file) ReadAt(p []byte, at int64) (int, error) {
	if err := f.begin(Read); err != nil {
		return 0, err
	}
	if at >= int64(len(f.node.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[at:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Write writes half of p if it fails.
func (f *file) Write(p []byte) (int, error) {
	if f.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
		return 0, &fs.PathError{Op: "write", Path: f.name, Err: syscall.EBADF}
	}
	err := f.begin(Write)
	if errors.Is(err, ErrStopped) {
		return 0, err
	}
	if err != nil {
		p = p[:len(p)/2]
	}
	if f.flag&os.O_APPEND != 0 {
		f.at = int64(len(f.node.data))
	}
	c := &change{op: Write, node: f.node, at: f.at, data: slices.Clone(p)}
	f.node.data = c.applied(f.node.data, Kept)
	f.disk.pending = append(f.disk.pending, c)
	f.at += int64(len(p))
	return len(p), err
}

func (f *file) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += int64(len(f.node.data))
	}
	f.at = offset
	return offset, nil
}

func (f *file) Truncate(size int64) error {
	if err := f.begin(Truncate); err != nil {
		return err
	}
	c := &change{op: Truncate, node: f.node, size: size}
	f.node.data = c.applied(f.node.data, Kept)
	f.disk.pending = append(f.disk.pending, c)
	return nil
}

func (f *file) Sync() error {
	if f.boot != f.disk.boot {
		return ErrStopped
	}
	return f.disk.sync(Sync, f.node)
}

func (f *file) Stat() (fs.FileInfo, error) {
	if err := f.begin(Stat); err != nil {
		return nil, err
	}
	return info{f.name, f.node, int64(len(f.node.data))}, nil
}

func (f *file) TryLock() (bool, error) {
	if err := f.begin(Lock); err != nil {
		return false, err
	}
	if f.node.lock != nil && f.node.lock != f {
		return false, nil
	}
	f.node.lock = f
	return true, nil
}

// Close closes the file even if it fails, as close(2) does.
func (f *file) Close() error {
	err := f.begin(Close)
	if f.node.lock == f {
		f.node.lock = nil
	}
	return err
}
