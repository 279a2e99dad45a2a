// Package sqltable is the destination that writes a dataset into a table of an SQLite database.
//
// Everything between two commits is one transaction. In it the marker moves, too: a row that says which batch of which dataset was the
// last that a destination wrote into a table. What is at or below the marker is left out, so that every record is there once, whatever
// moment a crash came at. If the table, or the database, is gone, nothing was written: what comes then is written into a new one.
//
// In mode append every record becomes a row. In mode upsert a record takes the place of the row with its key, as a whole: a field that it
// does not have becomes NULL. When such a destination starts again at the beginning of its dataset, without a state, everything is
// written again; one that appends leaves out what is there.
//
// A table that is there is used, and gets the columns that it lacks. Values stay exact: a number that SQLite cannot hold is stored as
// text, and where a column would change a value the record is rejected. Nested values are JSON text, booleans 1 and 0.
package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The modes.
const (
	modeUpsert = "upsert"
	modeAppend = "append"
)

// settings are what the configuration says.
type settings struct {
	path      string
	tableName string
	upsert    bool
	key       []string // fields; of upsert
}

type destination struct {
	settings
	target  connector.Target
	db      *sql.DB
	conn    *sql.Conn
	table   *table
	begun   bool   // a transaction is open
	marker  int64  // the last batch that is written
	rewrite bool   // nothing is committed yet, and what may be there is written again
	state   string // of the last commit
	err     error  // the first failure: nothing is written after it
}

// Open opens the database that the configuration names, or makes it.
func Open(ctx context.Context, target connector.Target) (connector.Destination, error) {
	s, err := settingsOf(target)
	if err != nil {
		return nil, err
	}
	d := &destination{settings: s, target: target, state: target.State, rewrite: s.upsert && target.State == ""}
	if d.db, d.conn, err = connect(ctx, s.path); err != nil {
		return nil, s.failure(err)
	}
	return d, nil
}

func settingsOf(target connector.Target) (settings, error) {
	s := settings{path: target.Text("path"), tableName: target.Text("table"), upsert: target.Text("mode") == modeUpsert}
	if mode := target.Text("mode"); mode != modeUpsert && mode != modeAppend {
		return s, sallyport.Unknown("mode", "mode", mode, []string{modeUpsert, modeAppend})
	}
	if name := strings.ToLower(s.tableName); name == "" || strings.Contains(name, "\x00") ||
		strings.HasPrefix(name, "sqlite_") || strings.HasPrefix(name, "_sallyport_") {
		return s, sallyport.FieldErrorf("table", "%q cannot be the name of a table of one's own; choose another", s.tableName)
	}
	if !s.upsert {
		return s, nil
	}
	if s.key = target.List("key"); len(s.key) == 0 {
		s.key = target.Key
	}
	if len(s.key) == 0 {
		return s, sallyport.FieldErrorf("key", "is needed for upsert: name the fields that tell one record from another, or set mode to append")
	}
	return s, nil
}

// Write writes a batch in the transaction, and begins one if there is none. After an error the destination is of no more use, and must be
// opened again.
func (d *destination) Write(ctx context.Context, batch connector.Batch) (connector.Result, error) {
	if d.err != nil {
		return connector.Result{}, d.err
	}
	result, err := d.write(ctx, batch)
	if err = errors.Join(err, ctx.Err()); err != nil {
		d.err = d.failure(err)
		return connector.Result{}, d.err
	}
	return result, nil
}

func (d *destination) write(ctx context.Context, batch connector.Batch) (connector.Result, error) {
	if err := d.begin(ctx); err != nil {
		return connector.Result{}, err
	}
	if batch.Seq <= d.marker {
		return d.repeat(ctx, batch)
	}
	result, err := d.table.write(ctx, batch.RecordsUntil(ctx))
	d.marker = batch.Seq
	return result, err
}

// repeat finds out which records of a batch were rejected when it was committed here: whoever asks may have crashed before noting that.
// It writes the batch once more, and takes that back.
func (d *destination) repeat(ctx context.Context, batch connector.Batch) (connector.Result, error) {
	if _, err := d.conn.ExecContext(ctx, "SAVEPOINT repeated"); err != nil {
		return connector.Result{}, err
	}
	result, err := d.table.write(ctx, batch.RecordsUntil(ctx))
	if err != nil {
		return connector.Result{}, err
	}
	// Columns and indexes that this needed are taken back too: what was known of the table is no longer true.
	if err := d.table.close(); err != nil {
		return connector.Result{}, err
	}
	if _, err := d.conn.ExecContext(ctx, "ROLLBACK TO repeated; RELEASE repeated"); err != nil {
		return connector.Result{}, err
	}
	d.table, err = openTable(ctx, d.conn, d.settings, d.target.Schema)
	return connector.Result{Rejected: result.Rejected, Repeated: true}, err
}

// begin begins a transaction and reads what another process may have changed before it.
func (d *destination) begin(ctx context.Context) (err error) {
	if d.begun {
		return nil
	}
	if _, err := d.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	d.begun = true
	if d.table == nil {
		if d.table, err = openTable(ctx, d.conn, d.settings, d.target.Schema); err != nil {
			return err
		}
	}
	if d.marker = 0; d.rewrite || !d.table.exists {
		return nil
	}
	err = d.conn.QueryRowContext(ctx, "SELECT seq FROM _sallyport_deliveries WHERE destination = ? AND dataset = ? AND table_name = ?",
		d.target.ID, d.target.Dataset, d.tableName).Scan(&d.marker)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return err
}

// Commit commits the transaction, with the marker in it. The state says that there is a marker, and for people which.
func (d *destination) Commit(ctx context.Context) (string, error) {
	if d.err == nil && d.begun {
		if err := d.commit(ctx); err != nil {
			d.err = d.failure(err)
		}
	}
	if d.err != nil {
		return "", d.err
	}
	return d.state, nil
}

func (d *destination) commit(ctx context.Context) error {
	_, err := d.conn.ExecContext(ctx, `INSERT INTO _sallyport_deliveries (destination, dataset, table_name, seq) VALUES (?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET seq = excluded.seq`, d.target.ID, d.target.Dataset, d.tableName, d.marker)
	if err != nil {
		return err
	}
	if _, err := d.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	d.begun, d.rewrite, d.state = false, false, strconv.FormatInt(d.marker, 10)
	return nil
}

// Close closes the database, which undoes what was not committed.
func (d *destination) Close() error {
	var err error
	if d.table != nil {
		err = d.table.close()
	}
	if err = errors.Join(err, d.conn.Close(), d.db.Close()); err != nil {
		return fmt.Errorf("closing %s: %w", d.path, err)
	}
	return nil
}
