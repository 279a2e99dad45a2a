package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"math"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// keys draws secrets, those included that look escaped themselves.
func keys() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9]{1,6}`), rapid.SampledFrom(strings.Split("= + / ' \" \\ % & ; # < > . - _ ~ é € 𝄞 \t :", " ")),
		rapid.SampledFrom([]string{"%41", `\u0041`, `\n`, "&amp;", "&#65;", "%%", `\\`, "&amp", " ", "%2541", `\x41`}),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 4, 14).Draw(t, "parts"), "")
	}).Filter(func(s string) bool { return len(s) >= minLength && !strings.Contains(Redacted, s) })
}

// escaping is one way to escape characters, and to take that back.
type escaping struct {
	name   string
	must   string // characters that are always escaped
	escape func(t *rapid.T, r rune) string
	undo   func(string) (string, error)
}

func digitsIn(t *rapid.T, s string) string {
	if rapid.Bool().Draw(t, "upper case") {
		return strings.ToUpper(s)
	}
	return s
}

func escapings() []escaping {
	return []escaping{
		{"JSON", "\"\\\t", func(t *rapid.T, r rune) string {
			if quoted, _ := json.Marshal(string(r)); r < 128 && quoted[1] == '\\' && quoted[2] != 'u' && rapid.Bool().Draw(t, "short") {
				return string(quoted[1 : len(quoted)-1])
			}
			if r == '/' {
				return `\/`
			}
			var out string
			for _, unit := range utf16.Encode([]rune{r}) {
				out += `\u` + digitsIn(t, fmt.Sprintf("%04x", unit))
			}
			return out
		}, func(s string) (out string, err error) {
			err = json.Unmarshal([]byte(`"`+s+`"`), &out)
			return out, err
		}},
		{"percent", "%", func(t *rapid.T, r rune) (out string) {
			for _, b := range []byte(string(r)) {
				out += "%" + digitsIn(t, fmt.Sprintf("%02x", b))
			}
			return out
		}, url.PathUnescape},
		{"HTML", "&", func(t *rapid.T, r rune) string {
			named := html.EscapeString(string(r))
			switch rapid.IntRange(0, 3).Draw(t, "entity") {
			case 0:
				if named != string(r) {
					return named
				}
			case 1:
				return fmt.Sprintf("&#%d;", r)
			case 2:
				return fmt.Sprintf("&#%04d;", r)
			}
			return "&#x" + digitsIn(t, fmt.Sprintf("%x", r)) + ";"
		}, func(s string) (string, error) { return html.UnescapeString(s), nil }},
		{"form", "%+ ", func(t *rapid.T, r rune) string { return url.QueryEscape(string(r)) }, url.QueryUnescape},
	}
}

// some escapes a random subset of the characters of a text.
func (e escaping) some(t *rapid.T, text string) string {
	density := rapid.SampledFrom([]int{0, 1, 5, 10}).Draw(t, "density")
	var out strings.Builder
	for _, r := range text {
		if strings.ContainsRune(e.must, r) || rapid.IntRange(0, 9).Draw(t, "escape") < density {
			out.WriteString(e.escape(t, r))
		} else {
			out.WriteRune(r)
		}
	}
	return out.String()
}

// innermost writes a secret whole: as it is, in hexadecimal or in base64 at any alignment.
func innermost(t *rapid.T, key string) (string, func(string) (string, error)) {
	before, after := rapid.SampledFrom([]string{"", "u", "u:", "usr", "user:"}).Draw(t, "in front"), rapid.SampledFrom([]string{"", "1", "12"}).Draw(t, "behind")
	encoding := rapid.SampledFrom([]*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding}).Draw(t, "base64")
	switch rapid.IntRange(0, 4).Draw(t, "form") {
	case 0:
		return digitsIn(t, hex.EncodeToString([]byte(key))), func(s string) (string, error) {
			b, err := hex.DecodeString(s)
			return string(b), err
		}
	case 1:
		return encoding.EncodeToString([]byte(before + key + after)), func(s string) (string, error) {
			b, err := encoding.DecodeString(s)
			return string(b), err
		}
	}
	return key, func(s string) (string, error) { return s, nil }
}

// TestNoEscapeHidesASecret escapes any secret in any way, up to three times, and puts it into a JSON text.
func TestNoEscapeHidesASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := keys().Draw(t, "key")
		r := NewRedactor(New(key), New("another-key-0123"), New("100%41 & \\u0041 of it"))
		if rapid.Bool().Draw(t, "alone") {
			r = NewRedactor(New(key))
		}
		text, undo := innermost(t, key)
		undos := []func(string) (string, error){undo}
		for range rapid.IntRange(0, 3).Draw(t, "levels") {
			e := rapid.SampledFrom(escapings()).Draw(t, "escaping")
			text = e.some(t, text)
			undos = append(undos, e.undo)
		}
		whole := "before (" + text + ") after"
		got := r.String(whole)
		if strings.Contains(got, key) || r.Contains(got) || !strings.HasPrefix(got, "before (") || !strings.HasSuffix(got, ") after") {
			t.Fatalf("%q became %q", whole, got)
		}
		if inner := got[len("before (") : len(got)-len(") after")]; inner == text {
			t.Fatalf("%q is not redacted", whole)
		} else {
			for i := len(undos) - 1; i >= 0; i-- {
				var err error
				if inner, err = undos[i](inner); strings.Contains(inner, key) {
					t.Fatalf("%q became %q, which still decodes to the key", whole, got)
				}
				if err != nil {
					break
				}
			}
		}
		quoted, _ := json.Marshal(map[string]any{"n": map[string]string{whole: whole}})
		record := r.Record(quoted)
		if !json.Valid(record) || r.Contains(string(record)) || strings.Contains(string(record), strings.Trim(string(quoted), "{}")) {
			t.Fatalf("%s became %s", quoted, record)
		}
	})
}

// TestOtherTextStaysAsItIs redacts texts that do not have the secret, escapes and parts of the secret included.
func TestOtherTextStaysAsItIs(t *testing.T) {
	key := `gs+Abc%41\u0041&amp;0123==`
	r := NewRedactor(New(key), New("a passphrase of words"))
	part := rapid.OneOf(keys(), rapid.String(), rapid.Map(rapid.IntRange(0, len(key)-1), func(n int) string { return key[:n] + "!" + key[n+1:] }))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(part, 0, 10).Draw(t, "parts"), "|")
		if got := r.String(text); got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// TestNoCutLeavesHalfASecret cuts an escaped secret anywhere.
func TestNoCutLeavesHalfASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[a-zA-Z0-9+=/é"]{12,40}`).Draw(t, "key")
		r := NewRedactor(New(key))
		text, undos := key, []func(string) (string, error){}
		for range rapid.IntRange(0, 3).Draw(t, "levels") {
			e := rapid.SampledFrom(escapings()[:3]).Draw(t, "escaping")
			text = e.some(t, text)
			undos = append(undos, e.undo)
		}
		cut := text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
		left := string(r.Cut([]byte("before (" + cut)))
		if !strings.HasPrefix(left, "before (") {
			t.Fatalf("%q became %q", cut, left)
		}
		left = strings.TrimPrefix(left, "before (")
		for i := len(undos) - 1; i >= 0; i-- {
			if decoded, err := undos[i](left); err == nil {
				left = decoded
			}
		}
		if strings.HasPrefix(left, key[:minCut+1]) { // one more, because an entity that was cut off may be whole
			t.Fatalf("of %q, %q is left", cut, left)
		}
	})
}

// FuzzView checks that a view knows where its bytes come from, and that nothing makes it panic.
func FuzzView(f *testing.F) {
	for _, seed := range []string{`a\u003d\ud834\udd1e\ud834x`, "%41%4", "&#61;&#x3D;&amp;amp;&#", "a+b", `\`, `\u00`, `\ud834\u`} {
		f.Add(seed, uint8(15), false)
		f.Add(seed, uint8(7), true)
	}
	every := &alphabet{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}
	f.Fuzz(func(t *testing.T, text string, kinds uint8, cut bool) {
		first, second := new(view), new(view)
		if !first.decode(&view{text: []byte(text)}, escapes(kinds%16), every, cut) {
			return
		}
		for _, v := range []*view{first, second} {
			if v == second && !second.decode(first, escapes(kinds%16), every, cut) {
				return
			}
			last := 0
			for i := range v.text {
				at := v.origin(span{i, i + 1})
				if at.start < 0 || at.end > len(text) || at.start >= at.end || at.start < last {
					t.Fatalf("byte %d of %q is from %v of %q", i, v.text, at, text)
				}
				last = at.start
				if at.end-at.start == 1 && kinds&uint8(inPlus) == 0 && text[at.start] != v.text[i] {
					t.Fatalf("byte %d of %q is not the one at %d of %q", i, v.text, at.start, text)
				}
			}
		}
	})
}
