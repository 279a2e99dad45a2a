package sqltable_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// log is a dataset: batch n has the one record {"id":n,"a":TEXT}.
type log []string

// hash is the hash of the batches up to a number.
func (l log) hash(seq int64) string { return strings.Trim(strings.Join(l[:seq], ","), ",") }

func (l log) hashOf(_ context.Context, seq int64) (string, bool, error) {
	if seq > int64(len(l)) {
		return "", false, nil
	}
	return l.hash(seq), true, nil
}

// deliver does what the engine does: it writes the batches after the position, each in a commit of its own, and goes back when it is told to.
func (p *place) deliver(l log, position int64) (int64, error) {
	p.target.HashOf = l.hashOf
	p.target.Flow, p.target.Name = "f", "my table"
	for {
		reached, err := p.deliverOnce(l, position)
		behind, ok := errors.AsType[*connector.Behind](err)
		if !ok {
			return reached, err
		}
		if behind.Seq >= reached {
			p.Fatalf("it goes back from %d to %d", reached, behind.Seq)
		}
		position, p.target.State = behind.Seq, behind.State
	}
}

func (p *place) deliverOnce(l log, position int64) (int64, error) {
	open, err := openTable(p.Context(), p.target)
	if err != nil {
		return position, err
	}
	defer open.Close()
	for seq := position + 1; seq <= int64(len(l)); seq++ {
		b := batch(seq, []string{fmt.Sprintf(`{"id":%d,"a":%q}`, seq, l[seq-1])})
		b.Hash = l.hash(seq)
		result, err := open.Write(p.Context(), b)
		if err != nil {
			return position, err
		}
		state, err := open.Commit(p.Context())
		if err != nil {
			return position, err
		}
		p.target.State, position = state, seq
		p.target.Records += result.Accepted
	}
	return position, nil
}

// old is what an older version of the program has left: markers without epoch and hash, and a state that is a number.
func (p *place) old(state string) {
	p.exec("ALTER TABLE _sallyport_deliveries DROP COLUMN epoch; ALTER TABLE _sallyport_deliveries DROP COLUMN hash; ALTER TABLE _sallyport_deliveries DROP COLUMN row_count")
	p.target.State = state
}

// TestPlaces delivers three batches, lets something happen to the table or to Sallyport's database, and delivers what follows. Either the table
// has every record of the dataset once, or the delivery fails and names what to do, which then succeeds.
func TestPlaces(t *testing.T) {
	abc, abcd := log{"a", "b", "c"}, log{"a", "b", "c", "d"}
	for name, test := range map[string]struct {
		happens  func(p *place, backup connector.Target)
		position int64 // afterwards
		then     log   // the dataset afterwards
		fails    string
		code     sallyport.Code
	}{
		"nothing happens":             {func(*place, connector.Target) {}, 3, abcd, "", ""},
		"crash before our commit":     {func(p *place, b connector.Target) { p.target.State = b.State }, 1, abcd, "", ""},
		"crash of the first delivery": {func(p *place, b connector.Target) { p.target.State, p.target.Records = "", 0 }, 0, abcd, "", ""},
		"database restored, other batches": {func(p *place, b connector.Target) { p.target = b }, 1,
			log{"a", "B", "C", "D"}, "another history", sallyport.Conflict},
		"database restored, the last batch is the same by chance": {func(p *place, b connector.Target) { p.target = b }, 1,
			log{"a", "B", "c", "d"}, "another history", sallyport.Conflict},
		"database restored, marker ahead": {func(p *place, b connector.Target) { p.target = b }, 1,
			log{"a", "b"}, "another history", sallyport.Conflict},
		"database restored, the same batches again": {func(p *place, b connector.Target) { p.target = b }, 1, abcd, "", ""},
		"database restored to before the first delivery": {func(p *place, b connector.Target) { p.target.State, p.target.Records = "", 0 }, 0,
			log{"x"}, "another history", sallyport.Conflict},
		"both restored, then an older table again": {func(p *place, b connector.Target) {
			p.exec("UPDATE _sallyport_deliveries SET seq = 2, hash = 'a,x'; DELETE FROM t WHERE id = 3")
		}, 3, abcd, "another history", sallyport.Conflict},
		"both restored, then a table again that is as far": {func(p *place, b connector.Target) {
			p.exec("UPDATE _sallyport_deliveries SET hash = 'a,b,x'")
		}, 3, abcd, "another history", sallyport.Conflict},
		"table restored": {func(p *place, b connector.Target) {
			p.exec("UPDATE _sallyport_deliveries SET seq = 1, hash = 'a', row_count = 1; DELETE FROM t WHERE id > 1")
		}, 3, abcd, "", ""},
		"table dropped":    {func(p *place, _ connector.Target) { p.exec("DROP TABLE t") }, 3, abcd, "table: the table t of ", sallyport.Invalid},
		"table renamed":    {func(p *place, _ connector.Target) { p.exec("ALTER TABLE t RENAME TO u") }, 3, abcd, "is missing", sallyport.Invalid},
		"database removed": {func(p *place, _ connector.Target) { remove(p) }, 3, abcd, "path: ", sallyport.Invalid},
		"database replaced by an empty one": {func(p *place, _ connector.Target) {
			remove(p)
			if err := os.WriteFile(p.target.Text("path"), nil, 0o600); err != nil {
				p.Fatal(err)
			}
		}, 3, abcd, "is missing", sallyport.Invalid},
		"notes dropped": {func(p *place, _ connector.Target) { p.exec("DROP TABLE _sallyport_deliveries") }, 3, abcd, "the note", sallyport.Invalid},
		"notes and table dropped": {func(p *place, _ connector.Target) { p.exec("DROP TABLE _sallyport_deliveries; DROP TABLE t") }, 3, abcd,
			"is missing", sallyport.Invalid},
		"database restored to before a new beginning": {func(p *place, b connector.Target) {
			p.exec("UPDATE _sallyport_deliveries SET epoch = 'epo_two'")
		}, 3, abcd, "another history", sallyport.Conflict},
		"older version":                          {func(p *place, _ connector.Target) { p.old("3") }, 3, nil, "", ""},
		"older version, crash before our commit": {func(p *place, _ connector.Target) { p.old("1") }, 1, nil, "", ""},
		"older version, table dropped": {func(p *place, _ connector.Target) { p.old("3"); p.exec("DROP TABLE t") }, 3, nil, "is missing",
			sallyport.Invalid},
		"older version, database restored": {func(p *place, _ connector.Target) { p.old("1") }, 1, log{"", "x"}, "another history", sallyport.Conflict},
	} {
		for _, mode := range []string{"append", "upsert"} {
			t.Run(mode+", "+name, func(t *testing.T) {
				p, abc := newPlace(t, mode, "id"), abc
				if strings.HasPrefix(name, "older version") { // whose batches have no hashes
					abc = log{"", "", ""}
				}
				if test.then == nil {
					test.then = append(abc[:3:3], "d")
				}
				if _, err := p.deliver(abc[:1], 0); err != nil {
					t.Fatal(err)
				}
				backup := p.target
				if _, err := p.deliver(abc, 1); err != nil {
					t.Fatal(err)
				}
				test.happens(p, backup)
				position, err := p.deliver(test.then, test.position)
				if test.fails == "" {
					if err != nil || position != int64(len(test.then)) {
						t.Fatalf("at %d: %v", position, err)
					}
					p.holdsLog(test.then)
					return
				}
				if sallyport.CodeOf(err) != test.code || !strings.Contains(fmt.Sprint(err), test.fails) ||
					!strings.Contains(fmt.Sprint(err), "`sallyport flow deliver f --again 'my table'`") {
					t.Fatalf("%v must be %s, say %q and name the command", err, test.code, test.fails)
				}
				if position, err := p.deliver(test.then, test.position); err == nil {
					t.Errorf("the second time it gets to %d", position)
				}
				p.target.Epoch, p.target.State, p.target.Records = "epo_new", "", 0 // what the command does
				if _, err := p.deliver(test.then, 0); err != nil {
					t.Fatal(err)
				}
				p.holdsLog(test.then)
			})
		}
	}
}

func remove(p *place) {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(p.target.Text("path") + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			p.Fatal(err)
		}
	}
}

// holdsLog wants every record of a dataset once. Rows of an earlier history may be there too, if there is a key.
func (p *place) holdsLog(l log) {
	p.Helper()
	var want []string
	for i, a := range l {
		want = append(want, fmt.Sprintf("%d %q", i+1, a))
	}
	p.holds(fmt.Sprintf("SELECT id, a FROM t WHERE '%s' = 'append' OR id <= %d ORDER BY id", p.target.Text("mode"), len(l)), want...)
}

// TestAgainRenames lets a table that is appended to be delivered anew, twice: the older ones keep their rows, and views show the new one.
func TestAgainRenames(t *testing.T) {
	p := newPlace(t, "append")
	p.exec("CREATE TABLE T_old_1 (x); CREATE VIEW seen AS SELECT a FROM t")
	if _, err := p.deliver(log{"a", "b"}, 0); err != nil {
		t.Fatal(err)
	}
	for _, epoch := range []string{"epo_one", "epo_two"} {
		p.target.Epoch, p.target.State, p.target.Records = epoch, "", 0
		for range 2 { // the second time after a crash
			p.target.State = ""
			if _, err := p.deliver(log{"a", "b", epoch}, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.holds("SELECT a FROM t", `"a"`, `"b"`, `"epo_two"`)
	p.holds("SELECT a FROM seen", `"a"`, `"b"`, `"epo_two"`)
	p.holds("SELECT a FROM t_old_2", `"a"`, `"b"`)
	p.holds("SELECT a FROM t_old_3", `"a"`, `"b"`, `"epo_one"`)
	p.holds("SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE 't%'", "4")
	p.holds("SELECT seq, epoch, row_count FROM _sallyport_deliveries", `3 "epo_two" 3`)
}

// TestAgainIsOneTransaction shows that a table is not renamed unless the first batches come with it.
func TestAgainIsOneTransaction(t *testing.T) {
	p := newPlace(t, "append")
	if _, err := p.deliver(log{"a"}, 0); err != nil {
		t.Fatal(err)
	}
	p.target.Epoch, p.target.State = "epo_one", ""
	open, err := openTable(t.Context(), p.target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write(t.Context(), batch(1, []string{`{"a":"z"}`})); err != nil {
		t.Fatal(err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	p.holds("SELECT a FROM t", `"a"`)
	p.holds("SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 't%'", "1")
}

// TestTableOfAnotherDestination appends nothing to a table that another destination has filled: its flow was removed and applied again, say.
func TestTableOfAnotherDestination(t *testing.T) {
	for mode, fails := range map[string]bool{"append": true, "upsert": false} {
		p := newPlace(t, mode, "id")
		if _, err := p.deliver(log{"a"}, 0); err != nil {
			t.Fatal(err)
		}
		p.target.ID, p.target.State, p.target.Records = "dst_two", "", 0
		_, err := p.deliver(log{"a", "b"}, 0)
		if fails != (err != nil) || fails && !strings.Contains(err.Error(), "--again 'my table'`, which renames that table to t_old_N") {
			t.Errorf("%s: %v", mode, err)
		}
		if fails {
			p.holds("SELECT a FROM t", `"a"`)
			p.target.Epoch = "epo_one"
			if _, err := p.deliver(log{"a", "b"}, 0); err != nil {
				t.Fatal(err)
			}
		}
		p.holds("SELECT a FROM t", `"a"`, `"b"`)
	}
}

// TestTableWithoutRecords shows that a table is not missed that never had to be made.
func TestTableWithoutRecords(t *testing.T) {
	p := newPlace(t, "append")
	p.writeAs(1)
	p.writeAs(2, `{"a":1}`)
	p.holds("SELECT a FROM t", "1")
}

// TestRemovedWhileOpen removes or replaces things between two commits of one delivery.
func TestRemovedWhileOpen(t *testing.T) {
	for name, test := range map[string]struct {
		happens func(p *place)
		fails   string
	}{
		"table":           {func(p *place) { p.exec("DROP TABLE t") }, "the table t of "},
		"database":        {remove, " is missing"},
		"database, moved": {func(p *place) { os.Rename(p.target.Text("path"), p.target.Text("path")+".old") }, " is missing"},
		"column":          {func(p *place) { p.exec("ALTER TABLE t DROP COLUMN a") }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t, "append")
			p.target.Flow, p.target.Name = "f", "t"
			open, err := openTable(t.Context(), p.target)
			if err != nil {
				t.Fatal(err)
			}
			defer open.Close()
			put := func(seq int64) (err error) {
				if _, err = open.Write(t.Context(), batch(seq, []string{`{"a":1,"b":2}`})); err == nil {
					_, err = open.Commit(t.Context())
				}
				return err
			}
			if err := put(1); err != nil {
				t.Fatal(err)
			}
			test.happens(p)
			err = put(2)
			if test.fails == "" && err != nil || test.fails != "" && (!strings.Contains(fmt.Sprint(err), test.fails) || !strings.Contains(fmt.Sprint(err), "--again t`")) {
				t.Errorf("%v, want %q", err, test.fails)
			}
		})
	}
}

// TestKeyThatNoRecordHas is about the first batch: nothing is written, and nothing rejected.
func TestKeyThatNoRecordHas(t *testing.T) {
	for _, test := range []struct {
		key, says string
		schema    []sallyport.Field
	}{
		{"idd", `none of the first records has the field "idd"; did you mean "id"?`, nil},
		{"no_such_field", `their fields are id, a`, nil},
		{"b", "", []sallyport.Field{{Name: "b"}}}, // other records have it
		{"id", "", nil},
	} {
		p := newPlace(t, "upsert", test.key)
		p.target.Schema.Fields = test.schema
		open, err := openTable(t.Context(), p.target)
		if err != nil {
			t.Fatal(err)
		}
		defer open.Close()
		if _, err := open.Write(t.Context(), batch(1, []string{})); err != nil {
			t.Error(err)
		}
		_, err = open.Write(t.Context(), batch(2, []string{`{"id":1,"a":2}`, `{"id":2,"a":2}`}))
		if test.says == "" && err != nil || test.says != "" && (sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(fmt.Sprint(err), "key: "+"none") ||
			!strings.Contains(fmt.Sprint(err), test.says)) {
			t.Errorf("%s: %v, want %q", test.key, err, test.says)
		}
	}
}
