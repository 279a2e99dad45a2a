// Package partition asks a query in parts where the whole answer would be cut off.
//
// A system that has no pages ends an answer at its limit and does not say that there was more. So an answer as long as the limit is taken
// for cut off: it is not passed on, and the query is asked again in parts that exclude each other and together are the whole. A part that
// cannot be divided further is passed on as it is, and said to be incomplete.
package partition

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// maxAnswer bounds an answer, which is held until it is known to be whole, in bytes.
const maxAnswer = 64 << 20

// Config is what a source is opened with. Query, Limit and Ask are needed.
type Config struct {
	Query string
	Limit int64 // records of an answer that may be cut off
	By    []connector.Dimension
	// DateField is a field of the query language that holds dates. Empty: a query is not divided by them.
	DateField string
	// Dates are the terms that bound that field.
	Dates connector.Dates
	// Whole says that one call is all there is to be: the query is not divided.
	Whole bool
	// Ask opens the call for a query.
	Ask func(query string) (connector.Source, error)
	// Done is called when nothing more is asked. Nil: it is not.
	Done func()
}

// Source asks a query, in parts if need be. It may be used concurrently.
type Source struct{ Config }

// New makes a source. It asks nothing.
func New(c Config) (*Source, error) {
	if err := checkQuery(c.Query); err != nil {
		return nil, err
	}
	if c.Limit < 1 {
		return nil, sallyport.Errorf(sallyport.Internal, "a query cannot be divided without a limit")
	}
	if c.Done == nil {
		c.Done = func() {}
	}
	return &Source{c}, nil
}

// Pages asks one part after the other. A page is one call; one without records was divided. The cursor is what is still to be asked.
func (s *Source) Pages(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	return func(yield func(*connector.Page, error) bool) {
		defer s.Done()
		parts, err := s.parse(cursor)
		for more := true; more; {
			var page *connector.Page
			if err == nil {
				page, parts, err = s.next(ctx, parts)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			more = yield(page, nil) && page.Next != ""
		}
	}
}

// next asks the last of some parts, and returns what is left.
func (s *Source) next(ctx context.Context, parts []part) (*connector.Page, []part, error) {
	asked := parts[len(parts)-1]
	left := parts[:len(parts)-1]
	records, err := s.ask(ctx, s.query(asked))
	if err != nil {
		return nil, nil, err
	}
	page := &connector.Page{}
	if int64(len(records)) >= s.Limit {
		if divided := s.divide(asked, today()); len(divided) > 0 {
			records, left = nil, append(left, divided...)
		} else {
			page.Incomplete = fmt.Sprintf("%s has more than %d results", s.name(asked), s.Limit)
		}
	}
	page.Records, page.Next = each(records), write(left)
	return page, left, nil
}

func today() int64 { return time.Now().UTC().Unix() / 86400 }

func each(records [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, record := range records {
			if !yield(record, nil) {
				return
			}
		}
	}
}

// ask returns the answer to a query.
func (s *Source) ask(ctx context.Context, query string) (records [][]byte, err error) {
	source, err := s.Ask(query)
	if err != nil {
		return nil, err
	}
	size := 0
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return nil, err
		}
		for record, err := range page.Records {
			if err != nil {
				return nil, err
			}
			if size += len(record); size > maxAnswer {
				return nil, sallyport.Errorf(sallyport.Upstream, "an answer is larger than %d MiB; choose a smaller limit", maxAnswer>>20)
			}
			records = append(records, bytes.Clone(record))
		}
	}
	return records, nil
}
