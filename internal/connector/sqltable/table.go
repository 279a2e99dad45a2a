package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// table is the table that is written, within a transaction. It is of no use after one that was undone.
type table struct {
	settings
	conn    *sql.Conn
	schema  sallyport.Schema
	exists  bool
	all     *columns
	columns []column        // those that fields have, in the order of the statement
	fields  map[string]int  // which of them a field has
	wanted  map[string]bool // fields that become columns; nil: all
	nested  []string        // names of the key that may lead into objects
	insert  *sql.Stmt       // nil until there is a column
	members connector.Members
	row     row
}

// openTable reads which columns the table has, and which fields have them.
func openTable(ctx context.Context, conn *sql.Conn, s settings, schema sallyport.Schema) (*table, error) {
	t := &table{settings: s, conn: conn, schema: schema, all: newColumns(), fields: map[string]int{}}
	if len(s.chosen) > 0 {
		t.wanted = map[string]bool{}
		for _, name := range slices.Concat(s.chosen, s.key) {
			t.wanted[name] = true
		}
	}
	for _, name := range s.key {
		if strings.Contains(name, ".") {
			t.nested = append(t.nested, name)
		}
	}
	for _, read := range []func(context.Context) error{t.readColumns, t.readFields} {
		if err := read(ctx); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *table) readColumns(ctx context.Context) error {
	var kind string
	err := t.conn.QueryRowContext(ctx, "SELECT type FROM sqlite_schema WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
		t.tableName).Scan(&kind)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case kind == "view":
		return sallyport.FieldErrorf("table", "%s is a view of %s; choose another name", t.tableName, t.path)
	}
	t.exists = true
	rows, err := t.conn.QueryContext(ctx, "SELECT name, type, hidden FROM pragma_table_xinfo(?)", t.tableName)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, declared string
		var hidden int
		if err := rows.Scan(&name, &declared, &hidden); err != nil {
			return err
		}
		t.all.found(name, declared, hidden != 0)
	}
	return rows.Err()
}

// readFields reads which column each field has, without those columns that are gone.
func (t *table) readFields(ctx context.Context) error {
	_, err := t.conn.ExecContext(ctx, `DELETE FROM _sallyport_columns
		WHERE table_name = ? AND column_name NOT IN (SELECT name FROM pragma_table_xinfo(?))`, t.tableName, t.tableName)
	if err != nil {
		return err
	}
	rows, err := t.conn.QueryContext(ctx, "SELECT field, column_name FROM _sallyport_columns WHERE table_name = ? ORDER BY rowid", t.tableName)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var field, name string
		if err := rows.Scan(&field, &name); err != nil {
			return err
		}
		if col, ok := t.all.take(name); ok {
			t.assign(field, col)
		}
	}
	return rows.Err()
}

// assign gives a column to a field, here.
func (t *table) assign(field string, col column) {
	col.isKey = slices.Contains(t.key, field)
	t.fields[field] = len(t.columns)
	t.columns = append(t.columns, col)
}

// learn sees to it that the fields of records have columns, as far as there is room, and that there is a statement for them.
func (t *table) learn(ctx context.Context, records iter.Seq[[]byte]) error {
	found := t.newFields(records)
	if len(found.fields) == 0 && t.insert != nil {
		return nil
	}
	if found.tooMany && !t.exists {
		return sallyport.FieldErrorf("columns", "is needed: records have more fields than the %d columns that SQLite allows; name those that "+
			"become columns, for example columns: [%s]", maxColumns, found.fields[0].Name)
	}
	if err := t.addColumns(ctx, found.fields); err != nil {
		return err
	}
	return t.prepare(ctx)
}

// addColumns gives a column to each field: one that is there, or a new one.
func (t *table) addColumns(ctx context.Context, fields []sallyport.Field) error {
	var added []column
	for _, f := range fields {
		col, isThere := t.all.take(columnName(f.Name))
		if !isThere && t.all.count == maxColumns {
			continue
		}
		if !isThere {
			col = t.all.add(f.Name, declaredType(f.Kind))
			added = append(added, col)
		}
		t.assign(f.Name, col)
		_, err := t.conn.ExecContext(ctx, "INSERT OR REPLACE INTO _sallyport_columns (table_name, field, column_name) VALUES (?, ?, ?)",
			t.tableName, f.Name, col.name)
		if err != nil {
			return err
		}
	}
	return t.alter(ctx, added)
}

// alter adds columns to the table, or makes it of them.
func (t *table) alter(ctx context.Context, added []column) error {
	definitions := make([]string, len(added))
	for i, c := range added {
		definitions[i] = strings.TrimSpace(quoted(c.name) + " " + c.declared)
	}
	if !t.exists && len(added) > 0 {
		t.exists = true
		_, err := t.conn.ExecContext(ctx, "CREATE TABLE "+quoted(t.tableName)+" ("+strings.Join(definitions, ", ")+")")
		return err
	}
	for _, definition := range definitions {
		if _, err := t.conn.ExecContext(ctx, "ALTER TABLE "+quoted(t.tableName)+" ADD COLUMN "+definition); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the statement anew. If there is nothing yet that keeps the key unique, it makes an index that does.
func (t *table) prepare(ctx context.Context) (err error) {
	if err := t.close(); err != nil || len(t.columns) == 0 {
		return err
	}
	t.insert, err = t.conn.PrepareContext(ctx, t.statement())
	if err == nil || !t.upsert {
		return err
	}
	if err := t.makeUnique(ctx); err != nil {
		return err
	}
	t.insert, err = t.conn.PrepareContext(ctx, t.statement())
	return err
}

func (t *table) makeUnique(ctx context.Context) error {
	name, err := freeName(ctx, t.conn, func(n int) string {
		name := t.tableName + "_" + strings.Join(t.key, "_") + "_key"
		if n > 1 {
			name += fmt.Sprintf("_%d", n)
		}
		return name
	})
	if err != nil {
		return err
	}
	columns := strings.Join(t.names(func(c column) bool { return c.isKey }), ", ")
	_, err = t.conn.ExecContext(ctx, "CREATE UNIQUE INDEX "+quoted(name)+" ON "+quoted(t.tableName)+" ("+columns+")")
	if primaryCode(err) == sqlite3.SQLITE_CONSTRAINT {
		return sallyport.FieldErrorf("key", "the table %s of %s holds several rows with the same %s; take all but one of them away, choose "+
			"another table, or set mode to append", t.tableName, t.path, strings.Join(t.key, ", "))
	}
	return err
}

// statement writes one row. OR ABORT overrules what the table may say of conflicts: a row that is refused undoes nothing but itself.
func (t *table) statement() string {
	every := t.names(func(column) bool { return true })
	b := "INSERT OR ABORT INTO " + quoted(t.tableName) + " (" + strings.Join(every, ", ") + ")" +
		" VALUES (?" + strings.Repeat(", ?", len(every)-1) + ")"
	if !t.upsert {
		return b
	}
	b += " ON CONFLICT (" + strings.Join(t.names(func(c column) bool { return c.isKey }), ", ") + ") DO "
	others := t.names(func(c column) bool { return !c.isKey })
	if len(others) == 0 {
		return b + "NOTHING"
	}
	for i, name := range others {
		others[i] = name + " = excluded." + name
	}
	return b + "UPDATE SET " + strings.Join(others, ", ")
}

// names are those of the columns that are wanted, quoted.
func (t *table) names(wanted func(column) bool) (names []string) {
	for _, c := range t.columns {
		if wanted(c) {
			names = append(names, quoted(c.name))
		}
	}
	return names
}

func (t *table) close() (err error) {
	if t.insert != nil {
		err = t.insert.Close()
		t.insert = nil
	}
	return err
}

// newFields are the fields that have no column: for a new table those of the dataset, the key, and those of the records. Fields that were
// only null wait until there is a value, for a column's type cannot be changed.
func (t *table) newFields(records iter.Seq[[]byte]) fieldList {
	found := fieldList{index: map[string]int{}, known: t.fields, wanted: t.wanted}
	if !t.exists {
		for _, f := range t.schema.Fields {
			if f.Kind != sallyport.KindNull {
				found.see(f.Name, f.Kind)
			}
		}
	}
	for _, name := range t.key {
		found.see(name, sallyport.KindNull)
	}
	for record := range records {
		fields := 0
		for m, err := range t.members.Of(record) {
			if err == nil && m.Value.Kind() != 'n' {
				found.seeValue(m)
				fields++
			}
		}
		found.tooMany = found.tooMany || t.wanted == nil && fields > maxColumns
		for _, name := range t.nested {
			if value, ok := t.members.At(record, name); ok {
				found.seeValue(connector.Member{Name: []byte(name), Value: value})
			}
		}
	}
	for _, f := range t.schema.Fields {
		if i, ok := found.index[f.Name]; ok {
			found.fields[i].Kind = widest(found.fields[i].Kind, f.Kind)
		}
	}
	return found
}

// fieldList collects fields that are not known yet, in the order in which they come.
type fieldList struct {
	fields  []sallyport.Field
	index   map[string]int
	known   map[string]int
	wanted  map[string]bool // nil: all
	tooMany bool            // one record alone has more than a table can have
}

func (l *fieldList) seeValue(m connector.Member) {
	if _, known := l.known[string(m.Name)]; !known {
		l.see(string(m.Name), kindOf(m.Value))
	}
}

func (l *fieldList) see(name string, kind sallyport.Kind) {
	if _, known := l.known[name]; known || l.wanted != nil && !l.wanted[name] {
		return
	}
	i, ok := l.index[name]
	switch {
	case ok:
		l.fields[i].Kind = widest(l.fields[i].Kind, kind)
	case len(l.fields) < maxColumns:
		l.index[name] = len(l.fields)
		l.fields = append(l.fields, sallyport.Field{Name: name, Kind: kind})
	}
}
