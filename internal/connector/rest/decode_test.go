package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/theory/jsonpath"
)

// decoded is what a decoder finds in a body.
type decoded struct {
	Records        []string
	Next, Sentence string
	Found          presence
}

func decode(shape *shape, from io.Reader) (got decoded, err error) {
	var d decoder = new(stream)
	if shape.query != nil {
		if d, err = newTree(context.Background(), shape, from); err != nil {
			return got, err
		}
	} else {
		d.(*stream).reset(shape, from)
	}
	for {
		record, err := d.next()
		switch err {
		case nil:
			got.Records = append(got.Records, string(record))
		case io.EOF:
			got.Next, got.Sentence, got.Found = string(d.value(atNext)), string(d.value(atSentence)), d.found()
			return got, nil
		default:
			return got, err
		}
	}
}

func TestDecode(t *testing.T) {
	deep := strings.Repeat(`{"x":[`, 50) + "1" + strings.Repeat(`]}`, 50)
	for _, test := range []struct {
		name, path, body string
		want             decoded
	}{
		{"whole", `$`, ` {"a":1} `, decoded{Records: []string{`{"a":1}`}, Found: present}},
		{"whole scalar", `$`, `"x"`, decoded{Records: []string{`"x"`}, Found: present}},
		{"whole with values in it", `$`, `{"next":7,"error":"e","x":1}`,
			decoded{Records: []string{`{"next":7,"error":"e","x":1}`}, Next: "7", Sentence: `"e"`, Found: present}},
		{"whole null", `$`, `null`, decoded{Found: null}},
		{"list", `$[*]`, `[1,{"a":[]},[2],null,"x"]`, decoded{Records: []string{`1`, `{"a":[]}`, `[2]`, `null`, `"x"`}, Found: present}},
		{"empty list", `$[*]`, `[]`, decoded{Found: present}},
		{"members of an object", `$[*]`, `{"b":1,"a":2}`, decoded{Records: []string{`1`, `2`}, Found: present}},
		{"list in an object", `$.results[*]`, `{"results":[{"a":1},{"b":2}]}`, decoded{Records: []string{`{"a":1}`, `{"b":2}`}, Found: present}},
		{"values before", `$.results[*]`, `{"next":1,"error":null,"results":[1]}`,
			decoded{Records: []string{`1`}, Next: "1", Sentence: "null", Found: present}},
		{"values behind", `$.results[*]`, `{"results":[1],"x":` + deep + `,"next":"n","error":"no"}`,
			decoded{Records: []string{`1`}, Next: `"n"`, Sentence: `"no"`, Found: present}},
		{"values elsewhere do not count", `$.results[*]`, `{"x":{"next":1,"results":[9]},"results":[{"next":2,"results":[8]}]}`,
			decoded{Records: []string{`{"next":2,"results":[8]}`}, Found: present}},
		{"deep", `$.a.b[*]`, `{"x":{"b":[0]},"a":{"x":1,"b":[2,3],"y":[4]},"b":[5]}`, decoded{Records: []string{`2`, `3`}, Found: present}},
		{"one value", `$.a.b`, `{"a":{"b":{"c":1}}}`, decoded{Records: []string{`{"c":1}`}, Found: present}},
		{"brackets", `$['a b']["c.d"][*]`, `{"a b":{"c.d":[1]}}`, decoded{Records: []string{`1`}, Found: present}},
		{"escaped name", `$.größe[*]`, `{"gr\u00f6\u00dfe":[1]}`, decoded{Records: []string{`1`}, Found: present}},
		{"lists in a list", `$.pages[*].rows[*]`, `{"pages":[{"rows":[1]},{"x":0},{"rows":[2,3]}]}`, decoded{Records: []string{`1`, `2`, `3`}, Found: present}},
		{"lists under any name", `$[*][*]`, `{"Active DNS":[1,2],"Sources":[3]}`, decoded{Records: []string{`1`, `2`, `3`}, Found: present}},
		{"empty object for a list", `$.results[*]`, `{"results":{}}`, decoded{}},
		{"null for a list", `$.results[*]`, `{"results":null,"error":"e"}`, decoded{Sentence: `"e"`, Found: null}},
		{"nothing", `$.results[*]`, `{"error":"e"}`, decoded{Sentence: `"e"`}},
		{"text for a list", `$.results[*]`, `{"results":"none"}`, decoded{}},
		{"list for an object", `$.a.b[*]`, `{"a":[{"b":[1]}]}`, decoded{}},
		{"the same name twice", `$.results[*]`, `{"next":1,"results":[{"a":1,"a":2}],"next":2}`,
			decoded{Records: []string{`{"a":1,"a":2}`}, Next: "2", Found: present}},
		{"white space", `$.results[*]`, " {\n \"results\" : [ { \"a\" : 1 } ,\t2 ] , \"next\" : 5 }\r\n ",
			decoded{Records: []string{`{ "a" : 1 }`, `2`}, Next: "5", Found: present}},
		{"exact numbers", `$[*]`, `[12345678901234567890.10,1E400,-0]`, decoded{Records: []string{`12345678901234567890.10`, `1E400`, `-0`}, Found: present}},
		{"filter", `$.results[?@.n > 1]`, `{"next":3,"error":"e","results":[{"n":1},{"n":2},{"n":3.50}]}`,
			decoded{Records: []string{`{"n":2}`, `{"n":3.50}`}, Next: "3", Sentence: `"e"`, Found: present}},
		{"descendants", `$..rows[*]`, `{"a":{"rows":["<&>"]}}`, decoded{Records: []string{`"<&>"`}, Found: present}},
		{"index", `$.results[0]`, `{"results":[{"a":12345678901234567890}]}`, decoded{Records: []string{`{"a":12345678901234567890}`}, Found: present}},
		{"filter finds nothing", `$.results[?@.n > 1]`, `{"results":[]}`, decoded{Found: null}},
	} {
		t.Run(test.name, func(t *testing.T) {
			shape, err := newShape(paths{test.path, "$.next", "$.error"})
			if err != nil {
				t.Fatal(err)
			}
			for name, from := range map[string]io.Reader{
				"at once": strings.NewReader(test.body), "byte by byte": iotest.OneByteReader(strings.NewReader(test.body)),
			} {
				got, err := decode(shape, from)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("%s: -want +got:\n%s", name, diff)
				}
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct {
		name, path, body, want string
	}{
		{"a list as one record", `$.results`, `{"results":[1]}`, "the value at $.results is an array: write $.results[*]"},
		{"a list as a whole", `$`, `[1]`, "the value at $ is an array: write $[*]"},
		{"a list at an index", `$.a[0]`, `{"a":[[1]]}`, "the value at $.a[0] is an array: write $.a[0][*]"},
		{"nothing at all", `$[*]`, ``, "it is empty"},
		{"white space", `$.a[?@.x]`, " \n", "it is empty"},
		{"two values", `$`, `{} {}`, "something follows its JSON value"},
		{"two values, not streamed", `$.a[?@.x]`, `{} {}`, "something follows its JSON value"},
		{"HTML", `$`, `<html>`, "invalid character"},
		{"broken off", `$.a[*]`, `{"a":[1,`, "unexpected EOF"},
		{"broken off, not streamed", `$.a[?@.x]`, `{"a":[1,`, "unexpected EOF"},
		{"a value that is too long", `$.a[*]`, `{"a":[1],"next":"` + strings.Repeat("x", maxKept) + `"}`, "the value at $.next is larger than 64 KiB"},
		{"a function that panics", `$.a[?match(@.b, "[")]`, `{"a":[{}]}`, `"$.a[?match(@.b, \"[\")]" cannot be evaluated`},
		{"an odd comma", `$.a[*]`, `{"a":[1,]}`, "invalid character"},
	} {
		t.Run(test.name, func(t *testing.T) {
			shape, err := newShape(paths{test.path, "$.next", "$.error"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := decode(shape, strings.NewReader(test.body)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestShapeRefuses(t *testing.T) {
	for _, test := range []struct{ records, next, sentence, want string }{
		{"results", "", "", `records: "results" is not a JSONPath such as $.results[*]`},
		{"$", "next", "", `paging.value: "next" is not a path such as $.next`},
		{"$", "$.a[0]", "", `paging.value: "$.a[0]" must be a path of names`},
		{"$", "", "$..error", `sentence: "$..error" must be a path of names`},
		{"$.a[*]", "$.a", "", `paging.value: $.a leads to the records at $.a[*]`},
	} {
		if _, err := newShape(paths{test.records, test.next, test.sentence}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v", test, err)
		}
	}
}

func TestLookup(t *testing.T) {
	steps, err := dotted("sentence", "$.a.error")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"x":[1],"a":{"y":{},"error":"no"}}`: `"no"`,
		`{"a":{"error":{"code":1}},"b"`:       `{"code":1}`,
		`{"a":{"\u0065rror":"no"}}`:           `"no"`,
		`{"a":[]}`:                            "", `{"a":{}}`: "", ``: "", `<html>`: "", `{"a":{"error":"n`: "", `{"a"`: "", `[`: "", `{"x":[}`: "",
	} {
		if got := string(lookup([]byte(text), steps)); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// TestStreamKeepsOneRecord reads an answer that is larger than any buffer and looks at how much the decoder holds.
func TestStreamKeepsOneRecord(t *testing.T) {
	shape, err := newShape(paths{"$.results[*]", "$.next"})
	if err != nil {
		t.Fatal(err)
	}
	record := `{"text":"` + strings.Repeat("x", 1000) + `"},`
	body := io.MultiReader(strings.NewReader(`{"results":[`), io.LimitReader(&repeated{text: record}, int64(100_000*len(record))),
		strings.NewReader(`{}],"next":9}`))
	s := new(stream)
	s.reset(shape, body)
	n, held := 0, 0
	for ; err == nil; _, err = s.next() {
		n++
		held = max(held, len(s.json.UnreadBuffer()))
	}
	if err != io.EOF || n != 100_002 || string(s.value(atNext)) != "9" {
		t.Errorf("%d records, next %s, %v", n-1, s.value(atNext), err)
	}
	if held > 16<<10 {
		t.Errorf("it held %d bytes", held)
	}
}

// TestRecordsCostNoMemory pulls pages of very different size through a source.
func TestRecordsCostNoMemory(t *testing.T) {
	allocations := func(records int) float64 {
		body := indicators(records)
		c := testConfig("https://api.example.com", listRequest)
		c.Transport = func(*url.URL) http.RoundTripper {
			return tripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body))}, nil
			})
		}
		s := mustOpen(t, c)
		return testing.AllocsPerRun(5, func() {
			n := 0
			for page, err := range s.Pages(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				for range page.Records {
					n++
				}
			}
			if n != records {
				t.Fatalf("%d records, not %d", n, records)
			}
		})
	}
	if few, many := allocations(100), allocations(20_000); many > few+20 {
		t.Errorf("100 records take %.0f allocations, 20,000 take %.0f", few, many)
	}
}

// repeated is a text without end.
type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		copied := copy(p[n:], r.text[r.at:])
		r.at = (r.at + copied) % len(r.text)
		n += copied
	}
	return n, nil
}

func exact(text []byte) (any, error) {
	var value any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows")
	}
	return value, nil
}

// FuzzStream compares the streaming decoder with encoding/json and JSONPath.
func FuzzStream(f *testing.F) {
	choice := []string{"$", "$[*]", "$.a", "$.a[*]", "$.a.b[*]", "$[*].b"}
	for i, body := range []string{
		`{"a":1}`, `[1,"x",{"b":null}]`, `{"a":{"b":[1,2.50,1e9]}}`, `{"a":[[],{},""]}`, `{"a":{"b":[{"c":"\ud83d\ude00\/"}]},"x":[[[]]]}`,
		`[{"b":1},{"b":[2]},3]`, " {\n\"a\" : [ 1 ,\r\n2 ] }", `null`, ``, `{"a":`, `[1,]`, "{\"a\":[\"\xff\xfe\"]}", `{"a":[1]}x`,
	} {
		f.Add(byte(i), []byte(body))
	}
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		path := choice[int(which)%len(choice)]
		shape, err := newShape(paths{path, "$.next", "$.error"})
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode(shape, iotest.HalfReader(bytes.NewReader(body)))
		value, wantErr := exact(body)
		if wantErr != nil {
			if err == nil {
				t.Fatalf("%s: took %q, where encoding/json says %v", path, body, wantErr)
			}
			return
		}
		if !jsontext.Value(body).IsValid(jsontext.AllowInvalidUTF8(true)) {
			return // names that come twice, of which encoding/json keeps the last
		}
		want := []any(jsonpath.MustParse(path).Select(value))
		if len(want) == 1 && !shape.many() {
			if _, list := want[0].([]any); list {
				if err == nil {
					t.Fatalf("%s: took the list in %q", path, body)
				}
				return
			}
			if want[0] == nil {
				want = nil
			}
		}
		if err != nil {
			t.Fatalf("%s: refused %q: %v", path, body, err)
		}
		compare(t, path, body, got.Records, want)
	})
}

// compare compares records with the values that they should hold. Those of an object come in no order.
func compare(t *testing.T, path string, body []byte, records []string, want []any) {
	if len(records) != len(want) {
		t.Fatalf("%s: found %d records in %q, not %d", path, len(records), body, len(want))
	}
	for _, record := range records {
		value, err := exact([]byte(record))
		if err != nil {
			t.Fatalf("%s: %q of %q: %v", path, record, body, err)
		}
		i := 0
		for i < len(want) && !reflect.DeepEqual(want[i], value) {
			i++
		}
		if i == len(want) {
			t.Fatalf("%s: %q is not in %q", path, record, body)
		}
		want = append(want[:i:i], want[i+1:]...)
	}
}
