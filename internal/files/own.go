package files

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// Own is the set of the program's own files, such as its database and its master key.
type Own struct{ paths []string }

// NewOwn names the program's own files. They need not exist yet: what they are is looked up whenever a file is opened. Where a database is a
// symbolic link, SQLite keeps its companions (NAME-wal) beside the file that it leads to, so those are included.
func NewOwn(paths ...string) *Own {
	own := &Own{paths: paths}
	for _, path := range paths {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || real == path {
			continue
		}
		for _, other := range paths {
			if suffix, ok := strings.CutPrefix(other, path); ok {
				own.paths = append(own.paths[:len(own.paths):len(own.paths)], real+suffix)
			}
		}
	}
	return own
}

// Includes reports whether a file is one of them, under whatever name. It is meant for the description of an opened file.
func (o *Own) Includes(info fs.FileInfo) bool {
	if o == nil {
		return false
	}
	for _, path := range o.paths {
		if own, err := os.Stat(path); err == nil && Same(own, info) {
			return true
		}
	}
	return false
}

func (o *Own) refuse(info fs.FileInfo, path string) error {
	if o.Includes(info) {
		return ownFile(path)
	}
	return nil
}

// refuseEntry refuses to create a file where one of the program's own files belongs that does not exist at the moment. Names that differ
// in case only are one file on some systems.
func (o *Own) refuseEntry(folder *os.Root, base, path string) error {
	if o == nil {
		return nil
	}
	here, err := folder.Stat(".")
	if err != nil {
		return err
	}
	for _, own := range o.paths {
		if !strings.EqualFold(filepath.Base(own), base) {
			continue
		}
		if there, err := os.Stat(filepath.Dir(own)); err == nil && Same(there, here) {
			return ownFile(path)
		}
	}
	return nil
}

func ownFile(path string) error {
	return sallyport.Errorf(sallyport.Invalid, "%s is a file of Sallyport itself; choose another path", path)
}
