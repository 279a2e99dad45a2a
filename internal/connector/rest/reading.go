package rest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// reading is one pass over the pages of a source.
type reading struct {
	*Source
	cursor  string
	pages   int
	records int64
	stream  stream // used again for every page
	compact []byte // used again for every record that needs it
	forming forming
	seed    maphash.Seed
	asked   map[uint64]bool // the cursors so far
	taxii   *taxii          // nil with any other paging
	last    uint64          // the hash of the last page's records
	had     map[uint64]bool // the hashes of the pages so far that had records
	barren  int             // pages in a row that had no new record and still named a next one
	longest int64           // records of the longest page so far
	before  int64           // records of the page before this one
}

func newReading(s *Source, cursor string) *reading {
	r := &reading{Source: s, forming: s.form.begin(), cursor: cursor, seed: maphash.MakeSeed(), asked: map[uint64]bool{}, had: map[uint64]bool{}}
	if s.turner.Type == sallyport.PagingTAXII {
		r.taxii = &taxii{asked: map[string]bool{}}
	}
	return r
}

// page is a page while it is read.
type page struct {
	connector.Page
	*reading
	answer *answer
	count  int64
	fresh  int64 // records that were not there before
	hash   maphash.Hash
	err    error // errUnread until it was read to its end
}

// open asks for the page at the cursor, again if need be, until its first record is there.
func (r *reading) open(ctx context.Context) (*page, error) {
	if r.pages++; r.pages > r.limits.Pages {
		return nil, r.judge.broken(connector.ClassPermanent, 200, fmt.Errorf("there are more than %d pages", r.limits.Pages))
	}
	call, err := r.call()
	if err != nil {
		return nil, err
	}
	r.asked[maphash.String(r.seed, r.cursor)] = true
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
	p := &page{reading: r, answer: answer, err: errUnread}
	p.Incomplete = incomplete
	p.hash.SetSeed(r.seed)
	p.Records = p.read
	return p, nil
}

// missing is what the failure of a page means: no error if the page has no records, or the one before it was the last. Pages that are counted end
// safely with one that was shorter than another. After any other, "not found" may also be a system that lost the rest of its list.
func (r *reading) missing(f *connector.Failure) (incomplete string, err error) {
	named := f.Class == connector.ClassEmpty || f.Class == connector.ClassNotFound
	switch {
	case r.cursor == "" && f.Class == connector.ClassEmpty:
		return "", nil
	case r.cursor == "" || !named && !f.Missing():
		return "", f
	case r.turner.counts() && r.cursor != strconv.FormatInt(r.turner.start(), 10):
		if f.Class != connector.ClassEmpty && r.before >= r.longest {
			incomplete = notFoundReason
		}
		return incomplete, nil
	case named:
		return "", r.judge.broken(connector.ClassPermanent, f.Status, fmt.Errorf("it says %q of a page that the one before it led to", f.Sentence))
	}
	f.Later = true
	return "", f
}

const notFoundReason = `the list ended with "not found" after a page that may have been full, so records may be missing`

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

// record returns the next record as it is passed on.
func (p *page) record() (jsontext.Value, error) {
	for {
		record, err := p.next()
		if err != nil {
			return nil, err
		}
		if p.taxii == nil || p.taxii.isNew(record) {
			p.fresh++
			return record, nil
		}
	}
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
	p.Flaw = p.answer.flaw()
	record = p.tidy(record)
	p.hash.Write(record)   // never fails
	p.hash.WriteByte('\n') // never fails
	record, err = p.forming.record(record, p.answer.names(), p.gate.known)
	if err != nil {
		return nil, p.answer.explain(err)
	}
	return record, nil
}

// finish finds the next page, and makes sure that paging gets on: neither to a page that was asked for nor with records that were there.
func (p *page) finish() error {
	if p.answer == nil {
		return nil
	}
	sum := p.hash.Sum64()
	if p.count > 0 && p.pages > 1 && sum == p.last {
		return p.answer.broken(errors.New("endless paging: it has the same records as the page before"))
	}
	p.last = sum
	next, resume, err := p.after(turned{
		cursor: p.cursor, records: p.count, value: p.answer.value(atNext), more: p.answer.value(atMore),
		header: p.answer.response.Header, url: p.answer.response.Request.URL,
	})
	switch {
	case err != nil:
		return p.answer.broken(err)
	case next != "" && p.asked[maphash.String(p.seed, next)]:
		return p.answer.broken(errors.New("endless paging: it leads back to a page that was read before"))
	case p.gate.known.Contains(next), p.gate.known.Contains(resume):
		return p.answer.broken(errors.New("what leads to its next page holds the key, which would be stored in the open"))
	}
	p.Next, p.Resume = next, resume
	if next == "" {
		p.Incomplete = p.cutOff()
	}
	p.lead(sum)
	p.longest, p.before = max(p.longest, p.count), p.count
	return nil
}

// lead ends a list whose pages have had no new record for too long, though each names a next one.
func (p *page) lead(sum uint64) {
	p.Barren = p.Next != "" && (p.fresh == 0 || p.had[sum])
	p.had[sum] = true
	if !p.Barren {
		p.reading.barren = 0
		return
	}
	if p.reading.barren++; p.reading.barren >= connector.MaxBarren {
		p.Next, p.Incomplete = "", connector.BarrenReason
	}
}

// cutOff says why a list that ends with this page may have more, "" if nothing speaks for that. Its pages are numbered from 0.
func (p *page) cutOff() string {
	if p.cut == nil || p.turner.Type != sallyport.PagingNextValue {
		return ""
	}
	number := 1
	if before, err := strconv.Atoi(p.cursor); err == nil {
		number += before
	}
	full := p.longest
	switch {
	case full == 0 && p.cursor != "":
		full = 1 // an earlier pass read the pages before, and nobody knows how long they were: rather incomplete than the rest vanished
	case full == 0:
		full = p.cut.Full
	}
	if full == 0 || p.count < full || !slices.Contains(p.cut.After, number) {
		return ""
	}
	return fmt.Sprintf("the list ends with page %d, where a plan may end it", number)
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

// tidy makes a record one line of valid UTF-8 without secrets. Most records are that already, and stay where they are.
func (r *reading) tidy(record jsontext.Value) jsontext.Value {
	if bytes.IndexByte(record, '\n') >= 0 || bytes.IndexByte(record, '\r') >= 0 {
		r.compact = append(r.compact[:0], record...)
		record = r.compact
		record.Compact(lenient...) // it was decoded, so it is valid
	}
	if !utf8.Valid(record) {
		record = bytes.ToValidUTF8(record, []byte("\uFFFD"))
	}
	return r.gate.known.Record(record)
}
