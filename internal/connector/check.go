package connector

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

var (
	// What a copied key has by mistake: control characters, invisible ones, and spaces of any kind but the plain one, which may be inside.
	unclean    = regexp.MustCompile(`\p{C}|[^ \PZ]`)
	surrounded = regexp.MustCompile(`^ | $`)
	headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

// SecretFields are the fields of a credential that are sealed.
func (d *Definition) SecretFields() []Field { return d.credentialFields(false) }

// PublicFields are the fields of a credential that anyone may see.
func (d *Definition) PublicFields() []Field { return d.credentialFields(true) }

func (d *Definition) credentialFields(public bool) (fields []Field) {
	if d.Credential != nil {
		for _, f := range d.Credential.Fields {
			if f.Public == public {
				fields = append(fields, f)
			}
		}
	}
	return fields
}

// CheckCredential checks the fields of a credential, and returns the public ones complete: with defaults, the address in its plain form.
// The error is about the first field at fault, names it, and repeats no value.
func (d *Definition) CheckCredential(public map[string]string, secrets map[string]secret.Text) (map[string]string, error) {
	if d.Credential == nil {
		return nil, sallyport.Errorf(sallyport.Invalid, "%s needs no credential", d.Name)
	}
	checked, err := d.checkPublic(public)
	if err != nil {
		return nil, err
	}
	if err := d.checkSecrets(secrets); err != nil {
		return nil, err
	}
	return checked, d.Credential.checkAuth(checked, secrets)
}

func (d *Definition) checkPublic(public map[string]string) (map[string]string, error) {
	given := map[string]any{}
	for name, value := range inOrder(public) {
		if d.isSecret(name) {
			return nil, sallyport.FieldErrorf(name, "is a secret, and must not be given as a public field")
		}
		given[name] = value
	}
	checked, err := checkValues("credential field", d.PublicFields(), given)
	if err != nil {
		return nil, err
	}
	texts := map[string]string{}
	for name, value := range checked {
		texts[name], _ = value.(string) // the fields of a credential are of no other type
	}
	if address, ok := texts[AddressField]; ok {
		texts[AddressField], err = checkAddress(address)
	}
	return texts, err
}

func (d *Definition) isSecret(name string) bool {
	return slices.Contains(namesOf(d.SecretFields()), name)
}

func (d *Definition) checkSecrets(secrets map[string]secret.Text) error {
	fields := d.SecretFields()
	for name := range inOrder(secrets) {
		if slices.Contains(namesOf(d.PublicFields()), name) {
			return sallyport.FieldErrorf(name, "is a public field, not a secret")
		}
		if err := checkKnown("secret field", fields, []string{name}); err != nil {
			return err
		}
	}
	for i := range fields {
		if err := fields[i].checkSecret(secrets[fields[i].Name]); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) checkSecret(text secret.Text) error {
	form, err := f.form()
	switch {
	case err != nil:
		return err
	case text.IsEmpty() && f.Required:
		return sallyport.FieldErrorf(f.Name, "is required")
	case text.IsEmpty():
		return nil
	case text.Matches(unclean):
		return sallyport.FieldErrorf(f.Name, "must not hold line breaks, tabs, invisible characters or special spaces; copy it once more")
	case text.Matches(surrounded):
		return sallyport.FieldErrorf(f.Name, "must not begin or end with a space; copy it once more")
	case !text.Matches(form):
		return f.malformed()
	}
	return nil
}

// CheckParams checks the parameters of an endpoint, and returns them complete: with defaults, and each in the form of its type, however
// it was given; numbers may come as text, lists as text with commas. The error is about the first parameter at fault and names it.
func (e *Endpoint) CheckParams(params map[string]any) (map[string]any, error) {
	checked, err := checkValues("parameter of "+e.ID, e.Params, params)
	if err != nil {
		return nil, err
	}
	for _, group := range e.OneOf {
		if err := oneOf(group, checked); err != nil {
			return nil, err
		}
	}
	return checked, nil
}

func oneOf(group []string, given map[string]any) error {
	found := ""
	for _, name := range group {
		if _, ok := given[name]; !ok {
			continue
		}
		if found != "" {
			return sallyport.FieldErrorf(name, "cannot be given together with %s", found)
		}
		found = name
	}
	if found == "" {
		return sallyport.FieldErrorf(group[0], "is required, or one of the others: %s", strings.Join(group, ", "))
	}
	return nil
}

// CheckConfig checks the configuration of a destination, and returns it complete, as CheckParams does: text and paths are string, integers
// json.Number, lists []string. What it returned may be checked again, also after it went through JSON.
func (d *Definition) CheckConfig(config map[string]any) (map[string]any, error) {
	if d.Destination == nil {
		return nil, sallyport.Errorf(sallyport.Invalid, "nothing can be delivered to %s", d.Name)
	}
	return checkValues("setting of "+d.Connector, d.Destination.Fields, config)
}
