package lookup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

const (
	maxEntries   = 5_000_000 // of a list
	maxAnswer    = 64 << 20  // bytes of the answer about one value
	maxKept      = 1 << 20   // bytes of an answer that is kept
	maxFree      = 500       // answers on a page that cost no call,
	maxFreeBytes = 1 << 20   // and what they may hold together
	maxRefusals  = 20        // values in a row that may be refused: beyond that it is not the values
	keepEvery    = 100 * time.Millisecond
	keepAtMost   = 500 // answers that wait to be kept
)

// walk is one pass over a list.
type walk struct {
	*Source
	mark     string
	next     func() (string, error, bool)
	stop     func()
	seed     maphash.Seed
	seen     map[uint64]struct{} // the values so far: 64 bits of each, which hardly ever collide
	entries  int64               // read so far
	ahead    *entry              // the next one to be answered; nil at the end
	refusals int                 // in a row
	waiting  []sallyport.Lookup  // to be kept
	kept     time.Time
}

// entry is a value of the list.
type entry struct {
	at     int64 // its place in the list
	text   string
	value  string
	reason string // why it is not asked about; empty: it is
}

// begin opens the list and goes to the place that a cursor says. What comes before that is read again, as it may come once more later.
func (s *Source) begin(ctx context.Context, cursor string) (*walk, error) {
	from, mark, err := parseCursor(cursor)
	if err != nil {
		return nil, err
	}
	w := &walk{Source: s, seed: maphash.MakeSeed(), seen: map[uint64]struct{}{}}
	var values iter.Seq2[string, error]
	if w.mark, values, err = s.List(ctx, mark); err != nil {
		return nil, err
	}
	w.next, w.stop = iter.Pull2(values)
	for err = w.advance(ctx); err == nil && w.ahead != nil && w.ahead.at < from; err = w.advance(ctx) {
	}
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func parseCursor(cursor string) (from int64, mark string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	number, mark, _ := strings.Cut(cursor, " ")
	if from, err = strconv.ParseInt(number, 10, 64); err != nil || from < 0 {
		return 0, "", sallyport.Errorf(sallyport.Invalid, "the cursor is no place in a list: begin again without it")
	}
	return from, mark, nil
}

// cursor is the place of the entry ahead, "" at the end.
func (w *walk) cursor() string {
	if w.ahead == nil {
		return ""
	}
	return strconv.FormatInt(w.ahead.at, 10) + " " + w.mark
}

// advance goes to the next entry whose value was not there before.
func (w *walk) advance(ctx context.Context) error {
	w.ahead = nil
	for {
		text, err, ok := w.next()
		if err != nil || !ok {
			return err
		}
		if w.entries++; w.entries > maxEntries {
			return sallyport.Errorf(sallyport.Invalid, "the list has more than %d entries; split it", maxEntries)
		}
		if w.entries%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := &entry{at: w.entries - 1, text: text}
		if e.value, e.reason = w.Clean(text); e.reason != "" {
			e.value = text
		}
		hash := maphash.String(w.seed, e.value)
		if _, ok := w.seen[hash]; !ok {
			w.seen[hash] = struct{}{}
			w.ahead = e
			return nil
		}
	}
}

// page answers what costs no call, up to a bound, or else the entry ahead.
func (w *walk) page(ctx context.Context) (*connector.Page, error) {
	var records [][]byte
	for size := 0; w.ahead != nil && len(records) < maxFree && size < maxFreeBytes; {
		known, err := w.known(ctx, w.ahead)
		if err != nil {
			return nil, err
		}
		if known == nil {
			break
		}
		records = append(records, known...)
		for _, record := range known {
			size += len(record)
		}
		if err := w.advance(ctx); err != nil {
			return nil, err
		}
	}
	free := len(records) > 0 || w.ahead == nil
	if !free {
		var err error
		if records, err = w.ask(ctx, w.ahead.value); err != nil {
			return nil, err
		}
		if err := w.advance(ctx); err != nil {
			return nil, err
		}
	}
	return &connector.Page{Records: each(records), Next: w.cursor(), Free: free}, nil
}

func each(records [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, record := range records {
			if !yield(record, nil) {
				return
			}
		}
	}
}

// known answers an entry without a call; nil if that takes one.
func (w *walk) known(ctx context.Context, e *entry) ([][]byte, error) {
	if e.reason != "" {
		return [][]byte{w.nothing(e.value, Skipped, e.reason)}, nil
	}
	if w.Cache == nil {
		return nil, nil
	}
	kept, err := w.Cache.Lookup(ctx, w.id(e.value))
	if err != nil || kept.State == "" || !time.Now().Before(kept.At.Add(w.age(kept))) {
		return nil, err
	}
	return w.records(e.value, kept), nil
}

// ask makes the call about a value.
func (w *walk) ask(ctx context.Context, value string) ([][]byte, error) {
	l := sallyport.Lookup{ID: w.id(value), State: NotFound, At: sallyport.Now()}
	source, err := w.Ask(value)
	if err == nil {
		l.Records, err = read(ctx, source)
	}
	if f, ok := errors.AsType[*connector.Failure](err); ok {
		f.Later = true // the list as such is there
		if f.Class == connector.ClassNotFound {
			l.Records, err = nil, nil
		}
	}
	if f, ok := errors.AsType[*connector.Failure](err); ok && refused(f) && w.refusals < maxRefusals {
		w.refusals++
		return [][]byte{w.nothing(value, Refused, f.Error())}, nil
	}
	if err != nil {
		return nil, err
	}
	w.refusals = 0
	if len(l.Records) > 0 {
		l.State = Found
	}
	age := w.age(l)
	if l.ExpiresAt = l.At.Add(age); w.Cache != nil && age > 0 && len(l.Records) <= maxKept {
		w.waiting = append(w.waiting, l)
	}
	return w.records(value, l), nil
}

// refused tells whether a failure is about the value that was asked about, and not about the call as such.
func refused(f *connector.Failure) bool {
	return f.Class == connector.ClassPermanent &&
		slices.Contains([]int{http.StatusBadRequest, http.StatusRequestURITooLong, http.StatusUnprocessableEntity}, f.Status)
}

// read returns the records of a source as JSON lines.
func read(ctx context.Context, source connector.Source) ([]byte, error) {
	var lines bytes.Buffer
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return nil, err
		}
		for record, err := range page.Records {
			if err != nil {
				return nil, err
			}
			if lines.Len()+len(record) > maxAnswer {
				return nil, sallyport.Errorf(sallyport.Upstream, "the answer about one value is larger than %d bytes", maxAnswer)
			}
			lines.Write(record)
			lines.WriteByte('\n')
		}
	}
	return lines.Bytes(), nil
}

// keep keeps the answers that wait for it, now or when it is time: each by itself would wait for the disk.
func (w *walk) keep(ctx context.Context, now bool) error {
	if len(w.waiting) == 0 || !now && len(w.waiting) < keepAtMost && time.Since(w.kept) < keepEvery {
		return nil
	}
	if err := w.Cache.KeepLookups(context.WithoutCancel(ctx), w.waiting); err != nil {
		return fmt.Errorf("keeping answers: %w", err)
	}
	w.waiting, w.kept = w.waiting[:0], time.Now()
	return nil
}
