package service

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/dataset"
)

// pageBytes bounds a page of records, but for its first one.
const pageBytes = 4 << 20

// RecordPage is some records of a dataset, in the order in which they were kept.
type RecordPage struct {
	Records  []json.RawMessage
	Position string // behind the last of them: what comes later begins there
	More     bool   // there are records behind it already
	bytes    int    // of them
}

// RecordsAfter reads records of a dataset behind a position, at most limit: the Position of the page before, or "" to begin at the first.
func (s *Service) RecordsAfter(ctx context.Context, d sallyport.Dataset, position string, limit int) (RecordPage, error) {
	page := RecordPage{Records: []json.RawMessage{}, Position: position}
	at, err := parsePosition(position)
	if err != nil {
		return page, err
	}
	redactor, err := s.shownIn(ctx, d.ID)
	if err != nil {
		return page, err
	}
	unpacker, err := dataset.NewUnpacker()
	if err != nil {
		return page, err
	}
	defer unpacker.Close()
	for b, err := range s.batches(ctx, d.ID, at.before()) {
		if err != nil {
			return page, err
		}
		if b.Seq != at.seq {
			at = recordPosition{seq: b.Seq}
		}
		records, err := unpacker.Records(b)
		if err != nil {
			return page, err
		}
		if page.take(redacted(redactor, records), at, limit); page.More {
			break
		}
	}
	return page, nil
}

// take takes the records of a batch behind a position, as long as there is room.
func (p *RecordPage) take(records iter.Seq[[]byte], at recordPosition, limit int) {
	skip := at.read
	at.read = 0
	for r := range records {
		if at.read++; at.read <= skip {
			continue
		}
		full := len(p.Records) == limit || p.bytes+len(r) > pageBytes
		if full && len(p.Records) > 0 {
			p.More = true
			return
		}
		p.bytes += len(r)
		p.Records, p.Position = append(p.Records, bytes.Clone(r)), at.String()
	}
}

// recordPosition is a place in a dataset: behind so many records of a batch.
type recordPosition struct{ seq, read int64 }

// before is the number after which the batches come that are still to be read.
func (p recordPosition) before() int64 { return max(0, p.seq-1) }

func (p recordPosition) String() string { return fmt.Sprintf("%d.%d", p.seq, p.read) }

func parsePosition(text string) (p recordPosition, err error) {
	if text == "" {
		return p, nil
	}
	if _, err := fmt.Sscanf(text, "%d.%d", &p.seq, &p.read); err != nil || p.String() != text || p.seq < 1 || p.read < 1 {
		return p, sallyport.FieldErrorf("after", "is no position in a dataset; use the one that came with the page before")
	}
	return p, nil
}
