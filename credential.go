package sallyport

import "time"

// Sealed is the one stored form of secrets: what package vault made of them. It never leaves Sallyport: its JSON is always null.
type Sealed []byte

// MarshalJSON keeps ciphertext out of every answer, export and log.
func (Sealed) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// String keeps ciphertext out of printed structs.
func (Sealed) String() string { return "sealed" }

// PreviousSecrets are secrets of a credential that were replaced, sealed. They are kept for a while, so that they are found in responses that
// still repeat them, and for nothing else.
type PreviousSecrets struct {
	CredentialID ID
	Version      int64 // of the credential that had them
	Sealed       Sealed
	ExpiresAt    time.Time
}

// Verdict is what is known of a credential's key.
type Verdict string

// The verdicts. Only Rejected stops flows; a failed look at the network never marks a key dead.
const (
	VerdictUnknown     Verdict = "unknown"      // never tested, or there is no test call
	VerdictValid       Verdict = "valid"        // the host took the key
	VerdictRejected    Verdict = "rejected"     // the host refused the key itself
	VerdictForbidden   Verdict = "forbidden"    // the key is known, but its plan or scope does not allow the call
	VerdictLimited     Verdict = "limited"      // the quota is used up
	VerdictUnreachable Verdict = "unreachable"  // the host could not be asked, or its answer was broken
	VerdictNeedsSecret Verdict = "needs_secret" // the stored secret does not open for this row; never stored
)

// AddressField is the name of the public field of a credential that says where its system is. It belongs to the secret: a key that was
// stored for one address never goes to another.
const AddressField = "address"

// Credential is how to get into one account of a connector.
type Credential struct {
	ID          ID                   `json:"id"`
	Name        string               `json:"name"`
	Description string               `json:"description"`
	Owner       string               `json:"owner"` // the name of who added it
	Connector   string               `json:"connector"`
	Public      map[string]string    `json:"public"`  // public fields by name
	Secrets     map[string]time.Time `json:"secrets"` // which secret fields are set, and since when
	Sealed      Sealed               `json:"-"`       // all secret fields, as package vault sealed them
	// Local says that the owner of this machine entered the address at the command line: it may be a loopback address. It is sealed in
	// with the secrets.
	Local      bool      `json:"local,omitzero"`
	Version    int64     `json:"version"` // counts up whenever the secrets or the address change
	Verdict    Verdict   `json:"verdict"`
	Reason     string    `json:"reason,omitempty"` // the verdict in a sentence
	VerdictAt  time.Time `json:"verdict_at,omitzero"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}
