// Package sqltable is the destination that writes a dataset into a table of an SQLite database.
//
// Everything between two commits is one transaction. In it the marker moves, too: a row that says which batch of which dataset was the
// last that a destination wrote into a table, with the hash of all batches up to it, and in which epoch of the destination. What is at or
// below the marker is left out, so that every record is there once, whatever moment a crash came at.
//
// A marker that contradicts the dataset, and a table that is missing although something was delivered to it, are errors that name the
// command to deliver everything again: Sallyport's database or the table was restored from a backup, or somebody removed the table. A
// marker that is merely behind, as in a table restored from a backup, is where the delivery goes on.
//
// In mode append every record becomes a row. In mode upsert a record takes the place of the row with its key, as a whole: a field that it
// does not have becomes NULL. In a new epoch everything is written again: with a key in place, without one into a new table, while the old one
// is renamed.
//
// A table that is there is used, and gets the columns that it lacks. Values stay exact: a number that SQLite cannot hold is stored as
// text, and where a column would change a value the record is rejected. Nested values are JSON text, booleans 1 and 0.
package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
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
	chosen    []string // fields that become columns, besides the key; none: all
}

type destination struct {
	settings
	target  connector.Target
	at      *place
	db      *sql.DB
	conn    *sql.Conn
	table   *table
	version int64  // of the database's schema when the table was read, or committed
	begun   bool   // a transaction is open
	marker  marker // the last batch that is written
	state   string // of the last commit
	err     error  // the first failure: nothing is written after it
}

// Open opens the database that the configuration names, or makes it.
func Open(ctx context.Context, target connector.Target) (connector.Destination, error) {
	s, err := settingsOf(target)
	if err != nil {
		return nil, err
	}
	d := &destination{settings: s, target: target, state: target.State}
	d.at, err = locate(ctx, target.Files, s.path, target.State == "")
	switch {
	case errors.Is(err, fs.ErrNotExist) && target.State != "":
		return nil, d.goneFile()
	case err != nil:
		return nil, s.failure(err)
	}
	if d.db, d.conn, err = connect(ctx, d.at); err != nil {
		return nil, errors.Join(s.failure(err), d.at.close())
	}
	return d, nil
}

// goneFile is the error for a database that is missing although something was delivered to it.
func (d *destination) goneFile() error {
	return sallyport.FieldErrorf("path", "%s is missing, although records were delivered to it; put it back, or run %s to fill a new one from "+
		"what is kept", d.path, d.target.Again())
}

func settingsOf(target connector.Target) (settings, error) {
	s := settings{path: target.Text("path"), tableName: target.Text("table"), upsert: target.Text("mode") == modeUpsert, chosen: target.List("columns")}
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
	if batch.Seq <= d.marker.Seq {
		return d.repeat(ctx, batch)
	}
	if err := d.checkKey(batch); err != nil {
		return connector.Result{}, err
	}
	result, err := d.table.write(ctx, batch.RecordsUntil(ctx))
	d.marker.Seq, d.marker.Hash = batch.Seq, batch.Hash
	d.marker.rows += result.Accepted
	return result, err
}

// checkKey refuses a key that no record has, before anything is written. Later a record without it is rejected like any other that does not
// fit.
func (d *destination) checkKey(batch connector.Batch) error {
	if d.marker.rows > 0 || !d.upsert {
		return nil
	}
	check, empty := connector.NewKeyCheck(d.key, d.target.Schema.Names()...), true
	for record := range batch.Records {
		if check.See(record); check.Err() == nil {
			return nil
		}
		empty = false
	}
	if empty {
		return nil
	}
	return check.Err()
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
	if err := makeOwnTables(ctx, d.conn); err != nil {
		return err
	}
	if err := d.readTable(ctx); err != nil {
		return err
	}
	return d.findPlace(ctx)
}

// readTable reads the table, unless it is known as it is.
func (d *destination) readTable(ctx context.Context) (err error) {
	before := d.version
	if err := d.readVersion(ctx); err != nil {
		return err
	}
	if d.table != nil && d.version == before {
		return nil
	}
	if d.table != nil {
		if err := d.table.close(); err != nil {
			return err
		}
	}
	d.table, err = openTable(ctx, d.conn, d.settings, d.target.Schema)
	return err
}

// readVersion reads the number that changes with the tables of the database.
func (d *destination) readVersion(ctx context.Context) error {
	return d.conn.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&d.version)
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
	state, err := d.marker.state()
	if err != nil {
		return err
	}
	if err := d.writeMarker(ctx); err != nil {
		return err
	}
	if err := d.readVersion(ctx); err != nil {
		return err
	}
	if d.at.verify() != nil {
		return d.goneFile() // what is written now would be in a file that nobody can open
	}
	if _, err := d.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return err
	}
	d.begun, d.state = false, state
	return nil
}

// Close closes the database, which undoes what was not committed.
func (d *destination) Close() error {
	var err error
	if d.table != nil {
		err = d.table.close()
	}
	if err = errors.Join(err, d.conn.Close(), d.db.Close(), d.at.close()); err != nil {
		return fmt.Errorf("closing %s: %w", d.path, err)
	}
	return nil
}
