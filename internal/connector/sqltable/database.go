package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport-io/sallyport"
)

// options make a commit last, and let a writer wait for another one as long as a delivery may take.
const options = "?_pragma=busy_timeout(30000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"

// The tables of our own: how far each destination is, and which column each field has.
const ownTables = `
CREATE TABLE IF NOT EXISTS _sallyport_deliveries (
	destination TEXT NOT NULL,
	dataset     TEXT NOT NULL,
	table_name  TEXT NOT NULL COLLATE NOCASE,
	seq         INTEGER NOT NULL,
	PRIMARY KEY (destination, dataset, table_name)
);
CREATE TABLE IF NOT EXISTS _sallyport_columns (
	table_name  TEXT NOT NULL COLLATE NOCASE,
	field       TEXT NOT NULL,
	column_name TEXT NOT NULL,
	PRIMARY KEY (table_name, field)
);`

// connect opens the database with one connection.
func connect(ctx context.Context, path string) (*sql.DB, *sql.Conn, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, err
	}
	if err := create(path); err != nil {
		return nil, nil, err
	}
	address := url.URL{Path: path}
	db, err := sql.Open("sqlite", "file:"+address.EscapedPath()+options)
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	if _, err := conn.ExecContext(ctx, ownTables); err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

// create makes the file if it is not there. One that is there is not opened: to close it would drop the locks that this process may have
// on it.
func create(path string) error {
	if info, err := os.Stat(path); err == nil {
		if !info.Mode().IsRegular() {
			return sallyport.FieldErrorf("path", "%s is there already and is no regular file; choose another path", path)
		}
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// failure makes a sentence for a person of an error.
func (s settings) failure(err error) error {
	if _, ok := errors.AsType[*sallyport.Error](err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return s.unwritable(e.Err)
	}
	switch primaryCode(err) {
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return s.unwritable(err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return sallyport.FieldErrorf("path", "%s is no SQLite database, or a damaged one (%w); move it away or choose another path", s.path, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return sallyport.Errorf(sallyport.Upstream, "%s is in use by another program (%w); nothing is lost: once that is done with it, "+
			"the next delivery goes on where this one stopped", s.path, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR:
		return sallyport.Errorf(sallyport.Upstream, "%s could not be written (%w); nothing is lost: once the disk has room and takes it, "+
			"the next delivery goes on where this one stopped", s.path, err)
	}
	return fmt.Errorf("the table %s of %s: %w", s.tableName, s.path, err)
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
