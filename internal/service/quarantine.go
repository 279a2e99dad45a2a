package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// MaxEdited bounds a record that a person edits, in bytes, as it was typed.
const MaxEdited = 1 << 20

// Quarantine lists records in quarantine, newest first: of one flow, or of all when flowName is empty; and of one of its destinations, if one
// is named. before is the last id of the page before, or 0.
func (s *Service) Quarantine(ctx context.Context, flowName, destination string, limit int, before int64) ([]sallyport.Quarantined, error) {
	if flowName == "" {
		all, err := s.Store.Quarantine(ctx, "", "", limit, before)
		if err != nil {
			return nil, err
		}
		return all, s.shownQuarantined(ctx, all)
	}
	flow, err := s.Flow(ctx, flowName)
	if err != nil {
		return nil, err
	}
	d, err := destinationOf(flow, destination)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.Quarantine(ctx, flow.Dataset.ID, d, limit, before)
	if err != nil {
		return nil, err
	}
	return all, s.shownQuarantined(ctx, all)
}

// Quarantined finds one record in quarantine by its number.
func (s *Service) Quarantined(ctx context.Context, id int64) (sallyport.Quarantined, error) {
	q, err := s.Store.Quarantined(ctx, id)
	if err != nil {
		return q, err
	}
	all := []sallyport.Quarantined{q}
	err = s.shownQuarantined(ctx, all)
	return all[0], err
}

// EditQuarantined changes a record in quarantine, where it stays. since is when it was edited last, as far as the editor knows: after that
// it is a conflict, unless somebody else made the same of it. The record returned is as it is kept: one line, without the keys of its flow.
func (s *Service) EditQuarantined(ctx context.Context, actor sallyport.Actor, id int64, since time.Time, text []byte) (q sallyport.Quarantined, err error) {
	if q, err = s.Store.Quarantined(ctx, id); err != nil {
		return q, err
	}
	flow, err := flowOfDataset(ctx, s.Store, q.DatasetID)
	if err != nil {
		return q, err
	}
	redactor, err := s.shownOf(ctx, flow)
	if err != nil {
		return q, err
	}
	record, err := recordOf(text, redactor)
	if err != nil {
		return q, err
	}
	if masks(text) > masks(q.Record) {
		return q, sallyport.FieldErrorf("record", "has %s where a key stood; write what belongs there, or remove the field", secret.Redacted)
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if q, err = tx.Quarantined(ctx, id); err != nil || bytes.Equal(q.Record, record) {
			return err
		}
		detail := map[string]string{"name": flow.Name, "record": strconv.FormatInt(id, 10)}
		if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.QuarantineEdit, flow.ID, detail)); err != nil {
			return err
		}
		q.Record, q.EditedAt = record, sallyport.Now()
		return tx.EditQuarantined(ctx, q, since)
	})
	return q, err
}

// strict is how an edited record is read: what is doubtful in it is an error, while its author is there.
var strict = []jsontext.Options{jsontext.AllowDuplicateNames(false), jsontext.AllowInvalidUTF8(false), jsontext.PreserveRawStrings(false)}

// masks counts what stands in the place of keys: more of them than in the record as it is kept were only shown, and would replace what it holds.
func masks(record []byte) int { return bytes.Count(record, []byte(secret.Redacted)) }

// recordOf makes what a person typed a record as it is kept, without keys. The field of its errors is "record", and they hold nothing of what
// was typed.
func recordOf(text []byte, redactor *secret.Redactor) (json.RawMessage, error) {
	if len(text) > MaxEdited {
		return nil, sallyport.FieldErrorf("record", "is larger than 1 MiB")
	}
	value := jsontext.Value(bytes.Clone(text))
	if err := value.Compact(strict...); err != nil {
		return nil, sallyport.FieldErrorf("record", "%s", fault(text, err))
	}
	if reason := engine.WhyNoRecord(value); reason != "" {
		return nil, sallyport.FieldErrorf("record", "must be an object, with braces around it: %s", reason)
	}
	return json.RawMessage(redactor.Record(value)), nil
}

// fault says what is wrong with a text that is no JSON, and where.
func fault(text []byte, err error) string {
	what, at := "is not valid JSON", int64(len(text))
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = min(e.ByteOffset, at)
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		what = "has a field twice"
	}
	before := text[:at]
	line, column := bytes.Count(before, []byte("\n")), bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("%s: see line %d, character %d", what, line+1, len(column)+1)
}

// Selection says which records in quarantine are meant: those with the numbers if there are any, else all of a flow, or of one of its
// destinations.
type Selection struct {
	Flow        string
	Destination string
	IDs         []int64
}

// Settled is what was done with records of one flow.
type Settled struct {
	FlowID   sallyport.ID `json:"-"`
	Flow     string       `json:"flow"`
	Records  int64        `json:"records"`
	Rejected int64        `json:"-"` // what its destinations have rejected before, and is still in quarantine
}

// ReplayQuarantined takes records out of quarantine and appends them to the dataset, each exactly once, and queues their deliveries. What a
// destination had rejected goes to that one alone, and comes back with the reason if it is rejected again. If one of the records is still no
// object, none is replayed. Of a large number some may be replayed when an error comes; the others are still there.
func (s *Service) ReplayQuarantined(ctx context.Context, actor sallyport.Actor, which Selection) ([]Settled, error) {
	return s.settle(ctx, settling{
		actor: actor, action: audit.QuarantineReplay, check: replayable,
		do: func(tx *store.Tx, flow sallyport.Flow, records []sallyport.Quarantined) error {
			return s.Engine.Replay(ctx, tx, flow, records)
		},
	}, which)
}

// replayable says why a record cannot be replayed as it is.
func replayable(q sallyport.Quarantined) error {
	reason := engine.WhyNoRecord(q.Record)
	switch {
	case engine.IsExcerpt(q.Record):
		reason = "it was too large to be kept, so only its beginning is here"
	case reason == "":
		return nil
	}
	return sallyport.Errorf(sallyport.Invalid, "record %d cannot be replayed: %s; edit or discard it first; nothing was replayed", q.ID, reason)
}

// DiscardQuarantined deletes records from quarantine for good.
func (s *Service) DiscardQuarantined(ctx context.Context, actor sallyport.Actor, which Selection) ([]Settled, error) {
	return s.settle(ctx, settling{
		actor: actor, action: audit.QuarantineDiscard, check: func(sallyport.Quarantined) error { return nil },
		do: func(tx *store.Tx, _ sallyport.Flow, records []sallyport.Quarantined) error {
			for _, q := range records {
				if err := tx.RemoveQuarantined(ctx, q.DestinationID, []int64{q.ID}); err != nil {
					return err
				}
			}
			return nil
		},
	}, which)
}

// flowOfDataset finds the flow that a dataset belongs to.
func flowOfDataset(ctx context.Context, from flowReader, id sallyport.ID) (sallyport.Flow, error) {
	d, err := from.Dataset(ctx, id)
	if err != nil {
		return sallyport.Flow{}, err
	}
	return from.FlowOfSource(ctx, d.SourceID)
}

// flowReader is the store, or a transaction.
type flowReader interface {
	Dataset(ctx context.Context, id sallyport.ID) (sallyport.Dataset, error)
	FlowOfSource(ctx context.Context, sourceID sallyport.ID) (sallyport.Flow, error)
}

// numbers writes the numbers of records for the audit log: all of a few, the ends of many.
func numbers(records []sallyport.Quarantined) string {
	if len(records) > 10 {
		return fmt.Sprintf("%d to %d", records[0].ID, records[len(records)-1].ID)
	}
	texts := make([]string, len(records))
	for i, q := range records {
		texts[i] = strconv.FormatInt(q.ID, 10)
	}
	return strings.Join(texts, ", ")
}
