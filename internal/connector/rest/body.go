package rest

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/sallyport-io/sallyport"
)

// How long a system may take. A response that is slower would keep others from the place that its run works in.
const (
	silence  = 60 * time.Second // how long a response may pause; as long as it may compute before its first byte
	minSpeed = 1 << 10          // bytes per second that it must bring, on average over
	window   = 60 * time.Second // this time: as long as a pause, so that a pause alone is never too slow, nor is a short response
	longest  = 30 * time.Minute // a response altogether: the largest, 1 GiB, needs 5 Mbit/s
)

var (
	errSilent = fmt.Errorf("nothing came for %s", silence)
	errSlow   = fmt.Errorf("it came slower than %s per second", humanize.IBytes(minSpeed))
	errLate   = fmt.Errorf("it took longer than %s", sallyport.Duration(longest))
)

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
	waited   time.Duration     // for the system, since the request
	judged   time.Duration     // of that, before the window in which the speed is measured
	brought  int64             // bytes in that window
	err      error             // what ended it before its end
	over     bool              // err is about a bound of size
	head     []byte            // the beginning of what was read
}

// newBody bounds a body whose system was waited for already for a while.
func newBody(source io.ReadCloser, maxBody, maxValue int64, waited time.Duration, stop func(cause error)) *body {
	b := &body{source: source, maxBody: maxBody, maxValue: maxValue, waited: waited, judged: waited, stop: stop}
	b.silent = time.AfterFunc(silence, func() {
		b.fell.Store(true)
		stop(errSilent)
	})
	b.silent.Stop()
	return b
}

// Read reads on unless a bound is reached. Only the time that it waits for the system counts.
func (b *body) Read(p []byte) (int, error) {
	if b.err == nil {
		b.err = b.exceeded()
		b.over = b.err != nil
	}
	if b.err == nil && b.waited >= longest {
		b.err = errLate
	}
	if b.err != nil {
		return 0, b.err
	}
	b.silent.Reset(min(silence, longest-b.waited))
	begin := time.Now()
	n, err := b.source.Read(p)
	b.silent.Stop()
	b.size += int64(n)
	if room := maxHead - len(b.head); room > 0 {
		b.head = append(b.head, p[:min(n, room)]...)
	}
	b.waited += time.Since(begin)
	switch {
	case err != nil && b.fell.Load() && b.waited >= longest:
		b.err = errLate
	case err != nil && b.fell.Load():
		b.err = errSilent
	case err != nil && err != io.EOF:
		b.err = err
	case err == nil:
		b.err = b.tooSlow(n)
	}
	return n, err
}

// tooSlow measures the speed, window by window.
func (b *body) tooSlow(n int) error {
	b.brought += int64(n)
	took := b.waited - b.judged
	if took < window {
		return nil
	}
	if float64(b.brought) < minSpeed*took.Seconds() {
		return errSlow
	}
	b.judged, b.brought = b.waited, 0
	return nil
}

// slow tells whether it ended because it was too slow: at once it would not be faster.
func (b *body) slow() bool { return b.err == errSlow || b.err == errLate }

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
