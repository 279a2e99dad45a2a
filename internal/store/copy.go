package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// copySuffix follows the name of a database in the name of its copies, and is followed by the format of the copy.
const copySuffix = ".before-format-"

// syncFile brings a file or a folder to the disk. Tests let it fail.
var syncFile = (*os.File).Sync

// keepCopy copies a SQLite database to a file beside it before its format moves from version to newest, so that an older program can go
// back to it. Copies of earlier migrations are removed once the new one is on disk. PostgreSQL has backups of its own. Where another
// process migrates meanwhile, as current tells, the copy is its business.
func (s *Store) keepCopy(ctx context.Context, version, newest int64, current func(context.Context) (int64, error)) error {
	if s.path == "" || version == 0 { // nothing is in a database that was just created
		return nil
	}
	final := fmt.Sprintf("%s%s%d", s.path, copySuffix, newest)
	moved := func() bool {
		now, err := current(ctx)
		return err == nil && now != version
	}
	if err := s.copyTo(ctx, final, moved); err != nil && !moved() {
		return sallyport.Errorf(sallyport.Internal, "the database was not migrated, because it could not be copied to %s first: %w; "+
			"free as much space as the database takes, then start again", final, err)
	}
	return removeCopies(s.path, final)
}

// copyTo writes a consistent copy under a temporary name, and renames it once it is on disk, unless the database has moved on.
func (s *Store) copyTo(ctx context.Context, final string, moved func() bool) (err error) {
	f, err := os.CreateTemp(filepath.Dir(final), filepath.Base(final)+".*") // with mode 0600; SQLite writes into an empty file
	if err != nil {
		return err
	}
	defer func() {
		if left := os.Remove(f.Name()); !errors.Is(left, fs.ErrNotExist) { // it was not renamed
			err = errors.Join(err, left)
		}
	}()
	_, err = s.write.ExecContext(ctx, "VACUUM INTO $1", f.Name())
	if err = errors.Join(err, syncFile(f), f.Close()); err != nil {
		return err
	}
	if moved() {
		return nil
	}
	if err := os.Rename(f.Name(), final); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(final))
}

// removeCopies removes all copies of a database but one, and what another process is writing for that one.
func removeCopies(database, keep string) error {
	entries, err := os.ReadDir(filepath.Dir(database))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(filepath.Dir(database), entry.Name())
		if IsCopy(database, path) && path != keep && !strings.HasPrefix(path, keep+".") {
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// IsCopy reports whether path names a copy of the SQLite database at the path database, complete or not.
func IsCopy(database, path string) bool {
	return strings.HasPrefix(path, database+copySuffix)
}

func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(syncFile(folder), folder.Close())
}
