package sallyport

import "time"

// Lookup is a kept answer about one value, so that the same is not asked twice.
type Lookup struct {
	ID        string // stands for the system, the call and the value; nothing can be read from it
	State     string // found or not_found
	Records   []byte // as JSON lines; empty if nothing was found
	At        time.Time
	ExpiresAt time.Time
}

// SubmissionState is what is known of a submission.
type SubmissionState string

// The states of a submission.
const (
	Submitting SubmissionState = "submitting" // the call was about to be made: unless somebody is at it, nobody knows whether it was
	Submitted  SubmissionState = "submitted"  // the system took it, and has a reference for it
	Unclear    SubmissionState = "unclear"    // the call was made, and its answer did not come or says nothing
	Refused    SubmissionState = "refused"    // the system does not take the value; Ref says why
	Answered   SubmissionState = "answered"   // what came of it is in a dataset
)

// Submission is a record that a destination handed to a system which does something about it, once.
type Submission struct {
	ID            int64
	DestinationID ID
	Value         string
	Seq           int64 // the batch of the record,
	Place         int64 // and its index there
	State         SubmissionState
	Ref           string // what the system calls it
	At            time.Time
}
