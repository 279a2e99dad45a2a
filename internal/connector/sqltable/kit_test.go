package sqltable_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// place is a table t in a database of its own, and a destination that writes it.
type place struct {
	*testing.T
	target connector.Target
	seq    int64
}

func newPlace(t *testing.T, mode string, key ...string) *place {
	return &place{T: t, target: connector.Target{ID: "dst_one", Dataset: "set_one", Config: map[string]any{
		"path": filepath.Join(t.TempDir(), "intel.db"), "table": "t", "mode": mode, "key": key,
	}}}
}

// write opens the place with its state, writes the next batch, commits and closes.
func (p *place) write(records ...string) connector.Result {
	p.Helper()
	p.seq++
	return p.writeAs(p.seq, records...)
}

func (p *place) writeAs(seq int64, records ...string) connector.Result {
	p.Helper()
	open, err := openTable(p.Context(), p.target)
	if err != nil {
		p.Fatal(err)
	}
	result, err := open.Write(p.Context(), batch(seq, records))
	if err != nil {
		p.Fatal(err)
	}
	if p.target.State, err = open.Commit(p.Context()); err != nil {
		p.Fatal(err)
	}
	if err := open.Close(); err != nil {
		p.Fatal(err)
	}
	return result
}

// fails opens the place and writes a batch, and wants one of both to fail.
func (p *place) fails(code sallyport.Code, reasons ...string) {
	p.Helper()
	open, err := openTable(p.Context(), p.target)
	if err == nil {
		_, err = open.Write(p.Context(), batch(1, []string{`{"id":1,"a":2}`}))
		if err := open.Close(); err != nil {
			p.Error(err)
		}
	}
	if got := sallyport.CodeOf(err); got != code {
		p.Errorf("the code of %v is %q, want %q", err, got, code)
	}
	for _, reason := range reasons {
		if !strings.Contains(fmt.Sprint(err), reason) {
			p.Errorf("%v must say %q", err, reason)
		}
	}
}

// exec does what a person does with a tool of their own.
func (p *place) exec(statements string) {
	p.Helper()
	db := database(p.T, p.target.Text("path"))
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		p.Fatal(err)
	}
}

// holds compares the answer to a query, a row a line, its values in Go's notation.
func (p *place) holds(query string, want ...string) {
	p.Helper()
	db := database(p.T, p.target.Text("path"))
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		p.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		got = append(got, scan(p.T, rows))
	}
	if err := rows.Err(); err != nil {
		p.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("%s (-want +got):\n%s", query, diff)
	}
}

func scan(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, addresses, texts := make([]any, len(columns)), make([]any, len(columns)), make([]string, len(columns))
	for i := range values {
		addresses[i] = &values[i]
	}
	if err := rows.Scan(addresses...); err != nil {
		t.Fatal(err)
	}
	for i, v := range values {
		texts[i] = fmt.Sprintf("%#v", v)
	}
	return strings.Join(texts, " ")
}

// rejects compares the reasons for the rejected records of a result.
func (p *place) rejects(result connector.Result, want ...string) {
	p.Helper()
	var got []string
	for _, r := range result.Rejected {
		got = append(got, fmt.Sprintf("%d: %s", r.Index, r.Reason))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.Errorf("rejected (-want +got):\n%s", diff)
	}
}
