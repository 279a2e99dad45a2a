package store_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func TestOpenTwice(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			dsn := db.fresh(t)
			first := open(t, dsn)
			c := addCredential(t, first, "one")
			diff(t, get(open(t, dsn).Credential(t.Context(), c.ID))(t), c)
		})
	}
}

func TestOpenAtOnce(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			dsn := db.fresh(t)
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					s, err := store.Open(t.Context(), dsn)
					if err != nil {
						t.Error(err)
						return
					}
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			addCredential(t, open(t, dsn), "one")
		})
	}
}

func TestOpenRefusesNewer(t *testing.T) {
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			dsn := db.fresh(t)
			do(t, open(t, dsn), func(ctx context.Context, tx *store.Tx) error {
				return second(tx.SQL().ExecContext(ctx, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)", true))
			})
			_, err := store.Open(t.Context(), dsn)
			wantError(t, err, sallyport.Conflict, "9999", "use a newer version of the program")
		})
	}
}

func TestOpenRefusesOtherAddresses(t *testing.T) {
	for _, dsn := range []string{"", "sqlite:", "mysql://u:canary@h/db", "/var/lib/x.db", "postgres://u:canary@h:notaport/db",
		"postgres://u:canary@[h/db?x=%zz", "postgres://u:canary@h/db?sslmode=wrong"} {
		_, err := store.Open(t.Context(), dsn)
		wantError(t, err, sallyport.Invalid, "database: ")
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%v shows the password", err)
		}
	}
	_, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "no", "such", "folder", "x.db"))
	wantError(t, err, sallyport.Internal, "cannot be made", "no such file")
	_, err = store.Open(t.Context(), "sqlite:"+t.TempDir())
	wantError(t, err, sallyport.Internal, "cannot be opened")
}

func TestFileNamesAndModes(t *testing.T) {
	for _, name := range []string{"plain.db", "with space.db", "a?mode=memory&b#c%20d+e;f'g\".db", "ünïcode.db"} {
		dir := t.TempDir()
		s := open(t, "sqlite:"+filepath.Join(dir, name))
		addCredential(t, s, "one") // so that every companion file is there
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			info, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != fs.FileMode(0o600) {
				t.Errorf("%s has mode %s", e.Name(), info.Mode())
			}
		}
		diff(t, names, []string{name, name + "-shm", name + "-wal"})
	}
}

func TestSQLiteSettings(t *testing.T) {
	s := open(t, freshSQLite(t))
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "10000", "foreign_keys": "1",
		"journal_size_limit": "67108864"} {
		var got string
		if err := s.SQL().QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
}

func TestCloseReleasesFile(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	get(s.Credentials(t.Context()))(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("one file is left after closing, all in it: got %v, %v", entries, err)
	}
}
