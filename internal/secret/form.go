package secret

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// form is a way of writing a whole secret. Escapes of single characters are not forms: they are decoded, see [view].
type form uint8

const (
	plain    form = iota
	inHex         // in either case
	inBase64      // and the five that follow: three alignments, each in the standard alphabet and in that of URLs
	forms    = inBase64 + 6
)

// shift is how many bytes stand before the secret in its first group of three, in base64.
func (f form) shift() int { return int(f-inBase64) / 2 }

// skip is how many characters of base64 stand before those that depend on the secret alone.
func (f form) skip() int { return f.shift() + min(f.shift(), 1) }

// mixed is how many characters before and behind a form hold bits of the secret and of its surroundings.
func (f form) mixed(length int) (before, behind int) {
	if f < inBase64 {
		return 0, 0
	}
	return min(f.shift(), 1), min((f.shift()+length)%3, 1)
}

// write returns a secret in a form: in base64, the characters that depend on the secret alone.
func (f form) write(secret string) string {
	switch f {
	case plain:
		return secret
	case inHex:
		return hex.EncodeToString([]byte(secret))
	}
	encoding := base64.RawStdEncoding
	if (f-inBase64)%2 == 1 {
		encoding = base64.RawURLEncoding
	}
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", f.shift()) + secret))
	_, behind := f.mixed(len(secret))
	return encoded[f.skip() : len(encoded)-behind]
}

// length is how many characters write returns for a secret of n bytes.
func (f form) length(n int) int {
	switch f {
	case plain:
		return n
	case inHex:
		return 2 * n
	}
	_, behind := f.mixed(n)
	return base64.RawStdEncoding.EncodedLen(f.shift()+n) - f.skip() - behind
}

// is tells whether text is a secret in this form.
func (f form) is(text []byte, secret string) bool {
	switch f {
	case plain:
		return string(text) == secret
	case inHex:
		return bytes.EqualFold(text, []byte(f.write(secret)))
	}
	return string(text) == f.write(secret)
}
