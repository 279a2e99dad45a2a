package sallyport

import (
	"errors"
	"slices"
	"time"
)

// The kinds of actor.
const (
	ActorCLI   = "cli"   // the local owner at the command line
	ActorRun   = "run"   // a run of a flow
	ActorToken = "token" // a program with an API token
	ActorUser  = "user"  // a person who signed in to the pages
)

// Actor is a person or a program that does something.
type Actor struct {
	Kind   string  `json:"kind"` // "cli", "run", "system", "token", "user"
	Name   string  `json:"name"` // the system user, the flow, the token, the user of the pages
	Scopes []Scope `json:"-"`    // of a token
}

// IsOwner reports whether the actor is the local owner, who can do with the system user's files whatever Sallyport can.
func (a Actor) IsOwner() bool { return a.Kind == ActorCLI }

// May reports whether the actor has a scope. People and runs have all of them, tokens those that they were created with.
func (a Actor) May(s Scope) bool {
	switch a.Kind {
	case ActorCLI, ActorRun, ActorUser:
		return true
	}
	return slices.Contains(a.Scopes, s)
}

// ErrScope is the cause of every error about a scope that a token lacks.
var ErrScope = errors.New("a scope is missing")

// Needs returns an error if the actor lacks a scope: why says what the scope is needed for.
func (a Actor) Needs(s Scope, field, why string) error {
	if a.May(s) {
		return nil
	}
	e := Errorf(Forbidden, "%s needs the scope %s, which the token %q does not have", why, s, a.Name)
	e.Field, e.Err = field, ErrScope
	return e
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
