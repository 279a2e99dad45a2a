package sallyport

import "time"

// RunState is where a run stands.
type RunState string

// The states of a run. Queued, running, waiting, held and delivering ones are unfinished: there is at most one of these for a flow.
const (
	RunQueued     RunState = "queued"
	RunRunning    RunState = "running"
	RunWaiting    RunState = "waiting"    // for a quota or for a system that is away, until WaitUntil; without that, for a new key
	RunHeld       RunState = "held"       // too many records would vanish: nothing is delivered before somebody accepts or rejects it
	RunDelivering RunState = "delivering" // everything is pulled and kept; destinations are still behind
	RunSucceeded  RunState = "succeeded"
	RunFailed     RunState = "failed"
)

// What a run does with its batches, if it does not deliver them at once.
const (
	HoldPending  = "pending"  // it holds them back, as so many records may vanish that it must be accepted
	HoldAccepted = "accepted" // somebody lets them go
)

// Finished tells whether nothing more will happen in a run of this state.
func (s RunState) Finished() bool { return s == RunSucceeded || s == RunFailed }

// WaitsForKey tells whether a run waits for a new key, as its key was refused.
func (r Run) WaitsForKey() bool { return r.State == RunWaiting && r.WaitUntil.IsZero() }

// WaitsForHost tells whether a run waits for a system that is away: see GivesUpAt.
func (r Run) WaitsForHost() bool {
	return r.State == RunWaiting && !r.GivesUpAt.IsZero() && r.Code == Upstream
}

// WaitsForQuota tells whether a run waits until a limit of its system allows the next request.
func (r Run) WaitsForQuota() bool {
	return r.State == RunWaiting && !r.WaitsForKey() && !r.WaitsForHost()
}

// Run is one execution of a source.
type Run struct {
	ID          int64     `json:"id"`
	FlowID      ID        `json:"flow_id"`
	Flow        string    `json:"flow"`
	State       RunState  `json:"state"`
	Cursor      string    `json:"-"` // where its source goes on; empty at the beginning
	Pages       int64     `json:"pages"`
	Records     int64     `json:"records"`          // that were kept
	Seen        int64     `json:"seen"`             // that its source gave
	Changes     Changes   `json:"changes,omitzero"` // of the records that its source gave, and of those that it does not give any more
	Bytes       int64     `json:"bytes"`
	Quarantined int64     `json:"quarantined"` // by the dataset and by the destinations, during this run
	FirstSeq    int64     `json:"first_seq"`   // the dataset's batches that it made: FirstSeq to LastSeq; FirstSeq > LastSeq if none
	LastSeq     int64     `json:"last_seq"`
	Pulled      bool      `json:"pulled,omitempty"`     // its source has ended; what is left follows from that, and needs no call
	Incomplete  string    `json:"incomplete,omitempty"` // why its source did not give everything
	Warnings    []string  `json:"warnings,omitempty"`   // what is doubtful about it, although its source ended well
	WaitUntil   time.Time `json:"wait_until,omitzero"`  // of a delivering one: until when a destination waits, if one does
	Attempts    int64     `json:"attempts,omitzero"`    // that failed since it last got a page, as its system was away
	GivesUpAt   time.Time `json:"gives_up_at,omitzero"` // when it fails if its system is still away then; zero if no attempt has failed
	ByHand      bool      `json:"-"`                    // a person or a program started it, not its schedule
	Hold        string    `json:"-"`                    // HoldPending, HoldAccepted or ""
	Barren      int64     `json:"-"`                    // the last pages in a row that had no new record
	From        time.Time `json:"from,omitzero"`        // it fills a gap: it pulls what was added from here on, and does not move the cursor
	Until       time.Time `json:"until,omitzero"`       // of a run with From: the end of the gap
	Code        Code      `json:"code,omitempty"`       // of Error
	Error       string    `json:"error,omitempty"`      // why it failed or waits
	CreatedAt   time.Time `json:"created_at"`
	StartedAt   time.Time `json:"started_at,omitzero"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
}

// Delivery is one execution of a destination.
type Delivery struct {
	ID            int64     `json:"id"`
	FlowID        ID        `json:"-"`
	DestinationID ID        `json:"destination_id"`
	Destination   string    `json:"destination"`
	State         RunState  `json:"state"` // running, waiting, succeeded or failed
	FirstSeq      int64     `json:"first_seq"`
	LastSeq       int64     `json:"last_seq"`
	Records       int64     `json:"records"`
	Rejected      int64     `json:"rejected"`
	WaitUntil     time.Time `json:"wait_until,omitzero"`
	Attempts      int64     `json:"attempts,omitempty"` // that failed since it last got on
	Code          Code      `json:"code,omitempty"`     // of Error
	Error         string    `json:"error,omitempty"`    // why it failed or waits
	StartedAt     time.Time `json:"started_at"`
	EndedAt       time.Time `json:"ended_at,omitzero"`
}
