package secret

import (
	"cmp"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Redacted stands where a secret stood.
const Redacted = "[redacted]"

// MinLength is the length in bytes from which a secret is searched for: shorter ones stand in too much innocent text.
const MinLength = 8

// Redactor replaces known secrets in text, however they are written there: as they are, with any of their characters escaped up to three
// times as in JSON, URLs and HTML, in hexadecimal, and in base64 at any alignment. The zero value knows none. It is safe for concurrent use.
type Redactor struct {
	base *Redactor // knows more; nil: nobody
	only bool      // of the base, only distinctive secrets count

	mu       sync.RWMutex
	known    map[string]*known
	size     atomic.Int64 // of known; like spaced it is read without the lock
	spaced   atomic.Bool  // a known secret has a space
	short    index        // forms under 16 bytes
	long     index
	census   census
	alphabet alphabet // the bytes that matter in an escape

	searches sync.Pool // of *search
}

// known is a secret that a redactor knows.
type known struct {
	text        string
	added       int
	distinctive bool
	at          [forms]int // where each form has its segment; -1: another form is the same
}

// span is a part of a text.
type span struct{ start, end int }

// NewRedactor returns a redactor that knows the given secrets.
func NewRedactor(secrets ...Text) *Redactor {
	r := new(Redactor)
	r.Add(secrets...)
	return r
}

// Add makes secrets known, each until it is forgotten as often as it was added, and with it the key that stands in it behind a word, as in
// "Token KEY". Values under 8 bytes are ignored.
func (r *Redactor) Add(secrets ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range withParts(secrets) {
		text := s.plain()
		if !s.Searchable() || strings.Contains(Redacted, text) {
			continue
		}
		if k := r.known[text]; k != nil {
			k.added++
			continue
		}
		r.learn(&known{text: text, added: 1, distinctive: s.Distinctive()})
	}
}

func (r *Redactor) learn(k *known) {
	if r.known == nil {
		r.known = map[string]*known{}
		r.short.width, r.long.width = MinLength, 2*MinLength
	}
	r.known[k.text] = k
	r.count(k.text, 1)
	for f := range forms {
		k.at[f] = -1
		written := f.write(k.text)
		if f > inBase64 && (f-inBase64)%2 == 1 && written == (f-1).write(k.text) {
			continue // both alphabets write it alike
		}
		k.at[f] = r.indexOf(written).add(k, f, written)
	}
}

// Forget undoes one Add of each secret.
func (r *Redactor) Forget(secrets ...Text) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range withParts(secrets) {
		k := r.known[s.plain()]
		if k == nil {
			continue
		}
		if k.added--; k.added > 0 {
			continue
		}
		delete(r.known, k.text)
		r.count(k.text, -1)
		for f := range forms {
			if k.at[f] >= 0 {
				written := f.write(k.text)
				r.indexOf(written).remove(k, f, written)
			}
		}
	}
}

func (r *Redactor) count(secret string, by int) {
	r.size.Add(int64(by))
	r.alphabet = r.census.count(secret, by)
	r.spaced.Store(r.alphabet.has(' '))
}

// indexOf is the index for a form as it is written.
func (r *Redactor) indexOf(written string) *index {
	if len(written) < r.long.width {
		return &r.short
	}
	return &r.long
}

// With returns a redactor that knows what r knows, at any time, and these secrets. Adding to it leaves r alone, which may be nil.
func (r *Redactor) With(secrets ...Text) *Redactor {
	child := &Redactor{base: r}
	child.Add(secrets...)
	return child
}

// Distinctive returns a redactor that knows those of r's secrets, at any time, that are [Text.Distinctive].
func (r *Redactor) Distinctive() *Redactor { return &Redactor{base: r, only: true} }

// Contains tells whether a known secret is in a text.
func (r *Redactor) Contains(s string) bool { return len(r.find([]byte(s), false)) > 0 }

// Bytes returns b with every known secret replaced. It returns b itself, unchanged, when there is none.
func (r *Redactor) Bytes(b []byte) []byte {
	clean, _ := replace(b, r.find(b, false))
	return clean
}

// Cut is Bytes for a text that was cut off: at its end, the beginning of a secret is replaced, too, if it has at least 4 bytes.
func (r *Redactor) Cut(b []byte) []byte {
	clean, _ := replace(b, r.find(b, true))
	return clean
}

// String returns s with every known secret replaced.
func (r *Redactor) String(s string) string {
	b := []byte(s)
	clean, n := replace(b, r.find(b, false))
	if n == 0 {
		return s
	}
	return string(clean)
}

// Value is String for one value of a document of our own: a time or an id of Sallyport stays as it is.
func (r *Redactor) Value(s string) string {
	if isOwn(s) {
		return s
	}
	return r.String(s)
}

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

// replace replaces spans of a text, those that overlap as one: of a secret that begins within another one, no rest is left. It counts the
// replacements.
func replace(b []byte, spans []span) (out []byte, n int) {
	if len(spans) == 0 {
		return b, 0
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	done := -1
	for _, s := range spans {
		if done < 0 || s.start >= done {
			out = append(append(out, b[max(done, 0):s.start]...), Redacted...)
			n++
		}
		done = max(done, s.end)
	}
	return append(out, b[done:]...), n
}

// find returns where known secrets are in a text, in no order.
func (r *Redactor) find(b []byte, cut bool) []span {
	spans := r.look(b, cut, nil)
	if cut || r.mayEscape(b) {
		return r.findEscaped(b, cut, spans)
	}
	return spans
}

// matters are the bytes that matter in an escape, because a known secret may have them.
func (r *Redactor) matters() (all alphabet) {
	for ; r != nil; r = r.base {
		r.mu.RLock()
		all.addAll(r.alphabet)
		r.mu.RUnlock()
	}
	return all
}

// look appends where known secrets are in a text as it is written.
func (r *Redactor) look(text []byte, cut bool, spans []span) []span {
	only := false
	for ; r != nil; r = r.base {
		spans = r.search(text, only, cut, spans)
		only = only || r.only
	}
	return spans
}

// search appends where the secrets are that r knows itself.
func (r *Redactor) search(text []byte, distinctive, cut bool, spans []span) []span {
	if r.size.Load() == 0 {
		return spans
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	spans = r.short.find(text, distinctive, spans)
	spans = r.long.find(text, distinctive, spans)
	if cut {
		for _, k := range r.known {
			if k.distinctive || !distinctive {
				spans = k.findCut(text, spans)
			}
		}
	}
	return spans
}

// minCut is the shortest beginning of a secret that counts at the end of a text.
const minCut = 4

// findCut appends the end of a text that is the beginning of a secret.
func (k *known) findCut(text []byte, spans []span) []span {
	for f, at := range k.at {
		if at < 0 {
			continue
		}
		written := form(f).write(k.text)
		for n := min(len(written)-1, len(text)); n >= minCut; n-- {
			if end := text[len(text)-n:]; form(f) == inHex && strings.EqualFold(string(end), written[:n]) || string(end) == written[:n] {
				before, _ := form(f).mixed(len(k.text))
				spans = append(spans, span{max(len(text)-n-before, 0), len(text)})
				break
			}
		}
	}
	return spans
}
