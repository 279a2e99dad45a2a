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

// Read keeps as much as is shown.
func (p *peeker) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	room := MaxPeek - len(p.kept)
	p.kept = append(p.kept, b[:min(n, room)]...)
	p.cut = p.cut || n > room
	p.whole = err == io.EOF
	return n, err
}

// Close shows what was kept, without a secret that was not read to its end.
func (p *peeker) Close() error {
	redact := p.known.Bytes
	if p.cut || !p.whole {
		redact = p.known.Cut
	}
	clean := redact(p.kept)
	p.show(clean[:min(len(clean), MaxPeek)])
	return p.ReadCloser.Close()
}
