package sqltable

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The tables of our own: how far each destination is, and which column each field has.
const ownTables = `
CREATE TABLE IF NOT EXISTS _sallyport_deliveries (
	destination TEXT NOT NULL,
	dataset     TEXT NOT NULL,
	table_name  TEXT NOT NULL COLLATE NOCASE,
	seq         INTEGER NOT NULL,
	epoch       TEXT NOT NULL DEFAULT '',
	hash        TEXT NOT NULL DEFAULT '',
	row_count   INTEGER NOT NULL DEFAULT 0,
	PRIMARY KEY (destination, dataset, table_name)
);
CREATE TABLE IF NOT EXISTS _sallyport_columns (
	table_name  TEXT NOT NULL COLLATE NOCASE,
	field       TEXT NOT NULL,
	column_name TEXT NOT NULL,
	PRIMARY KEY (table_name, field)
);`

// newColumns are those of _sallyport_deliveries that tables of older versions lack.
const newMarkerColumns = `
ALTER TABLE _sallyport_deliveries ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
ALTER TABLE _sallyport_deliveries ADD COLUMN hash TEXT NOT NULL DEFAULT '';
ALTER TABLE _sallyport_deliveries ADD COLUMN row_count INTEGER NOT NULL DEFAULT 0;`

// makeOwnTables makes the tables of our own, or brings older ones up to date, within the transaction.
func makeOwnTables(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, ownTables); err != nil {
		return err
	}
	var known int
	err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_table_info('_sallyport_deliveries') WHERE name = 'epoch'").Scan(&known)
	if err == nil && known == 0 {
		_, err = conn.ExecContext(ctx, newMarkerColumns)
	}
	return err
}

// marker says which batch of its dataset a destination wrote into the table last. It moves in the transaction that writes the batch.
type marker struct {
	Seq   int64  `json:"seq"`
	Hash  string `json:"hash,omitempty"` // of that batch and all before it; "" if the batch is older than hashes
	epoch string
	rows  int64 // records that were accepted in this epoch, as far as they were counted
}

// parseState reads a state of this version or of an older one, which is a number.
func parseState(state string) (m marker, err error) {
	if m.Seq, err = strconv.ParseInt(state, 10, 64); err == nil {
		return m, nil
	}
	err = json.Unmarshal([]byte(state), &m)
	return m, err
}

// state is what [connector.Target] gives back at the next opening.
func (m marker) state() (string, error) {
	text, err := json.Marshal(m)
	return string(text), err
}

// readMarker reads the destination's own marker. It is not found if the destination has written nothing into the table.
func (d *destination) readMarker(ctx context.Context) (m marker, found bool, err error) {
	err = d.conn.QueryRowContext(ctx, `SELECT seq, epoch, hash, row_count FROM _sallyport_deliveries
		WHERE destination = ? AND dataset = ? AND table_name = ?`, d.target.ID, d.target.Dataset, d.tableName).
		Scan(&m.Seq, &m.epoch, &m.Hash, &m.rows)
	if errors.Is(err, sql.ErrNoRows) {
		return m, false, nil
	}
	return m, err == nil, err
}

func (d *destination) writeMarker(ctx context.Context) error {
	_, err := d.conn.ExecContext(ctx, `INSERT INTO _sallyport_deliveries (destination, dataset, table_name, seq, epoch, hash, row_count)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, hash = excluded.hash,
		row_count = excluded.row_count`, d.target.ID, d.target.Dataset, d.tableName, d.marker.Seq, d.target.Epoch, d.marker.Hash, d.marker.rows)
	return err
}

// findPlace sets the marker to where the table is, after comparing that with the state. Where the two contradict each other nothing can be
// written: records would be missing or twice in the table.
func (d *destination) findPlace(ctx context.Context) error {
	found, isThere, err := d.readMarker(ctx)
	if err == nil && d.state == "" && !isThere {
		err = d.checkOurs(ctx)
	}
	switch {
	case err != nil:
		return err
	case d.state == "" && d.target.Epoch != "" && (!isThere || found.epoch != d.target.Epoch):
		return d.beginAnew(ctx)
	case d.state == "" && !isThere:
		d.marker = marker{}
		return d.checkFree(ctx)
	case !isThere && d.table.exists:
		return d.unmarked()
	case !d.table.exists && (!isThere || found.rows > 0 || d.target.Records > 0):
		return d.gone()
	case found.epoch != d.target.Epoch:
		return d.otherHistory(found)
	}
	d.marker = found
	return d.compare(ctx, found)
}

// compare compares the marker of the table with the state. A marker that is ahead was written by a delivery that crashed before its state
// was stored, if the dataset has the same batches up to there; one that is behind comes from a backup of the table.
func (d *destination) compare(ctx context.Context, found marker) error {
	var last marker
	if d.state != "" {
		var err error
		if last, err = parseState(d.state); err != nil {
			return fmt.Errorf("the state of the destination: %w", err)
		}
	}
	if found.Seq == last.Seq {
		if found.Hash != last.Hash {
			return d.otherHistory(found)
		}
		return nil
	}
	if d.target.HashOf != nil && found.Seq > 0 {
		hash, isThere, err := d.target.HashOf(ctx, found.Seq)
		if err != nil {
			return err
		}
		if !isThere || hash != found.Hash {
			return d.otherHistory(found)
		}
	}
	if found.Seq > last.Seq {
		return nil
	}
	state, err := found.state()
	if err != nil {
		return err
	}
	return &connector.Behind{Seq: found.Seq, State: state}
}

// checkFree refuses to append to a table that another destination has filled, such as that of a flow that was removed and applied again.
func (d *destination) checkFree(ctx context.Context) error {
	if d.upsert || !d.table.exists {
		return nil
	}
	var others int
	err := d.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM _sallyport_deliveries WHERE table_name = ? AND seq > 0", d.tableName).Scan(&others)
	if err != nil || others == 0 {
		return err
	}
	return sallyport.FieldErrorf("table", "the table %s of %s holds records that another destination appended, and they would be there twice; "+
		"choose another table, or run %s, which renames that table to %s_old_N", d.tableName, d.path, d.target.Again(), d.tableName)
}

// checkOurs refuses a table of another program, also in a database in which Sallyport has tables, unless the database was granted to the flow.
func (d *destination) checkOurs(ctx context.Context) error {
	if !d.table.exists || d.at.folder.Foreign {
		return nil
	}
	var markers int
	err := d.conn.QueryRowContext(ctx, "SELECT count(*) FROM _sallyport_deliveries WHERE lower(table_name) = lower(?)", d.tableName).Scan(&markers)
	if err != nil || markers > 0 {
		return err
	}
	return sallyport.FieldErrorf("table", "the table %s of %s was created by another program; choose another table, or permit the database for this flow "+
		"at the command line: sallyport flow grant FLOW PATH", d.tableName, d.path)
}

// beginAnew begins an epoch: rows with a key are replaced one by one, a table without one is renamed and made anew.
func (d *destination) beginAnew(ctx context.Context) (err error) {
	d.marker = marker{}
	if d.upsert || !d.table.exists {
		return nil
	}
	name, err := freeName(ctx, d.conn, d.oldName)
	if err != nil {
		return err
	}
	if err := d.table.close(); err != nil {
		return err
	}
	// Views of the table keep its name, and so show the new one.
	_, err = d.conn.ExecContext(ctx, "PRAGMA legacy_alter_table = ON; ALTER TABLE "+quoted(d.tableName)+" RENAME TO "+quoted(name)+
		"; PRAGMA legacy_alter_table = OFF")
	if err != nil {
		return err
	}
	if _, err := d.conn.ExecContext(ctx, "DELETE FROM _sallyport_deliveries WHERE table_name = ?", d.tableName); err != nil {
		return err
	}
	d.table, err = openTable(ctx, d.conn, d.settings, d.target.Schema)
	return err
}

// freeName is the first of the names 1, 2, 3 … that nothing in the database has.
func freeName(ctx context.Context, conn *sql.Conn, name func(n int) string) (string, error) {
	for n := 1; ; n++ {
		var taken int
		err := conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema WHERE name = ? COLLATE NOCASE", name(n)).Scan(&taken)
		if err != nil || taken == 0 {
			return name(n), err
		}
	}
}

func (d *destination) oldName(n int) string { return fmt.Sprintf("%s_old_%d", d.tableName, n) }

// otherHistory is the error for a marker that the state and the dataset contradict.
func (d *destination) otherHistory(found marker) error {
	return sallyport.Errorf(sallyport.Conflict, "the table %s of %s is at batch %d of another history of this dataset, as after a backup of "+
		"Sallyport's database or of the table was restored; run %s to %s", d.tableName, d.path, found.Seq, d.target.Again(), d.whatAgainDoes())
}

// gone is the error for a table that is missing although something was delivered to it.
func (d *destination) gone() error {
	return sallyport.FieldErrorf("table", "the table %s of %s is missing, although records were delivered to it; put it back, or run %s to "+
		"fill a new one from what is kept", d.tableName, d.path, d.target.Again())
}

// unmarked is the error for a table without the note of how far it is.
func (d *destination) unmarked() error {
	return sallyport.FieldErrorf("table", "the table %s of %s is there, but the note of what was delivered to it (in _sallyport_deliveries) is "+
		"missing; put that back, or run %s to %s", d.tableName, d.path, d.target.Again(), d.whatAgainDoes())
}

// whatAgainDoes says what a new delivery from the beginning does with the table as it is.
func (d *destination) whatAgainDoes() string {
	if d.upsert {
		return "write every record that is kept into it again"
	}
	return "fill a new one from what is kept; the present one is renamed to " + d.tableName + "_old_N"
}
