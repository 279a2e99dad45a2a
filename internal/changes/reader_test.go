package changes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

var seed = NewSeed()

func look(t testing.TB, record string) Look {
	t.Helper()
	l, err := NewReader(seed, []string{"id"}, []string{"stamp"}).Read([]byte(record))
	if err != nil {
		t.Fatalf("%s: %v", record, err)
	}
	return l
}

func TestSameRecords(t *testing.T) {
	for name, pair := range map[string][2]string{
		"order of fields":   {`{"id":1,"a":{"x":1,"y":2}}`, `{"a":{"y":2,"x":1},"id":1}`},
		"order of values":   {`{"id":1,"a":["x","y",["z","w"]]}`, `{"id":1,"a":[["w","z"],"y","x"]}`},
		"spaces":            {`{"id":1,"a":[1,2]}`, "{ \"id\" : 1 ,\t\"a\" : [ 1 , 2 ] } "},
		"escapes":           {`{"id":1,"a":"/é\"","é":1}`, `{"id":1,"a":"\/\u00e9\u0022","\u00e9":1}`},
		"numbers":           {`{"id":1,"a":100,"b":1.5,"c":0}`, `{"id":1,"a":1e2,"b":1.50,"c":-0.0}`},
		"small numbers":     {`{"id":1,"a":0.001}`, `{"id":1,"a":1E-3}`},
		"large numbers":     {`{"id":1,"a":9007199254740993}`, `{"id":1,"a":9007199254740993.0}`},
		"absent and null":   {`{"id":1}`, `{"id":1,"a":null}`},
		"absent and empty":  {`{"id":1}`, `{"id":1,"a":[],"b":{},"c":{"d":[]}}`},
		"PHP's empty lists": {`{"id":1,"a":[]}`, `{"id":1,"a":{}}`},
		"what is ignored":   {`{"id":1,"stamp":"x"}`, `{"id":1,"stamp":[{"deep":"}"}]}`},
		"its change":        {`{"_change":"new","id":1}`, `{"id":1}`},
		"its original":      {`{"id":1,"_raw":{"id":"1","stamp":"x"}}`, `{"id":1,"_raw":{"stamp":"y","id":1}}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := look(t, pair[0]), look(t, pair[1])
			if a.state != b.state {
				t.Errorf("%s and %s differ", pair[0], pair[1])
			}
		})
	}
}

func TestDifferentRecords(t *testing.T) {
	for name, pair := range map[string][2]string{
		"a value":                {`{"id":1,"a":"x"}`, `{"id":1,"a":"y"}`},
		"a name":                 {`{"id":1,"a":"x"}`, `{"id":1,"b":"x"}`},
		"values that swapped":    {`{"id":1,"a":"x","b":"y"}`, `{"id":1,"a":"y","b":"x"}`},
		"text and number":        {`{"id":1,"a":"1"}`, `{"id":1,"a":1}`},
		"sign":                   {`{"id":1,"a":1}`, `{"id":1,"a":-1}`},
		"tens":                   {`{"id":1,"a":10}`, `{"id":1,"a":100}`},
		"digits":                 {`{"id":1,"a":9007199254740993}`, `{"id":1,"a":9007199254740992}`},
		"no and zero":            {`{"id":1,"a":false}`, `{"id":1,"a":0}`},
		"yes and no":             {`{"id":1,"a":true}`, `{"id":1,"a":false}`},
		"empty text and nothing": {`{"id":1,"a":""}`, `{"id":1}`},
		"how often":              {`{"id":1,"a":["x","x","y"]}`, `{"id":1,"a":["x","y","y"]}`},
		"once and twice":         {`{"id":1,"a":["x"]}`, `{"id":1,"a":["x","x"]}`},
		"a list within":          {`{"id":1,"a":["x",["y"]]}`, `{"id":1,"a":["x","y"]}`},
		"a value and its list":   {`{"id":1,"a":"x"}`, `{"id":1,"a":["x"]}`},
		"depth":                  {`{"id":1,"a":{"b":{"c":1}}}`, `{"id":1,"a":{"c":{"b":1}}}`},
		"lists that traded":      {`{"id":1,"a":[["x","y"],["z"]]}`, `{"id":1,"a":[["x","z"],["y"]]}`},
		"ignored only above":     {`{"id":1,"a":{"stamp":1}}`, `{"id":1,"a":{"stamp":2}}`},
		"the last of many":       {`{"id":1,"a":"` + strings.Repeat("x", 40) + `1"}`, `{"id":1,"a":"` + strings.Repeat("x", 40) + `2"}`},
		"the middle of few":      {`{"id":1,"a":"xyz"}`, `{"id":1,"a":"xwz"}`},
		"zeros behind":           {`{"id":1,"a":"x\u0000"}`, `{"id":1,"a":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			a, b := look(t, pair[0]), look(t, pair[1])
			if a.state == b.state {
				t.Errorf("%s and %s are the same", pair[0], pair[1])
			}
			if a.key != b.key {
				t.Error("they are not of one key")
			}
		})
	}
}

func TestKeys(t *testing.T) {
	read := func(record string, key ...string) uint64 {
		l, err := NewReader(seed, key, nil).Read([]byte(record))
		if err != nil {
			t.Fatal(err)
		}
		return l.key
	}
	if read(`{"a":7}`, "a") != read(`{"a":"7","b":1}`, "a") {
		t.Error("7 and \"7\" name different records")
	}
	for _, same := range []string{`{"a":7.0}`, `{"a":7e0}`, `{"x":1,"a":"\u0037"}`} {
		if read(`{"a":7}`, "a") != read(same, "a") {
			t.Errorf("7 and that of %s name different records", same)
		}
	}
	if read(`{"a":7}`, "a") == read(`{"a":"7.0"}`, "a") {
		t.Error("7 and the text 7.0 name one record")
	}
	for record, want := range map[string]string{
		`{"v":1,"m":{"id":7}}`: `{"m.id":7}`, `{"m":{"id":7},"m.id":8}`: `{"m.id":8}`, `{"m.id":8,"m":{"id":7}}`: `{"m.id":"8"}`,
		`{"m":{"id":{"y":1,"x":[]}}}`: `{"m.id":{"y":1}}`,
	} {
		if read(record, "m.id") != read(want, "m.id") {
			t.Errorf("%s and %s name different records", record, want)
		}
	}
	if read(`{"m":{"id":null},"v":1}`, "m.id") == read(`{"m":{"id":null},"v":2}`, "m.id") {
		t.Error("records without their nested key are one")
	}
	if read(`{"a":1,"b":2}`, "a", "b") == read(`{"a":2,"b":1}`, "a", "b") {
		t.Error("the order of the key's fields does not count")
	}
	for _, nothing := range []string{`{"b":1}`, `{"a":null,"b":1}`, `{"a":"","b":1}`, `{"a":[],"b":1}`} {
		other := strings.Replace(nothing, "1", "2", 1)
		if read(nothing, "a") != read(nothing+" ", "a") || read(nothing, "a") == read(other, "a") {
			t.Errorf("%s and %s are not named by what they say", nothing, other)
		}
	}
}

func TestRetired(t *testing.T) {
	for value, want := range map[string]bool{
		`null`: false, `false`: false, `0`: false, `""`: false, `"0"`: false, `[]`: false, `{}`: false, `"false"`: false,
		`true`: true, `1`: true, `"No recent activity"`: true, `{"reason":"x"}`: true,
	} {
		if got := look(t, `{"id":1,"retired":`+value+`}`).state&standing == retired; got != want {
			t.Errorf("retired %s: %v", value, got)
		}
	}
	if look(t, `{"id":1,"a":{"retired":true}}`).state&standing == retired {
		t.Error("a field within another retires the record")
	}
}

func TestBrokenRecordsAreErrors(t *testing.T) {
	for _, record := range []string{
		``, `[]`, `{`, `{"a"`, `{"a":`, `{"a":}`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a":"x}`, `{"a":"\"}`, `{a:1}`, `{"a":tru}`, `{"a":-}`, `{"a":1e}`,
		`{"a":[1}`, `{"a":{"b":1]}`, `{"a":1} x`, `{"a":?}`, `{"a":` + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000) + `}`,
	} {
		if _, err := NewReader(seed, []string{"id"}, nil).Read([]byte(record)); err == nil {
			t.Errorf("%.50s was read", record)
		}
	}
}

// FuzzRead reads whatever comes: nothing panics, and what is a JSON object has the same hash when it is written another way.
func FuzzRead(f *testing.F) {
	f.Add([]byte(benchRecord))
	f.Add([]byte(`{"id":"\u00e9","a":[1e5,-0,{"b":null}],"retired":0,"_change":1}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		r := NewReader(seed, []string{"id"}, []string{"stamp"})
		l, err := r.Read(record)
		if !json.Valid(record) || bytes.TrimSpace(record)[0] != '{' || !utf8.Valid(record) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", record, err)
		}
		value := jsontext.Value(bytes.Clone(record))
		if value.Canonicalize(jsontext.AllowInvalidUTF8(true), jsontext.CanonicalizeRawFloats(false), jsontext.CanonicalizeRawInts(false)) != nil {
			return // a name that comes twice
		}
		if again, err := r.Read(value); err != nil || again != l {
			t.Fatalf("%q became %q: %v, %v, %v", record, value, l, again, err)
		}
	})
}

// TestShuffledRecordsAreTheSame writes random values in a random order, and wants one hash; and another one for another value.
func TestShuffledRecordsAreTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := map[string]any{"id": 1, "a": anything(t, 3)}
		r := NewReader(seed, []string{"id"}, nil)
		var states []uint64
		for range 3 {
			l, err := r.Read([]byte(shuffled(value)))
			if err != nil {
				t.Fatal(err)
			}
			states = append(states, l.state)
		}
		if states[0] != states[1] || states[1] != states[2] {
			t.Fatalf("%v has several hashes", value)
		}
		value["b"] = "another"
		if l, _ := r.Read([]byte(shuffled(value))); l.state == states[0] {
			t.Fatal("another value has the same hash")
		}
	})
}

func anything(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 6).Draw(t, "kind"); {
	case n < 3 && depth > 0:
		return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) any { return anything(t, depth-1) }), 0, 4).Draw(t, "list")
	case n < 5 && depth > 0:
		return rapid.MapOfN(rapid.String(), rapid.Custom(func(t *rapid.T) any { return anything(t, depth-1) }), 0, 4).Draw(t, "object")
	case n == 5:
		return rapid.Int().Draw(t, "number")
	}
	return rapid.String().Draw(t, "text")
}

// shuffled writes a value with its fields and the values of its lists in any order.
func shuffled(value any) string {
	var parts []string
	switch value := value.(type) {
	case []any:
		for _, v := range value {
			parts = append(parts, shuffled(v))
		}
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		for name, v := range value {
			parts = append(parts, shuffled(name)+":"+shuffled(v))
		}
		rand.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		return "{" + strings.Join(parts, ", ") + "}"
	}
	text, _ := json.Marshal(value)
	return string(text)
}

func TestMark(t *testing.T) {
	for record, want := range map[string]string{
		`{}`:                   `{"_change":"new"}`,
		`{ "id":1}`:            `{"_change":"new","id":1}`,
		`{"_change":7,"id":1}`: `{"_change":"new","id":1}`,
		`{"id":1,"a":"_change","_change":{"x":1}, "b":2}`: `{"_change":"new","id":1,"a":"_change","b":2}`,
		`{"\u005fchange":1,"a\"b":2}`:                     `{"_change":"new","a\"b":2}`,
	} {
		var m Marker
		got, err := m.Mark([]byte(record), look(t, record), sallyport.ChangeNew)
		if err != nil || string(got) != want {
			t.Errorf("%s became %s, %v; want %s", record, got, err, want)
		}
	}
}

// TestFewCollisions wants hashes that use all their bits: of a hundred thousand similar records no two fall together, in keys or contents, and
// the first bits of keys are spread evenly.
func TestFewCollisions(t *testing.T) {
	keys, states, first := map[uint64]bool{}, map[uint64]bool{}, [64]int{}
	const n = 100_000
	for i := range n {
		l := look(t, fmt.Sprintf(`{"id":%d,"a":[%d,%d]}`, i, i%300, i/300))
		keys[l.key], states[l.state] = true, true
		first[l.key>>58]++
	}
	if len(keys) != n || len(states) != n {
		t.Errorf("%d keys and %d contents of %d records", len(keys), len(states), n)
	}
	for bits, count := range first {
		if count < n/64*8/10 || count > n/64*12/10 {
			t.Errorf("%d keys begin with %06b", count, bits)
		}
	}
}

func TestFingerprint(t *testing.T) {
	all := map[string]string{}
	for _, c := range [][2][]string{{{"a"}, nil}, {{"b"}, nil}, {{"a", "b"}, nil}, {{"a"}, {"b"}}, {nil, {"a", "b"}}, {{"ab"}, nil}} {
		f := Fingerprint(c[0], c[1])
		if other, ok := all[f]; ok || f != Fingerprint(c[0], c[1]) {
			t.Errorf("%v and %s have one fingerprint, or it is not stable", c, other)
		}
		all[f] = fmt.Sprint(c)
	}
}
