package connector

import (
	"net/http"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// The places of a key in a request.
const (
	AuthNone   = "none"
	AuthQuery  = "query"
	AuthHeader = "header"
	AuthBasic  = "basic"
	AuthBearer = "bearer"
	AuthForm   = "form" // in the body of a POST that is a form, in the query of any other call
)

// Auth says where the key goes. Kind, Name, Prefix, Suffix and Username may be written with {field}, which stands for that public field of the
// credential.
type Auth struct {
	Kind       string `yaml:"kind" json:"kind,omitzero"`               // query, header, basic, bearer, form or none
	Name       string `yaml:"name" json:"name"`                        // of the query parameter, header or field of a form
	Prefix     string `yaml:"prefix" json:"prefix,omitzero"`           // sent before the key; in a header, a space follows a letter or digit at its end
	Suffix     string `yaml:"suffix" json:"suffix,omitzero"`           // sent behind the key
	Username   string `yaml:"username" json:"username,omitzero"`       // for basic
	UserSecret string `yaml:"user_secret" json:"user_secret,omitzero"` // for basic: the credential field that holds the user name, if it is secret
	Secret     string `yaml:"secret" json:"secret,omitzero"`           // the credential field that holds the key
	Optional   bool   `yaml:"optional" json:"optional,omitzero"`       // a credential without the key is valid: its requests are made without one
	Also       []Auth `yaml:"also" json:"also,omitzero"`               // further keys of the credential, each with a place of its own
}

// Resolve puts the credential's public fields where the texts of a place say {field}.
func (a Auth) Resolve(public map[string]string) Auth {
	fill := func(text string) string {
		return placeholder.ReplaceAllStringFunc(text, func(name string) string { return public[strings.Trim(name, "{}")] })
	}
	a.Kind, a.Name, a.Prefix, a.Suffix, a.Username = fill(a.Kind), fill(a.Name), fill(a.Prefix), fill(a.Suffix), fill(a.Username)
	also := a.Also
	a.Also = nil
	for _, other := range also {
		a.Also = append(a.Also, other.Resolve(public))
	}
	return a
}

// Places returns every place of a key that is sent, the main one first.
func (a Auth) Places() (all []Auth) {
	if a.Kind != AuthNone {
		all = append(all, a)
	}
	for _, other := range a.Also {
		if !other.isUnused() {
			all = append(all, other)
		}
	}
	return all
}

func (a Auth) isUnused() bool { return a.Kind == AuthNone || a.Kind == "" }

// Queried tells whether the key may go into the query.
func (a Auth) Queried() bool { return a.Kind == AuthQuery || a.Kind == AuthForm }

// Header is the header that carries the key, "" if none does.
func (a Auth) Header() string {
	switch a.Kind {
	case AuthHeader:
		return a.Name
	case AuthBasic, AuthBearer:
		return "Authorization"
	}
	return ""
}

// Before is what stands before the key. A word before it in a header is followed by a space, which forms and shells lose.
func (a Auth) Before() string {
	if a.Kind == AuthBearer {
		return "Bearer "
	}
	if last, _ := utf8.DecodeLastRuneInString(a.Prefix); a.Kind == AuthHeader && (unicode.IsLetter(last) || unicode.IsDigit(last)) {
		return a.Prefix + " "
	}
	return a.Prefix
}

// Secrets are the credential fields that the place can take secrets from, the key last.
func (a Auth) Secrets() []string {
	if a.Kind == AuthBasic && a.UserSecret != "" && a.Username == "" {
		return []string{a.UserSecret, a.Secret}
	}
	return []string{a.Secret}
}

// IsGiven tells whether a secret of the place is there.
func (a Auth) IsGiven(secrets map[string]secret.Text) bool {
	return !secrets[a.Secret].IsEmpty() || a.Kind == AuthBasic && !secrets[a.UserSecret].IsEmpty()
}

// checkAuth makes sure that all is there that the chosen kinds of authentication need, and that no two keys go to the same place.
func (c *CredentialSpec) checkAuth(public map[string]string, secrets map[string]secret.Text) error {
	taken := map[string]bool{}
	for _, written := range append([]Auth{c.Auth}, c.Auth.Also...) {
		a := written.Resolve(public)
		for _, check := range []func(Auth, map[string]secret.Text) error{a.checkUse, a.checkPlace, a.checkParts} {
			if err := check(written, secrets); err != nil {
				return err
			}
		}
		if a.isUnused() || !a.IsGiven(secrets) {
			continue
		}
		if taken[a.place()] {
			return sallyport.FieldErrorf(fieldIn(written.Name, written.Kind), "must not be %s once more: another key goes there", a.place())
		}
		taken[a.place()] = true
	}
	return nil
}

// place names where the key goes, however it is spelled.
func (a Auth) place() string {
	if header := a.Header(); header != "" {
		return "the header " + http.CanonicalHeaderKey(header)
	}
	return "the parameter " + a.Name
}

// fieldIn is the public field that one of these texts stands for.
func fieldIn(texts ...string) string {
	for _, text := range texts {
		if placeholder.MatchString(text) {
			return strings.Trim(text, "{}")
		}
	}
	return ""
}

// checkUse makes sure that what is given is sent, and that what is sent is given. written is the place as the definition has it.
func (a Auth) checkUse(written Auth, secrets map[string]secret.Text) error {
	given, user := !secrets[a.Secret].IsEmpty(), !secrets[a.UserSecret].IsEmpty()
	switch {
	case a.isUnused() && given:
		return sallyport.FieldErrorf(a.Secret, "would be sent nowhere: say with %s where in a request it goes", fieldIn(written.Kind))
	case user && a.Kind != AuthBasic:
		return sallyport.FieldErrorf(a.UserSecret, "would be sent nowhere: a user name goes with basic")
	case user && a.Username != "":
		return sallyport.FieldErrorf(fieldIn(written.Username), "cannot be given together with %s", a.UserSecret)
	case a.Kind == "" && a.Name != "":
		return sallyport.FieldErrorf(fieldIn(written.Name), "goes with %s, which says where the key goes", fieldIn(written.Kind))
	case !a.isUnused() && !a.IsGiven(secrets) && !a.Optional:
		return sallyport.FieldErrorf(a.Secret, "is required")
	}
	return nil
}

// checkPlace makes sure that a key that is given has a place that can hold it.
func (a Auth) checkPlace(written Auth, secrets map[string]secret.Text) error {
	switch {
	case a.isUnused() || !a.IsGiven(secrets):
		return nil
	case a.Kind == AuthQuery && a.Name == "":
		return sallyport.FieldErrorf(fieldIn(written.Name), "is required: which query parameter carries the key?")
	case a.Kind == AuthHeader && IsTransportHeader(a.Name):
		return sallyport.FieldErrorf(fieldIn(written.Name), "must not be %s: the HTTP transport sets this header itself", strings.TrimSpace(a.Name))
	case a.Kind == AuthHeader && !headerName.MatchString(a.Name):
		return sallyport.FieldErrorf(fieldIn(written.Name), "must be the name of the header that carries the key")
	case a.Kind == AuthBasic && strings.Contains(a.Username, ":"):
		return sallyport.FieldErrorf(fieldIn(written.Username), "must not hold a colon: it would end the user name")
	case a.Kind == AuthBasic && secrets[a.UserSecret].Matches(colon):
		return sallyport.FieldErrorf(a.UserSecret, "must not hold a colon: it would end the user name")
	}
	return nil
}

var colon = regexp.MustCompile(`:`)

// checkParts makes sure that a prefix and suffix are sent, and that the key does not begin with its prefix.
func (a Auth) checkParts(written Auth, secrets map[string]secret.Text) error {
	for text, value := range inOrder(map[string]string{written.Prefix: a.Prefix, written.Suffix: a.Suffix}) {
		if value != "" && a.isUnused() {
			return sallyport.FieldErrorf(fieldIn(text), "goes with a key: say with %s where in a request that goes", fieldIn(written.Kind))
		}
		if value != "" && a.Kind == AuthBearer {
			return sallyport.FieldErrorf(fieldIn(text), "does not go with bearer, which sends Bearer and the key; for anything else choose header and the name Authorization")
		}
	}
	before := a.Before()
	if word, ok := strings.CutSuffix(before, " "); ok && secrets[a.Secret].Matches(regexp.MustCompile(`^(?i:`+regexp.QuoteMeta(before)+`)`)) {
		return sallyport.FieldErrorf(a.Secret, "must not begin with %s, which is added before it", word)
	}
	return nil
}
