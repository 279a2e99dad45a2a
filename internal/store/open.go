package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/sallyport-io/sallyport"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed migration
var migrations embed.FS

// busyTimeout is how long a connection waits for another process that writes to the same SQLite database.
const busyTimeout = 10 * time.Second

// walKept is what a write-ahead log that has grown is cut back to, in bytes, once nobody needs it any more.
const walKept = 64 << 20

// What a pool may hold open. SQLite has one writer at a time anyway; waiting for it in the pool is fair, in the database it is not.
const (
	sqliteWriters  = 1
	sqliteReaders  = 4
	postgresAtOnce = 16
)

// Open opens the database that dsn names and brings it to the newest format: sqlite:/path/to/file.db, which is made with mode 0600 if it
// is not there, or postgres://…. The path is taken as it stands, without any escaping. A database of a newer Sallyport is refused.
func Open(ctx context.Context, dsn string) (*Store, error) {
	s, dialect, err := connect(dsn)
	if err != nil {
		return nil, err
	}
	if err := reach(ctx, s.write); err != nil {
		return nil, errors.Join(sallyport.Errorf(sallyport.Internal, "the database cannot be opened: %w", err), s.Close())
	}
	if err := s.migrate(ctx, dialect); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// reach makes the first connection. Two processes that open a new SQLite file at the same time both want to put it into WAL mode, and one
// is refused at once, whatever its busy timeout: it tries again.
func reach(ctx context.Context, db *sql.DB) error {
	for last := time.Now().Add(busyTimeout); ; {
		err := db.PingContext(ctx)
		if !isBusy(err) || time.Now().After(last) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func connect(dsn string) (*Store, goose.Dialect, error) {
	switch scheme, path, _ := strings.Cut(dsn, ":"); {
	case scheme == "sqlite" && path != "":
		s, err := connectSQLite(path)
		return s, goose.DialectSQLite3, err
	case scheme == "postgres" || scheme == "postgresql":
		s, err := connectPostgres(dsn)
		return s, goose.DialectPostgres, err
	}
	return nil, "", sallyport.FieldErrorf("database", "must be sqlite:/path/to/file.db or postgres://user@host/name")
}

func connectSQLite(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, sallyport.Errorf(sallyport.Internal, "the database file cannot be made: %w", err)
	}
	write, err := sql.Open("sqlite", sqliteURI(path, ""))
	if err != nil {
		return nil, err
	}
	read, err := sql.Open("sqlite", sqliteURI(path, "&_query_only=1"))
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	write.SetMaxOpenConns(sqliteWriters)
	read.SetMaxOpenConns(sqliteReaders)
	read.SetMaxIdleConns(sqliteReaders)
	s := newStore(read, write)
	s.path, s.logLimit = path, DefaultLogLimit
	return s, nil
}

// createPrivate creates the file for its owner alone if it does not exist, also where a symbolic link leads to it; SQLite gives its
// companions, -wal and -shm, the same mode. An existing file is not even opened: closing it would drop the locks that this process has on
// it through another Store.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // a symbolic link to a file that does not exist yet
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteURI names the file with every setting in it: a PRAGMA that is sent through a pool reaches only one of its connections.
func sqliteURI(path, more string) string {
	u := url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(path), "/")}
	u.RawQuery = fmt.Sprintf("_busy_timeout=%d&_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1&_txlock=immediate&_pragma=journal_size_limit(%d)%s",
		busyTimeout.Milliseconds(), walKept, more)
	return u.String()
}

func connectPostgres(dsn string) (*Store, error) {
	config, err := pgx.ParseConfig(dsn)
	if err != nil { // which may quote the password: it must not be shown
		return nil, sallyport.FieldErrorf("database", "is no valid address of a PostgreSQL database: postgres://user:password@host:5432/name")
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(postgresAtOnce)
	db.SetMaxIdleConns(postgresAtOnce)
	return newStore(db, db), nil
}

// migrate brings the database to the newest format. Other processes may be doing the same: a step that fails because one of them took it
// is no error as long as the version moves.
func (s *Store) migrate(ctx context.Context, dialect goose.Dialect) error {
	provider, err := s.provider(dialect)
	if err != nil {
		return err
	}
	var failed error
	for before := int64(-1); ; {
		version, newest, err := provider.GetVersions(ctx)
		switch {
		case err != nil:
			return sallyport.Errorf(sallyport.Internal, "the database cannot be opened: %w", err)
		case version > newest:
			return sallyport.Errorf(sallyport.Conflict, "the database was made by a newer version of Sallyport (its format is %d, "+
				"this program knows up to %d): use a newer version of the program", version, newest)
		case version == newest:
			return nil
		case version == before:
			return sallyport.Errorf(sallyport.Internal, "the database cannot be brought from format %d to %d: %w", version, newest, failed)
		}
		before = version
		if err := s.keepCopy(ctx, version, newest, provider.GetDBVersion); err != nil {
			return err
		}
		_, failed = provider.Up(ctx)
	}
}

// provider knows the migrations of a dialect, and which of them the database has.
func (s *Store) provider(dialect goose.Dialect) (*goose.Provider, error) {
	folder := map[goose.Dialect]string{goose.DialectSQLite3: "sqlite", goose.DialectPostgres: "postgres"}[dialect]
	files, err := fs.Sub(migrations, "migration/"+folder)
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(dialect, s.write, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}
