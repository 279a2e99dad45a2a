package secret

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport/internal/secret/secrettest"
)

// TestNoEscapeHidesASecret escapes any secret in any way, up to three times, and puts it into a JSON text.
func TestNoEscapeHidesASecret(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := secrettest.Keys().Draw(t, "key")
		r := NewRedactor(New(key), New("another-key-0123"), New("100%41 & \\u0041 of it"))
		if rapid.Bool().Draw(t, "alone") {
			r = NewRedactor(New(key))
		}
		text, undo := secrettest.Whole(t, key)
		undos := []func(string) (string, error){undo}
		for range rapid.IntRange(0, 3).Draw(t, "levels") {
			e := rapid.SampledFrom(secrettest.Escapings()).Draw(t, "escaping")
			text = e.Some(t, text)
			undos = append(undos, e.Undo)
		}
		whole := "before (" + text + ") after"
		got := r.String(whole)
		if secrettest.Reveals(got, key) || r.Contains(got) || !strings.HasPrefix(got, "before (") || !strings.HasSuffix(got, ") after") {
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
		record, places := r.Counted(quoted)
		if places < 2 || !json.Valid(record) || r.Contains(string(record)) || strings.Contains(string(record), strings.Trim(string(quoted), "{}")) {
			t.Fatalf("%s became %s", quoted, record)
		}
	})
}

// TestOtherTextStaysAsItIs redacts texts that do not have the secret, escapes and parts of the secret included.
func TestOtherTextStaysAsItIs(t *testing.T) {
	key := `gs+Abc%41\u0041&amp;0123==`
	r := NewRedactor(New(key), New("a passphrase of words"))
	part := rapid.OneOf(secrettest.Keys(), rapid.String(), rapid.Map(rapid.IntRange(0, len(key)-1), func(n int) string { return key[:n] + "!" + key[n+1:] }))
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
			e := rapid.SampledFrom(secrettest.Escapings()[:3]).Draw(t, "escaping")
			text = e.Some(t, text)
			undos = append(undos, e.Undo)
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
		if strings.HasPrefix(left, key[:minCut+2]) { // one character more, because an entity that was cut off may be whole
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
