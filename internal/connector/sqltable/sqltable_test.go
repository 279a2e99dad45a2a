package sqltable_test

import (
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector/connectortest"
)

func TestUpsert(t *testing.T) {
	connectortest.Destination(t, connectortest.Harness{
		Open:       openTable,
		Config:     func(t *testing.T) map[string]any { return config(t, "upsert") },
		Read:       readTable,
		Unwritable: func(t *testing.T) (map[string]any, string) { return unwritable(t, "upsert") },
		Misfit:     `{"id":null,"text":"hidden"}`,
	})
}

func TestAppend(t *testing.T) {
	connectortest.Destination(t, connectortest.Harness{
		Open:       openTable,
		Config:     func(t *testing.T) map[string]any { return config(t, "append") },
		Read:       readTable,
		Unwritable: func(t *testing.T) (map[string]any, string) { return unwritable(t, "append") },
		Misfit:     `{"id":1,"text":"hidden"`,
	})
}

func config(t *testing.T, mode string) map[string]any {
	return map[string]any{"path": filepath.Join(t.TempDir(), "new folder", "in?t#e%l 20%.db"), "table": `the "table" of.all`, "mode": mode}
}

// unwritable is a path through a file. Unlike a forbidden one it cannot be written by root either.
func unwritable(t *testing.T, mode string) (map[string]any, string) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(path, "intel.db")
	return map[string]any{"path": path, "table": "t", "mode": mode}, path
}

// database opens a database as any program does.
func database(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+url.PathEscape(path))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// readTable returns the rows of a table, with the fields' names instead of the columns'.
func readTable(t *testing.T, config map[string]any) (rows []connectortest.Row) {
	t.Helper()
	db := database(t, config["path"].(string))
	defer db.Close()
	fields := map[string]string{}
	mapping, err := db.Query("SELECT column_name, field FROM _sallyport_columns WHERE table_name = ?", config["table"])
	if err != nil && strings.Contains(err.Error(), "no such table: _sallyport_columns") {
		return nil // nothing was ever committed
	}
	if err != nil {
		t.Fatal(err)
	}
	for mapping.Next() {
		var column, field string
		if err := mapping.Scan(&column, &field); err != nil {
			t.Fatal(err)
		}
		fields[column] = field
	}
	if err := mapping.Err(); err != nil {
		t.Fatal(err)
	}
	if len(fields) == 0 {
		return nil // no record came yet
	}
	result, err := db.Query("SELECT * FROM " + quoted(config["table"].(string)) + " ORDER BY rowid")
	if err != nil {
		t.Fatal(err)
	}
	defer result.Close()
	columns, err := result.ColumnTypes()
	if err != nil {
		t.Fatal(err)
	}
	for result.Next() {
		row, values, addresses := connectortest.Row{}, make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			addresses[i] = &values[i]
		}
		if err := result.Scan(addresses...); err != nil {
			t.Fatal(err)
		}
		for i, c := range columns {
			if values[i] != nil {
				row[fields[c.Name()]] = text(t, values[i], c.DatabaseTypeName())
			}
		}
		rows = append(rows, row)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// text is a value as JSON shows it.
func text(t *testing.T, value any, declared string) string {
	switch v := value.(type) {
	case string:
		return v
	case int64:
		if declared == "BOOLEAN" {
			return strconv.FormatBool(v == 1)
		}
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	t.Fatalf("a column holds a %T: %v", value, value)
	return ""
}
