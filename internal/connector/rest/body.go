package rest

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
)

// silence is how long an answer may pause.
const silence = 60 * time.Second

var errSilent = fmt.Errorf("nothing came for %s", silence)

// body is the body of an answer, bounded in size, in the size of a single value, and in time. Its size counts after decompression.
type body struct {
	source   io.ReadCloser
	maxBody  int64
	maxValue int64
	decoded  func() int64      // how much of it was decoded already; nil: its values are not bounded
	stop     func(cause error) // ends the request
	silent   *time.Timer       // ends the request when it fires
	fell     atomic.Bool       // it did
	size     int64             // read so far
	err      error             // what ended it before its end
	over     bool              // err is about a bound of size
}

func newBody(source io.ReadCloser, maxBody, maxValue int64, stop func(cause error)) *body {
	b := &body{source: source, maxBody: maxBody, maxValue: maxValue, stop: stop}
	b.silent = time.AfterFunc(silence, func() {
		b.fell.Store(true)
		stop(errSilent)
	})
	b.silent.Stop()
	return b
}

// Read reads on unless a bound is reached. Only the time that it waits for the system counts as silence.
func (b *body) Read(p []byte) (int, error) {
	if b.err == nil {
		b.err = b.exceeded()
		b.over = b.err != nil
	}
	if b.err != nil {
		return 0, b.err
	}
	b.silent.Reset(silence)
	n, err := b.source.Read(p)
	b.silent.Stop()
	b.size += int64(n)
	switch {
	case err != nil && b.fell.Load():
		b.err = errSilent
	case err != nil && err != io.EOF:
		b.err = err
	}
	return n, err
}

func (b *body) exceeded() error {
	switch {
	case b.size > b.maxBody:
		return fmt.Errorf("it is larger than %s", humanize.IBytes(uint64(b.maxBody)))
	case b.decoded != nil && b.size-b.decoded() > b.maxValue:
		return fmt.Errorf("it has a record larger than %s", humanize.IBytes(uint64(b.maxValue)))
	}
	return nil
}

// Close ends the request.
func (b *body) Close() {
	b.silent.Stop()
	b.source.Close() // nothing more is wanted of it
	b.stop(nil)
}
