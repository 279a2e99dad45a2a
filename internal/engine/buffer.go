package engine

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

const (
	maxRejected    = 10_000   // values that are no records, between two commits
	maxRejectBytes = 64 << 10 // what is kept of one of them,
	fewRejectBytes = 1000     // and when there are many
)

// What stands around the number of bytes at the end of an excerpt.
const (
	cutMark = "… ("
	cutEnd  = " bytes)"
)

// buffer holds what was read since the last commit, and tells finished pages from the one that is being read: an error takes back that one
// only.
type buffer struct {
	packer   *dataset.Packer
	finished chunk
	page     chunk
	rejected int64 // bytes of rejected values
}

// chunk is some records, with what was counted of them.
type chunk struct {
	pages, records, bytes int64
	seen                  int64              // records that the source gave; records are those that are kept of them
	batches               []*sallyport.Batch // without their bodies until the packer is done
	quarantined           []sallyport.Quarantined
	judged                judgements
}

func newBuffer() (buffer, error) {
	packer, err := dataset.NewPacker()
	return buffer{packer: packer}, err
}

// add keeps a record of the page.
func (b *buffer) add(record []byte) {
	b.page.records++
	b.page.bytes += int64(len(record)) + 1
	for full := b.packer.Add(record); full; full = b.packer.Bytes() >= dataset.BatchBytes {
		b.pack()
	}
}

// pack makes a batch of the finished pages or, when it has none of these, of the unfinished one.
func (b *buffer) pack() {
	if batch, finished := b.packer.Pack(); finished {
		b.finished.batches = append(b.finished.batches, batch)
	} else {
		b.page.batches = append(b.page.batches, batch)
	}
}

// reject keeps a value of the page that is no record, or an excerpt of it. It returns false when there are too many.
func (b *buffer) reject(value []byte, q sallyport.Quarantined) bool {
	limit := maxRejectBytes
	if b.rejected > commitBytes {
		limit = fewRejectBytes
	}
	q.Record = excerpt(value, limit)
	b.rejected += int64(len(q.Record))
	b.page.quarantined = append(b.page.quarantined, q)
	return len(b.page.quarantined)+len(b.finished.quarantined) <= maxRejected
}

// finish says that the page was read to its end.
func (b *buffer) finish() {
	b.packer.Finish()
	b.finished.pages += b.page.pages
	b.finished.records += b.page.records
	b.finished.bytes += b.page.bytes
	b.finished.batches = append(b.finished.batches, b.page.batches...)
	b.finished.quarantined = append(b.finished.quarantined, b.page.quarantined...)
	b.finished.seen += b.page.seen
	b.finished.judged.add(&b.page.judged)
	b.page = chunk{judged: b.page.judged.empty()}
}

// hasFinished tells whether there is anything of finished pages.
func (b *buffer) hasFinished() bool {
	return b.finished.pages > 0 || b.finished.seen > 0 || len(b.finished.quarantined) > 0
}

// discard takes back the page that is being read.
func (b *buffer) discard() {
	b.packer.Discard()
	b.page = chunk{}
}

// ready packs what there is of the finished pages, and returns them with their batches.
func (b *buffer) ready() (chunk, []sallyport.Batch) {
	if b.packer.HasFinished() {
		b.pack()
	}
	return b.finished, b.whole(b.finished.batches)
}

// whole returns batches with their bodies.
func (b *buffer) whole(batches []*sallyport.Batch) []sallyport.Batch {
	b.packer.Wait()
	whole := make([]sallyport.Batch, len(batches))
	for i, batch := range batches {
		whole[i] = *batch
	}
	return whole
}

// committed forgets the finished pages.
func (b *buffer) committed() { b.finished, b.rejected = chunk{judged: b.finished.judged.empty()}, 0 }

// takeOpen takes out the batches of the page that is being read, and what its records were judged to be.
func (b *buffer) takeOpen() ([]sallyport.Batch, []store.ChangePart) {
	batches, parts := b.whole(b.page.batches), b.page.judged.parts()
	b.page.batches, b.page.judged.entries, b.page.judged.keys = nil, nil, nil
	return batches, parts
}

// waiting is the size of the finished pages, open that of the batches of the page that is being read.
func (b *buffer) waiting() int64 {
	return sum(b.finished.batches) + b.packer.Bytes() + b.finished.judged.bytes()
}
func (b *buffer) open() int64 { return sum(b.page.batches) + b.page.judged.bytes() }

func sum(batches []*sallyport.Batch) (bytes int64) {
	for _, b := range batches {
		bytes += b.Bytes
	}
	return bytes
}

// excerpt keeps a value as it is when it is short, and the beginning of it as a text when it is long.
func excerpt(value []byte, limit int) json.RawMessage {
	if len(value) <= limit {
		return bytes.Clone(value)
	}
	quoted, err := json.Marshal(fmt.Sprintf("%s%s%d%s", value[:fewRejectBytes], cutMark, len(value), cutEnd))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return quoted
}

// kindOf names the kind of a JSON value that is no object.
func kindOf(value []byte) string {
	switch {
	case len(value) == 0:
		return "nothing"
	case value[0] == '[':
		return "a list"
	case value[0] == '"':
		return "a text"
	case value[0] == 't' || value[0] == 'f':
		return "true or false"
	case value[0] == 'n':
		return "null"
	}
	return "a number"
}
