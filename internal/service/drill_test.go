package service_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// drill is a flow to one destination, to which things happen between its runs. Every run pulls ten records that no run had before.
type drill struct {
	*place
	kind string // lines, append or upsert
	next int    // the id of the next record
}

func (d *drill) path() string {
	if d.kind == "lines" {
		return filepath.Join(d.dir, "out.ndjson")
	}
	return filepath.Join(d.dir, "intel.db")
}

func newDrill(t *testing.T, kind string) *drill {
	d := &drill{place: newPlace(t, nil), kind: kind}
	d.api.pages = map[string]func(http.ResponseWriter){}
	config := "{name: there, connector: sqlite, config: {path: " + d.path() + ", table: t, mode: " + kind + ", key: [id]}}"
	if kind == "lines" {
		config = "{name: there, connector: file, config: {path: " + d.path() + "}}"
	}
	d.apply(config)
	return d
}

// pull runs the flow.
func (d *drill) pull() sallyport.Run {
	d.api.pages["0"] = list(d.next, 10, 10, "")
	d.next += 10
	return d.run()
}

// exec changes the table as any program can.
func (d *drill) exec(statements string) {
	d.Helper()
	db, err := sql.Open("sqlite", "file:"+d.path())
	if err != nil {
		d.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statements); err != nil {
		d.Fatal(err)
	}
}

// remove removes what is delivered, and what SQLite has beside it.
func (d *drill) remove() {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(d.path() + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.Fatal(err)
		}
	}
}

// restart stops the program, lets something happen to files, and starts it again.
func (d *drill) restart(happens func()) {
	d.Helper()
	if err := d.App.Close(); err != nil {
		d.Fatal(err)
	}
	happens()
	var err error
	data := d.data
	if d.App, err = app.Open(d.Context(), apptest.Settings(d.T, data, "debug"), &d.log, new(secret.Redactor)); err != nil {
		d.Fatal(err)
	}
}

// copied copies files that have the same beginning, which are not in use.
func (d *drill) copied(from, to string) {
	d.Helper()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(from + suffix)
		if errors.Is(err, fs.ErrNotExist) {
			os.Remove(to + suffix)
			continue
		}
		if err == nil {
			err = os.WriteFile(to+suffix, content, 0o600)
		}
		if err != nil {
			d.Fatal(err)
		}
	}
}

// kept are the ids of the records in the dataset.
func (d *drill) kept() (ids []int) {
	d.Helper()
	set, err := d.Service.Dataset(d.Context(), "f")
	if err != nil {
		d.Fatal(err)
	}
	for record, err := range d.Service.Records(d.Context(), set.ID) {
		if err != nil {
			d.Fatal(err)
		}
		ids = append(ids, d.id(record))
	}
	slices.Sort(ids)
	return ids
}

func (d *drill) id(record []byte) int {
	var r struct{ ID int }
	if err := json.Unmarshal(record, &r); err != nil {
		d.Fatalf("%.80q: %v", record, err)
	}
	return r.ID
}

// there are the ids of the records at the destination.
func (d *drill) there() (ids []int) {
	d.Helper()
	if d.kind == "lines" {
		content, err := os.ReadFile(d.path())
		if err != nil {
			d.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			ids = append(ids, d.id([]byte(line)))
		}
		slices.Sort(ids)
		return ids
	}
	db, err := sql.Open("sqlite", "file:"+d.path())
	if err != nil {
		d.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT id FROM t ORDER BY id")
	if err != nil {
		d.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int
		if err := rows.Scan(&id); err != nil {
			d.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// complete wants every record of the dataset at the destination, once. A table with a key may have records of an earlier history, too.
func (d *drill) complete(when string) {
	d.Helper()
	kept, there := d.kept(), d.there()
	if d.kind == "upsert" {
		there = slices.DeleteFunc(there, func(id int) bool { return !slices.Contains(kept, id) })
	}
	if !slices.Equal(kept, there) {
		d.Errorf("%s: kept are %v, and there are %v", when, kept, there)
	}
}

// TestDrill restores, drops, removes, truncates and renames, and runs the flow on. Each time the destination has every record that is kept
// once, or the run fails and names the command that leads there.
func TestDrill(t *testing.T) {
	t.Parallel()
	tables, all := []string{"append", "upsert"}, []string{"append", "upsert", "lines"}
	database := func(d *drill) string { return filepath.Join(d.data, "sallyport.db") }
	backup := func(d *drill) string { return filepath.Join(d.dir, "backup") }
	for name, c := range map[string]struct {
		kinds   []string
		happens func(d *drill) // after two runs; there is a backup of everything from after the first
		fails   bool           // the run after that must
	}{
		"nothing": {all, func(d *drill) {}, false},
		"database restored": {tables, func(d *drill) {
			d.restart(func() { d.copied(backup(d), database(d)) })
		}, true},
		"both restored": {tables, func(d *drill) {
			d.restart(func() { d.copied(backup(d), database(d)); d.copied(backup(d)+".there", d.path()) })
		}, false},
		"table restored": {tables, func(d *drill) { d.restart(func() { d.copied(backup(d)+".there", d.path()) }) }, false},
		"table dropped":  {tables, func(d *drill) { d.exec("DROP TABLE t") }, true},
		"table renamed":  {tables, func(d *drill) { d.exec("ALTER TABLE t RENAME TO u") }, true},
		"notes dropped":  {tables, func(d *drill) { d.exec("DROP TABLE _sallyport_deliveries") }, true},
		"removed":        {all, (*drill).remove, true},
		"renamed": {all, func(d *drill) {
			if err := os.Rename(d.path(), d.path()+".1"); err != nil {
				d.Fatal(err)
			}
		}, true},
		"emptied": {all, func(d *drill) {
			d.remove()
			if err := os.WriteFile(d.path(), nil, 0o600); err != nil {
				d.Fatal(err)
			}
		}, true},
		"truncated": {[]string{"lines"}, func(d *drill) {
			if err := os.Truncate(d.path(), 100); err != nil {
				d.Fatal(err)
			}
		}, true},
	} {
		for _, kind := range c.kinds {
			t.Run(name+" "+kind, func(t *testing.T) {
				d := newDrill(t, kind)
				d.pull()
				d.restart(func() { d.copied(database(d), backup(d)); d.copied(d.path(), backup(d)+".there") })
				d.pull()
				d.complete("before")
				c.happens(d)
				run := d.pull()
				if !c.fails {
					if run.State != sallyport.RunSucceeded {
						t.Fatalf("run %s: %s", run.State, run.Error)
					}
					d.complete("afterwards")
					return
				}
				if run.State != sallyport.RunFailed || !strings.Contains(run.Error, "sallyport flow deliver f --again there") {
					t.Fatalf("run %s: %s", run.State, run.Error)
				}
				d.again()
				d.complete("delivered again")
				d.pull()
				d.complete("in the end")
			})
		}
	}
}

// again does what the errors say.
func (d *drill) again() {
	d.Helper()
	there, err := d.Service.DestinationOf(d.Context(), "f", "there")
	if err == nil {
		err = d.Service.DeliverAgain(d.Context(), actor, there)
	}
	if err != nil {
		d.Fatal(err)
	}
	all, err := d.Service.Deliver(d.Context(), actor, "f", func(service.Progress) {})
	if err != nil || all[0].Error != "" {
		d.Fatalf("%v, %+v", err, all)
	}
}

// TestLockedDatabaseIsWaitedFor holds a lock on the database of a table: the delivery waits, says why, outlasts who follows it, and continues
// when the lock is gone, at once if it is asked to.
func TestLockedDatabaseIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDrill(t, "append")
	d.pull()
	db, err := sql.Open("sqlite", "file:"+d.path())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	d.api.pages["0"] = list(d.next, 10, 10, "")
	run, _, err := d.Service.StartRun(t.Context(), actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	if run, err = d.Service.Follow(t.Context(), run.ID, 0, func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if run.State != sallyport.RunDelivering || run.Code != sallyport.Upstream || run.WaitUntil.IsZero() {
		t.Errorf("run %s (%s) until %s: %s", run.State, run.Code, run.WaitUntil, run.Error)
	}
	there, err := d.Service.DestinationOf(t.Context(), "f", "there")
	if err != nil || there.WaitUntil.IsZero() || !strings.Contains(there.WaitsFor, d.path()+" is locked by another program") || there.Error != "" {
		t.Errorf("%+v, %v", there, err)
	}
	detail, err := d.Service.Run(t.Context(), run.ID)
	if err != nil || len(detail.Deliveries) != 1 || detail.Deliveries[0].State != sallyport.RunWaiting || detail.Deliveries[0].Attempts != 1 {
		t.Errorf("%+v, %v", detail, err)
	}
	d.restart(func() {}) // the wait outlasts the program
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	d.complete("in the end")
	if run, err := d.Service.Run(t.Context(), run.ID); err != nil || run.State != sallyport.RunSucceeded {
		t.Errorf("run %s: %s, %v", run.State, run.Error, err)
	}
}

// TestDestinationThatRejectsMost stops a delivery before what it rejects is put into quarantine, or what it accepts is written.
func TestDestinationThatRejectsMost(t *testing.T) {
	t.Parallel()
	d := newDrill(t, "append")
	d.exec("CREATE TABLE t (id INTEGER CHECK (id >= 100), text TEXT)")
	d.api.pages["0"] = list(0, 250, 10, "")
	run := d.run()
	if run.State != sallyport.RunSucceeded || run.Quarantined != 100 {
		t.Errorf("40 %% are rejected: run %s with %d in quarantine: %s", run.State, run.Quarantined, run.Error)
	}
	d.api.pages["0"] = list(0, 150, 10, "")
	for range 2 { // it is as bad the next time
		run = d.run()
		for _, says := range []string{"100 of the 150 records of run 2", "CHECK constraint failed: id >= 100", "`sallyport flow deliver f`", "reject_limit"} {
			if run.State != sallyport.RunFailed || !strings.Contains(run.Error, says) {
				t.Errorf("run %s must say %q: %s", run.State, says, run.Error)
			}
		}
		there, err := d.Service.DestinationOf(t.Context(), "f", "there")
		if err != nil || there.Position != 1 || there.Rejected != 100 || there.Records != 150 || len(d.there()) != 150 {
			t.Errorf("%+v, %v", there, err)
		}
	}
}

// TestKeyThatNoRecordHas is refused by the first run, before anything is kept or rejected, and by a change of the flow.
func TestKeyThatNoRecordHas(t *testing.T) {
	t.Parallel()
	apply := func(d *drill, request, destination string) error {
		file := service.FlowFile{Name: "flow.yaml", Data: fmt.Appendf(nil, `flow: f
source:
  connector: rest
  credential: api
  request: {url: /, query: {page: "0"}, records: "$.results[*]", key: [%s], paging: {type: next_value, value: $.next, query: page}}
destinations: [{name: there, connector: sqlite, config: {path: %s, table: t, key: [%s]}}]
`, request, d.path(), destination)}
		_, err := d.Service.ApplyFlows(d.Context(), actor, []service.FlowFile{file}, false)
		return err
	}
	for _, keys := range [][2]string{{"idd", "id"}, {"id", "idd"}} {
		d := newDrill(t, "upsert")
		if err := apply(d, keys[0], keys[1]); err != nil {
			t.Fatal(err)
		}
		run := d.pull()
		if run.State != sallyport.RunFailed || run.Quarantined != 0 || !strings.Contains(run.Error, `none of the first records has the field "idd"; did you mean "id"?`) {
			t.Errorf("%v: run %s with %d in quarantine: %s", keys, run.State, run.Quarantined, run.Error)
		}
	}
	d := newDrill(t, "upsert")
	if err := apply(d, "id", "id"); err != nil {
		t.Fatal(err)
	}
	if run := d.pull(); run.State != sallyport.RunSucceeded {
		t.Errorf("run %s: %s", run.State, run.Error)
	}
	for _, keys := range [][3]string{{"idd", "id", "source.request.key"}, {"id", "idd", "destinations.0.config.key"}} {
		if err := apply(d, keys[0], keys[1]); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(fmt.Sprint(err), keys[2]) || !strings.Contains(fmt.Sprint(err), `did you mean "id"?`) {
			t.Errorf("%v: %v", keys, err)
		}
	}
}

// TestMissingDestinationShowsWithoutNews removes a destination and runs its flow when there is nothing new for it: that is no success.
func TestMissingDestinationShowsWithoutNews(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"lines", "append", "upsert"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDrill(t, kind)
			if run := d.pull(); run.State != sallyport.RunSucceeded {
				t.Fatalf("run %s: %s", run.State, run.Error)
			}
			d.remove()
			d.api.pages["0"] = list(0, 0, 0, "")
			d.run()
			flow, err := d.Service.Flow(t.Context(), "f")
			if err != nil || !strings.Contains(flow.Destinations[0].Error, "deliver f --again there") {
				t.Errorf("the destination says %q, %v; want what to do", flow.Destinations[0].Error, err)
			}
		})
	}
}
