package service

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// CheckPlain refuses text in a plain field if it holds a key that is known. Plain text is shown, exported, logged and audited.
func (s *Service) CheckPlain(ctx context.Context, field, text string) error {
	return s.checkPlain(ctx, map[string]string{field: text})
}

// CheckPlainFields refuses a credential if one of its plain fields holds one of its own secrets or a key that is known. The field of the error
// is "name", "description", "connector" or, for a public one, "public." and its name.
func (s *Service) CheckPlainFields(ctx context.Context, d CredentialDraft) error {
	if err := misplaced(d, ""); err != nil {
		return err
	}
	return s.checkPlain(ctx, d.plain())
}

// misplaced refuses a credential if one of its plain fields holds one of its own secrets. The advice ends the error.
func misplaced(d CredentialDraft, advice string) error {
	for _, name := range slices.Sorted(maps.Keys(d.Secrets)) {
		if where, found := holding(secret.NewRedactor(d.Secrets[name]), d.plain()); found {
			return sallyport.FieldErrorf(where, "contains the key; enter a key in the field %q only: it is the one that is sealed and never shown%s", name, advice)
		}
	}
	return nil
}

// plain is what a credential says in the open. A secret field that is given as a public one is an error of its own.
func (d CredentialDraft) plain() any {
	public := maps.Clone(d.Public)
	maps.DeleteFunc(public, func(name, _ string) bool { return !d.Secrets[name].IsEmpty() })
	return struct {
		Name        string            `json:"name"`
		Description string            `json:"description"`
		Connector   string            `json:"connector"`
		Public      map[string]string `json:"public"`
	}{d.Name, d.Description, d.Connector, public}
}

// checkPlainSpec refuses a flow if it holds a key that is known, whatever the key of its own credentials looks like. The field of the error is
// a path in the spec.
func (s *Service) checkPlainSpec(ctx context.Context, spec FlowSpec) error {
	var own []sallyport.ID
	for _, name := range append([]string{spec.Source.Credential}, names(spec.Destinations)...) {
		c, err := s.Store.CredentialByName(ctx, name)
		if sallyport.CodeOf(err) == sallyport.Internal && err != nil {
			return err
		}
		own = append(own, c.ID) // none if there is no such credential, which is said later
	}
	return s.checkPlain(ctx, spec, own...)
}

func names(destinations []DestinationSpec) (names []string) {
	for _, d := range destinations {
		names = append(names, d.Credential)
	}
	return names
}

// checkPlainDraft is checkPlainSpec for a flow that is being made.
func (s *Service) checkPlainDraft(ctx context.Context, d *Draft) error {
	own := []sallyport.ID{d.Credential}
	spec := FlowSpec{Flow: d.Name, Description: d.Description, Source: SourceSpec{
		Connector: d.Connector, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Schedule: d.Schedule, Emit: d.Emit,
		Confirm: d.Confirm, VanishLimit: d.VanishLimit,
	}}
	for _, to := range d.Destinations {
		own = append(own, to.Credential)
		spec.Destinations = append(spec.Destinations, DestinationSpec{Name: to.Name, Connector: to.Connector, Config: to.Config})
	}
	return s.checkPlain(ctx, spec, own...)
}

// checkPlain refuses a value if it holds a distinctive key, or any key of some credentials.
func (s *Service) checkPlain(ctx context.Context, value any, own ...sallyport.ID) error {
	if err := s.LearnKeys(ctx); err != nil {
		return err
	}
	var keys []secret.Text
	for _, id := range own {
		keys = append(keys, s.Vault.Known(id)...)
	}
	if where, found := holding(s.Shown().With(keys...), value); found {
		return sallyport.FieldErrorf(where, "contains a key; a key belongs in the secret field of a credential, which is sealed and never shown")
	}
	return nil
}

// holding finds a secret in the texts of a value that is plain data: the path of the text, or of the object that has it as a name.
func holding(known *secret.Redactor, value any) (path string, found bool) {
	document, err := json.Marshal(value)
	if err != nil {
		return "", false // it cannot be stored either
	}
	texts := jsontext.NewDecoder(bytes.NewReader(document))
	for {
		token, err := texts.ReadToken()
		if err != nil { // the end: what was just written can be read
			return "", false
		}
		if (token.Kind() != '"' && token.Kind() != '0') || !known.Contains(token.String()) {
			continue
		}
		at := texts.StackPointer()
		if kind, n := texts.StackIndex(texts.StackDepth()); kind == '{' && n%2 == 1 { // a name
			at = at.Parent()
		}
		return strings.Join(slices.Collect(at.Tokens()), "."), true
	}
}
