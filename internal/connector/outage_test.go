package connector_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// TestLocalOutage gives the errors of the operating system that end without a change to the flow a sentence, and leaves the others alone.
func TestLocalOutage(t *testing.T) {
	for number, said := range map[syscall.Errno]string{
		syscall.ENOSPC: "the disk of /x/y is full", syscall.EDQUOT: "quota", syscall.EFBIG: "largest size", syscall.EMFILE: "too many files open",
		syscall.ENFILE: "too many files open", syscall.ENOMEM: "memory", syscall.EIO: "input/output error", syscall.ESTALE: "network file system",
		syscall.EAGAIN: "locked", syscall.EBUSY: "in use", syscall.EINTR: "interrupted",
		syscall.EACCES: "", syscall.ENOENT: "", syscall.EROFS: "", syscall.ENOTDIR: "", syscall.EISDIR: "", syscall.ENAMETOOLONG: "", syscall.ELOOP: "",
	} {
		err := connector.LocalOutage("/x/y", fmt.Errorf("writing: %w", &fs.PathError{Op: "write", Path: "/x/y", Err: number}))
		if said == "" {
			if err != nil {
				t.Errorf("%v is taken for an outage: %v", number, err)
			}
			continue
		}
		if err == nil || connector.CauseOf(err) != connector.CauseLocal || sallyport.CodeOf(err) != sallyport.Upstream || !errors.Is(err, number) {
			t.Errorf("%v is not a local outage: %v", number, err)
		} else if text := err.Error(); !strings.Contains(text, said) || !strings.Contains(text, "/x/y") || !strings.Contains(text, "automatically") {
			t.Errorf("%v: %q must say %q, the path and that the delivery continues", number, text, said)
		}
	}
	if err := connector.LocalOutage("/x/y", errors.New("other")); err != nil {
		t.Error(err)
	}
}

func TestCauseOf(t *testing.T) {
	failure := func(class connector.Class) error { return fmt.Errorf("x: %w", &connector.Failure{Class: class}) }
	for _, test := range []struct {
		err  error
		want connector.Cause
	}{
		{failure(connector.ClassTransient), connector.CauseRemote},
		{failure(connector.ClassPermanent), connector.CausePermanent},
		{failure(connector.ClassCredential), connector.CausePermanent},
		{failure(connector.ClassPlan), connector.CausePermanent},
		{fmt.Errorf("x: %w", connector.LocalOutagef("full")), connector.CauseLocal},
		{fmt.Errorf("x: %w", &connector.Outage{Cause: connector.CauseRemote, Err: errors.New("away")}), connector.CauseRemote},
		{sallyport.FieldErrorf("path", "wrong"), connector.CausePermanent},
		{errors.New("unknown"), connector.CausePermanent},
	} {
		if got := connector.CauseOf(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}
