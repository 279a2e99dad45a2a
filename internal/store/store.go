package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/sallyport-io/sallyport"
)

// Store is an open database. It may be used by many goroutines at once.
type Store struct {
	reader // on the read pool
	read   *sql.DB
	write  *sql.DB
	path   string // of a SQLite database

	logLimit int64
}

// Tx is a transaction: it reads what it wrote, and others see all of it or nothing. It is used by one goroutine.
type Tx struct {
	reader
	tx *sql.Tx
}

func newStore(read, write *sql.DB) *Store {
	return &Store{reader: reader{read}, read: read, write: write}
}

// Close closes the database. Nothing may use the Store any more.
func (s *Store) Close() error {
	if s.read == s.write {
		return s.write.Close()
	}
	return errors.Join(s.read.Close(), s.write.Close())
}

// SQL returns the pool for writing.
func (s *Store) SQL() *sql.DB { return s.write }

// InTx calls f with a transaction, which is committed if f returns nil and undone otherwise. While f runs, nobody else can write to a
// SQLite database: f must not wait for anything, and must not call InTx.
func (s *Store) InTx(ctx context.Context, f func(tx *Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer tx.Rollback() // after a commit it does nothing
	if err := f(&Tx{reader{tx}, tx}); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
			err = ctx.Err() // database/sql rolled back by itself before it could say why
		}
		return fmt.Errorf("commit a transaction: %w", err)
	}
	return nil
}

// SQL returns the transaction itself, so that others can take part in it.
func (tx *Tx) SQL() *sql.Tx { return tx.tx }

// exec runs a statement and returns how many rows it touched.
func (tx *Tx) exec(ctx context.Context, statement string, args ...any) (int64, error) {
	result, err := tx.tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, fmt.Errorf("write to the database: %w", err)
	}
	return result.RowsAffected()
}

// execOne runs a statement that touches one row; missing is the error when there is none.
func (tx *Tx) execOne(ctx context.Context, missing error, statement string, args ...any) error {
	n, err := tx.exec(ctx, statement, args...)
	if err == nil && n == 0 {
		return missing
	}
	return err
}

// reader has every method that reads, on a pool or within a transaction.
type reader struct{ q querier }

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// row is one row of an answer: *sql.Row and *sql.Rows.
type row interface{ Scan(into ...any) error }

// list reads all rows of an answer.
func list[T any](ctx context.Context, q querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read from the database: %w", err)
	}
	defer rows.Close()
	all := []T{}
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, fmt.Errorf("read from the database: %w", err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read from the database: %w", err)
	}
	return all, nil
}

// one reads the row of an answer; missing is the error when there is none.
func one[T any](ctx context.Context, q querier, missing error, scan func(row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, missing
	}
	if err != nil {
		return v, fmt.Errorf("read from the database: %w", err)
	}
	return v, nil
}

// single scans a row of one column.
func single[T any](r row) (v T, err error) {
	err = r.Scan(&v)
	return v, err
}

// notFound is the error for a thing that is not there, by its id.
func notFound[ID sallyport.ID | int64](kind string, id ID) error {
	return sallyport.Errorf(sallyport.NotFound, "there is no %s %s", kind, sallyport.QuotedPath(fmt.Sprint(id)))
}

// noSuchName is the error for a name that no row of the table has; it names the nearest. The kind is what people call such a row.
func (r reader) noSuchName(ctx context.Context, table, kind, name string) error {
	names, err := list(ctx, r.q, single[string], "SELECT name FROM "+table+" ORDER BY name_key")
	if err != nil {
		return err
	}
	hint := ""
	if near := sallyport.Nearest(name, names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return sallyport.Errorf(sallyport.NotFound, "there is no %s %s%s", kind, sallyport.Quoted(name), hint)
}
