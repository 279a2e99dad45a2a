package sallyport

import (
	"slices"
	"strings"
	"time"
)

// Scope is a part of what the HTTP API offers. A token has some of them; none includes another.
type Scope string

// The scopes.
const (
	ScopeRead  Scope = "read"
	ScopeRun   Scope = "run"
	ScopeWrite Scope = "write"
	ScopeFiles Scope = "files"
	ScopeAdmin Scope = "admin"
)

// Scopes are all scopes, in the order in which they are shown.
var Scopes = []Scope{ScopeRead, ScopeRun, ScopeWrite, ScopeFiles, ScopeAdmin}

// Allows says in words what a token with this scope may do.
func (s Scope) Allows() string {
	return map[Scope]string{
		ScopeRead:  "view everything except the audit log, users and tokens",
		ScopeRun:   "test, run, pause, resume, deliver and replay: what spends a quota or starts work",
		ScopeWrite: "create, edit and delete credentials and flows, send custom requests, edit and discard quarantined records",
		ScopeFiles: "name files of the server below files.roots, as a destination or a list, together with run or write",
		ScopeAdmin: "read the audit log, and manage users and tokens",
	}[s]
}

// CheckScopes returns the scopes that a token is to have, each once and in the order in which they are shown. There must be one.
func CheckScopes(scopes []Scope) ([]Scope, error) {
	if len(scopes) == 0 {
		return nil, FieldErrorf("scopes", "choose at least one: a token without a scope may do nothing")
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes, s) {
			return nil, Unknown("scopes", "scope", string(s), scopeNames(Scopes))
		}
	}
	return slices.DeleteFunc(slices.Clone(Scopes), func(s Scope) bool { return !slices.Contains(scopes, s) }), nil
}

// JoinScopes writes scopes in a row.
func JoinScopes(scopes []Scope, separator string) string {
	return strings.Join(scopeNames(scopes), separator)
}

func scopeNames(scopes []Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}

// Token is what a program shows to the HTTP API. The text that proves it is known only to whoever made it.
type Token struct {
	ID         ID        `json:"id"`
	Name       string    `json:"name"`
	Scopes     []Scope   `json:"scopes"`
	Owner      string    `json:"owner"` // the name of who made it
	CreatedAt  time.Time `json:"created_at"`
	ExpiresAt  time.Time `json:"expires_at,omitzero"`   // from then on it is worth nothing; zero: never
	LastUsedAt time.Time `json:"last_used_at,omitzero"` // give or take a minute
}

// May tells whether a token has a scope.
func (t Token) May(s Scope) bool { return slices.Contains(t.Scopes, s) }

// Expired tells whether a token is worth nothing any more.
func (t Token) Expired(now time.Time) bool { return !t.ExpiresAt.IsZero() && !now.Before(t.ExpiresAt) }
