package sallyport

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The windows that a system counts calls in.
const (
	WindowSecond = "second"
	WindowDay    = "day"
	WindowMonth  = "month"
	WindowOther  = "other" // any that the headers of responses tell of: it holds requests back while nothing is left, and counts none
)

// QuotaOrigin is where a limit is known from.
type QuotaOrigin string

// The origins. What a person set stands until the person changes it; everything else is believed until the system says otherwise.
const (
	QuotaHand     QuotaOrigin = "hand"
	QuotaPlan     QuotaOrigin = "plan"     // a profile of the connector's definition
	QuotaHeader   QuotaOrigin = "header"   // an answer said what is left
	QuotaSentence QuotaOrigin = "sentence" // a refusal said what is allowed
)

// QuotaWindow is the budget of a credential in one window.
type QuotaWindow struct {
	CredentialID ID
	Window       string
	Limit        int64       // calls that are allowed; 0: no limit is known
	Origin       QuotaOrigin // of Limit
	Used         int64       // calls in the period that began at BeganAt, as far as they are reported
	Spent        int64       // calls ever: it only grows
	Reserve      Reserve     // what runs leave to people
	BeganAt      time.Time
	RefusedUntil time.Time // the system refused a call, or said that nothing is left: before this no other is made; zero if it did not
	UpdatedAt    time.Time
}

// QuotaPortion is what a process has taken from a window: calls of a day or month that it may make without asking again, or how many calls
// it may make in any second.
type QuotaPortion struct {
	CredentialID ID
	Window       string
	Holder       string // the process
	Calls        int64
	Wanted       int64     // of a second: what it could use
	TurnAt       time.Time // of a second: when it last had some
	ExpiresAt    time.Time // what is not renewed by then was left by a process that died
}

// Reserve is the part of a budget that runs leave to people: a number of calls, or a percentage.
type Reserve struct {
	Calls   int64
	Percent int64
}

// ParseReserve reads a number of calls such as 20, or a percentage such as 10%.
func ParseReserve(s string) (r Reserve, err error) {
	digits, percent := strings.CutSuffix(s, "%")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || percent && n > 99 {
		return r, fmt.Errorf("%q is no reserve: write a number of calls, such as 20, or a percentage below 100, such as 10%%", s)
	}
	if percent {
		return Reserve{Percent: n}, nil
	}
	return Reserve{Calls: n}, nil
}

// Of returns how many calls of a limit the reserve is. A percentage is rounded down.
func (r Reserve) Of(limit int64) int64 {
	return r.Calls + limit/100*r.Percent + limit%100*r.Percent/100
}

// String writes what [ParseReserve] reads, "" for none.
func (r Reserve) String() string {
	switch {
	case r.Percent > 0:
		return strconv.FormatInt(r.Percent, 10) + "%"
	case r.Calls > 0:
		return strconv.FormatInt(r.Calls, 10)
	}
	return ""
}
