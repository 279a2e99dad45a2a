// Package files opens and writes files so that nobody can redirect them and a crash loses nothing.
//
// It decides how a file is opened, not which one may be: the caller names a root, and every name is resolved below that root at the time
// of use. The walk to a file opens one folder after the other through [os.Root] and holds it open, so a folder or a symbolic link that is
// exchanged meanwhile cannot lead elsewhere:
//
//   - Symbolic links are followed below the root only, or not at all ([Options]).
//   - Every folder on the way, from the top of the file system down to the file, must belong to the user of this process or to root, and
//     nobody else may be able to write to it unless it has the sticky bit. In a folder with the sticky bit, what is opened must itself
//     belong to that user or to root.
//   - Only regular files are opened. Opening a FIFO fails instead of waiting.
//   - The program's own files ([Own]) are refused. They are recognised by device and inode of the opened file, so another name, a hard
//     link or a link that was planted later does not help.
//
// What writes files takes an [FS], the small interface that package filestest implements in memory, with every state that a disk may hold
// after a power failure. The rules for writers are those of POSIX: data is on the disk after Sync of its file, a name is on the disk after
// SyncDir of its folder.
//
//	files.go    the interface, and what is built on it
//	root.go     the implementation on os.Root
//	walk.go     the way from a root to a file
//	trust.go    which folders are safe
//	own.go      the program's own files
//	platform_*  what differs between operating systems
package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"

	"github.com/sallyport-io/sallyport"
)

// FS is a folder in which files are written. Names are separated by slashes and relative to it; "." is the folder itself.
// Its errors are those of package os, or a [sallyport.Error] with code Invalid, without a field, that says why something may not be
// opened and what to do about it.
type FS interface {
	// OpenFile opens a regular file. Flags are those of package os and NoFollow; O_TRUNC is not allowed, because it would destroy a file
	// before it is checked. With O_APPEND every write goes to the end of the file, wherever that is by then.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Stat describes what a name stands for at the moment, following symbolic links.
	Stat(name string) (fs.FileInfo, error)
	Mkdir(name string, perm fs.FileMode) error
	// Rename replaces a file of the new name. Both names must be in one folder.
	Rename(oldname, newname string) error
	// Remove removes a file, an empty folder, or a symbolic link, which is not followed.
	Remove(name string) error
	// SyncDir brings the names in a folder to the disk: what was created, renamed or removed there before is so after a power failure.
	SyncDir(name string) error
	Close() error
}

// File is an open file. It is used by one goroutine at a time.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Seeker
	io.Closer
	Truncate(size int64) error
	// Sync brings content and size to the disk. After an error it is unknown what is there: the file must be opened and written again.
	Sync() error
	Stat() (fs.FileInfo, error)
	// TryLock locks the open file against other processes and other openings, until it is closed. It reports whether it could.
	TryLock() (bool, error)
}

// Identity is the identity of a file in a file system that is not the operating system's: what Sys of its [fs.FileInfo] returns.
type Identity struct{ Device, Inode uint64 }

// Same reports whether two descriptions are of one file: the same inode of the same device, under whatever names.
func Same(a, b fs.FileInfo) bool {
	i, ok := a.Sys().(Identity)
	j, also := b.Sys().(Identity)
	if ok || also {
		return ok && also && i == j
	}
	return os.SameFile(a, b)
}

// MkdirAll creates a folder and those above it, unless they exist, and brings all of their names to the disk. That includes the names that
// exist already: the process that created them may have been killed before it could do that.
func MkdirAll(fsys FS, name string, perm fs.FileMode) error {
	name = path.Clean(name)
	if name == "." {
		return nil
	}
	above := path.Dir(name)
	if err := MkdirAll(fsys, above, perm); err != nil {
		return err
	}
	info, err := fsys.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := fsys.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		return fsys.SyncDir(above)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.ENOTDIR}
	}
	if err := fsys.SyncDir(above); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil // a folder that may not be read was not created by this program
}

// ReadFile reads a small file: one that is longer than limit is an error.
func ReadFile(fsys FS, name string, flag int, limit int64) (content []byte, err error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY|flag, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	content, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, sallyport.Errorf(sallyport.Invalid, "%s is larger than the %d bytes that belong there; remove it", path.Base(name), limit)
	}
	return content, err
}
