package audit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
)

func TestEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(1234 * time.Nanosecond) // of the bubble's clock: the databases hold microseconds
		actor := sallyport.Actor{Kind: "cli", Name: "ann"}
		got := audit.Entry(actor, audit.CredentialTest, "crd_1", map[string]string{"verdict": "valid"})
		want := sallyport.AuditEntry{
			At:     time.Date(2000, 1, 1, 0, 0, 0, 1000, time.UTC),
			Actor:  actor,
			Action: "credential.test",
			Object: "crd_1",
			Detail: map[string]string{"verdict": "valid"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
