package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

const selectCredentials = `SELECT id, name, description, owner, connector, public, secrets, sealed, local, version, verdict, reason,
	verdict_at, last_used_at, created_at, updated_at FROM credential`

func scanCredential(r row) (c sallyport.Credential, err error) {
	err = r.Scan(&c.ID, &c.Name, &c.Description, &c.Owner, &c.Connector, jsonColumn{&c.Public}, jsonColumn{&c.Secrets}, (*[]byte)(&c.Sealed), &c.Local, &c.Version,
		&c.Verdict, &c.Reason, timeColumn{&c.VerdictAt}, timeColumn{&c.LastUsedAt}, timeColumn{&c.CreatedAt}, timeColumn{&c.UpdatedAt})
	return c, err
}

// Credential returns a credential by its id.
func (r reader) Credential(ctx context.Context, id sallyport.ID) (sallyport.Credential, error) {
	return one(ctx, r.q, notFound("credential", id), scanCredential, selectCredentials+" WHERE id = $1", id)
}

// CredentialByName returns a credential by its name, ignoring case.
func (r reader) CredentialByName(ctx context.Context, name string) (sallyport.Credential, error) {
	c, err := one(ctx, r.q, sql.ErrNoRows, scanCredential, selectCredentials+" WHERE name_key = $1", nameKey(name))
	if errors.Is(err, sql.ErrNoRows) {
		return c, r.noSuchName(ctx, "credential", "credential", name)
	}
	return c, err
}

// Credentials returns all credentials by name.
func (r reader) Credentials(ctx context.Context) ([]sallyport.Credential, error) {
	return list(ctx, r.q, scanCredential, selectCredentials+" ORDER BY name_key")
}

// CredentialsAfter returns credentials in the order of their ids, behind the given one.
func (r reader) CredentialsAfter(ctx context.Context, id sallyport.ID, limit int) ([]sallyport.Credential, error) {
	return list(ctx, r.q, scanCredential, selectCredentials+" WHERE id > $1 ORDER BY id LIMIT $2", id, limit)
}

// CredentialVersion returns only a credential's version.
func (r reader) CredentialVersion(ctx context.Context, id sallyport.ID) (int64, error) {
	return one(ctx, r.q, notFound("credential", id), single[int64], "SELECT version FROM credential WHERE id = $1", id)
}

// CredentialVersions returns the version of every credential.
func (r reader) CredentialVersions(ctx context.Context) (map[sallyport.ID]int64, error) {
	all, err := list(ctx, r.q, scanCredentialVersion, "SELECT id, version FROM credential")
	versions := make(map[sallyport.ID]int64, len(all))
	for _, c := range all {
		versions[c.ID] = c.Version
	}
	return versions, err
}

func scanCredentialVersion(r row) (c sallyport.Credential, err error) {
	err = r.Scan(&c.ID, &c.Version)
	return c, err
}

// CredentialUsers returns the names of the flows whose source or a destination uses a credential.
func (r reader) CredentialUsers(ctx context.Context, id sallyport.ID) ([]string, error) {
	return list(ctx, r.q, single[string], `SELECT name FROM flow WHERE id IN (SELECT flow_id FROM source WHERE credential_id = $1
		UNION SELECT flow_id FROM destination WHERE credential_id = $1) ORDER BY name_key`, id)
}

// Use is a credential and a flow whose source or a destination uses it.
type Use struct {
	Credential sallyport.ID
	Flow       string // its name
}

func scanUse(r row) (u Use, err error) {
	err = r.Scan(&u.Credential, &u.Flow)
	return u, err
}

// Uses returns what uses which credential, by the names of the flows.
func (r reader) Uses(ctx context.Context) ([]Use, error) {
	return list(ctx, r.q, scanUse, `SELECT used.credential_id, flow.name FROM (SELECT flow_id, credential_id FROM source WHERE credential_id IS NOT NULL
		UNION SELECT flow_id, credential_id FROM destination WHERE credential_id IS NOT NULL) AS used JOIN flow ON flow.id = used.flow_id
		ORDER BY flow.name_key`)
}

// InsertCredential adds a credential.
func (tx *Tx) InsertCredential(ctx context.Context, c sallyport.Credential) error {
	public, secrets, err := credentialJSON(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO credential (id, name, name_key, description, owner, connector, public, secrets, sealed, version, verdict,
		reason, verdict_at, last_used_at, created_at, updated_at, local)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		c.ID, c.Name, nameKey(c.Name), c.Description, c.Owner, c.Connector, public, secrets, []byte(c.Sealed), c.Version, c.Verdict,
		readable(c.Reason), micros(c.VerdictAt), micros(c.LastUsedAt), micros(c.CreatedAt), micros(c.UpdatedAt), c.Local)
	return nameTaken(err, "credential", c.Name)
}

// UpdateCredential writes all of a credential but its owner, connector, CreatedAt and LastUsedAt, if the stored version is still the given one.
func (tx *Tx) UpdateCredential(ctx context.Context, c sallyport.Credential, version int64) error {
	public, secrets, err := credentialJSON(c)
	if err != nil {
		return err
	}
	n, err := tx.exec(ctx, `UPDATE credential SET name = $1, name_key = $2, description = $3, public = $4, secrets = $5, sealed = $6,
		version = $7, verdict = $8, reason = $9, verdict_at = $10, updated_at = $11, local = $12 WHERE id = $13 AND version = $14`,
		c.Name, nameKey(c.Name), c.Description, public, secrets, []byte(c.Sealed),
		c.Version, c.Verdict, readable(c.Reason), micros(c.VerdictAt), micros(c.UpdatedAt), c.Local, c.ID, version)
	if err != nil {
		return nameTaken(err, "credential", c.Name)
	}
	if n == 1 {
		return nil
	}
	if _, err := tx.CredentialVersion(ctx, c.ID); err != nil {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "the credential %q was changed meanwhile: load it again and repeat the change", c.Name)
}

// Reseal replaces the seal of a credential, and whether it is local, if its version is still the same.
func (tx *Tx) Reseal(ctx context.Context, c sallyport.Credential) error {
	_, err := tx.exec(ctx, "UPDATE credential SET sealed = $1, local = $2 WHERE id = $3 AND version = $4", []byte(c.Sealed), c.Local, c.ID, c.Version)
	return err
}

// SetVerdict notes what is known of a credential's key. It does nothing if the stored version is another: that key was not asked.
func (tx *Tx) SetVerdict(ctx context.Context, id sallyport.ID, version int64, v sallyport.Verdict, reason string, at time.Time) error {
	_, err := tx.exec(ctx, "UPDATE credential SET verdict = $1, reason = $2, verdict_at = $3 WHERE id = $4 AND version = $5",
		v, readable(reason), micros(at), id, version)
	return err
}

// TouchCredential notes when a credential was used.
func (tx *Tx) TouchCredential(ctx context.Context, id sallyport.ID, at time.Time) error {
	return tx.execOne(ctx, notFound("credential", id), "UPDATE credential SET last_used_at = $1 WHERE id = $2", micros(at), id)
}

// DeleteCredential removes a credential that no flow uses.
func (tx *Tx) DeleteCredential(ctx context.Context, id sallyport.ID) error {
	c, err := tx.Credential(ctx, id)
	if err != nil {
		return err
	}
	users, err := tx.CredentialUsers(ctx, id)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		_, err = tx.exec(ctx, "DELETE FROM credential WHERE id = $1", id)
	}
	if len(users) > 0 || isReference(err) { // the latter: a flow took it after the look
		return sallyport.Errorf(sallyport.Conflict, "the credential %q is in use%s: give these flows another one, or remove them, first",
			c.Name, quoted(" by ", users))
	}
	return err
}

func credentialJSON(c sallyport.Credential) (public, secrets string, err error) {
	if public, err = asJSON(c.Public); err != nil {
		return "", "", err
	}
	secrets, err = asJSON(c.Secrets)
	return public, secrets, err
}

// nameTaken turns the failure of a statement into a conflict if it is the name of a row that was there already.
func nameTaken(err error, kind, name string) error {
	if !isDuplicate(err) {
		return err
	}
	message := fmt.Sprintf("there is already a %s named %q", kind, name)
	return &sallyport.Error{Code: sallyport.Conflict, Field: "name", Message: message, Err: err}
}

// quoted joins names in quotes and puts a word before them, if there are any.
func quoted(word string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return word + `"` + strings.Join(names, `", "`) + `"`
}
