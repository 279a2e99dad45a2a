package secret

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// minLength is the shortest value that is looked for: shorter ones stand in too much innocent text.
const minLength = 8

// Redactor replaces known secrets in text, however they are written there. The zero value knows none. It is safe for concurrent use.
type Redactor struct {
	base *Redactor // knows more; nil: nobody
	only bool      // of the base, only distinctive secrets count

	mu      sync.RWMutex
	known   map[string]int // how often each secret was added
	matcher *matcher       // of the known; nil: none
	sharp   *matcher       // of the distinctive among them
}

// NewRedactor returns a redactor that knows the given secrets.
func NewRedactor(secrets ...Text) *Redactor {
	r := new(Redactor)
	r.Add(secrets...)
	return r
}

// Add makes secrets known, each until it is forgotten as often as it was added. Values under 8 bytes are ignored.
func (r *Redactor) Add(secrets ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]int{}
	}
	for _, s := range secrets {
		if len(s.plain()) >= minLength {
			r.known[s.plain()]++
		}
	}
	r.rebuild()
}

// Forget undoes one Add of each secret.
func (r *Redactor) Forget(secrets ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		switch n := r.known[s.plain()]; n {
		case 0:
		case 1:
			delete(r.known, s.plain())
		default:
			r.known[s.plain()] = n - 1
		}
	}
	r.rebuild()
}

func (r *Redactor) rebuild() {
	all, sharp := map[string]bool{}, map[string]bool{}
	for s := range r.known {
		for _, form := range forms(s) {
			all[form] = true
			if New(s).Distinctive() {
				sharp[form] = true
			}
		}
	}
	r.matcher, r.sharp = nil, nil
	if len(all) > 0 {
		r.matcher = newMatcher(all)
	}
	if len(sharp) > 0 {
		r.sharp = newMatcher(sharp)
	}
}

// With returns a redactor that knows what r knows, at any time, and these secrets. Adding to it leaves r alone.
func (r *Redactor) With(secrets ...Text) *Redactor {
	child := &Redactor{base: r}
	child.Add(secrets...)
	return child
}

// Distinctive returns a redactor that knows those of r's secrets, at any time, that are [Text.Distinctive].
func (r *Redactor) Distinctive() *Redactor { return &Redactor{base: r, only: true} }

// Contains tells whether a known secret is in a text.
func (r *Redactor) Contains(s string) bool { return r.String(s) != s }

// Longest is the length of the longest form of a known secret: from a text that was cut off, that much of the end may be a part of one.
func (r *Redactor) Longest() (n int) {
	if r.base != nil {
		n = r.base.Longest()
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for s := range r.known {
		for _, form := range forms(s) {
			n = max(n, len(form))
		}
	}
	return n
}

// Bytes returns b with every known secret replaced. It returns b itself, unchanged, when there is none.
func (r *Redactor) Bytes(b []byte) []byte { return r.bytes(b, false) }

func (r *Redactor) bytes(b []byte, distinctive bool) []byte {
	if r.base != nil {
		b = r.base.bytes(b, distinctive || r.only)
	}
	r.mu.RLock()
	m := r.matcher
	if distinctive {
		m = r.sharp
	}
	r.mu.RUnlock()
	if m == nil {
		return b
	}
	start, end := m.find(b)
	if start < 0 {
		return b
	}
	var out []byte
	for start >= 0 {
		out = append(append(out, b[:start]...), Redacted...)
		b = b[end:]
		start, end = m.find(b)
	}
	return append(out, b...)
}

// String returns s with every known secret replaced.
func (r *Redactor) String(s string) string { return string(r.Bytes([]byte(s))) }

// Writer returns a writer that redacts what is written to w. A secret must come within one Write to be seen.
func (r *Redactor) Writer(w io.Writer) io.Writer { return &writer{r, w} }

type writer struct {
	r *Redactor
	w io.Writer
}

func (w *writer) Write(b []byte) (int, error) {
	if _, err := w.w.Write(w.r.Bytes(b)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// forms lists the ways in which a secret may be written in a text.
func forms(s string) []string {
	if len(s) < minLength {
		return nil
	}
	quoted, _ := json.Marshal(s) // a string always encodes
	escaped := string(quoted[1 : len(quoted)-1])
	all := []string{
		s, escaped, strings.ReplaceAll(escaped, "/", `\/`), unescapeHTML(escaped),
		url.QueryEscape(s), url.PathEscape(s), (&url.URL{Path: s}).EscapedPath(), url.UserPassword("", s).String()[1:],
		hex.EncodeToString([]byte(s)), strings.ToUpper(hex.EncodeToString([]byte(s))),
	}
	for _, form := range all {
		all = append(all, escape.ReplaceAllStringFunc(form, strings.ToLower))
	}
	for shift := range 3 {
		all = append(all, base64At(base64.RawStdEncoding, s, shift), base64At(base64.RawURLEncoding, s, shift))
	}
	return slices.DeleteFunc(all, func(form string) bool { return len(form) < minLength })
}

// escape is a byte in a URL; its digits may be written in either case.
var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

// unescapeHTML takes back the escapes of <, > and & that encoding/json adds and others do not.
func unescapeHTML(escaped string) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(escaped)
}

// base64At returns those characters of an encoding that depend on s alone when s begins shift bytes into a group of three.
func base64At(encoding *base64.Encoding, s string, shift int) string {
	encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
	from := []int{0, 2, 3}[shift] // characters that also hold bits of what stands before
	if (shift+len(s))%3 != 0 {
		encoded = encoded[:len(encoded)-1] // and of what stands behind
	}
	return encoded[from:]
}

// matcher finds the first of several patterns in one pass: Wu and Manber's algorithm, with blocks of two bytes.
// It looks at about one position in every min of them, which is what makes redacting every record affordable.
type matcher struct {
	patterns [][]byte // longest first
	min      int      // length of the shortest pattern
	shift    [1 << 16]uint8
}

func newMatcher(forms map[string]bool) *matcher {
	m := new(matcher)
	for form := range forms {
		m.patterns = append(m.patterns, []byte(form))
	}
	slices.SortFunc(m.patterns, func(a, b []byte) int { return cmp.Or(len(b)-len(a), bytes.Compare(a, b)) })
	m.min = min(len(m.patterns[len(m.patterns)-1]), 255)
	for i := range m.shift {
		m.shift[i] = uint8(m.min - 1)
	}
	for _, p := range m.patterns {
		for i := 1; i < m.min; i++ {
			b := block(p, i)
			m.shift[b] = min(m.shift[b], uint8(m.min-1-i))
		}
	}
	return m
}

// block is the two bytes of b that end at i.
func block(b []byte, i int) uint16 { return uint16(b[i-1])<<8 | uint16(b[i]) }

// find returns where the first match begins and ends: the longest pattern there. It returns -1 when there is none.
func (m *matcher) find(b []byte) (start, end int) {
	for i := m.min - 1; i < len(b); {
		if skip := m.shift[block(b, i)]; skip > 0 {
			i += int(skip)
			continue
		}
		start := i - m.min + 1
		for _, p := range m.patterns {
			if bytes.HasPrefix(b[start:], p) {
				return start, start + len(p)
			}
		}
		i++
	}
	return -1, -1
}
