package rest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
)

// maxCursor bounds a cursor, in bytes.
const maxCursor = 8 << 10

// turner turns pages: it says how a page is asked for, and which one comes after it. A cursor is the number, value or URL that asks for
// its page; "" is the first page.
type turner struct {
	sallyport.Paging
	gate   *gate // says which URLs may be asked for
	placed bool  // {cursor} stands for the cursor somewhere in the request: it is kept as JSON
}

// counts tells whether cursors are numbers that count up.
func (t turner) counts() bool {
	return t.Type == sallyport.PagingPage || t.Type == sallyport.PagingOffset
}

// start is the number of the first page or record.
func (t turner) start() int64 {
	switch {
	case t.Start != nil:
		return *t.Start
	case t.Type == sallyport.PagingPage:
		return 1
	}
	return 0
}

// firstNumber is the cursor that the first page is asked for with, "" if there is none.
func (t turner) firstNumber() string {
	if t.counts() {
		return strconv.FormatInt(t.start(), 10)
	}
	return ""
}

// ask returns the call for the page at a cursor.
func (t turner) ask(first call, cursor string) (call, error) {
	cursor = cmp.Or(cursor, t.firstNumber())
	switch {
	case cursor == "":
		return first, nil
	case first.at != nil:
		return first.at(cursor)
	}
	u := *first.url
	switch t.Type {
	case sallyport.PagingNextURL, sallyport.PagingLinkHeader:
		parsed, err := url.Parse(cursor)
		if err != nil || parsed.Host == "" {
			return first, sallyport.Errorf(sallyport.Invalid, "the cursor is not a URL: begin again without it")
		}
		u = *parsed
	case sallyport.PagingSingle:
		return first, sallyport.Errorf(sallyport.Invalid, "there is one page only, and no cursor for others: begin again without it")
	default:
		query := u.Query()
		query.Set(t.Query, cursor)
		u.RawQuery = encodeQuery(query)
	}
	first.url = &u
	return first, nil
}

// turned is what the next cursor is made of.
type turned struct {
	cursor  string         // of this page
	sent    int64          // the records that the system sent, whatever a filter left of them
	short   bool           // fewer records than size do not make it the last page
	on      bool           // the system says that more follows
	longest int64          // records of the longest page so far
	value   jsontext.Value // that stood at the paging's path; nil if nothing did
	more    jsontext.Value // what says whether there are more pages; nil if nothing does
	header  http.Header
	url     *url.URL // that the page was read from
}

// after returns the cursor of the page behind this one, "" if this is the last.
func (t turner) after(page turned) (string, error) {
	switch t.Type {
	case sallyport.PagingPage, sallyport.PagingOffset:
		return t.count(page)
	case sallyport.PagingNextValue:
		if t.Last != "" {
			return t.lastValue(page)
		}
		return t.nextText(page)
	case sallyport.PagingNextURL:
		text, err := t.nextText(page)
		if err != nil || text == "" {
			return "", err
		}
		return t.resolve(page.url, text)
	case sallyport.PagingLinkHeader:
		target, err := nextLink(page.header.Values("Link"))
		if err != nil || target == "" {
			return "", err
		}
		return t.resolve(page.url, target)
	}
	return "", nil
}

func (t turner) count(page turned) (string, error) {
	if t.isLast(page) {
		return "", nil
	}
	current, step := t.start(), int64(1)
	if t.Type == sallyport.PagingOffset {
		step = cmp.Or(page.sent, t.Size, page.longest)
	}
	if step == 0 {
		return "", errors.New("it has more, but no records and no size to count them by")
	}
	if page.cursor != "" {
		var err error
		if current, err = strconv.ParseInt(page.cursor, 10, 64); err != nil {
			return "", fmt.Errorf("the cursor %q is no number", page.cursor)
		}
	}
	return strconv.FormatInt(current+step, 10), nil
}

// isLast tells whether a page is empty, or shorter than size says, so that none follows.
func (t turner) isLast(page turned) bool {
	return !page.on && (page.sent == 0 || page.sent < t.Size && !page.short)
}

// nextText is what the response says of the next page, in its body or in a header.
func (t turner) nextText(page turned) (string, error) {
	if t.Header == "" {
		return t.scalar(page.value)
	}
	return bounded(strings.TrimSpace(page.header.Get(t.Header)))
}

// lastValue is what the next page is requested with by the last record. If that is what this page was requested with, there is nothing behind it.
func (t turner) lastValue(page turned) (string, error) {
	if page.sent == 0 || t.isLast(page) {
		return "", nil
	}
	text, err := t.scalar(page.value)
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", fmt.Errorf("its last record has nothing at %s (paging.last)", t.Last)
	case text == page.cursor:
		return "", nil
	}
	return text, nil
}

// name is the cursor by which the request for a page is recognised: the first page may be led to by a value that its own request holds.
func (t turner) name(first call, cursor string) string {
	switch {
	case cursor != "":
		return cursor
	case t.Type == sallyport.PagingNextURL || t.Type == sallyport.PagingLinkHeader:
		return first.url.String()
	case t.Type == sallyport.PagingNextValue:
		return first.url.Query().Get(t.Query)
	}
	return ""
}

// scalar returns the value at the paging's path as text: "" where there is nothing, null, false or an empty text, which all end the paging.
func (t turner) scalar(value jsontext.Value) (string, error) {
	if value == nil {
		return "", nil
	}
	switch kind := value.Kind(); {
	case kind == 'n' || kind == 'f':
		return "", nil
	case t.placed && kind != 't':
		return bounded(cursorOf(value))
	case kind == '0':
		return bounded(string(value))
	case kind == '"':
		text, _ := jsontext.AppendUnquote(nil, value) // invalid UTF-8 is replaced
		return bounded(string(text))
	}
	return "", fmt.Errorf("the value at %s is neither a text nor a number, so it leads to no page", cmp.Or(t.Value, t.Last))
}

func bounded(cursor string) (string, error) {
	if len(cursor) > maxCursor {
		return "", fmt.Errorf("what leads to the next page is longer than %d bytes", maxCursor)
	}
	return cursor, nil
}

// resolve makes a link whole, without the key that systems like to repeat in it. It must not lead elsewhere.
func (t turner) resolve(from *url.URL, link string) (string, error) {
	u, err := t.gate.follow(from, link)
	if err != nil {
		return "", fmt.Errorf("the link to the next page %w", err)
	}
	return bounded(u.String())
}
