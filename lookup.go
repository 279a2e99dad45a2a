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
