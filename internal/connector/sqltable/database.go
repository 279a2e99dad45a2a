package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// options make a commit last, and let a writer wait for another one. After that the delivery waits, which does not hold a worker.
const options = "?_pragma=busy_timeout(5000)&_pragma=synchronous(FULL)"

// connect opens the database at a place with one connection, and makes sure that it is the one that was checked.
func connect(ctx context.Context, at *place) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open("sqlite", at.uri(options))
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if err := at.verify(); err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	// The mode is a change to the file: it comes after the check.
	if _, err := conn.ExecContext(ctx, "PRAGMA journal_mode = WAL"); err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

// failure makes a sentence for a person of an error.
func (s settings) failure(err error) error {
	if _, ok := errors.AsType[*sallyport.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	if _, ok := errors.AsType[*connector.Behind](err); ok {
		return err
	}
	if outage := connector.LocalOutage(s.path, err); outage != nil {
		return outage
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return s.unwritable(e.Err)
	}
	switch primaryCode(err) {
	case sqlite3.SQLITE_CANTOPEN:
		return s.unopened(err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return s.unwritable(err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return sallyport.FieldErrorf("path", "%s is not an SQLite database, or a damaged one (%w); move it away or choose another path", s.path, err)
	}
	if said, ok := outages[primaryCode(err)]; ok {
		return connector.LocalOutagef(said+"; nothing is lost, and the delivery continues automatically (%w)", s.path, err)
	}
	return fmt.Errorf("the table %s of %s: %w", s.tableName, s.path, err)
}

// outages are the errors of SQLite that end without a change to the flow.
var outages = map[int]string{
	sqlite3.SQLITE_BUSY:     "%s is locked by another program",
	sqlite3.SQLITE_LOCKED:   "%s is locked by another program",
	sqlite3.SQLITE_PROTOCOL: "%s is locked by another program",
	sqlite3.SQLITE_FULL:     "the disk of %s is full; free some space",
	sqlite3.SQLITE_IOERR:    "the disk of %s reports an input/output error; check the disk and the system log",
	sqlite3.SQLITE_NOMEM:    "this machine has too little memory to write %s",
}

// unopened finds out why a database cannot be opened, which SQLite does not say. The database itself must not be opened for that: closing it
// would drop the locks that this process may have on it.
func (s settings) unopened(err error) error {
	folder, failed := os.Open(filepath.Dir(s.path))
	if failed == nil {
		failed = folder.Close()
	}
	if outage := connector.LocalOutage(s.path, failed); failed != nil && outage != nil {
		return outage
	}
	return s.unwritable(err)
}

func (s settings) unwritable(err error) error {
	return sallyport.FieldErrorf("path", "%s cannot be written (%w); let the user that Sallyport runs as write there, or choose another path",
		s.path, err)
}

// primaryCode is the code of an SQLite error, 0 of any other.
func primaryCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}
