package rest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"
	"strconv"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// faulty begins a cursor that leads to no page but to an error, whose text follows. So the page that the error was found behind is kept, and
// the run fails at the next one, in whatever execution.
const faulty = "\x1bfault: "

// finish finds the next page, and makes sure that paging gets on. Its error drops the page: the records were there before.
func (p *page) finish() error {
	if p.answer == nil {
		p.Incomplete = cmp.Or(p.Incomplete, p.extent.short(p.turner))
		return nil
	}
	p.sum = p.digest()
	if p.isLoop() {
		return p.answer.broken(errors.New("endless paging: it leads back to a page that was read before"))
	}
	if p.taxii == nil {
		p.asked[p.name()] = p.sum
	}
	p.short()
	if !p.stale() {
		p.Next, p.Resume = p.lead()
	}
	p.Incomplete = cmp.Or(p.Incomplete, p.doubt())
	if p.Next == "" {
		p.Incomplete = cmp.Or(p.Incomplete, p.cutOff(), p.extent.short(p.turner))
	}
	if p.Next == "" && p.Incomplete == "" {
		p.Warnings = p.warnings()
	}
	p.bar()
	p.Next = p.turner.mark(p.Next, p.extent)
	if p.usual == nil {
		p.usual = beside{}
		maps.Copy(p.usual, p.answer.beside())
	}
	p.longest, p.last = max(p.longest, p.sent()), p
	if p.known != nil {
		p.known.turn()
	}
	return nil
}

// name stands for the request of the page.
func (p *page) name() uint64 { return maphash.String(p.seed, p.turner.name(p.first, p.cursor)) }

// sent is how many records the system sent, whatever a filter left of them.
func (p *page) sent() int64 {
	if f := p.answer.filtered(); f != nil {
		return f.count()
	}
	return p.count
}

// digest hashes what the system sent.
func (p *page) digest() uint64 {
	f := p.answer.filtered()
	if f == nil {
		return p.hash.Sum64()
	}
	var text bytes.Buffer
	for _, list := range f.lists {
		text.Reset()
		encoded(&text, list) // what was decoded can be encoded
		p.hash.Write(text.Bytes())
	}
	return p.hash.Sum64()
}

// isLoop tells whether the request was made before and had the same response. A cursor that only leads to itself may be the end of a list whose
// records have a key.
func (p *page) isLoop() bool {
	before, asked := p.asked[p.name()]
	switch {
	case !asked || p.taxii != nil:
		return false
	case p.known != nil && p.last.name() == p.name():
		return false
	}
	return before == p.sum || p.stale()
}

// stale tells whether all records of the page have keys of earlier pages: the list ended before it.
func (p *page) stale() bool { return p.known != nil && p.count > 0 && p.fresh == 0 }

// doubt says why a list that ended with records of earlier pages may have more, "" if nothing speaks for that.
func (p *page) doubt() string {
	switch {
	case p.taxii != nil && p.taxii.stuck:
		return "the server says that it has more, but its next leads to objects that were read before"
	case !p.stale():
		return ""
	case p.moved:
		return fmt.Sprintf("page %d has only keys of earlier pages, with other contents: check the key", p.pages)
	case p.pages == 2 && p.sum == p.last.sum && p.last.cursor == "" && !p.lowered:
		return "the second page is the first one again: if there are more, check how the next page is requested"
	}
	return ""
}

// short notes whether the first page is shorter than size. Then one more request decides: the system may give fewer than it is asked for.
func (p *page) short() {
	if sent := p.sent(); p.pages == 1 && sent > 0 && sent < p.turner.Size {
		p.lowered = true
	}
}

// lead finds where the page leads. What is wrong with that is an error behind the page.
func (p *page) lead() (next, resume string) {
	if err := p.extent.add(p); err != nil {
		return faulty + err.Error(), ""
	}
	on, said, err := truth(p.answer.value(atMore))
	switch {
	case p.taxii != nil:
		on = false
	case err != nil:
		return faulty + fmt.Sprintf("the value at %s (paging.more) %s", p.turner.More, err), ""
	case said && !on, p.extent.ends(p.turner, p.sent()):
		return "", ""
	}
	next, resume, err = p.after(p.turned(on))
	switch {
	case err != nil:
		return faulty + err.Error(), ""
	case p.gate.known.Contains(next), p.gate.known.Contains(resume):
		return faulty + "what leads to its next page holds the key, which would be stored in the open", ""
	case p.sent() == 0 && next != "" && p.turner.name(p.first, next) == p.turner.name(p.first, p.cursor):
		next = "" // it repeats the cursor of an empty page: there is nothing behind it
	}
	if on && next == "" {
		p.Incomplete = fmt.Sprintf("%s (paging.more) says that more follows, but nothing leads there", p.turner.More)
	}
	return next, resume
}

// turned is what the next cursor is made of.
func (p *page) turned(on bool) turned {
	t := turned{
		cursor: p.cursor, sent: p.sent(), short: p.lowered, on: on, longest: p.longest, value: p.answer.value(atNext), more: p.answer.value(atMore),
		header: p.answer.response.Header, url: p.answer.response.Request.URL,
	}
	if f := p.answer.filtered(); p.lasts != nil && f != nil {
		var text bytes.Buffer
		record, _ := encoded(&text, f.last()) // what was decoded can be encoded
		t.value = lookup(record, p.lasts)
	} else if p.lasts != nil {
		t.value = p.ending
	}
	return t
}

// bar ends a list whose pages have had no new record for too long, though each names a next one.
func (p *page) bar() {
	p.Barren = p.Next != "" && (p.sent() == 0 || p.count > 0 && p.fresh == 0 || p.had[p.sum])
	p.had[p.sum] = true
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
