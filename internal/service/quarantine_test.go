package service_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// raw makes a page of records as they are written.
func raw(records ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[%s],"next":null}`, strings.Join(records, ","))
	}
}

// hospital is a flow with four destinations that have taken three of five values. Each of the tables has refused another one, and the
// dataset a third.
func hospital(t *testing.T) *place {
	p := newPlace(t, map[string]func(http.ResponseWriter){
		"0": raw(`{"id":1,"v":"a"}`, `"two"`, `{"v":"without"}`, `{"id":-4,"v":"d"}`, `{"id":5,"v":"e"}`),
	})
	p.exec("append.db", "CREATE TABLE t (id INTEGER CHECK (id > 0), v TEXT)")
	p.apply(strings.ReplaceAll(`{name: lines, connector: file, config: {path: DIR/out.ndjson}},
  {name: sheet, connector: file, config: {path: DIR/out.csv, format: csv, columns: [id, v]}},
  {name: append, connector: sqlite, config: {path: DIR/append.db, table: t, mode: append}},
  {name: upsert, connector: sqlite, config: {path: DIR/upsert.db, table: t, mode: upsert, key: [id]}}`, "DIR", p.dir))
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Quarantined != 3 {
		t.Fatalf("run %s with %d in quarantine: %s", run.State, run.Quarantined, run.Error)
	}
	return p
}

func (p *place) exec(database, statement string) {
	p.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, database))
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		p.Fatal(err)
	}
}

// rows are the ids in a table, in order, NULL as 0.
func (p *place) rows(database string) (ids []int) {
	p.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, database))
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	found, err := db.Query("SELECT COALESCE(id, 0) FROM t ORDER BY 1")
	if err != nil {
		p.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var id int
		if err := found.Scan(&id); err != nil {
			p.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// sick are the records in quarantine, by what they are.
func (p *place) sick() map[string]int64 {
	p.Helper()
	all, err := p.Service.Quarantine(p.Context(), "f", "", 0, 0)
	if err != nil {
		p.Fatal(err)
	}
	numbers := map[string]int64{}
	for _, q := range all {
		numbers[string(q.Record)] = q.ID
	}
	return numbers
}

func (p *place) edit(id int64, text string) sallyport.Quarantined {
	p.Helper()
	old, err := p.Service.Quarantined(p.Context(), id)
	if err != nil {
		p.Fatal(err)
	}
	q, err := p.Service.EditQuarantined(p.Context(), actor, id, old.EditedAt, []byte(text))
	if err != nil {
		p.Fatal(err)
	}
	return q
}

// replay replays records and works their delivery to its end.
func (p *place) replay(which service.Selection) []sallyport.Destination {
	p.Helper()
	done, err := p.Service.ReplayQuarantined(p.Context(), actor, which)
	if err != nil || len(done) != 1 {
		p.Fatalf("%+v: %v", done, err)
	}
	destinations, err := p.Service.FollowDeliveries(p.Context(), done[0].FlowID, func(service.Progress) {})
	if err != nil {
		p.Fatal(err)
	}
	return destinations
}

func (p *place) export() string {
	p.Helper()
	d, err := p.Service.Dataset(p.Context(), "f")
	if err != nil {
		p.Fatal(err)
	}
	var out bytes.Buffer
	if err := p.Service.Export(p.Context(), d, service.Exporting{}, &out); err != nil {
		p.Fatal(err)
	}
	if n := int64(strings.Count(out.String(), "\n")); n != d.Records {
		p.Errorf("the dataset counts %d records, and has %d", d.Records, n)
	}
	return out.String()
}

// holds wants exactly these in the four destinations: the ids, 0 for none.
func (p *place) holds(lines int, appended, upserted []int) {
	p.Helper()
	if n := p.delivered("out.ndjson"); n != lines {
		p.Errorf("the JSON lines have %d records, want %d", n, lines)
	}
	if n := p.delivered("out.csv") - 1; n != lines {
		p.Errorf("the CSV has %d records, want %d", n, lines)
	}
	if diff := cmp.Diff(appended, p.rows("append.db")); diff != "" {
		p.Errorf("the table that is appended to: %s", diff)
	}
	if diff := cmp.Diff(upserted, p.rows("upsert.db")); diff != "" {
		p.Errorf("the table that is upserted: %s", diff)
	}
}

// atTheEnd wants every destination to have passed the last batch, without an error.
func (p *place) atTheEnd() {
	p.Helper()
	flow, err := p.Service.Flow(p.Context(), "f")
	if err != nil {
		p.Fatal(err)
	}
	for _, d := range flow.Destinations {
		if d.Position != flow.Dataset.LastSeq || d.Error != "" {
			p.Errorf("destination %s is at %d of %d: %s", d.Name, d.Position, flow.Dataset.LastSeq, d.Error)
		}
	}
}

// TestReplayToOneDestination mends a record that one of four destinations had rejected: that one has it once, the others never twice, and
// the dataset is as it was.
func TestReplayToOneDestination(t *testing.T) {
	p := hospital(t)
	p.holds(4, []int{0, 1, 5}, []int{-4, 1, 5})
	before, sick := p.export(), p.sick()
	p.edit(sick[`{"v":"without"}`], `{"id": 7, "v": "without"}`)
	p.replay(service.Selection{IDs: []int64{sick[`{"v":"without"}`]}})
	p.holds(4, []int{0, 1, 5}, []int{-4, 1, 5, 7})
	p.edit(sick[`{"id":-4,"v":"d"}`], `{"id": 4, "v": "d"}`)
	p.replay(service.Selection{Flow: "f", Destination: "APPEND"})
	p.holds(4, []int{0, 1, 4, 5}, []int{-4, 1, 5, 7})
	p.atTheEnd()
	if after := p.export(); after != before {
		t.Errorf("the dataset had\n%s, and now has\n%s", before, after)
	}
	if left := p.sick(); len(left) != 1 || left[`"two"`] == 0 {
		t.Errorf("in quarantine: %v", left)
	}
	runs, err := p.Service.Runs(t.Context(), "f", "", 0, 0)
	if err != nil || len(runs) != 1 || runs[0].State != sallyport.RunSucceeded || runs[0].Quarantined != 3 {
		t.Errorf("runs: %+v, %v", runs, err)
	}
	// What comes later goes to everyone, and a new destination gets what the dataset has.
	p.api.pages["0"] = raw(`{"id":9,"v":"i"}`)
	p.run()
	p.holds(5, []int{0, 1, 4, 5, 9}, []int{-4, 1, 5, 7, 9})
	p.atTheEnd()
}

// TestReplayToEveryone mends a value that the dataset had not taken: it becomes a record there, and goes to every destination once.
func TestReplayToEveryone(t *testing.T) {
	p := hospital(t)
	id, before := p.sick()[`"two"`], p.export()
	p.edit(id, "{\n  \"id\": 2,\r\n  \"v\": \"two\", \"more\": 1.50\n}\n")
	p.replay(service.Selection{Flow: "f", IDs: []int64{id}})
	p.holds(5, []int{0, 1, 2, 5}, []int{-4, 1, 2, 5})
	p.atTheEnd()
	if after := p.export(); after != before+`{"id":2,"v":"two","more":1.50}`+"\n" {
		t.Errorf("the dataset has\n%s", after)
	}
	d, err := p.Service.Dataset(t.Context(), "f")
	last := d.Schema.Fields[len(d.Schema.Fields)-1]
	if err != nil || last != (sallyport.Field{Name: "more", Kind: "number", Nullable: true, Example: "1.50"}) {
		t.Errorf("the schema has %+v: %v", d.Schema, err)
	}
}

// TestRejectedAgain replays a record as it is: it comes back, until the table takes it.
func TestRejectedAgain(t *testing.T) {
	p := hospital(t)
	const record = `{"id":-4,"v":"d"}`
	first := p.sick()[record]
	destinations := p.replay(service.Selection{IDs: []int64{first}})
	again := p.sick()[record]
	q, err := p.Service.Quarantined(t.Context(), again)
	if err != nil || again <= first || !strings.Contains(q.Reason, "the table refuses the record") || q.RunID != 0 || destinations[2].Rejected != 1 {
		t.Errorf("record %d came back as %+v, %d rejected: %v", first, q, destinations[2].Rejected, err)
	}
	p.exec("append.db", "ALTER TABLE t RENAME TO old; CREATE TABLE t (id INTEGER, v TEXT); INSERT INTO t SELECT * FROM old; DROP TABLE old")
	if destinations = p.replay(service.Selection{IDs: []int64{again}}); destinations[2].Rejected != 0 {
		t.Errorf("%d are still rejected", destinations[2].Rejected)
	}
	p.holds(4, []int{-4, 0, 1, 5}, []int{-4, 1, 5})
	p.atTheEnd()
}

// TestReplayAllOrNothing has a value among the others that is still no record.
func TestReplayAllOrNothing(t *testing.T) {
	p := hospital(t)
	sick := p.sick()
	_, err := p.Service.ReplayQuarantined(t.Context(), actor, service.Selection{Flow: "f"})
	want := fmt.Sprintf("record %d cannot be replayed: a record must be an object, and this is a text; edit or discard it first", sick[`"two"`])
	if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
	if diff := cmp.Diff(sick, p.sick()); diff != "" {
		t.Error(diff)
	}
	if done, err := p.Service.DiscardQuarantined(t.Context(), actor, service.Selection{IDs: []int64{sick[`"two"`]}}); err != nil || done[0].Records != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	p.edit(sick[`{"v":"without"}`], `{"id": 7}`)
	p.edit(sick[`{"id":-4,"v":"d"}`], `{"id": 4}`)
	p.replay(service.Selection{Flow: "f"})
	p.holds(4, []int{0, 1, 4, 5}, []int{-4, 1, 5, 7})
	if p.replay(service.Selection{Flow: "f"}); len(p.sick()) != 0 {
		t.Errorf("in quarantine: %v", p.sick())
	}
	p.holds(4, []int{0, 1, 4, 5}, []int{-4, 1, 5, 7})
	for name, c := range map[string]struct {
		which service.Selection
		code  sallyport.Code
	}{
		"again": {service.Selection{IDs: []int64{sick[`{"v":"without"}`]}}, sallyport.NotFound}, "nothing": {service.Selection{}, sallyport.Invalid},
		"no such flow": {service.Selection{Flow: "g"}, sallyport.NotFound}, "no such destination": {service.Selection{Flow: "f", Destination: "lins"}, sallyport.NotFound},
		"too many": {service.Selection{IDs: make([]int64, 1001)}, sallyport.Invalid},
	} {
		if _, err := p.Service.ReplayQuarantined(t.Context(), actor, c.which); sallyport.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestReplayedAtTheSameTime replays everything from several sides at once.
func TestReplayedAtTheSameTime(t *testing.T) {
	p := hospital(t)
	sick := p.sick()
	p.edit(sick[`"two"`], `{"id": 2}`)
	p.edit(sick[`{"v":"without"}`], `{"id": 7}`)
	p.edit(sick[`{"id":-4,"v":"d"}`], `{"id": 4}`)
	replayed := make(chan int64, 4)
	for range cap(replayed) {
		go func() {
			done, err := p.Service.ReplayQuarantined(p.Context(), actor, service.Selection{Flow: "f"})
			if err != nil {
				t.Error(err)
			}
			replayed <- done[0].Records
		}()
	}
	sum := int64(0)
	for range cap(replayed) {
		sum += <-replayed
	}
	if sum != 3 {
		t.Errorf("%d records were replayed", sum)
	}
	p.replay(service.Selection{Flow: "f"})
	p.holds(5, []int{0, 1, 2, 4, 5}, []int{-4, 1, 2, 5, 7})
	p.atTheEnd()
}

// TestReplayDuringARun replays between two pages of a run: nobody loses anything, neither records nor fields.
func TestReplayDuringARun(t *testing.T) {
	p := hospital(t)
	sick := p.sick()
	p.edit(sick[`"two"`], `{"id": 2, "mended": true}`)
	p.edit(sick[`{"v":"without"}`], `{"id": 7}`)
	p.edit(sick[`{"id":-4,"v":"d"}`], `{"id": 4}`)
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": list(20, 10, 10, "1"),
		"1": func(w http.ResponseWriter) {
			if done, err := p.Service.ReplayQuarantined(p.Context(), actor, service.Selection{Flow: "f"}); err != nil || done[0].Records != 3 {
				t.Errorf("%+v, %v", done, err)
			}
			raw(`{"id":30,"later":1}`)(w)
		},
	}
	p.api.asked = nil
	if run := p.run(); run.State != sallyport.RunSucceeded || run.Records != 11 || run.Quarantined != 0 || len(p.api.asked) != 2 {
		t.Errorf("run %s with %d records, %d in quarantine, after %v: %s", run.State, run.Records, run.Quarantined, p.api.asked, run.Error)
	}
	p.atTheEnd()
	between := []int{20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}
	p.holds(4+11+1, append([]int{0, 1, 2, 4, 5}, between...), append([]int{-4, 1, 2, 5, 7}, between...))
	d, err := p.Service.Dataset(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"v", "text", "mended", "later"} {
		if !slices.ContainsFunc(d.Schema.Fields, func(f sallyport.Field) bool { return f.Name == name }) {
			t.Errorf("the schema lost %q: %+v", name, d.Schema)
		}
	}
}

// TestReplayGivesFailedDestinationsAnotherChance lets a destination fail, mends it, and replays.
func TestReplayGivesFailedDestinationsAnotherChance(t *testing.T) {
	p := hospital(t)
	id := p.sick()[`{"v":"without"}`]
	p.edit(id, `{"id": 7}`)
	file := filepath.Join(p.dir, "upsert.db")
	if err := errors.Join(os.Rename(file, file+".away"), os.Mkdir(file, 0o700)); err != nil {
		t.Fatal(err)
	}
	destinations := p.replay(service.Selection{IDs: []int64{id}})
	if destinations[3].Error == "" || destinations[0].Error != "" {
		t.Fatalf("%+v", destinations)
	}
	if err := errors.Join(os.Remove(file), os.Rename(file+".away", file)); err != nil {
		t.Fatal(err)
	}
	p.replay(service.Selection{Flow: "f", Destination: "lines"}) // nothing, but it goes on where it stood
	if _, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	p.holds(4, []int{0, 1, 5}, []int{-4, 1, 5, 7})
	p.atTheEnd()
}

// TestLargeReplay replays more than goes into one batch, and into one transaction.
func TestLargeReplay(t *testing.T) {
	const n, size = 40, 300_000
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(1, n, size, "")})
	p.exec("append.db", "CREATE TABLE t (id INTEGER CHECK (id < 0), text TEXT)")
	p.apply(`{name: append, connector: sqlite, config: {path: ` + filepath.Join(p.dir, "append.db") + `, table: t, mode: append}}`)
	if run := p.run(); run.Quarantined != n {
		t.Fatalf("%d in quarantine", run.Quarantined)
	}
	p.exec("append.db", "DROP TABLE t; CREATE TABLE t (id INTEGER, text TEXT)")
	p.replay(service.Selection{Flow: "f"})
	if ids := p.rows("append.db"); len(ids) != n || ids[0] != 1 || ids[n-1] != n || len(p.sick()) != 0 {
		t.Errorf("the table has %v, %d are in quarantine", ids, len(p.sick()))
	}
	entries, err := p.Service.Audit(t.Context(), "", "", 1000, 0)
	if err != nil {
		t.Fatal(err)
	}
	transactions := 0
	for _, e := range entries {
		if e.Action == "quarantine.replay" {
			transactions++
		}
	}
	if transactions < 3 {
		t.Errorf("%d transactions for %d MB", transactions, n*size>>20)
	}
}

// TestEditQuarantined is what an edited record must be, and what becomes of it.
func TestEditQuarantined(t *testing.T) {
	p := hospital(t)
	id := p.sick()[`"two"`]
	edit := func(since time.Time, text string) (sallyport.Quarantined, error) {
		return p.Service.EditQuarantined(t.Context(), actor, id, since, []byte(text))
	}
	for text, want := range map[string]string{
		"":                           "is not valid JSON: see line 1, character 1",
		"{\n  \"é\": \"é\", x}":      "is not valid JSON: see line 2, character 13",
		"{\"a\": 1,\n\"a\": 2}":      "has a field twice: see line 2",
		`[{"id":1}]`:                 "must be an object, with braces around it: a record must be an object, and this is a list",
		`{"a":1} {"a":2}`:            "is not valid JSON: see line 1, character 9",
		"{\"a\":\"\xff\"}":           "is not valid JSON: see line 1",
		strings.Repeat(" ", 1<<20+1): "is larger than 1 MiB",
		`7`:                          "this is a number",
	} {
		_, err := edit(time.Time{}, text)
		e, ok := errors.AsType[*sallyport.Error](err)
		if !ok || e.Code != sallyport.Invalid || e.Field != "record" || !strings.Contains(e.Message, want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	first, err := edit(time.Time{}, " {\"z\": 1e3, \"a\": \"\\u0062 \u2028 <&>\" }\r\n")
	if err != nil || string(first.Record) != "{\"z\":1e3,\"a\":\"b \u2028 <&>\"}" || first.EditedAt.IsZero() {
		t.Fatalf("kept as %s: %v", first.Record, err)
	}
	if _, err := edit(time.Time{}, `{"a":2}`); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("a second editor was told %v", err)
	}
	if same, err := edit(time.Time{}, string(first.Record)); err != nil || !same.EditedAt.Equal(first.EditedAt) {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := edit(first.EditedAt, `{"a":3}`); err != nil {
		t.Error(err)
	}
	got, err := p.Service.Quarantined(t.Context(), id)
	if err != nil || string(got.Record) != `{"a":3}` {
		t.Errorf("kept: %s, %v", got.Record, err)
	}
	if id = 999; true {
		if _, err := edit(time.Time{}, `{}`); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Error(err)
		}
	}
}

// TestKeyIsTakenOutOfAnEditedRecord puts a key into records in several ways.
func TestKeyIsTakenOutOfAnEditedRecord(t *testing.T) {
	p := hospital(t)
	const digits = "918273645546372819"
	p.Service.Redactor.Add(secret.New(digits))
	id := p.sick()[`"two"`]
	for _, text := range []string{
		`{"a":"my ` + firstKey + `"}`, `{"` + firstKey + `":1}`, `{"a":"\u0074` + firstKey[1:] + `"}`, `{"a":` + digits + `}`,
	} {
		q := p.edit(id, text)
		if strings.Contains(string(q.Record), firstKey) || strings.Contains(string(q.Record), digits) || !strings.Contains(string(q.Record), "[redacted]") {
			t.Errorf("%s is kept as %s", text, q.Record)
		}
	}
	p.replay(service.Selection{IDs: []int64{id}})
	if last := p.export(); !strings.HasSuffix(last, "{\"a\":\"[redacted]\"}\n") {
		t.Errorf("the dataset ends with %s", last)
	}
}

// TestExcerptIsNoRecord has a value that was too large to be kept as a whole.
func TestExcerptIsNoRecord(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": raw(`{"id":1}`, `["`+strings.Repeat("x", 100<<10)+`"]`)})
	p.run()
	_, err := p.Service.ReplayQuarantined(t.Context(), actor, service.Selection{Flow: "f"})
	if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), "only its beginning is here; edit or discard it first") {
		t.Errorf("got %v", err)
	}
	for _, id := range p.sick() {
		p.edit(id, `{"id":2}`)
	}
	p.replay(service.Selection{Flow: "f"})
	if n := p.delivered("out.ndjson"); n != 2 {
		t.Errorf("%d records are delivered", n)
	}
}

// TestQuarantineIsAudited wants every change in the audit log, by its numbers and without a record.
func TestQuarantineIsAudited(t *testing.T) {
	p := hospital(t)
	sick := p.sick()
	p.edit(sick[`"two"`], `{"id": 2, "v": "a secret of somebody"}`)
	p.replay(service.Selection{IDs: []int64{sick[`"two"`]}})
	if _, err := p.Service.DiscardQuarantined(t.Context(), actor, service.Selection{Flow: "f"}); err != nil {
		t.Fatal(err)
	}
	flow, err := p.Service.Flow(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range flow.Destinations {
		if d.Rejected != 0 {
			t.Errorf("destination %s counts %d records in quarantine", d.Name, d.Rejected)
		}
	}
	entries, err := p.Service.Audit(t.Context(), "", "", 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	two, rest := fmt.Sprint(sick[`"two"`]), []int64{sick[`{"v":"without"}`], sick[`{"id":-4,"v":"d"}`]}
	slices.Sort(rest)
	want := []map[string]string{
		{"name": "f", "records": "2", "numbers": fmt.Sprintf("%d, %d", rest[0], rest[1])},
		{"name": "f", "records": "1", "numbers": two}, {"name": "f", "record": two},
	}
	for i, action := range []string{"quarantine.discard", "quarantine.replay", "quarantine.edit"} {
		if diff := cmp.Diff(want[i], entries[i].Detail); diff != "" || entries[i].Action != action || entries[i].Object != flow.ID || entries[i].Actor.Name != actor.Name {
			t.Errorf("%s: %+v %s", action, entries[i], diff)
		}
	}
}
