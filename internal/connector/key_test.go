package connector_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestCheckKey(t *testing.T) {
	many := strings.Split("one two three four five six seven eight nine ten eleven twelve thirteen", " ")
	for _, test := range []struct {
		key, fields []string
		want        string
	}{
		{nil, nil, ""},
		{[]string{"iid"}, []string{"iid", "risk"}, ""},
		{[]string{"iid", "risk"}, []string{"risk", "iid"}, ""},
		{[]string{"iid"}, nil, `key: none of the first records has the field "iid"`},
		{[]string{"iid", "rsk"}, []string{"iid", "risk"}, `key: none of the first records has the field "rsk"; did you mean "risk"?`},
		{[]string{"IID"}, []string{"iid"}, `key: none of the first records has the field "IID"; did you mean "iid"?`},
		{[]string{"no_such_field"}, []string{"iid", "risk"}, `key: none of the first records has the field "no_such_field"; their fields are iid, risk`},
		{[]string{"no_such_field"}, many, `key: none of the first records has the field "no_such_field"; their fields are ` +
			strings.Join(many[:12], ", ") + ", …"},
	} {
		err := connector.CheckKey(test.key, schemaOf(test.fields, sallyport.KindInteger))
		if got := text(err); got != test.want || err != nil && sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%v of %v: %q, want %q", test.key, test.fields, got, test.want)
		}
	}
}

func schemaOf(names []string, kind sallyport.Kind) (s sallyport.Schema) {
	for _, name := range names {
		s.Fields = append(s.Fields, sallyport.Field{Name: name, Kind: kind})
	}
	return s
}

// TestCheckNestedKey accepts what may be in an object, and a field whose own name has a dot.
func TestCheckNestedKey(t *testing.T) {
	for _, c := range []struct {
		field string
		kind  sallyport.Kind
		ok    bool
	}{
		{"meta", sallyport.KindObject, true}, {"meta", sallyport.KindNull, true}, {"meta", sallyport.KindMixed, true}, {"meta.id", sallyport.KindString, true},
		{"meta", sallyport.KindInteger, false}, {"meta", sallyport.KindArray, false}, {"met", sallyport.KindObject, false}, {"meta.i", sallyport.KindObject, false},
	} {
		if err := connector.CheckKey([]string{"meta.id"}, schemaOf([]string{c.field}, c.kind)); (err == nil) != c.ok {
			t.Errorf("%s, %s: %v", c.field, c.kind, err)
		}
	}
}

func TestAt(t *testing.T) {
	for _, c := range []struct{ record, name, want string }{
		{`{"meta":{"id":1}}`, "meta.id", `1`},
		{`{"meta.id":2,"meta":{"id":1}}`, "meta.id", `2`},
		{`{"meta":{"id":1},"meta.id":2}`, "meta.id", `2`},
		{`{"meta":{"id":1},"meta.id":null}`, "meta.id", `null`},
		{`{"a":{"b":{"c":"x"}}}`, "a.b.c", `"x"`},
		{`{"a":{"b.c":"y","b":{"c":"x"}}}`, "a.b.c", `"y"`},
		{`{"a.b":{"c":"z"},"a":{"b":{"c":"x"}}}`, "a.b.c", `"z"`},
		{`{"a":{"b":{"c":"x"}},"a.b":5}`, "a.b.c", `"x"`},
		{`{"labels":{"app.kubernetes.io/name":"web"}}`, "labels.app.kubernetes.io/name", `"web"`},
		{`{"m\u0065ta":{"id":{"x":1}}}`, "meta.id", `{"x":1}`},
		{`{"meta":{"id":1},"meta":{"id":3}}`, "meta.id", `3`},
		{`{"meta":[{"id":1}]}`, "meta.id", ``}, {`{"meta":"id"}`, "meta.id", ``}, {`{"meta":{}}`, "meta.id", ``}, {`{"meta":{"id":1}`, "meta.id", ``},
		{`{"":{"":7}}`, ".", `7`}, {`[]`, "meta.id", ``},
	} {
		var m connector.Members
		got, found := m.At([]byte(c.record), c.name)
		if string(got) != c.want || found != (c.want != "") {
			t.Errorf("%s in %s is %s (%t), want %s", c.name, c.record, got, found, c.want)
		}
	}
}

// TestKeyCheck wants each field once, in any record, and a hint within the object that a name leads into.
func TestKeyCheck(t *testing.T) {
	for _, c := range []struct {
		key, records []string
		want         string
	}{
		{[]string{"meta.id", "n"}, []string{`{"n":1}`, `{"meta":{"id":1}}`}, ``},
		{[]string{"meta.ix"}, []string{`{"n":1,"meta":{"id":1}}`}, `key: none of the first records has the field "meta.ix"; did you mean "meta.id"?`},
		{[]string{"completely.else"}, []string{`{"n":1,"meta":{"id":1}}`}, `key: none of the first records has the field "completely.else"; their fields are n, meta`},
		{[]string{"id"}, []string{`{"meta":{"id":1}}`}, `key: none of the first records has the field "id"; their fields are meta`},
	} {
		check := connector.NewKeyCheck(c.key)
		for _, record := range c.records {
			check.See([]byte(record))
		}
		if got := text(check.Err()); got != c.want {
			t.Errorf("%v: %q, want %q", c.key, got, c.want)
		}
	}
}

// TestAppendKey writes equal keys as one text, and different ones as different texts.
func TestAppendKey(t *testing.T) {
	for want, values := range map[string][]string{
		"1": {`1`, `"1"`, `1.0`, `1e0`, `10e-1`, `0.1e1`}, "2.0": {`"2.0"`}, "-2": {`-2.0`, `-2`, `"-2"`}, "0": {`0`, `-0`, `-0.0`, `0e9`},
		"1.5": {`1.5`, `1.50`, `15e-1`, `"1.5"`}, "0.05": {`0.05`, `5e-2`}, "1000": {`1e3`, `1000`, `1000.0`}, "12e30": {`1.2e31`, `12e30`},
		"5e-40": {`5e-40`, `0.5e-39`}, "12345678901234567890": {`12345678901234567890`, `12345678901234567890.0`}, "true": {`true`}, "é": {`"\u00e9"`},
	} {
		for _, v := range values {
			if got := string(connector.AppendKey([]byte("x"), []byte(v))); got != "x"+want {
				t.Errorf("%s goes by %q, want %q", v, got, "x"+want)
			}
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
