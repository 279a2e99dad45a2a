package sqltable

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

func TestNumbers(t *testing.T) {
	for number, want := range map[string]any{
		"0":                                  int64(0),
		"-1":                                 int64(-1),
		"9223372036854775807":                int64(9223372036854775807),
		"-9223372036854775808":               int64(-9223372036854775808),
		"9223372036854775808":                nil, // a power of two, but floating-point numbers are shown with fewer digits
		"18446744073709551615":               nil,
		"100000000000000000000":              1e20,
		"1.0":                                1.0,
		"10.50":                              10.5,
		"0.1":                                0.1,
		"52.37403090000001":                  52.37403090000001,
		"0.30000000000000004":                0.30000000000000004,
		"3.1415926535897932384":              nil,
		"1E+2":                               100.0,
		"1e-400":                             nil,
		"1e400":                              nil,
		"0e400":                              0.0,
		"0.000e-99999999999999":              0.0,
		"1e99999999999999999999999999999999": nil,
		"4.9e-324":                           nil,
		"5e-324":                             5e-324,
	} {
		if got := numberOf(jsontext.Value(number)); got != want {
			t.Errorf("%s is %v (%T), want %v (%T)", number, got, got, want, want)
		}
	}
}

// FuzzNumbers compares a number with what is stored of it, in arithmetic without limits.
func FuzzNumbers(f *testing.F) {
	for _, seed := range []string{"0", "-0", "-0.0", "1.50e3", "12345678901234567890", "0.30000000000000004", "1e308", "1e-308"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if !json.Valid([]byte(number)) || jsontext.Value(number).Kind() != '0' || len(number) > 400 {
			t.Skip()
		}
		var stored string
		switch v := numberOf(jsontext.Value(number)).(type) {
		case nil:
			return
		case int64:
			stored = fmt.Sprint(v)
		case float64:
			stored = fmt.Sprintf("%g", v)
		}
		want, ok := new(big.Rat).SetString(number)
		got, ok2 := new(big.Rat).SetString(stored)
		if !ok || !ok2 || want.Cmp(got) != 0 {
			t.Errorf("%s is stored as %s", number, stored)
		}
	})
}

// FuzzTexts stores texts in columns of every type, and wants them back as they are, unless they were known to look like numbers.
func FuzzTexts(f *testing.F) {
	for _, seed := range []string{"", "1", " 1\n", "+1", "-.5", "1.", "1e5", "1e", "0x10", "1_0", "inf", "nan",
		"1\x00", "\v1\f", "--1", "+-1", "１", "1e999", "."} {
		f.Add(seed)
	}
	types := []string{"INTEGER", "REAL", "NUMERIC", "BOOLEAN", "TEXT", "BLOB", "", "DOUBLE PRECISION", "VARCHAR(9)", "FLOATING POINT",
		"Decimal(1,2)"}
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		f.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	definitions := make([]string, len(types))
	for i, declared := range types {
		definitions[i] = fmt.Sprintf("c%d %s", i, declared)
	}
	if _, err := db.Exec("CREATE TABLE t (" + strings.Join(definitions, ", ") + ")"); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			t.Skip()
		}
		for i, declared := range types {
			if affinityOf(declared) >= affinityNumeric && looksNumeric([]byte(text)) {
				continue
			}
			var got any
			err := db.QueryRow(fmt.Sprintf("INSERT INTO t (c%d) VALUES (?) RETURNING c%d", i, i), text).Scan(&got)
			if err != nil || got != text {
				t.Errorf("%q in a column %s is %#v, %v", text, declared, got, err)
			}
		}
	})
}

func TestDatabaseKeepsWhatIsCommitted(t *testing.T) {
	db, conn, err := connect(t.Context(), placeAt(t, t.TempDir()+"/intel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	defer conn.Close()
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "busy_timeout": "5000"} {
		var got string
		if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
		}
	}
}
