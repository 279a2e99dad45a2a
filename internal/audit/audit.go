// Package audit records who used or changed what, and when. An entry is written before the act it tells of: no entry, no act.
package audit

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

// Log keeps entries for good.
type Log interface {
	// Append writes an entry. After an error the act must not happen.
	Append(ctx context.Context, entry sallyport.AuditEntry) error
}

// The actions.
const (
	CredentialCreate = "credential.create"
	CredentialOpen   = "credential.open"   // its secrets were brought into the clear, to be used
	CredentialRedact = "credential.redact" // the secrets of credentials were opened so that they are recognized in what is shown
	CredentialTest   = "credential.test"
	CredentialRotate = "credential.rotate"
	CredentialUpdate = "credential.update" // its name or description
	CredentialDelete = "credential.delete"
	CredentialQuota  = "credential.quota" // what it may spend was set by hand

	SourceTest = "source.test" // a sample is fetched: by endpoint, or by method and path of a custom request

	FlowApply   = "flow.apply"
	FlowRun     = "flow.run"
	FlowDeliver = "flow.deliver"
	FlowAccept  = "flow.accept"
	FlowReject  = "flow.reject"
	FlowPause   = "flow.pause"
	FlowResume  = "flow.resume"
	FlowReset   = "flow.reset" // its next run begins at a given time
	FlowDelete  = "flow.delete"

	FileGrant  = "file.grant"  // the local owner permitted a flow to use a file
	FileRevoke = "file.revoke" // a flow may not use a file any more
	FileUse    = "file.use"    // a flow that was saved on the pages or by the API uses a file, or a test reads one

	AuthSetUp    = "auth.setup" // the first user was made
	AuthSignIn   = "auth.sign_in"
	AuthSignOut  = "auth.sign_out"
	AuthPassword = "auth.password" // a user's password was replaced at the command line, and all sessions of that user ended
	AuthRefused  = "auth.refused"  // a wrong name or password, or a token that is not known or has expired

	TokenCreate = "token.create"
	TokenRevoke = "token.revoke"

	DatasetExport = "dataset.export"

	QuarantineEdit    = "quarantine.edit"
	QuarantineReplay  = "quarantine.replay"  // records left quarantine, to be delivered again
	QuarantineDiscard = "quarantine.discard" // records were deleted from quarantine

	KeysReseal = "keys.reseal" // the secrets of all credentials were sealed anew, in a newer format
	KeysVerify = "keys.verify" // the secrets of all credentials were opened to see whether they can be
)

// Entry makes the entry for an act that is about to happen. The detail holds public facts only: it is shown to whoever may read the log.
func Entry(actor sallyport.Actor, action string, object sallyport.ID, detail map[string]string) sallyport.AuditEntry {
	return sallyport.AuditEntry{At: sallyport.Now(), Actor: actor, Action: action, Object: object, Detail: detail}
}
