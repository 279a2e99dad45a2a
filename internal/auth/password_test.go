package auth

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

func TestHash(t *testing.T) {
	first, second := hash("correct horse"), hash("correct horse")
	if !strings.HasPrefix(first, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(first, "horse") || first == second {
		t.Errorf("bad hashes %q and %q", first, second)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horse ": false, "": false} {
		if got, err := matches(password, first); got != want || err != nil {
			t.Errorf("%q matches: %v, %v", password, got, err)
		}
	}
}

func TestHashThatCannotBeRead(t *testing.T) {
	whole := hash("x")
	for _, broken := range []string{
		"", "x", strings.Replace(whole, "argon2id", "argon2i", 1), strings.Replace(whole, "v=19", "v=16", 1), strings.Replace(whole, "t=2", "t=0", 1),
		strings.Replace(whole, "m=19456", "m=999999999", 1), whole[:len(whole)-30], strings.Replace(whole, "p=1$", "p=1$!", 1),
	} {
		if ok, err := matches("x", broken); ok || err == nil {
			t.Errorf("%q: %v, %v; want an error", broken, ok, err)
		}
	}
}

func TestCheckPassword(t *testing.T) {
	for password, want := range map[string]sallyport.Code{
		"": sallyport.Invalid, "eleven char": sallyport.Invalid, "twelve chars": "", "zwölf äöüßé.": "", strings.Repeat("x", 1001): sallyport.Invalid,
	} {
		if got := sallyport.CodeOf(checkPassword(password)); got != want {
			t.Errorf("%d characters: %q, want %q", len(password), got, want)
		}
	}
}
