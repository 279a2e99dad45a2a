package cli

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestLinesLetNoSecretOut prints records with a secret that the redactor knows, beside what a terminal could act on.
func TestLinesLetNoSecretOut(t *testing.T) {
	const key = `canary-key/with "odd"<é>-0123456789`
	echo, err := json.Marshal(map[string]string{"you_sent": "key=" + key, "then": "\u009b2J\u007f"})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	lines(secret.NewRedactor(secret.New(key)).Writer(&out), []json.RawMessage{echo, echo})
	want := strings.Repeat(`{"then":"\u009b2J\u007f","you_sent":"key=[redacted]"}`+"\n", 2)
	if out.String() != want {
		t.Errorf("printed %q, want %q", &out, want)
	}
}

func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"é\n€ 😀"}`:            `{"a":"é\n€ 😀"}`,
		"\"\u007e\u007f\u0080\"":    `"~\u007f\u0080"`,
		"\"\u009f\u00a0\u00e4\"":    "\"\\u009f\u00a0ä\"",
		"{\n  \"a\": \"\u0085\"\n}": "{\n  \"a\": \"\\u0085\"\n}",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestWord(t *testing.T) {
	for name, want := range map[string]string{
		"feed-1_a.b": "feed-1_a.b",
		"Übung":      "Übung",
		"out/data":   "out/data",
		"g b":        `"g b"`,
		"it's":       `"it's"`,
		"a$HOME":     "'a$HOME'",
		"`x` it's":   `'` + "`x`" + ` it'\''s'`,
		"":           `""`,
	} {
		if got := word(name); got != want {
			t.Errorf("%q became %s, want %s", name, got, want)
		}
	}
}

func TestDestinationText(t *testing.T) {
	for want, d := range map[string]sallyport.Destination{
		"up to date":       {Position: 7},
		"1 batch behind":   {Position: 6},
		"7 batches behind": {},
		"the disk is full": {Position: 3, Error: "the disk is full"},
	} {
		if got := destinationText(d, 7); got != want {
			t.Errorf("%+v is %q, want %q", d, got, want)
		}
	}
}
