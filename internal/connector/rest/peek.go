package rest

import (
	"io"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// MaxPeek bounds what Config.Peek is given of an answer, in bytes.
const MaxPeek = 64 << 10

// peeked lets whoever peeks see the beginning of a body when it is closed.
func (s *Source) peeked(body io.ReadCloser) io.ReadCloser {
	if s.peek == nil {
		return body
	}
	return &peeker{ReadCloser: body, known: s.gate.known, show: s.peek}
}

// peeker keeps the beginning of what is read through it.
type peeker struct {
	io.ReadCloser
	known *secret.Redactor
	show  func([]byte)
	kept  []byte
	cut   bool // something was read that is not kept
	whole bool // the body was read to its end
}

// Read keeps more than is shown, so that a secret at the cut is seen as a whole.
func (p *peeker) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	room := max(0, MaxPeek+p.known.Longest()-len(p.kept))
	p.kept = append(p.kept, b[:min(n, room)]...)
	p.cut = p.cut || n > room
	p.whole = err == io.EOF
	return n, err
}

// Close shows what was kept, without what may be the beginning of a secret that was not read to its end.
func (p *peeker) Close() error {
	clean := p.known.Bytes(p.kept) // before it is cut: half a secret is not known as one
	if p.cut || !p.whole {
		clean = clean[:max(0, len(clean)-p.known.Longest())]
	}
	p.show(clean[:min(len(clean), MaxPeek)])
	return p.ReadCloser.Close()
}
