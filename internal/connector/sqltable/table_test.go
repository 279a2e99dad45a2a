package sqltable_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

const columnsOfT = "SELECT name, type FROM pragma_table_info('t')"

func TestTableOfSchemaAndRecords(t *testing.T) {
	p := newPlace(t, "upsert", "id")
	p.target.Schema.Fields = []sallyport.Field{
		{Name: "text", Kind: sallyport.KindString}, {Name: "id", Kind: sallyport.KindInteger}, {Name: "yes", Kind: sallyport.KindBoolean},
		{Name: "number", Kind: sallyport.KindNumber}, {Name: "object", Kind: sallyport.KindObject}, {Name: "mixed", Kind: sallyport.KindMixed},
		{Name: "never", Kind: sallyport.KindNull}, {Name: "widened", Kind: sallyport.KindInteger},
	}
	p.write(`{"id":1,"new":2,"widened":1.5,"unsure":1}`, `{"id":2,"list":[1, 2],"huge":18446744073709551615,"unsure":"x","null":null}`)
	p.holds(columnsOfT, `"text" "TEXT"`, `"id" "INTEGER"`, `"yes" "BOOLEAN"`, `"number" "REAL"`, `"object" "TEXT"`, `"mixed" "TEXT"`,
		`"widened" "REAL"`, `"new" "INTEGER"`, `"unsure" "TEXT"`, `"list" "TEXT"`, `"huge" "TEXT"`)
	p.holds("SELECT id, new, widened, unsure, list, huge FROM t",
		`1 2 1.5 "1" <nil> <nil>`,
		`2 <nil> <nil> "x" "[1, 2]" "18446744073709551615"`)
	p.holds("SELECT count(*) FROM pragma_index_list('t') WHERE \"unique\"", "1")
}

func TestColumnsAreAddedWhenFieldsAppear(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"a":1}`)
	p.write(`{"a":2,"b":null}`)
	p.holds(columnsOfT, `"a" "INTEGER"`)
	p.rejects(p.write(`{"a":3}`, `{"b":true,"c":"x"}`, `{"c":1.5}`, `{"d":{}}`))
	p.holds(columnsOfT, `"a" "INTEGER"`, `"b" "BOOLEAN"`, `"c" "TEXT"`, `"d" "TEXT"`)
	p.holds("SELECT * FROM t", `1 <nil> <nil> <nil>`,
		`2 <nil> <nil> <nil>`, `3 <nil> <nil> <nil>`,
		`<nil> 1 "x" <nil>`, `<nil> <nil> "1.5" <nil>`,
		`<nil> <nil> <nil> "{}"`)
}

func TestRecordsWithoutFields(t *testing.T) {
	p := newPlace(t, "append")
	const reason = "the record has no field that could become a column"
	p.rejects(p.write(`{}`, `{"a":null}`), "0: "+reason, "1: "+reason)
	p.rejects(p.write(`{}`, `{"a":1}`))
	p.rejects(p.write(`{}`, `{"a":null}`))
	p.holds("SELECT a FROM t", "<nil>", "1", "<nil>", "<nil>")
}

func TestUpsertReplacesTheRow(t *testing.T) {
	p := newPlace(t, "upsert", "a", "b")
	p.write(`{"a":1,"b":"x","c":1}`, `{"a":1,"b":"y","c":2}`, `{"a":1,"b":"x","c":3,"d":4}`)
	p.holds("SELECT * FROM t", `1 "x" 3 4`, `1 "y" 2 <nil>`)
	p.write(`{"b":"x","a":1}`, `{"b":"y","a":1,"c":5,"c":6}`)
	p.holds("SELECT * FROM t", `1 "x" <nil> <nil>`, `1 "y" 6 <nil>`)
}

func TestUpsertOfNothingButTheKey(t *testing.T) {
	p := newPlace(t, "upsert", "a")
	p.write(`{"a":1}`, `{"a":2}`, `{"a":1}`)
	p.holds("SELECT * FROM t", "1", "2")
}

func TestKeyOfTheDataset(t *testing.T) {
	p := newPlace(t, "upsert")
	p.target.Key = []string{"id"}
	p.write(`{"id":1,"a":1}`, `{"id":1,"a":2}`)
	p.holds("SELECT * FROM t", "1 2")
}

func TestRecordsWithoutAKey(t *testing.T) {
	p := newPlace(t, "upsert", "a", "b")
	p.rejects(p.write(`{"c":1}`, `{"a":1,"b":null}`, `{"a":[1],"b":2}`, `{"a":1,"b":{}}`, `{"a":1,"b":2}`, `{"a":0,"b":""}`,
		`{"a":1,"b":2,"a":null}`),
		`0: the record has no value in its key field "a"`, `1: the record has no value in its key field "b"`,
		`2: the key field "a" is nested; a key is a text or a number`, `3: the key field "b" is nested; a key is a text or a number`,
		`6: the record has no value in its key field "a"`)
	p.holds("SELECT a, b FROM t ORDER BY rowid", `"1" "2"`, `"0" ""`)
}

func TestTableOfAPerson(t *testing.T) {
	p := newPlace(t, "upsert", "id")
	p.exec(`CREATE TABLE T (ID INTEGER PRIMARY KEY, Name TEXT NOT NULL, Score INTEGER CHECK (Score < 10), Added TEXT DEFAULT 'today',
		Twice AS (Score * 2), Word UNIQUE ON CONFLICT ROLLBACK); INSERT INTO T (ID, Name, Score) VALUES (1, 'old', 1), (7, 'kept', 7)`)
	result := p.write(`{"id":1,"name":"new","score":2}`, `{"id":2,"name":null}`, `{"id":3,"name":"a","score":10}`, `{"id":"x","name":"a"}`,
		`{"id":4,"name":"a","score":"007"}`, `{"id":5,"name":"a","score":1e99,"twice":"mine"}`, `{"id":6,"name":"a","score":"low","word":"w"}`,
		`{"id":7,"name":"a","word":"w"}`)
	p.rejects(result, `1: the table refuses the record: NOT NULL constraint failed: T.Name`,
		`2: the table refuses the record: CHECK constraint failed: Score < 10`,
		`3: the table refuses the record: datatype mismatch`,
		`4: the field "score" holds a text that its column "Score" would change, for its type is INTEGER; a TEXT column in a new table takes it`,
		`5: the table refuses the record: CHECK constraint failed: Score < 10`,
		`6: the table refuses the record: CHECK constraint failed: Score < 10`)
	p.holds("SELECT ID, Name, Score, Added, Twice, Word, twice_2 FROM T", `1 "new" 2 "today" 4 <nil> <nil>`,
		`7 "a" <nil> "today" <nil> "w" <nil>`)
	p.rejects(p.write(`{"id":8,"name":"b","word":"w"}`), "0: the table refuses the record: UNIQUE constraint failed: T.Word")
	p.holds("SELECT count(*) FROM T", "2")
	p.holds("SELECT count(*) FROM pragma_index_list('t')", "1") // that of Word; the key is the table's own
}

func TestTriggerThatRefuses(t *testing.T) {
	p := newPlace(t, "append")
	p.exec(`CREATE TABLE t (a TEXT); CREATE TRIGGER no BEFORE INSERT ON t WHEN NEW.a = 'hidden' BEGIN SELECT RAISE(ABORT, 'hidden'); END`)
	p.rejects(p.write(`{"a":"hidden"}`, `{"a":"b"}`), "0: a trigger of the table refuses the record")
	p.holds("SELECT a FROM t", `"b"`)
}

func TestDuplicatesThatAreThere(t *testing.T) {
	p := newPlace(t, "upsert", "id")
	p.exec("CREATE TABLE t (id, a); INSERT INTO t VALUES (1, 1), (1, 2)")
	p.fails(sallyport.Invalid, "key: ", "t of "+p.target.Text("path"), "several rows with the same id", "append")
	p.holds("SELECT * FROM t", "1 1", "1 2")
}

func TestFieldsThatDifferInCaseOnly(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"address":"a","Address":"b"}`)
	p.holds(columnsOfT, `"address" "TEXT"`, `"Address_2" "TEXT"`)
	p.write(`{"ADDRESS":"c","Address":"d","address":"e","address_2":"f"}`)
	p.holds("SELECT * FROM t", `"a" "b" <nil> <nil>`, `"e" "d" "c" "f"`)
	p.holds("SELECT field, column_name FROM _sallyport_columns", `"address" "address"`, `"Address" "Address_2"`, `"ADDRESS" "ADDRESS_3"`,
		`"address_2" "address_2_2"`)
}

func TestColumnThatIsGoneComesAgain(t *testing.T) {
	p := newPlace(t, "append")
	p.write(`{"a":1,"A":2}`)
	p.exec("ALTER TABLE t DROP COLUMN a")
	p.write(`{"a":3,"A":4}`)
	p.holds("SELECT A_2, a FROM t", "2 <nil>", "4 3")
}

func TestOddNames(t *testing.T) {
	long := strings.Repeat("é", 100)
	names := []string{"", "++code", "a.b", `a"b`, "a b", "a'b", "a\x00b", "a\nb", "select", "rowid", "ROWID", "oid", long, long + "x",
		"?1", "field", "[x]", "`", "a--"}
	var members []string
	for i, name := range names {
		members = append(members, fmt.Sprintf("%s:%d", quotedJSON(t, name), i))
	}
	p := newPlace(t, "upsert", "++code", long, "rowid")
	p.write("{" + strings.Join(members, ",") + "}")
	p.write("{" + strings.Join(members, ",") + "}")
	p.holds(`SELECT "field", "++code", "a.b", "a""b", "a b", "a'b", "rowid_2", "ROWID_3", "oid_2",
		"`+long[:62]+`", "`+long[:62]+`_2", "field_2" FROM t`,
		"0 1 2 3 4 5 9 10 11 12 13 15")
	p.holds("SELECT count(*) FROM pragma_table_info('t')", fmt.Sprint(len(names)))
}

func TestNoMoreColumnsThanSQLiteAllows(t *testing.T) {
	for _, mode := range []string{"upsert", "append"} {
		p := newPlace(t, mode, "id")
		var members []string
		for i := range 1999 {
			members = append(members, fmt.Sprintf(`"%s%d":%d`, strings.Repeat(`\"`, 80), i, i))
		}
		full := `{"id":1,` + strings.Join(members, ",") + `}`
		p.rejects(p.write(full, `{"id":2,"b":3}`, `{"id":3,"b":null}`),
			`1: the table has the 2000 columns that SQLite allows, and none is left for the field "b"`)
		p.rejects(p.write(`{"c":1}`, full), `0: the table has the 2000 columns that SQLite allows, and none is left for the field "c"`)
		p.holds("SELECT count(*) FROM pragma_table_info('t')", "2000")
	}
}

func TestValuesInColumnsOfEachType(t *testing.T) {
	values := []string{`1`, `-9007199254740993`, `9223372036854775808`, `1.5`, `1e20`, `2.0`, `-0`, `0.1000000000000000055511151231257827`,
		`"1"`, `" 1 "`, `"1x"`, `true`, `[1]`, `null`, `1e999`}
	for declared, want := range map[string][]string{
		"": {`1`, `-9007199254740993`, `"9223372036854775808"`, `1.5`, `1e+20`, `2`, `-0`, `"0.1000000000000000055511151231257827"`,
			`"1"`, `" 1 "`, `"1x"`, `1`, `"[1]"`, `<nil>`, `"1e999"`},
		"TEXT": {`"1"`, `"-9007199254740993"`, `"9223372036854775808"`, `"1.5"`, `"1e20"`, `"2.0"`, `"-0"`,
			`"0.1000000000000000055511151231257827"`, `"1"`, `" 1 "`, `"1x"`, `"true"`, `"[1]"`, `<nil>`, `"1e999"`},
		"INTEGER": {`1`, `-9007199254740993`, `number`, `1.5`, `1e+20`, `2`, `0`, `number`, `text`, `text`, `"1x"`, `1`, `"[1]"`, `<nil>`,
			`number`},
		"REAL": {`1`, `number`, `number`, `1.5`, `1e+20`, `2`, `0`, `number`, `text`, `text`, `"1x"`, `1`, `"[1]"`, `<nil>`, `number`},
	} {
		p := newPlace(t, "append")
		p.exec("CREATE TABLE t (a " + declared + ", i)")
		for i, value := range values {
			result := p.write(fmt.Sprintf(`{"i":%d,"a":%s}`, i, value))
			if len(result.Rejected) == 0 {
				p.holds(fmt.Sprintf("SELECT a FROM t WHERE i = %d", i), want[i])
				continue
			}
			p.rejects(result, fmt.Sprintf(`0: the field "a" holds a %s that its column "a" would change, for its type is %s; `+
				`a TEXT column in a new table takes it`, want[i], declared))
		}
	}
}
