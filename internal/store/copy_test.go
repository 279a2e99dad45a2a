package store_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// oldFormat is a format that every later program migrates.
const oldFormat = 12

// oldDatabase creates a database of an older format, with one row, and returns its path.
func oldDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.db")
	s := get(store.OpenAt(t.Context(), "sqlite:"+path, oldFormat))(t)
	if _, err := s.SQL().ExecContext(t.Context(), "INSERT INTO meta (key, value) VALUES ('old', x'726f77')"); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// copies returns the copies beside a database.
func copies(t *testing.T, path string) []string {
	t.Helper()
	return get(filepath.Glob(path + ".before-format-*"))(t)
}

func TestMigrationKeepsACopy(t *testing.T) {
	path := oldDatabase(t)
	stale := path + ".before-format-3"
	if err := os.WriteFile(stale, []byte("of the migration before"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, "sqlite:"+path)
	kept := copies(t, path)
	if len(kept) != 1 || kept[0] == stale {
		t.Fatalf("the copies are %q; want the one of this migration", kept)
	}
	if info := get(os.Stat(kept[0]))(t); info.Mode() != fs.FileMode(0o600) {
		t.Errorf("the copy has mode %s", info.Mode())
	}
	db := get(sql.Open("sqlite", kept[0]))(t)
	defer db.Close()
	var version int64
	var value string
	err := db.QueryRowContext(t.Context(), "SELECT (SELECT max(version_id) FROM goose_db_version), value FROM meta WHERE key = 'old'").Scan(&version, &value)
	if err != nil || version != oldFormat || value != "row" {
		t.Errorf("the copy has format %d and the row %q, %v; want %d and what was in the database", version, value, err, oldFormat)
	}
	if store.IsCopy(path, path) || !store.IsCopy(path, kept[0]) {
		t.Error("IsCopy does not tell the database and its copy apart")
	}
}

func TestNoCopyWithoutMigration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for range 2 { // a new database, and one of the newest format
		open(t, "sqlite:"+path)
		if kept := copies(t, path); len(kept) > 0 {
			t.Errorf("there is a copy %q", kept)
		}
	}
}

// TestNoMigrationWithoutCopy puts a folder where the copy belongs: the database stays as it was.
func TestNoMigrationWithoutCopy(t *testing.T) {
	path := oldDatabase(t)
	newest := migrated(t)
	if err := os.MkdirAll(filepath.Join(path+".before-format-"+newest, "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(t.Context(), "sqlite:"+path)
	wantError(t, err, sallyport.Internal, "was not migrated", path+".before-format-"+newest, "free as much space")
	s := get(store.OpenAt(t.Context(), "sqlite:"+path, oldFormat))(t)
	defer s.Close()
	var version string
	if err := s.SQL().QueryRowContext(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil || version != "12" {
		t.Errorf("the database has format %s, %v; want the old one", version, err)
	}
	for _, entry := range get(os.ReadDir(filepath.Dir(path)))(t) {
		if strings.HasPrefix(entry.Name(), "x.db.before-format-"+newest+".") {
			t.Errorf("%s is left", entry.Name())
		}
	}
}

// TestNoMigrationBeforeTheCopyIsOnDisk lets each of the two syncs fail, of the copy and of its folder.
func TestNoMigrationBeforeTheCopyIsOnDisk(t *testing.T) {
	for n := 1; n <= 3; n++ {
		path := oldDatabase(t)
		restore := store.FailSync(n, syscall.EIO)
		s, err := store.Open(t.Context(), "sqlite:"+path)
		restore()
		if err == nil {
			s.Close()
		}
		if (err != nil) != (n < 3) || err != nil && !errors.Is(err, syscall.EIO) {
			t.Errorf("sync %d of 2 fails: %v", n, err)
		}
	}
}

// migrated returns the newest format.
func migrated(t *testing.T) (version string) {
	t.Helper()
	if err := open(t, freshSQLite(t)).SQL().QueryRowContext(t.Context(), "SELECT max(version_id) FROM goose_db_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// TestDatabaseBehindDanglingLink opens a database whose file does not exist yet, through a symbolic link.
func TestDatabaseBehindDanglingLink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target.db"), filepath.Join(dir, "link.db")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	open(t, "sqlite:"+link)
	if info := get(os.Stat(target))(t); info.Mode().Perm() != 0o600 {
		t.Errorf("the database has mode %s; others may read it", info.Mode())
	}
}
