package sallyport

import "time"

// Actor is who does something: a person at the command line or at the pages, a program with an API token, a run.
type Actor struct {
	Kind string `json:"kind"` // "cli", "run", "token", "user"
	Name string `json:"name"` // the system user, the flow, the token, the user of the pages
}

// AuditEntry says who used or changed what, when.
type AuditEntry struct {
	ID     int64             `json:"id"`
	At     time.Time         `json:"at"`
	Actor  Actor             `json:"actor"`
	Action string            `json:"action"` // "credential.create", "credential.open" …
	Object ID                `json:"object"`
	Detail map[string]string `json:"detail,omitempty"` // public facts only
}
