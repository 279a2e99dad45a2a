package sqltable_test

import "testing"

// TestNestedKey wants one row for each nested key, and a column that shows it.
func TestNestedKey(t *testing.T) {
	p := newPlace(t, "upsert", "meta.id")
	p.rejects(p.write(`{"meta":{"id":1},"v":"a"}`, `{"meta":{"id":2},"v":"b"}`, `{"meta.id":3,"v":"c"}`))
	p.rejects(p.write(`{"v":"A","meta":{"id":1}}`, `{"v":"C","meta":{"id":3}}`))
	p.rejects(p.write(`{"meta":{"x":1},"v":"d"}`), `0: the record has no value in its key field "meta.id"`)
	p.holds(`SELECT "meta.id", v FROM t ORDER BY 1`, `1 "A"`, `2 "b"`, `3 "C"`)
}

// TestKeysGoByTheirText wants the spelling of a key not to matter, whatever column it has.
func TestKeysGoByTheirText(t *testing.T) {
	numbers := newPlace(t, "upsert", "id")
	numbers.rejects(numbers.write(`{"id":1,"v":"a"}`, `{"id":2,"v":"b"}`))
	numbers.rejects(numbers.write(`{"id":"1","v":"A"}`, `{"id":2.0,"v":"B"}`, `{"id":"x","v":"c"}`))
	numbers.rejects(numbers.write(`{"id":"02","v":"d"}`), `0: the field "id" holds a text that its column "id" would change, for its type is INTEGER; a TEXT column in a new table takes it`)
	numbers.holds("SELECT id, v FROM t ORDER BY 1", `1 "A"`, `2 "B"`, `"x" "c"`)

	texts := newPlace(t, "upsert", "id")
	texts.rejects(texts.write(`{"id":"1","v":"a"}`, `{"id":"2","v":"b"}`))
	texts.rejects(texts.write(`{"id":1,"v":"A"}`, `{"id":2.0,"v":"B"}`, `{"id":"2.0","v":"c"}`))
	texts.holds("SELECT id, v FROM t ORDER BY 1", `"1" "A"`, `"2" "B"`, `"2.0" "c"`)
}
