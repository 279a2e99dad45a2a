package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// CredentialDraft is a credential before it is stored.
type CredentialDraft struct {
	Name        string
	Description string
	Connector   string
	Public      map[string]string
	Secrets     map[string]secret.Text
}

// Testing says how a new key is proved before it is stored.
type Testing int

// The ways of proving a key.
const (
	MustTest       Testing = iota // what could not be tested is not stored
	AllowUntested                 // a rejected key is not stored, one that could not be tested is
	WithoutTesting                // no call is made
	AllowRejected                 // the key is stored whatever the test shows
)

// Probe is what one test call showed.
type Probe struct {
	Verdict sallyport.Verdict `json:"verdict"`
	Reason  string            `json:"reason"`
	Took    time.Duration     `json:"-"`
	err     error
}

// Failure is the error of the test call; nil if there was none.
func (p Probe) Failure() error { return p.err }

// Unproved is why a key was not stored: what the test of it showed.
type Unproved struct {
	Probe
	sentence string
}

// Error says that nothing was stored, and why.
func (u *Unproved) Error() string { return u.sentence }

// Unwrap returns the failure of the test.
func (u *Unproved) Unwrap() error { return u.err }

// CredentialUse is a credential with what uses it.
type CredentialUse struct {
	sallyport.Credential
	UsedBy []string `json:"used_by"` // names of flows
}

// KeyWarnings says what is risky about secrets that are stored nevertheless.
func KeyWarnings(secrets map[string]secret.Text) (warnings []string) {
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		switch text := secrets[name]; {
		case text.IsEmpty():
		case !text.Searchable():
			warnings = append(warnings, fmt.Sprintf("the key in the field %q has fewer than %d characters: such a key is not searched for in responses and logs, "+
				"so use a longer one if you can", name, secret.MinLength))
		case text.IsOrdinary():
			warnings = append(warnings, fmt.Sprintf("the key in the field %q looks like an ordinary word or number: it is redacted wherever records contain it, "+
				"so use another one if you can", name))
		}
	}
	return warnings
}

// CreateCredential stores a credential, sealed, after a test.
func (s *Service) CreateCredential(ctx context.Context, actor sallyport.Actor, d CredentialDraft, testing Testing) (*sallyport.Credential, error) {
	if err := s.CheckPlainFields(ctx, d); err != nil {
		return nil, err
	}
	definition, err := s.Catalogue.Definition(d.Connector)
	if err != nil {
		return nil, err
	}
	d.Name = sallyport.NormalName(d.Name)
	if err := s.CheckNewName(ctx, d.Name, ""); err != nil {
		return nil, err
	}
	redactor, done := s.passing(d.Secrets)
	defer done()
	if d.Public, err = definition.CheckCredential(d.Public, d.Secrets); err != nil {
		return nil, err
	}
	now := sallyport.Now()
	c := &sallyport.Credential{
		ID: sallyport.NewID("crd"), Name: d.Name, Description: d.Description, Owner: actor.Name, Connector: d.Connector, Public: d.Public,
		Local: isLocal(actor, d.Public), Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := s.prove(ctx, c, definition, d.Secrets, testing, redactor); err != nil {
		return nil, err
	}
	if err := s.seal(ctx, c, d.Secrets); err != nil {
		return nil, err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialCreate, Object: c.ID, Detail: map[string]string{"name": c.Name, "connector": c.Connector}}
	noteForced(entry.Detail, c, testing)
	if err := s.audited(ctx, entry, func(tx *store.Tx) error { return tx.InsertCredential(ctx, *c) }); err != nil {
		return nil, err
	}
	s.Vault.Learn(*c, d.Secrets)
	return c, nil
}

// isLocal tells whether a loopback address is one that the owner of this machine entered at the command line.
func isLocal(actor sallyport.Actor, public map[string]string) bool {
	u, err := url.Parse(public[sallyport.AddressField])
	return err == nil && actor.Kind == "cli" && egress.IsLoopback(u.Hostname())
}

// CheckNewName refuses a name that a credential cannot be given: its field is "name". own is the id of the credential that may have it
// already, if any. Before a call is spent on a key it is asked.
func (s *Service) CheckNewName(ctx context.Context, name string, own sallyport.ID) error {
	name = sallyport.NormalName(name)
	if err := sallyport.CheckName("name", name); err != nil {
		return err
	}
	all, err := s.Store.Credentials(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.ID != own && strings.EqualFold(sallyport.NormalName(c.Name), name) {
			e := sallyport.Errorf(sallyport.Conflict, "there is already a credential named %q; choose another name, or rotate the key of that one", c.Name)
			e.Field = "name"
			return e
		}
	}
	return nil
}

// prove tests secrets that are not stored yet, and writes the verdict into c. What may not be stored is an error. The redactor knows the secrets.
func (s *Service) prove(
	ctx context.Context, c *sallyport.Credential, d *connector.Definition, secrets map[string]secret.Text, testing Testing, redactor *secret.Redactor,
) error {
	c.Verdict, c.Reason, c.VerdictAt = sallyport.VerdictUnknown, "not tested", time.Time{}
	if testing == WithoutTesting {
		return nil
	}
	p := s.probe(ctx, d, *c, func(context.Context) (map[string]secret.Text, error) { return secrets, nil }, redactor)
	c.Verdict, c.Reason = p.Verdict, p.Reason
	if p.Verdict != sallyport.VerdictUnknown {
		c.VerdictAt = sallyport.Now()
	}
	untested := p.Verdict == sallyport.VerdictUnreachable || p.Verdict == sallyport.VerdictLimited
	switch {
	case testing == AllowRejected:
		return nil
	case p.Verdict == sallyport.VerdictRejected:
		return &Unproved{p, redactor.String(p.err.Error())}
	case untested && testing == MustTest:
		return &Unproved{p, redactor.String(fmt.Sprintf("nothing was stored, because the key could not be tested: %v", p.err))}
	}
	return nil
}

// noteForced notes for the audit log that a key was stored on insistence, although its test did not prove it.
func noteForced(detail map[string]string, c *sallyport.Credential, testing Testing) {
	if testing == AllowRejected && c.Verdict != sallyport.VerdictValid {
		detail["forced"] = string(c.Verdict)
	}
}

// probe makes the definition's test call. What it says of it is redacted.
func (s *Service) probe(ctx context.Context, d *connector.Definition, c sallyport.Credential, keys engine.Keys, redactor *secret.Redactor) Probe {
	if d.Credential == nil || d.Credential.Test == nil {
		return Probe{Verdict: sallyport.VerdictUnknown, Reason: d.Name + " has no call that proves a key; the first run will show"}
	}
	begin := time.Now()
	err := s.testCall(ctx, d, c, keys)
	failure, ok := errors.AsType[*connector.Failure](err)
	p := Probe{Verdict: failure.Verdict(), Took: time.Since(begin), err: err}
	switch {
	case err == nil:
		p.Reason = "accepted"
	case ok:
		p.Reason = redactor.String(failure.Error())
	default:
		p.Verdict, p.Reason = sallyport.VerdictUnreachable, redactor.String(err.Error())
	}
	return p
}

// testCall reads the first answer of the test endpoint; an answer without records is one too.
func (s *Service) testCall(ctx context.Context, d *connector.Definition, c sallyport.Credential, keys engine.Keys) error {
	endpoint, err := d.Endpoint(d.Credential.Test.Endpoint)
	if err != nil {
		return err
	}
	params, err := endpoint.CheckParams(d.Credential.Test.Params)
	if err != nil {
		return err
	}
	source, err := s.Engine.OpenSource(sallyport.Source{Connector: d.Connector, Endpoint: endpoint.ID, Params: params, Credential: c.ID}, c, keys)
	if err != nil {
		return err
	}
	for page, err := range source.Pages(ctx, "") {
		if err != nil {
			return err
		}
		for _, err := range page.Records {
			return err
		}
		break
	}
	return nil
}

// seal puts secrets into c, which needs its id, connector and version.
func (s *Service) seal(ctx context.Context, c *sallyport.Credential, secrets map[string]secret.Text) (err error) {
	c.Secrets = map[string]time.Time{}
	secrets = maps.Clone(secrets)
	maps.DeleteFunc(secrets, func(_ string, text secret.Text) bool { return text.IsEmpty() })
	for name := range secrets {
		c.Secrets[name] = c.UpdatedAt
	}
	c.Sealed, err = s.Vault.Seal(ctx, *c, secrets)
	return err
}

// Credentials lists all credentials by name.
func (s *Service) Credentials(ctx context.Context) ([]sallyport.Credential, error) {
	all, err := s.Store.Credentials(ctx)
	for i := range all {
		all[i] = s.honest(all[i])
	}
	return all, err
}

// honest returns a credential with the verdict that it needs its secret, if what is stored does not open.
func (s *Service) honest(c sallyport.Credential) sallyport.Credential {
	if err := s.Vault.Check(c); err != nil {
		c.Verdict, c.Reason, c.VerdictAt = sallyport.VerdictNeedsSecret, err.Error(), time.Time{}
	}
	return c
}

// Credential finds one by name or id, and what uses it.
func (s *Service) Credential(ctx context.Context, name string) (*CredentialUse, error) {
	c, err := s.credential(ctx, name)
	if err != nil {
		return nil, err
	}
	users, err := s.Store.CredentialUsers(ctx, c.ID)
	return &CredentialUse{s.honest(c), users}, err
}

// TestCredential makes the test call with a stored key and remembers the verdict. What was stopped goes on if the key is good after all.
func (s *Service) TestCredential(ctx context.Context, actor sallyport.Actor, name string) (Probe, error) {
	c, err := s.credential(ctx, name)
	if err != nil {
		return Probe{}, err
	}
	definition, err := s.Catalogue.Definition(c.Connector)
	if err != nil {
		return Probe{}, err
	}
	p := s.probe(ctx, definition, s.Engine.Trusted(c), s.Engine.Keys(actor, c), s.Redactor)
	if p.Verdict == sallyport.VerdictUnknown {
		return p, nil
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialTest, Object: c.ID, Detail: map[string]string{"verdict": string(p.Verdict)}}
	err = s.audited(ctx, entry, func(tx *store.Tx) error {
		if c.Verdict == sallyport.VerdictRejected && (p.Verdict == sallyport.VerdictUnreachable || p.Verdict == sallyport.VerdictLimited) {
			return nil // it says nothing about the key: nobody must ask with it again
		}
		if err := tx.SetVerdict(ctx, c.ID, c.Version, p.Verdict, p.Reason, sallyport.Now()); err != nil || p.Verdict != sallyport.VerdictValid {
			return err
		}
		return s.Engine.KeyReplaced(ctx, tx, c.ID)
	})
	if err != nil {
		return p, err
	}
	return p, p.err
}

// DeleteCredential removes a credential that nothing uses.
func (s *Service) DeleteCredential(ctx context.Context, actor sallyport.Actor, name string) error {
	c, err := s.credential(ctx, name)
	if err != nil {
		return err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialDelete, Object: c.ID, Detail: map[string]string{"name": c.Name}}
	if err := s.audited(ctx, entry, func(tx *store.Tx) error { return tx.DeleteCredential(ctx, c.ID) }); err != nil {
		return err
	}
	s.Vault.Forget(c.ID)
	s.Engine.Quota.Forget(c.ID)
	return nil
}

// VerifyKeys tells how many credentials there are, and which of them the master key does not open.
func (s *Service) VerifyKeys(ctx context.Context, actor sallyport.Actor) (total int, problems []vault.Problem, err error) {
	all, err := s.Store.Credentials(ctx)
	if err != nil {
		return 0, nil, err
	}
	problems, err = s.Vault.Verify(ctx, actor, all)
	return len(all), problems, err
}
