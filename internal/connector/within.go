package connector

import (
	"strings"
	"unicode"
)

// maxDecoding is how often a path may be decoded before it counts as an attempt to hide something.
const maxDecoding = 4

// Within tells whether a path, as it is written in a URL, is the base path or below it, and stays there whatever the server makes of it: however
// often it decodes the path, whether it takes a backslash for a slash, and whether it cuts a part at its semicolon. The base path is as
// [url.URL.EscapedPath] returns it; a slash at its end does not matter.
func Within(base, path string) bool {
	base = strings.TrimRight(base, "/")
	rest, ok := strings.CutPrefix(path, base)
	if !ok || rest != "" && rest[0] != '/' {
		return false
	}
	for range maxDecoding {
		if climbs(path) {
			return false
		}
		decoded := decode(path)
		if decoded == path {
			return true
		}
		path = decoded
	}
	return false
}

// climbs tells whether a part of a path is, or may be taken for, the folder above or the same folder.
func climbs(path string) bool {
	for part := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		part, _, _ = strings.Cut(part, ";")
		if dots := strings.TrimFunc(part, unicode.IsSpace); dots == "." || dots == ".." {
			return true
		}
	}
	return strings.ContainsFunc(path, unicode.IsControl)
}

// decode undoes the percent-encoding of a path once: also what is wrong in a UTF-8 text or a URL, as a lenient server would.
func decode(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		c, size := decodeByte(path[i:])
		b.WriteByte(c)
		i += size - 1
	}
	// An overlong form of an ASCII character, which UTF-8 forbids and old servers take.
	return strings.NewReplacer("\xc0\xae", ".", "\xc0\xaf", "/", "\xc1\x9c", "\\", "\xe0\x80\xae", ".", "\xe0\x80\xaf", "/").Replace(b.String())
}

// decodeByte returns the first byte of a text, and how many bytes stand for it.
func decodeByte(text string) (c byte, size int) {
	if len(text) >= 3 && text[0] == '%' {
		high, low := unhex(text[1]), unhex(text[2])
		if high >= 0 && low >= 0 {
			return byte(high<<4 | low), 3
		}
	}
	if len(text) >= 6 && text[0] == '%' && (text[1] == 'u' || text[1] == 'U') && text[2] == '0' && text[3] == '0' {
		high, low := unhex(text[4]), unhex(text[5])
		if high >= 0 && low >= 0 {
			return byte(high<<4 | low), 6
		}
	}
	return text[0], 1
}

// unhex returns the value of a hexadecimal digit, -1 if it is not one.
func unhex(c byte) int {
	if c >= 'A' && c <= 'F' {
		c += 'a' - 'A'
	}
	return strings.IndexByte("0123456789abcdef", c)
}
