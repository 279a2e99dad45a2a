package sqltable_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// wide is a record with a key and more fields than a table can have columns.
func wide(id int) string {
	members := []string{fmt.Sprintf(`"id":%d`, id)}
	for i := range 2100 {
		members = append(members, fmt.Sprintf(`"f%04d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// TestMoreFieldsThanColumns refuses records that have too many fields, before anything is written, unless columns are chosen.
func TestMoreFieldsThanColumns(t *testing.T) {
	p := newPlace(t, "upsert", "id")
	open, err := openTable(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open.Write(t.Context(), batch(1, []string{wide(1), wide(2)}))
	if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), "columns: is needed: records have more fields than the 2000 columns that SQLite allows; "+
		"name those that become columns, for example columns: [id]") {
		t.Errorf("refused with %v", err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
	p.target.Config["columns"] = []string{"f2099", "f0000"}
	p.rejects(p.write(wide(1), wide(2), `{"id":3,"f2099":"x","other":{}}`))
	p.rejects(p.write(`{"id":3,"f0000":7,"more":1}`))
	p.holds(`SELECT * FROM t ORDER BY id`, `1 0 "2099"`, `2 0 "2099"`, `3 7 <nil>`)
}
