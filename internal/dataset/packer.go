// Package dataset says how records are packed into batches, how a schema is found and how records are read back.
package dataset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/sallyport-io/sallyport"
)

// BatchBytes is the size at which a batch is full, in bytes of JSON lines. A batch is larger only by its last record.
const BatchBytes = 1 << 20

// maxUnpacked bounds what one batch may unpack to: a full one and the largest record.
const maxUnpacked = 64 << 20

// Packer packs records into batches, and tells those of finished pages from those of the page that is being read. It is used by one
// goroutine at a time, and reused from batch to batch. A batch is compressed while the next one is filled.
type Packer struct {
	encoder  *zstd.Encoder
	lines    []byte
	records  int64
	finished mark
	spare    []byte         // the lines of the batch that is being compressed
	busy     sync.WaitGroup // while it is
}

// mark is how far the finished pages reach.
type mark struct {
	bytes   int
	records int64
}

// NewPacker makes a packer.
func NewPacker() (*Packer, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	return &Packer{encoder: encoder}, nil
}

// Add takes a record, a JSON value without line breaks, and tells whether there is enough for a batch.
func (p *Packer) Add(record []byte) (full bool) {
	if p.lines == nil {
		p.lines = make([]byte, 0, BatchBytes+64<<10)
	}
	p.lines = append(append(p.lines, record...), '\n')
	p.records++
	return len(p.lines) >= BatchBytes
}

// Bytes is the size of what was added and not packed.
func (p *Packer) Bytes() int64 { return int64(len(p.lines)) }

// HasFinished tells whether it holds records of finished pages.
func (p *Packer) HasFinished() bool { return p.finished.records > 0 }

// Finish says that the page is read to its end.
func (p *Packer) Finish() { p.finished = mark{len(p.lines), p.records} }

// Discard forgets the records of the unfinished page.
func (p *Packer) Discard() { p.lines, p.records = p.lines[:p.finished.bytes], p.finished.records }

// Pack makes a batch, without a dataset, run or number: of the finished pages if it has records of any, else of the unfinished one. It has
// its body and hash after Wait.
func (p *Packer) Pack() (batch *sallyport.Batch, finished bool) {
	cut := p.finished
	if finished = p.HasFinished(); !finished {
		cut = mark{len(p.lines), p.records}
	}
	p.Wait()
	p.lines, p.spare = append(p.spare[:0], p.lines[cut.bytes:]...), p.lines[:cut.bytes]
	p.records -= cut.records
	p.finished = mark{}
	batch = &sallyport.Batch{Records: cut.records, Bytes: int64(cut.bytes)}
	p.busy.Go(func() {
		batch.Body = p.encoder.EncodeAll(p.spare, make([]byte, 0, cut.bytes/4))
		sum := sha256.Sum256(batch.Body)
		batch.Hash = hex.EncodeToString(sum[:])
	})
	return batch, finished
}

// Wait returns when the batches that were packed have their bodies.
func (p *Packer) Wait() { p.busy.Wait() }

// Unpacker reads batches back. It is used by one goroutine at a time; every batch reuses its memory.
type Unpacker struct {
	decoder *zstd.Decoder
	lines   []byte
}

// NewUnpacker makes an unpacker.
func NewUnpacker() (*Unpacker, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxUnpacked))
	if err != nil {
		return nil, err
	}
	return &Unpacker{decoder: decoder}, nil
}

// Close lets go of the memory.
func (u *Unpacker) Close() { u.decoder.Close() }

// Records returns the records of a batch. They are valid until the next call.
func (u *Unpacker) Records(b sallyport.Batch) (iter.Seq[[]byte], error) {
	lines, err := u.decoder.DecodeAll(b.Body, u.lines[:0])
	if err != nil {
		return nil, fmt.Errorf("batch %d of dataset %s cannot be unpacked: %w", b.Seq, b.DatasetID, err)
	}
	u.lines = lines
	return func(yield func([]byte) bool) {
		for rest := lines; len(rest) > 0; {
			i := bytes.IndexByte(rest, '\n')
			if i < 0 {
				i = len(rest)
			}
			if !yield(rest[:i]) {
				return
			}
			rest = rest[min(i+1, len(rest)):]
		}
	}, nil
}
