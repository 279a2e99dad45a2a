package sallyport_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

func TestCheckScopes(t *testing.T) {
	for _, test := range []struct {
		given, want []sallyport.Scope
		err         string
	}{
		{given: []sallyport.Scope{"admin", "read", "admin"}, want: []sallyport.Scope{"read", "admin"}},
		{given: []sallyport.Scope{"write", "run", "files", "admin", "read"}, want: sallyport.Scopes},
		{err: "scopes: choose at least one"},
		{given: []sallyport.Scope{"read", "wrte"}, err: `scopes: there is no scope "wrte"; did you mean "write"?`},
		{given: []sallyport.Scope{"everything"}, err: "it is one of read, run, write, files, admin"},
	} {
		got, err := sallyport.CheckScopes(test.given)
		if test.err != "" && (sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), test.err)) || test.err == "" && err != nil {
			t.Errorf("%v: error %v, want %q", test.given, err, test.err)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%v: got %v, want %v", test.given, got, test.want)
		}
	}
}

func TestEveryScopeHasWords(t *testing.T) {
	for _, s := range sallyport.Scopes {
		if s.Allows() == "" {
			t.Errorf("nothing says what %q allows", s)
		}
		one := sallyport.Token{Scopes: []sallyport.Scope{s}}
		for _, other := range sallyport.Scopes {
			if one.May(other) != (s == other) {
				t.Errorf("a token for %q may do %q: %v", s, other, one.May(other))
			}
		}
	}
}

func TestTokenExpires(t *testing.T) {
	end := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	for _, test := range []struct {
		expires time.Time
		want    bool
	}{{time.Time{}, false}, {end, true}, {end.Add(time.Microsecond), false}} {
		if got := (sallyport.Token{ExpiresAt: test.expires}).Expired(end); got != test.want {
			t.Errorf("expires %v: %v at %v", test.expires, got, end)
		}
	}
}
