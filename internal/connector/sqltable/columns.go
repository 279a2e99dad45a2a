package sqltable

import (
	"fmt"
	"strings"
)

const (
	maxColumns = 2000 // of a table: what SQLite allows
	maxName    = 63   // bytes of a column's name, before a number that tells it from others
)

// column is a column that a field has.
type column struct {
	name     string
	declared string // its type
	affinity affinity
	isKey    bool
}

// columns are all columns of a table. Every field gets one of its own, although SQLite does not tell upper from lower case: the first
// field that comes has the column of its name, the next one gets a number behind it.
type columns struct {
	count int
	taken map[string]bool   // all names, in lower case
	free  map[string]column // those that no field has, by their names in lower case
}

// newColumns begins with the names that SQLite has for the number of a row.
func newColumns() *columns {
	return &columns{taken: map[string]bool{"rowid": true, "oid": true, "_rowid_": true}, free: map[string]column{}}
}

// found adds a column that is in the table. A generated one cannot be written, and so is nobody's.
func (c *columns) found(name, declared string, generated bool) {
	lower := strings.ToLower(name)
	c.count++
	c.taken[lower] = true
	if !generated {
		c.free[lower] = column{name: name, declared: declared, affinity: affinityOf(declared)}
	}
}

// take gives a column that is in the table, and that no field has, to a field.
func (c *columns) take(name string) (column, bool) {
	lower := strings.ToLower(name)
	col, ok := c.free[lower]
	delete(c.free, lower)
	return col, ok
}

// add names a new column for a field.
func (c *columns) add(field, declared string) column {
	name := columnName(field)
	for i := 2; c.taken[strings.ToLower(name)]; i++ {
		name = fmt.Sprintf("%s_%d", columnName(field), i)
	}
	c.count++
	c.taken[strings.ToLower(name)] = true
	return column{name: name, declared: declared, affinity: affinityOf(declared)}
}

// columnName is what the column of a field is called if nothing speaks against it. SQL text ends at a NUL, so a name can hold none.
func columnName(field string) string {
	name := strings.ReplaceAll(field, "\x00", "\uFFFD")
	if len(name) > maxName {
		name = strings.ToValidUTF8(name[:maxName], "")
	}
	if name == "" {
		return "field"
	}
	return name
}

// quoted writes a name as SQL does.
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
