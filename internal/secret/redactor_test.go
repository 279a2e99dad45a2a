package secret

import (
	"fmt"
	"sync"
	"testing"
)

const other = "other-key-0123456789"

// TestKeyBehindAWord has keys that were stored with the word before them.
func TestKeyBehindAWord(t *testing.T) {
	for stored, alone := range map[string]string{
		"Token abc-0123456789": "abc-0123456789", "Bearer onlyletters": "onlyletters", `Token token="k0123456789"`: "k0123456789",
		"OAuth a=short, oauth_token=wordsonly": "wordsonly",
	} {
		r := NewRedactor(New(stored))
		if !r.Contains(alone) || !r.Contains(stored) || r.Contains("a Token here") {
			t.Errorf("%q alone is not known", alone)
		}
		if r.Forget(New(stored)); r.Contains(alone) || r.Contains(stored) {
			t.Errorf("%q is not forgotten", stored)
		}
	}
	if NewRedactor(New("correct horsehorse batterystaple")).Contains("a horsehorse and a batterystaple") {
		t.Error("words of a passphrase are redacted")
	}
}

// TestOrdinary has keys that stand in records by chance, and others. Those under 8 bytes are not searched for.
func TestOrdinary(t *testing.T) {
	for text, want := range map[string]bool{
		"anonymous": true, "password1": true, "pass-word-2024": true, "12345678": true, "2024-01-31": true, "straße-nord": true,
		"guest": false, "": false, "a1b2c3d4e5": false, "0123456789012345": false, "abcdefghijklmnopqrstuvwxyz": false, "hunter2hunter2": false,
	} {
		if got := New(text).IsOrdinary(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestKnowing adds, forgets and derives.
func TestKnowing(t *testing.T) {
	r := NewRedactor(New(other), New(other))
	child := r.With(New("password"))
	distinctive := r.Distinctive().With(New("short-own"))
	check := func(when string, r *Redactor, text string, want bool) {
		t.Helper()
		if got := r.Contains(text); got != want {
			t.Errorf("%s: %q is known: %v", when, text, got)
		}
	}
	check("a child", child, "my password", true)
	check("a child", child, other, true)
	check("a parent", r, "my password", false)
	r.Forget(New(other), New("never-added"))
	check("after one of two", r, other, true)
	r.Forget(New(other))
	check("after both", r, other, false)
	check("a child after both", child, other, false)
	r.Add(New(other), New("created_at_some_time"))
	check("added again", child, other, true)
	check("a word", r, "created_at_some_time", true)
	check("a word, elsewhere", distinctive, "created_at_some_time", false)
	check("a key, elsewhere", distinctive, other, true)
	check("an own word", distinctive, "short-own", true)
}

func TestDistinctive(t *testing.T) {
	for text, want := range map[string]bool{
		"gs+abcdefghijk0123==":                 true,
		"0123456789abcdef0123456789abcdef":     true,
		"d9428888-122b-11e1-b85c-61cd3cbb3210": true,
		"correct horse battery staple 7!":      true,
		"AKIA/abcdefgh+0123456789":             true,
		"short-key-12345":                      false, // 15 characters
		"created_at":                           false,
		"indicator_created_at":                 false,
		"correct horse battery staple":         false,
		"https://hooks.example.com/x/0123":     false,
		"some-host-4711.example.com":           false,
		"*.example-number-7.com:8443":          false,
		"a.long.name.7@example.com":            false,
		"255.255.255.255/32":                   false,
		"2001:db8:1234:5678:9abc::1":           false,
		"[2001:db8:1234:5678::1]:8443":         false,
		"/var/lib/sallyport/4711.db":           false,
		"./files/export-0123456789":            false,
		`C:\Users\somebody\0123456789`:         false,
		"flw_abcdefghijklmnopqrstuvwx23":       false,
		"crd_2345672345672345672345672a":       false,
		"flw_abcdefghijklmnopqrstuvwx01":       true,
		"sallyport_abcdefghijklmnopqrstuvwx23": true,
		"ghp_abcdefghijklmnopqrstuvwx23":       true,
		"2026-11-30T17:24:34Z":                 false,
		"2026-11-30T17:24:34.123456+01:00":     false,
		"needs_secret_needs_secret":            false,
	} {
		if got := New(text).Distinctive(); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestJSONKeepsOurNames(t *testing.T) {
	r := NewRedactor(New("created_at"), New("1234567890"), New(other), New("cdefghijklmnopqrst"), New("-11-30T17:24:34.1"))
	for text, want := range map[string]string{
		`{"id":"flw_abcdefghijklmnopqrstuvwx23","at":"2026-11-30T17:24:34.123Z"}`: `{"id":"flw_abcdefghijklmnopqrstuvwx23","at":"2026-11-30T17:24:34.123Z"}`,
		`["of flw_abcdefghijklmnopqrstuvwx23"]`:                                   `["of flw_ab[redacted]uvwx23"]`,
		`{ "created_at": "x", "n": 1234567890 }` + "\n":                           `{ "created_at": "x", "n": 1234567890 }` + "\n",
		`{"a":["created_at",{"created_at":"1234567890"}]}`:                        `{"a":["[redacted]",{"created_at":"[redacted]"}]}`,
		`"` + other + `"`: `"[redacted]"`,
		`{}`:              `{}`,
	} {
		if got := string(r.JSON([]byte(text))); got != want {
			t.Errorf("%s became %s", text, got)
		}
	}
	if got := string(r.Record([]byte(`{"created_at":1234567890}`))); got != `{"[redacted]":"[redacted]"}` {
		t.Errorf("a record became %s", got)
	}
}

// TestConcurrentUse searches while secrets are added and forgotten. The race detector judges.
func TestConcurrentUse(t *testing.T) {
	base := NewRedactor(New(other))
	child := base.Distinctive().With(New("an own key"))
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			s := New(fmt.Sprintf("a-key-of-number-%d", i))
			for range 50 {
				base.Add(s)
				if got := child.String(`an+own+key o\u0074her-key-0123456789`); got != Redacted+" "+Redacted {
					t.Errorf("got %s", got)
				}
				base.Forget(s)
			}
		})
	}
	group.Wait()
	if base.Contains("a-key-of-number-1") || !base.Contains(other) {
		t.Error("what was added and forgotten is still known, or what was not is gone")
	}
}

// TestPlacesAreCounted wants the number of replacements, also where a record is written anew to stay JSON.
func TestPlacesAreCounted(t *testing.T) {
	r := NewRedactor(New("anonymous"), New("mousetrap"), New("1234567890"))
	for text, want := range map[string]int{
		`{"a":"x"}`: 0,
		`{"a":"anonymous","b":["sent by anonymous, to anonymous"]}`: 3,
		`{"anonymous":"anonymousetrap"}`:                            2,
		`{"n":1234567890,"m":"anonymous anonymous","a":"anonymou"}`: 3,
	} {
		if clean, got := r.Counted([]byte(text)); got != want {
			t.Errorf("%s became %s, with %d places", text, clean, got)
		}
	}
}
