// Package content makes UTF-8 text of the body of a response.
//
// A [Reader] unpacks what is compressed (unpack.go, zip.go), finds the charset (charset.go), decodes it (decode.go), and passes valid UTF-8
// on without a byte order mark. It never replaces what it cannot decode: that is an [Error] with its position. What the bytes show counts
// more than what headers say. It holds no more than a few buffers, whatever the size of a body.
package content

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Accept is the Accept-Encoding of requests: the codings that are fastest to decode, and the least surprising. Every other coding that a
// [Reader] knows is decoded as well, if a system sends it anyway.
const Accept = "gzip, zstd"

const (
	window    = 16 << 10 // bytes that are looked at to find out what a text is
	maxBegin  = 64       // bytes of the text that are kept
	maxLayers = 4        // of compression, one within the other
	maxRatio  = 1000     // by which a body may grow
	freely    = 16 << 20 // bytes that it may grow to at any ratio
)

// Error says why a body is not the text that was expected, in words that follow "it".
type Error struct{ text string }

// Error returns the text.
func (e *Error) Error() string { return e.text }

func errorf(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Reader reads the text of a body. It reads nothing of the body before the first Read.
type Reader struct {
	header   http.Header
	encoding string // that a person declared; ""
	raw      counter
	unpacked *counter // by the last layer; nil: there is none
	tolerant bool
	text     io.Reader // nil before the first Read
	body     io.Closer
	begin    []byte // of the text
	layers   []io.Closer
	buffer   *bufio.Reader // of buffers
	err      error
}

// buffers are used again for one body after the other.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, window) }}

// New returns a reader of the text of a body. The header is the response's. The encoding is that of the text, if a person declared it, "" if
// the body and its header say it; see [CheckEncoding].
func New(header http.Header, body io.ReadCloser, encoding string) *Reader {
	return &Reader{header: header, encoding: encoding, raw: counter{from: body}, body: body}
}

// Read reads text. Its errors are an [Error], io.ErrUnexpectedEOF for a body that breaks off, or those of the body.
func (r *Reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if r.text == nil {
		if r.err = r.explain(r.open()); r.err != nil {
			return 0, r.err
		}
	}
	n, err := r.text.Read(p)
	if err == nil && r.unpacked != nil && r.unpacked.n > freely && r.unpacked.n/maxRatio > r.raw.n {
		err = errorf("it unpacks to more than %d times its size, as no real data does", maxRatio)
	}
	if len(r.begin) < maxBegin {
		r.begin = append(r.begin, p[:min(n, maxBegin-len(r.begin))]...)
	}
	r.err = r.explain(err)
	return n, r.err
}

// Tolerate makes r pass bytes on that are not UTF-8, for text that only people read, such as the reason of a failure. It must be called before Read.
func (r *Reader) Tolerate() { r.tolerant = true }

// IsMarkup tells whether the text that was read so far begins like a page of HTML, or XML.
func (r *Reader) IsMarkup() bool {
	return bytes.HasPrefix(bytes.TrimLeft(r.begin, " \t\r\n"), []byte("<"))
}

// Close closes the body, and frees what unpacking needed.
func (r *Reader) Close() error {
	for _, layer := range r.layers {
		layer.Close() // it was only read
	}
	r.layers, r.err = nil, io.ErrClosedPipe
	if r.buffer != nil {
		r.buffer.Reset(nil)
		buffers.Put(r.buffer)
		r.buffer = nil
	}
	return r.body.Close()
}

// explain makes an error of one that a decoder gave.
func (r *Reader) explain(err error) error {
	_, ours := errors.AsType[*Error](err)
	switch {
	case err == nil, err == io.EOF, ours:
		return err
	case r.raw.err != nil && r.raw.err != io.EOF:
		return r.raw.err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return errorf("its compressed data is damaged behind byte %d: %s", r.raw.n, strings.TrimSpace(err.Error()))
}

// open finds out what the body is, and opens the readers that it takes.
func (r *Reader) open() error {
	r.buffer = buffers.Get().(*bufio.Reader)
	r.buffer.Reset(&r.raw)
	in, err := r.unpack(r.buffer)
	if err != nil {
		return err
	}
	r.text, err = r.decoder(in)
	return err
}

// beginning is what is there of a body without waiting for more than its first bytes. The error is one of the body.
func beginning(in *bufio.Reader) ([]byte, error) {
	_, err := in.Peek(4)
	b, _ := in.Peek(in.Buffered())
	if err == io.EOF {
		err = nil
	}
	return b, err
}

// counter counts the bytes that are read through it, and keeps the error that ended them.
type counter struct {
	from io.Reader
	n    int64
	err  error
}

// Read reads on.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	c.err = err
	return n, err
}
