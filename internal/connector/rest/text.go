package rest

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// plain appends a JSON text without needless escapes: what UTF-8 can say is said so. Control characters keep theirs, in one form. Half of a
// character, which no text may have, becomes U+FFFD and is counted.
func plain(to, from []byte) (text []byte, halves int) {
	for {
		i := bytes.IndexByte(from, '\\')
		if i < 0 || i+1 == len(from) {
			return append(to, from...), halves
		}
		to, from = append(to, from[:i]...), from[i:]
		switch from[1] {
		case '/':
			to, from = append(to, '/'), from[2:]
		case 'u':
			c, n := unescaped(from)
			if c == utf8.RuneError && n == 0 {
				c, n = utf8.RuneError, 6
				halves++
			}
			to, from = written(to, c, from[:min(n, len(from))]), from[min(n, len(from)):]
		default:
			to, from = append(to, from[:2]...), from[2:]
		}
	}
}

// unescaped reads an escape with four digits, or two that make a character together. Its length is 0 for half a character.
func unescaped(b []byte) (c rune, n int) {
	first := hex4(b)
	if !utf16.IsSurrogate(first) {
		return first, 6
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if c = utf16.DecodeRune(first, hex4(b[6:])); c != utf8.RuneError {
			return c, 12
		}
	}
	return utf8.RuneError, 0
}

// hex4 is the number behind \u, which was found to be valid.
func hex4(b []byte) (c rune) {
	for _, digit := range b[2:min(6, len(b))] {
		c <<= 4
		switch {
		case digit >= 'a':
			c += rune(digit-'a') + 10
		case digit >= 'A':
			c += rune(digit-'A') + 10
		default:
			c += rune(digit - '0')
		}
	}
	return c
}

// short are the control characters whose escape has one letter.
var short = map[rune]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '"': `\"`, '\\': `\\`}

// written appends a character that was escaped.
func written(to []byte, c rune, escape []byte) []byte {
	switch {
	case short[c] != "":
		return append(to, short[c]...)
	case c < ' ':
		return append(to, bytes.ToLower(escape)...)
	}
	return utf8.AppendRune(to, c)
}
