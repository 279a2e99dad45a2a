package sandbox

import (
	"strings"
	"testing"
)

// letters is a term that is true of texts that contain one of its values.
func letters(c condition) (func(string) bool, error) {
	if c.field != "" && c.field != "has" {
		return nil, unknownField(c.field)
	}
	return anyOf(c.values, func(value string) func(string) bool {
		return func(s string) bool { return strings.Contains(s, value) }
	}), nil
}

func TestQueriesMean(t *testing.T) {
	for q, want := range map[string]string{
		"has=a":                            "a ab ac abc",
		"HAS=a":                            "a ab ac abc",
		"has=a and has=b":                  "ab abc",
		"has=a has=b":                      "ab abc",
		"has=a AND NOT has=b":              "a ac",
		"not has=a":                        "b c bc",
		"not not has=a":                    "a ab ac abc",
		"has=a has=b or has=c":             "c ab ac bc abc",
		"has=c or has=a and has=b":         "c ab ac bc abc",
		"has=a and (has=b or has=c)":       "ab ac abc",
		"(has=a) not(has=b)":               "a ac",
		`has="a"`:                          "a ab ac abc",
		"  has=a\n\tand  has=b ":           "ab abc",
		"((has=a or has=b) and not has=c)": "a b ab",
		"a":                                "a ab ac abc",
		"a b":                              "ab abc",
		"a,b":                              "a b ab ac bc abc",
		"has=a,b and not c":                "a b ab",
		`has="a",b`:                        "a b ab ac bc abc",
		`"has"=a`:                          "a ab ac abc",
		"has!=a":                           "b c bc",
		"has!=a,b":                         "c",
		"not has!=a":                       "a ab ac abc",
		"has=a&has=b":                      "ab abc",
		"has=a && has=b&&c":                "abc",
		"has=a|has=b":                      "a b ab ac bc abc",
		"has=a || b|c":                     "a b c ab ac bc abc",
		"c|a&b":                            "c ab ac bc abc",
		"(c|a)&b":                          "ab bc abc",
		`"a|b" or "a&b" or "and" or c`:     "c ac bc abc",
	} {
		matches, err := parseQuery(q, letters)
		if err != nil {
			t.Errorf("%q: %v", q, err)
			continue
		}
		var got []string
		for _, s := range []string{"a", "b", "c", "ab", "ac", "bc", "abc"} {
			if matches(s) {
				got = append(got, s)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q finds %q, want %q", q, got, want)
		}
	}
}

func TestBadQueriesAreRefused(t *testing.T) {
	for _, q := range []string{
		"", "   ", "=a", "!=a", "has=", "has!=", `has=""`, "has=a,", "has=,a", ",", "has=a and", "or has=a", "not", "(has=a", "has=a)", "()", "other=a",
		"has=a and and has=b", "has=a & & has=b", "has=a &&& has=b", "has=a |", "| has=a", "&", "not and a", "has>=a", "has<=a", "has<>=a",
		strings.Repeat("not ", 200) + "has=a", strings.Repeat("(", 5000),
	} {
		if _, err := parseQuery(q, letters); err == nil {
			t.Errorf("%.40q is taken", q)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, test := range []struct {
		glob, yes, no string
	}{
		{"abc", "ABC", "abcd"},
		{"*", "", "\x00"},
		{"*.example.com", "a.example.com", "example.com"},
		{"https://*", "https://x", "http://x"},
		{"a*b*c", "aXbXbXc", "aXcXb"},
		{"a*a", "aa", "a"},
		{"*ab*", "xaby", "axb"},
		{"**x", "yx", "xy"},
		{"CAFÉ*", "café loader", "cafe loader"},
	} {
		if !pattern(test.glob)(test.yes) {
			t.Errorf("%q does not match %q", test.glob, test.yes)
		}
		if test.glob != "*" && pattern(test.glob)(test.no) {
			t.Errorf("%q matches %q", test.glob, test.no)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, q := range []string{"has=a and (not has=b or has=c)", `has="x y`, "((", "not", ")", "a|b&&c||d&e", `"a,b",c!=d`, "has!=a,b"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		matches, err := parseQuery(q, letters)
		if err != nil {
			return
		}
		if first, second := matches("abc"), matches("abc"); first != second {
			t.Errorf("%q is %v, then %v", q, first, second)
		}
	})
}

// FuzzTerms asks the whole data with any query: it is refused with a sentence, or means the same each time.
func FuzzTerms(f *testing.F) {
	for _, q := range []string{
		"type=domain,ip risk=high+", "risk!=medium-&seen=2024-01-01-2024-02-01", "seen=2024-13-99+", `feed="a","b"|active=true`, "meta=*x*", "http.=x", ".a=b",
		`"name server"=*`, "++code=200", "pulsedive.com", "risk=+", "seen=-", "retired=2", "http.server.x=1",
	} {
		f.Add(q)
	}
	w := newWorld(1, 20)
	f.Fuzz(func(t *testing.T, q string) {
		if matches, err := parseQuery(q, w.indicatorTerm); err == nil {
			for n := -len(famous); n < 20; n++ {
				i := w.indicator(n)
				if first, second := matches(i), matches(i); first != second {
					t.Errorf("%q is two things of %s", q, i.value())
				}
			}
		} else if _, refused := err.(*refusal); !refused {
			t.Errorf("%q: %v", q, err)
		}
		if matches, err := parseQuery(q, w.threatTerm); err == nil {
			matches(w.threats[0])
		}
	})
}
