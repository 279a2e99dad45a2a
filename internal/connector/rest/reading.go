package rest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// reading is one pass over the pages of a source.
type reading struct {
	*Source
	cursor   string
	pages    int
	records  int64
	stream   stream // used again for every page
	plain    []byte // used again for every record with escapes
	replaced int64  // half characters of the present page
	compact  []byte // used again for every record that needs it
	forming  forming
	seed     maphash.Seed
	asked    map[uint64]uint64 // the hash of what the system sent last for each cursor so far
	taxii    *taxii            // nil with any other paging
	known    *known            // nil if the records have no key, or there is one page
	last     *page             // the one before this one
	usual    beside            // what stood beside the records of the first page; nil: it was not read yet
	had      map[uint64]bool   // the hashes of the pages so far that had records
	barren   int               // pages in a row that had no new record and still named a next one
	extent   extent            // how much of the list was read so far
	lasts    []step            // to the value in the last record that leads to the next page; nil: none does
	longest  int64             // records of the longest page so far
	began    bool              // this pass began with the first page
	lowered  bool              // the first page was shorter than size, and not the last one
}

func newReading(s *Source, cursor string) *reading {
	s = s.forRun()
	r := &reading{Source: s, forming: s.form.begin(), cursor: cursor, seed: maphash.MakeSeed(), asked: map[uint64]uint64{}, had: map[uint64]bool{}}
	if s.turner.Last != "" {
		r.lasts, _ = dotted("paging.last", s.turner.Last) // it was checked when the source was opened
	}
	r.cursor, r.extent = s.turner.unmark(cursor)
	r.began = cursor == ""
	switch {
	case s.turner.Type == sallyport.PagingTAXII:
		r.taxii = &taxii{asked: map[string]bool{}}
	case s.turner.Type != sallyport.PagingSingle && s.turner.Type != "" && len(s.key) > 0:
		r.known = newKnown(s.key, r.seed)
	}
	return r
}

// page is a page while it is read.
type page struct {
	connector.Page
	*reading
	answer  *answer
	cursor  string // that it was asked for with
	count   int64
	fresh   int64          // records that were not there before
	moved   bool           // a key of an earlier page came again, with other contents
	ending  jsontext.Value // what stood at lasts in the last record so far
	held    [][]byte       // records whose keys are known, until the first new one
	room    int            // bytes that may still be held
	queue   [][]byte       // records that come before the next one
	hash    maphash.Hash
	sum     uint64  // the hash of what the system sent
	content uint64  // the hash of the last record
	sums    [8]byte // used again
	err     error   // errUnread until it was read to its end
}

// open asks for the page at the cursor, again if need be, until its first record is there.
func (r *reading) open(ctx context.Context) (*page, error) {
	if r.pages++; r.pages > r.limits.Pages {
		return nil, r.judge.broken(connector.ClassPermanent, 200, fmt.Errorf("there are more than %d pages", r.limits.Pages))
	}
	if text, is := strings.CutPrefix(r.cursor, faulty); is {
		return nil, r.judge.broken(connector.ClassPermanent, http.StatusOK, errors.New(text))
	}
	call, err := r.call()
	if err != nil {
		return nil, err
	}
	answer, err := r.repeat(ctx, call)
	incomplete := ""
	if f, ok := errors.AsType[*connector.Failure](err); ok {
		if incomplete, err = r.missing(f); err == nil {
			answer = nil
		}
	}
	if err != nil {
		return nil, err
	}
	p := newPage(r, answer)
	p.Incomplete = incomplete
	return p, nil
}

func newPage(r *reading, answer *answer) *page {
	p := &page{reading: r, answer: answer, cursor: r.cursor, room: maxHeld, err: errUnread}
	p.hash.SetSeed(r.seed)
	if answer != nil {
		if t, ok := answer.decoder.(*tree); ok {
			p.Replaced = int64(t.halves)
		}
	}
	p.Records = p.read
	return p
}

// missing is what the failure of a page means: no error if the page has no records, or the one before it was the last. Only pages that are
// counted end with "not found": after any other, it is a page that the one before it led to.
func (r *reading) missing(f *connector.Failure) (incomplete string, err error) {
	named := f.Class == connector.ClassEmpty || f.Class == connector.ClassNotFound
	behind := r.turner.counts() && r.cursor != "" && r.cursor != strconv.FormatInt(r.turner.start(), 10)
	switch {
	case r.cursor == "" && f.Class == connector.ClassEmpty:
		return "", nil
	case behind && (named || f.Missing()):
		return "", nil
	case behind && r.lowered && r.pages == 2 && f.Class == connector.ClassPermanent && f.Status/100 == 4:
		return fmt.Sprintf("the first page had %d records, fewer than paging.size, and the request for the next one failed (HTTP %d)", r.longest, f.Status), nil
	case r.cursor == "" || !named && !f.Missing():
		return "", f
	case named:
		return "", r.judge.broken(connector.ClassPermanent, f.Status, fmt.Errorf("it says %q of a page that the one before it led to", f.Said()))
	}
	f.Later = true
	return "", f
}

// call is the one for the page at the cursor.
func (r *reading) call() (call, error) {
	if r.taxii != nil {
		return r.taxii.ask(r.first, r.cursor)
	}
	return r.turner.ask(r.first, r.cursor)
}

// read yields the records of the page and, behind the last, finds out what the next page is.
func (p *page) read(yield func([]byte, error) bool) {
	if p.err != errUnread {
		return
	}
	for {
		record, err := p.record()
		if err == io.EOF {
			err = p.finish()
			p.err = err
		}
		switch {
		case err != nil:
			p.err = err
			yield(nil, err)
			return
		case record == nil:
			return
		}
		if !yield(record, nil) {
			return
		}
	}
}

// record returns the next record as it is passed on. Records whose keys earlier pages had wait for the first new one of their page: a page that
// has none is no part of the list.
func (p *page) record() (jsontext.Value, error) {
	for {
		if len(p.queue) > 0 {
			record := p.queue[0]
			p.queue = p.queue[1:]
			return record, nil
		}
		record, err := p.next()
		switch {
		case err != nil:
			return nil, err
		case p.taxii != nil && !p.taxii.isNew(record):
		case p.known == nil || p.isFresh(record):
			p.fresh++
			if len(p.held) == 0 {
				return record, nil
			}
			p.queue, p.held = append(p.held, bytes.Clone(record)), nil
		default:
			p.held = append(p.held, bytes.Clone(record))
			p.room -= len(record)
		}
	}
}

// isFresh tells whether a record is passed on at once: its key is new, or that of an earlier record of its page was.
func (p *page) isFresh(record []byte) bool {
	fresh, moved := p.known.add(record, p.content, p.fresh == 0)
	p.moved = p.moved || moved
	return fresh || p.fresh > 0 || p.room < len(record)
}

// next returns the next record, whether it was there before or not.
func (p *page) next() (jsontext.Value, error) {
	if p.answer == nil {
		return nil, io.EOF
	}
	record, err := p.answer.next()
	if err != nil {
		return nil, err
	}
	if p.records++; p.records > p.limits.Records {
		return nil, p.answer.broken(fmt.Errorf("there are more than %d records", p.limits.Records))
	}
	p.count++
	if p.Flaw = p.answer.flaw(); p.Flaw == "" {
		record, p.Flaw = p.answer.values.take(record)
	}
	if p.lasts != nil {
		p.ending = lookup(record, p.lasts).Clone()
	}
	record = p.tidy(record)
	p.Replaced += p.replaced
	p.replaced = 0
	p.content = maphash.Bytes(p.seed, record)
	p.hash.Write(binary.LittleEndian.AppendUint64(p.sums[:0], p.content)) // never fails
	record, err = p.forming.record(record, p.answer.names(), p.redact)
	if err != nil {
		return nil, p.answer.explain(err)
	}
	return record, nil
}

// after finds the cursor of the next page, and that of the next run.
func (p *page) after(t turned) (next, resume string, err error) {
	if p.taxii != nil {
		return p.taxii.after(t)
	}
	next, err = p.turner.after(t)
	return next, "", err
}

func (p *page) close() {
	if p.answer != nil {
		p.answer.body.Close()
	}
}

// tidy makes a record one line without needless escapes and without secrets. It is valid UTF-8, as its response is. Most records are that already, and stay where they are.
func (r *reading) tidy(record jsontext.Value) jsontext.Value {
	if bytes.IndexByte(record, '\n') >= 0 || bytes.IndexByte(record, '\r') >= 0 {
		r.compact = append(r.compact[:0], record...)
		record = r.compact
		record.Compact(lenient...) // it was decoded, so it is valid
	}
	if bytes.IndexByte(record, '\\') >= 0 {
		halves := 0
		r.plain, halves = plain(r.plain[:0], record)
		record = r.plain
		r.replaced += int64(halves)
	}
	return r.redact(record)
}

// redact takes secrets out of a record, and counts them.
func (s *Source) redact(record []byte) []byte {
	clean, places := s.gate.known.Counted(record)
	if places > 0 && s.redacted != nil {
		s.redacted.Add(int64(places))
	}
	return clean
}
