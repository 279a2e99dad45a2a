package connector

import (
	"cmp"
	"fmt"
	"net/http"
	"time"

	"github.com/sallyport-io/sallyport"
)

// Class says what an upstream failure means, and so what is done about it.
type Class string

// The classes of upstream failures.
const (
	ClassEmpty      Class = "empty"      // an answer: there is nothing. No failure at all
	ClassNotFound   Class = "not_found"  // what was requested does not exist: a result of a look-up, else stop
	ClassCredential Class = "credential" // the key was refused: stop, mark the credential
	ClassPlan       Class = "plan"       // the plan or scope does not allow it: stop
	ClassRate       Class = "rate"       // too many requests: wait
	ClassTransient  Class = "transient"  // may work in a moment: try again
	ClassPermanent  Class = "permanent"  // will not work: stop
)

// Failure is a failed call to a system. Its text holds no query, no key and no body beyond one redacted line of what the system says.
type Failure struct {
	Class    Class
	Host     string
	Status   int       // HTTP status; 0 if there was no answer
	Sentence string    // what the system said, redacted and bounded
	Reason   string    // what the system said where no place for its sentence is declared, redacted and bounded; it decides nothing
	Window   string    // of class rate: second, day, month; "" if unknown
	Limit    int64     // of class rate: how many calls the window allows; 0 if the system did not say
	Until    time.Time // of class rate: when to try again; zero if unknown
	Unsent   bool      // nothing of the request went out: no connection came about
	Again    bool      // of class transient: the same request may be sent again, however often
	Later    bool      // it is about a page that an earlier one led to, or about a value of a list
	Cut      bool      // the answer to a read broke off behind its first record: the page may be asked for again
	Slow     bool      // the response was too slow: requested again at once, it would not be faster
	Err      error     // the cause where there was no answer, or a broken one
}

// Error says what happened, at which host, and what to do next.
func (f *Failure) Error() string {
	if own, ok := f.Err.(*sallyport.Error); ok { // it says all itself
		return own.Message
	}
	switch f.Class {
	case ClassNotFound:
		return fmt.Sprintf("not found at %s%s: check the parameters, what they name does not exist there", f.Host, f.said())
	case ClassCredential:
		return fmt.Sprintf("rejected by %s%s: the key is not accepted", f.Host, f.said())
	case ClassPlan:
		return fmt.Sprintf("forbidden by %s%s: the key is known, but its plan or permissions do not allow this call", f.Host, f.said())
	case ClassRate:
		return fmt.Sprintf("limited by %s%s: %s", f.Host, f.said(), f.when())
	}
	if f.Status == 0 && f.Err != nil {
		return fmt.Sprintf("%s cannot be reached: %v", f.Host, f.Err)
	}
	if f.Err != nil {
		return fmt.Sprintf("%s gave a broken answer: %v", f.Host, f.Err)
	}
	if f.Missing() {
		return fmt.Sprintf("not found at %s%s: check the address, the path and the parameters", f.Host, f.said())
	}
	return fmt.Sprintf("%s failed%s", f.Host, f.said())
}

// Missing tells whether what was requested does not exist. Only class not_found says so for certain: any other 404 may also be a wrong address.
func (f *Failure) Missing() bool {
	gone := f.Status == http.StatusNotFound || f.Status == http.StatusGone
	return f.Class == ClassNotFound || f.Class == ClassPermanent && gone && f.Err == nil && !f.Later
}

// Said returns what the system said, "" if nothing: its sentence, else the reason.
func (f *Failure) Said() string { return cmp.Or(f.Sentence, f.Reason) }

func (f *Failure) said() string {
	switch {
	case f.Status != 0 && f.Said() != "":
		return fmt.Sprintf(" (HTTP %d, %q)", f.Status, f.Said())
	case f.Status != 0:
		return fmt.Sprintf(" (HTTP %d)", f.Status)
	}
	return ""
}

func (f *Failure) when() string {
	switch {
	case !f.Until.IsZero() && f.Window != "":
		return "the quota for this " + f.Window + " is used up, the next call is possible at " + f.Until.Format(time.RFC3339)
	case !f.Until.IsZero():
		return "the next call is possible at " + f.Until.Format(time.RFC3339)
	case f.Window != "":
		return "the quota for this " + f.Window + " is used up"
	}
	return "too many calls, try again later"
}

// Unwrap makes a failure a [sallyport.Error] to those who ask for its code.
func (f *Failure) Unwrap() error {
	return &sallyport.Error{Code: f.code(), Message: f.Error(), Until: f.Until, Err: f.Err}
}

func (f *Failure) code() sallyport.Code {
	switch f.Class {
	case ClassCredential:
		return sallyport.Unauthenticated
	case ClassPlan:
		return sallyport.Forbidden
	case ClassRate:
		return sallyport.Limited
	}
	if f.Missing() {
		return sallyport.NotFound
	}
	return sallyport.Upstream
}

// Verdict says what a call that ended in err proves about the credential. A nil error proves that the key works.
func (f *Failure) Verdict() sallyport.Verdict {
	if f == nil {
		return sallyport.VerdictValid
	}
	switch f.Class {
	case ClassEmpty, ClassNotFound:
		return sallyport.VerdictValid
	case ClassCredential:
		return sallyport.VerdictRejected
	case ClassPlan:
		return sallyport.VerdictForbidden
	case ClassRate:
		return sallyport.VerdictLimited
	}
	return sallyport.VerdictUnreachable
}
