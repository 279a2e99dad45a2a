package window

import (
	"encoding/json"
	"time"
)

// state is how far a list was pulled. As JSON it is the cursor of the next page and, without what belongs to a pull, of the next run.
type state struct {
	Upto  time.Time `json:"upto"`            // everything before was pulled; zero: nothing was. It comes first: see [sallyport.PulledTo]
	From  time.Time `json:"from,omitzero"`   // where the last pull began
	Fresh bool      `json:"fresh,omitempty"` // nothing before Upto is wanted: it is a start, or was set by a person
	Timed bool      `json:"timed,omitempty"` // a record had a time at the field
	Seen  *memory   `json:"seen,omitzero"`   // the records that may come again

	Now    time.Time `json:"now,omitzero"`    // when this pull began; zero between two pulls
	Goal   time.Time `json:"goal,omitzero"`   // where its last window ends
	First  time.Time `json:"first,omitzero"`  // where its first window begins
	Begin  time.Time `json:"begin,omitzero"`  // of this window
	End    time.Time `json:"end,omitzero"`    // of this window
	Newest time.Time `json:"newest,omitzero"` // the time of the newest record of this pull
	Page   string    `json:"page,omitempty"`  // the cursor of the next page of this window
	Cut    bool      `json:"cut,omitempty"`   // the system did not give all of this window
}

// parse reads a cursor. One of another kind of source, which the flow had before, is none.
func parse(cursor string) (s state) {
	if json.Unmarshal([]byte(cursor), &s) != nil {
		s = state{}
	}
	if s.Seen == nil {
		s.Seen = new(memory)
	}
	return s
}

// cursor writes a state.
func (s state) cursor() string {
	text, err := json.Marshal(s)
	if err != nil { // a year of five digits, which no format reads
		return ""
	}
	return string(text)
}

// between is what is left of a state for the next pull.
func (s state) between() state {
	return state{Upto: s.Upto, From: s.From, Fresh: s.Fresh, Timed: s.Timed, Seen: s.Seen}
}

// At is the cursor of a source of which everything before an instant is taken for pulled.
func At(t time.Time) string { return state{Upto: t.UTC(), From: t.UTC(), Fresh: true}.cursor() }
