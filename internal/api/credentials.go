package api

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// secretValue is a secret that comes in. It never goes out.
type secretValue struct{ secret.Text }

// UnmarshalJSON takes the secret as every other face does: without the line break at its end, and bounded.
func (v *secretValue) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return errors.New("must be text")
	}
	var err error
	v.Text, err = secret.Read(strings.NewReader(text))
	return err
}

// Schema says that it is only ever written.
func (secretValue) Schema(huma.Registry) *huma.Schema {
	longest := secret.MaxLength
	return &huma.Schema{Type: huma.TypeString, Format: "password", WriteOnly: true, MaxLength: &longest}
}

// secretState is all that is ever told of a secret.
type secretState struct {
	Set       bool      `json:"set"`
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// credentialView is a credential as it is shown.
type credentialView struct {
	ID          sallyport.ID           `json:"id"`
	Name        string                 `json:"name"`
	Description string                 `json:"description"`
	Owner       string                 `json:"owner" doc:"Who added it"`
	Connector   string                 `json:"connector"`
	Public      map[string]string      `json:"public" doc:"Its public fields"`
	Secrets     map[string]secretState `json:"secrets" doc:"Its secret fields: whether they are set, and since when"`
	Verdict     sallyport.Verdict      `json:"verdict" enum:"unknown,valid,rejected,forbidden,limited,unreachable,needs_secret" doc:"What is known of its key"`
	Reason      string                 `json:"reason,omitempty" doc:"The verdict in a sentence"`
	VerdictAt   time.Time              `json:"verdict_at,omitzero"`
	LastUsedAt  time.Time              `json:"last_used_at,omitzero"`
	CreatedAt   time.Time              `json:"created_at"`
	UpdatedAt   time.Time              `json:"updated_at"`
	Warnings    []string               `json:"warnings,omitempty" doc:"What is risky about secrets that this request stored"`
}

// shown is a credential without what is sealed.
func (s *server) shown(c sallyport.Credential) credentialView {
	v := credentialView{
		ID: c.ID, Name: c.Name, Description: c.Description, Owner: c.Owner, Connector: c.Connector, Public: map[string]string{},
		Secrets: map[string]secretState{}, Verdict: c.Verdict, Reason: c.Reason, VerdictAt: c.VerdictAt, LastUsedAt: c.LastUsedAt,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
	for name, value := range c.Public {
		v.Public[name] = value
	}
	if d, err := s.Service.Catalogue.Definition(c.Connector); err == nil {
		for _, f := range d.SecretFields() {
			v.Secrets[f.Name] = secretState{}
		}
	}
	for name, at := range c.Secrets {
		v.Secrets[name] = secretState{Set: true, UpdatedAt: at}
	}
	return v
}

func (s *server) credentials() {
	add(s, "GET /credentials", operation{
		id: "list-credentials", scope: sallyport.ScopeRead, summary: "List credentials",
	}, s.listCredentials)
	add(s, "POST /credentials", operation{
		id: "create-credential", scope: sallyport.ScopeWrite, status: 201, summary: "Store a credential, sealed, after a test",
		about: "A key that its system rejects is not stored, and neither is one that could not be tested, unless `test` says otherwise. Only the pages store a rejected key, if a person insists there.",
	}, s.createCredential)
	add(s, "POST /credentials/test", operation{
		id: "test-credential-draft", scope: sallyport.ScopeRun, summary: "Test a key without storing it", about: "It takes one call.",
	}, s.testDraft)
	add(s, "GET /credentials/{id}", operation{
		id: "get-credential", scope: sallyport.ScopeRead, summary: "Show a credential, without its secrets",
	}, s.getCredential)
	add(s, "PATCH /credentials/{id}", operation{
		id: "update-credential", scope: sallyport.ScopeWrite, summary: "Change the name or the description of a credential",
	}, s.updateCredential)
	add(s, "DELETE /credentials/{id}", operation{
		id: "delete-credential", scope: sallyport.ScopeWrite, summary: "Remove a credential that nothing uses",
	}, s.deleteCredential)
	add(s, "POST /credentials/{id}/test", operation{
		id: "test-credential", scope: sallyport.ScopeRun, summary: "Test a stored key, and keep the verdict", about: "It takes one call. What was stopped goes on if the key is good.",
	}, s.testCredential)
	add(s, "POST /credentials/{id}/rotate", operation{
		id: "rotate-credential", scope: sallyport.ScopeWrite, summary: "Replace the secrets of a credential, after a test",
		about: "Whatever uses it has the new ones at its next request, and what was stopped as the old ones were refused goes on.",
	}, s.rotateCredential)
	add(s, "GET /credentials/{id}/usage", operation{
		id: "get-credential-usage", scope: sallyport.ScopeRead, summary: "Show where a credential is used, and what is left of its quota",
	}, s.getUsageOf)
	add(s, "PATCH /credentials/{id}/quota", operation{
		id: "set-credential-quota", scope: sallyport.ScopeWrite, summary: "Set what a credential may spend",
	}, s.setQuota)
}

func (s *server) listCredentials(ctx context.Context, in *struct {
	Paging
	Connector string            `query:"connector" maxLength:"100" doc:"Only those of this connector"`
	Verdict   sallyport.Verdict `query:"verdict" enum:"unknown,valid,rejected,forbidden,limited,unreachable,needs_secret" doc:"Only those of which this is known"`
}) (*With[page[credentialView]], error) {
	all, err := s.Service.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	found := []credentialView{}
	for _, c := range all {
		if (in.Connector == "" || c.Connector == in.Connector) && (in.Verdict == "" || c.Verdict == in.Verdict) {
			found = append(found, s.shown(c))
		}
	}
	return answer(cut(found, in.Paging, func(c credentialView) string { return c.Name }), nil)
}

// Testing is how a new key is proved.
type Testing struct {
	Test string `json:"test,omitempty" enum:"required,allow_untested,none" default:"required" doc:"required: what could not be tested is not stored; allow_untested: it is, a rejected key is not; none: no call is made"`
}

func (t Testing) how() service.Testing {
	return map[string]service.Testing{"allow_untested": service.AllowUntested, "none": service.WithoutTesting}[t.Test]
}

// Keys is a credential that is not stored yet.
type Keys struct {
	Connector string                 `json:"connector" doc:"Such as pulsedive"`
	Public    map[string]string      `json:"public,omitempty" doc:"Its public fields, such as address"`
	Secrets   map[string]secretValue `json:"secrets,omitempty" doc:"Its secret fields, such as key"`
}

func (k Keys) draft() service.CredentialDraft {
	return service.CredentialDraft{Connector: k.Connector, Public: k.Public, Secrets: texts(k.Secrets)}
}

func texts(values map[string]secretValue) map[string]secret.Text {
	secrets := map[string]secret.Text{}
	for name, v := range values {
		if !v.IsEmpty() {
			secrets[name] = v.Text
		}
	}
	return secrets
}

// placed says where in the body the field of a credential stands that an error is about.
func (s *server) placed(k Keys, err error) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || e.Field == "" {
		return err
	}
	d, unknown := s.Service.Catalogue.Definition(k.Connector)
	if unknown != nil {
		return err
	}
	_, secret := k.Secrets[e.Field]
	_, public := k.Public[e.Field]
	switch {
	case has(d.SecretFields(), e.Field):
		return within("secrets", err)
	case has(d.PublicFields(), e.Field):
		return within("public", err)
	case secret: // there is no such field
		return within("secrets", err)
	case public:
		return within("public", err)
	}
	return err
}

func has(fields []connector.Field, name string) bool {
	return slices.ContainsFunc(fields, func(f connector.Field) bool { return f.Name == name })
}

// newCredential is what a credential is made of.
type newCredential struct {
	Name        string `json:"name" doc:"By it flows name the credential"`
	Description string `json:"description,omitempty" maxLength:"1000"`
	Keys
	Testing
}

// stored is a credential whose secrets were just stored.
func (s *server) stored(c sallyport.Credential, secrets map[string]secret.Text) credentialView {
	v := s.shown(c)
	v.Warnings = service.KeyWarnings(secrets)
	return v
}

func (s *server) createCredential(ctx context.Context, in *With[newCredential]) (*Created[credentialView], error) {
	draft := in.Body.draft()
	draft.Name, draft.Description = in.Body.Name, in.Body.Description
	if err := s.Service.CheckPlainFields(ctx, draft); err != nil {
		return nil, err
	}
	if err := s.Service.CheckNewName(ctx, draft.Name, ""); err != nil {
		return nil, err // a connector may have a field of the same name
	}
	c, err := s.Service.CreateCredential(ctx, actorOf(ctx), draft, in.Body.how())
	if err != nil {
		return nil, s.placed(in.Body.Keys, err)
	}
	return &Created[credentialView]{root + "/credentials/" + string(c.ID), s.stored(*c, draft.Secrets)}, nil
}

// probe is what the test of a key showed.
type probe struct {
	Verdict sallyport.Verdict `json:"verdict" enum:"unknown,valid,rejected,forbidden,limited,unreachable"`
	Reason  string            `json:"reason" doc:"The verdict in a sentence"`
}

func (s *server) testDraft(ctx context.Context, in *With[Keys]) (*With[probe], error) {
	if err := s.Service.CheckPlainFields(ctx, in.Body.draft()); err != nil {
		return nil, err
	}
	p, err := s.Service.TestDraft(ctx, actorOf(ctx), in.Body.draft())
	if err != nil {
		return nil, s.placed(in.Body, err)
	}
	return answer(probe{p.Verdict, p.Reason}, nil)
}

func (s *server) getCredential(ctx context.Context, in *One) (*With[credentialView], error) {
	c, err := s.Service.Credential(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return answer(s.shown(c.Credential), nil)
}

// description is what can be changed of a credential without its secrets.
type description struct {
	Name        *string `json:"name,omitempty"`
	Description *string `json:"description,omitempty" maxLength:"1000"`
}

func (s *server) updateCredential(ctx context.Context, in *struct {
	One
	With[description]
}) (*With[credentialView], error) {
	c, err := s.Service.Credential(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Name != nil {
		c.Name = *in.Body.Name
	}
	if in.Body.Description != nil {
		c.Description = *in.Body.Description
	}
	if err := s.Service.UpdateCredential(ctx, actorOf(ctx), c.Credential); err != nil {
		return nil, err
	}
	return s.getCredential(ctx, &One{string(c.ID)})
}

func (s *server) deleteCredential(ctx context.Context, in *One) (*struct{}, error) {
	return nil, s.Service.DeleteCredential(ctx, actorOf(ctx), in.ID)
}

func (s *server) testCredential(ctx context.Context, in *One) (*With[probe], error) {
	p, err := s.Service.TestCredential(ctx, actorOf(ctx), in.ID)
	if p.Verdict == "" || err != nil && p.Failure() == nil {
		return nil, err
	}
	return answer(probe{p.Verdict, p.Reason}, nil)
}

// newSecrets replaces the secrets of a credential.
type newSecrets struct {
	Secrets map[string]secretValue `json:"secrets" doc:"All secret fields that it needs"`
	Testing
}

func (s *server) rotateCredential(ctx context.Context, in *struct {
	One
	With[newSecrets]
}) (*With[credentialView], error) {
	use, err := s.Service.Credential(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	secrets := texts(in.Body.Secrets)
	c, err := s.Service.RotateCredential(ctx, actorOf(ctx), string(use.ID), secrets, in.Body.how())
	if err != nil {
		return nil, s.placed(Keys{Connector: use.Connector, Secrets: in.Body.Secrets}, err)
	}
	return answer(s.stored(*c, secrets), nil)
}
