package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

const canary = `CANARY/key+1&<"7>\é9`

func TestTextNeverPrints(t *testing.T) {
	type holder struct {
		Exported   Text
		unexported Text
	}
	h := holder{New(canary), New(canary)}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+" "+verb+"\n", h, &h, h.unexported)
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "h", h, "t", h.Exported)
	if strings.Contains(out.String(), "CANARY") || strings.Contains(out.String(), hex.EncodeToString([]byte(canary))) {
		t.Errorf("printed: %s", out.String())
	}
	if _, err := json.Marshal(h); err == nil {
		t.Error("JSON encoding succeeded")
	}
	if err := gob.NewEncoder(&out).Encode(h.Exported); err == nil {
		t.Error("gob encoding succeeded")
	}
}

func TestReadTrimsAndBounds(t *testing.T) {
	got, err := Read(strings.NewReader("  the key\r\n"))
	if err != nil || got.Reveal() != "the key" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	if _, err := Read(strings.NewReader(strings.Repeat("x", MaxLength+1))); err == nil {
		t.Error("an over-long secret was taken")
	}
}

func TestRedactorFindsEveryForm(t *testing.T) {
	r := NewRedactor(New(canary), New("short"), New("another-secret-value"))
	quoted, _ := json.Marshal(canary)
	for name, text := range map[string]string{
		"raw":            canary,
		"query":          "https://h/?key=" + url.QueryEscape(canary) + "&x=1",
		"lower-case":     strings.NewReplacer("%2F", "%2f", "%2B", "%2b").Replace(url.QueryEscape(canary)),
		"path":           url.PathEscape(canary),
		"userinfo":       (&url.URL{Scheme: "https", Host: "h", User: url.UserPassword("u", canary)}).String(),
		"json":           string(quoted),
		"php json":       strings.ReplaceAll(string(quoted), "/", `\/`),
		"base64":         base64.StdEncoding.EncodeToString([]byte(canary)),
		"base64 shifted": base64.StdEncoding.EncodeToString([]byte("u:" + canary + "tail")),
		"base64 third":   base64.URLEncoding.EncodeToString([]byte("u" + canary)),
		"hex":            hex.EncodeToString([]byte(canary)),
		"HEX":            fmt.Sprintf("%X", canary),
		"two":            "another-secret-value" + canary,
	} {
		got := r.String("before " + text + " after")
		if !strings.Contains(got, Redacted) || strings.Contains(got, text) {
			t.Errorf("%s: %s", name, got)
		}
		if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
			t.Errorf("%s: took too much: %s", name, got)
		}
	}
	if got := r.String("a short text"); got != "a short text" {
		t.Errorf("a short value was redacted: %s", got)
	}
}

// TestRedactorAgainstPlainSearch compares the one-pass search with the obvious one.
func TestRedactorAgainstPlainSearch(t *testing.T) {
	r := NewRedactor(New("abababab"), New("bababababa"), New("0123456789"))
	for i := range 4096 {
		text := strings.Repeat("ab", i%7) + fmt.Sprintf("%b", i) + strings.Repeat("ba", i%11) + "01234567" + fmt.Sprint(89-i%3)
		got := r.String(text)
		for _, s := range []string{"abababab", "bababababa", "0123456789"} {
			if strings.Contains(got, s) {
				t.Fatalf("%q left in %q (from %q)", s, got, text)
			}
		}
		if !strings.ContainsAny(got, "[") && got != text {
			t.Fatalf("%q changed to %q", text, got)
		}
	}
}

func FuzzRedactor(f *testing.F) {
	f.Add("some-secret-value", "text some-secret-value text")
	f.Add("aaaaaaaa", "aaaaaaaaaaaaaaaaaaaaaa")
	f.Fuzz(func(t *testing.T, value, text string) {
		if len(value) < MinLength || strings.Contains(Redacted, value) {
			return
		}
		r := NewRedactor(New(value))
		got := r.String(text + value + text)
		if strings.Contains(strings.ReplaceAll(got, Redacted, "\x00"), value) && !strings.Contains(value, "\x00") {
			t.Errorf("%q left in %q", value, got)
		}
	})
}

func TestWriterRedacts(t *testing.T) {
	var out bytes.Buffer
	n, err := NewRedactor(New(canary)).Writer(&out).Write([]byte("x" + canary))
	if err != nil || n != len(canary)+1 || out.String() != "x"+Redacted {
		t.Errorf("wrote %d, %v: %q", n, err, out.String())
	}
}
