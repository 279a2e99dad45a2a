// Package secrettest writes secrets in the ways in which they must not get through, and finds those that did. It is for tests.
package secrettest

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// Keys draws secrets, those included that look escaped themselves.
func Keys() *rapid.Generator[string] {
	part := rapid.OneOf(
		rapid.StringMatching(`[a-zA-Z0-9]{1,6}`), rapid.SampledFrom(strings.Split("= + / ' \" \\ % & ; # < > . - _ ~ é € 𝄞 \t :", " ")),
		rapid.SampledFrom([]string{"%41", `\u0041`, `\n`, "&amp;", "&#65;", "%%", `\\`, "&amp", " ", "%2541", `\x41`}),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(part, 4, 14).Draw(t, "parts"), "")
	}).Filter(func(s string) bool { return len(s) >= 8 && !strings.Contains("[redacted]", s) })
}

// Escaping is one way to escape characters, and to take that back.
type Escaping struct {
	Name   string
	must   string // characters that are always escaped
	escape func(t *rapid.T, r rune) string
	Undo   func(string) (string, error)
}

func digitsIn(t *rapid.T, s string) string {
	if rapid.Bool().Draw(t, "upper case") {
		return strings.ToUpper(s)
	}
	return s
}

// Escapings are those that redaction promises to see through.
func Escapings() []Escaping {
	return []Escaping{
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

// Some escapes a random subset of the characters of a text.
func (e Escaping) Some(t *rapid.T, text string) string {
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

// Whole writes a secret whole: as it is, in hexadecimal or in base64 at any alignment.
func Whole(t *rapid.T, key string) (string, func(string) (string, error)) {
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

// Written draws a secret as others may write it: whole in some form, and up to so many times escaped.
func Written(t *rapid.T, key string, levels int) string {
	text, _ := Whole(t, key)
	for range rapid.IntRange(0, levels).Draw(t, "levels") {
		text = rapid.SampledFrom(Escapings()).Draw(t, "escaping").Some(t, text)
	}
	return text
}

var (
	unit    = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]`)
	percent = regexp.MustCompile(`(?:%[0-9a-fA-F]{2})+`)
)

// decoders decode what they can of a text, and leave the rest alone.
var decoders = []func(string) string{
	func(s string) string {
		return unit.ReplaceAllStringFunc(s, func(escaped string) (out string) {
			json.Unmarshal([]byte(`"`+escaped+`"`), &out) // it always decodes
			return out
		})
	},
	func(s string) string {
		return percent.ReplaceAllStringFunc(s, func(escaped string) string {
			out, _ := url.PathUnescape(escaped) // it always decodes
			return out
		})
	},
	html.UnescapeString,
	func(s string) string { return strings.ReplaceAll(s, "+", " ") },
}

// Reveals tells whether a text has a secret in any form, escaped up to four times. It decodes with the standard library alone.
func Reveals(text, key string) bool {
	views := map[string]bool{text: true}
	for level := range 5 {
		next := map[string]bool{}
		for view := range views {
			lower := strings.ToLower(view)
			if strings.Contains(view, key) || strings.Contains(lower, hex.EncodeToString([]byte(key))) || inBase64(view, key) {
				return true
			}
			for _, decode := range decoders {
				if decoded := decode(view); decoded != view && level < 4 {
					next[decoded] = true
				}
			}
		}
		views = next
	}
	return false
}

// inBase64 tells whether a text has a secret in base64, by what all surroundings of it have in common.
func inBase64(text, key string) bool {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(text)
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte("xyz"[:shift] + key))
		if strings.Contains(text, encoded[shift+(shift+1)/2:len(encoded)-1]) {
			return true
		}
	}
	return false
}
