package sallyport

import (
	"encoding/json"
	"time"
)

// Dataset is the kept records of a source: an append-only log of batches, with a schema.
type Dataset struct {
	ID       ID       `json:"id"`
	SourceID ID       `json:"source_id"`
	Name     string   `json:"name"` // the name of its flow
	Schema   Schema   `json:"schema"`
	Key      []string `json:"key,omitempty"` // the fields that together name a record, if its source knows them
	Records  int64    `json:"records"`
	Bytes    int64    `json:"bytes"`    // of the records as JSON lines, before compression
	LastSeq  int64    `json:"last_seq"` // the number of its newest batch; 0 when it is empty
}

// Batch is some records that were committed together: the unit of delivery.
type Batch struct {
	DatasetID     ID
	DestinationID ID    // the one that it is for, if it is not for everyone: records of its quarantine, replayed
	RunID         int64 // 0: its records come from quarantine
	Seq           int64 // 1, 2, 3 … within the dataset; 0 while it is staged
	Records       int64
	Bytes         int64  // of the records as JSON lines, before compression
	Body          []byte // JSON lines, compressed with zstd
	Hash          string // of its body before it has a number, then of all batches of the dataset up to it; "" if it is older than hashes
}

// Kind is the type of a JSON value in a schema.
type Kind string

// The kinds of values. A field that was seen with several kinds has the widest: integer < number < string, and anything nested is JSON.
const (
	KindNull    Kind = "null" // only null was seen so far
	KindBoolean Kind = "boolean"
	KindInteger Kind = "integer"
	KindNumber  Kind = "number"
	KindString  Kind = "string"
	KindObject  Kind = "object"
	KindArray   Kind = "array"
	KindMixed   Kind = "mixed" // nested and plain values, or booleans and others
)

// Field is one top-level field of a dataset's records.
type Field struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Nullable bool   `json:"nullable"`          // it was null or absent in some record
	Example  string `json:"example,omitempty"` // a short value, as JSON
}

// Schema is what the records of a dataset look like, in the order in which the fields were first seen.
type Schema struct {
	Fields []Field `json:"fields"`
}

// Names are the names of the fields.
func (s Schema) Names() []string {
	names := make([]string, len(s.Fields))
	for i, f := range s.Fields {
		names[i] = f.Name
	}
	return names
}

type plainSchema Schema

// MarshalJSON writes the list of fields as one even if there is none.
func (s Schema) MarshalJSON() ([]byte, error) {
	if s.Fields == nil {
		s.Fields = []Field{}
	}
	return json.Marshal(plainSchema(s))
}

// UnmarshalJSON reads a list without fields as none.
func (s *Schema) UnmarshalJSON(b []byte) error {
	err := json.Unmarshal(b, (*plainSchema)(s))
	if len(s.Fields) == 0 {
		s.Fields = nil
	}
	return err
}

// Quarantined is a record that could not be taken, with the reason.
type Quarantined struct {
	ID            int64           `json:"id"`
	DatasetID     ID              `json:"dataset_id"`
	RunID         int64           `json:"run_id,omitempty"`         // 0: it was replayed, and came back
	DestinationID ID              `json:"destination_id,omitempty"` // empty: the dataset itself could not take it
	Record        json.RawMessage `json:"record"`
	Reason        string          `json:"reason"`
	At            time.Time       `json:"at"`
	EditedAt      time.Time       `json:"edited_at,omitzero"` // when it was edited last; tells two editors apart
}
