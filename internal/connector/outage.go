package connector

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/sallyport-io/sallyport"
)

// Cause says where the reason for a failed delivery lies, and so how it is retried.
type Cause string

// The causes of failed deliveries.
const (
	CausePermanent Cause = "permanent" // it fails until somebody acts: not retried
	CauseLocal     Cause = "local"     // this machine, such as a full disk: retried within a minute
	CauseRemote    Cause = "remote"    // another system or the network: retried within half an hour
)

// Outage is an error of a destination that ends without a change to the flow: the same delivery succeeds later.
type Outage struct {
	Cause Cause // permanent if an attempt that nobody watches would do harm
	Err   error // a [sallyport.Error]: what happened in plain words, and what ends it
}

// Error returns the sentence.
func (o *Outage) Error() string { return o.Err.Error() }

// Unwrap returns the error, and so its code.
func (o *Outage) Unwrap() error { return o.Err }

// CauseOf returns the cause of a destination's error: that of its [Outage], remote for a [Failure] that may work in a moment, and permanent
// for any other error.
func CauseOf(err error) Cause {
	if o, ok := errors.AsType[*Outage](err); ok {
		return o.Cause
	}
	if f, ok := errors.AsType[*Failure](err); ok && f.Class == ClassTransient {
		return CauseRemote
	}
	return CausePermanent
}

// LocalOutagef makes an outage of this machine.
func LocalOutagef(format string, args ...any) *Outage {
	return &Outage{CauseLocal, sallyport.Errorf(sallyport.Upstream, format, args...)}
}

// LocalOutage makes an outage of an operating system's error about a path if it is one that ends without a change to the flow, and returns
// nil otherwise.
func LocalOutage(path string, err error) error {
	if err == nil {
		return nil
	}
	number, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return nil
	}
	said, ok := map[syscall.Errno]string{
		syscall.ENOSPC: "the disk of %s is full; free some space",
		syscall.EDQUOT: "the disk quota for %s is used up; free some space or raise the quota",
		syscall.EFBIG:  "%s has reached the largest size that a file may have here; raise the limit of file sizes (ulimit -f)",
		syscall.EMFILE: "Sallyport has too many files open to open %s; raise its limit of open files (ulimit -n)",
		syscall.ENFILE: "this machine has too many files open to open %s",
		syscall.ENOMEM: "this machine has too little memory to write %s",
		syscall.EIO:    "the disk of %s reports an input/output error; check the disk and the system log",
		syscall.ESTALE: "the network file system of %s is not available (stale file handle); mount it again",
		syscall.EAGAIN: "%s is locked by another process",
		syscall.EBUSY:  "%s is in use by another process",
		syscall.EINTR:  "writing %s was interrupted",
	}[number]
	if !ok {
		return nil
	}
	return &Outage{CauseLocal, &sallyport.Error{Code: sallyport.Upstream, Message: fmt.Sprintf(said, path) + notLost, Err: err}}
}

// notLost ends the sentence about an outage.
const notLost = "; nothing is lost, and the delivery continues automatically"
