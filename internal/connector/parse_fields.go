package connector

import (
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

// fields checks what a definition says of fields, which must be right for its own defaults and examples.
func (l *linter) fields(at route, fields []Field) {
	for i := range fields {
		f, at := &fields[i], at.at(i)
		if !fieldName.MatchString(f.Name) {
			l.fault(at.at("name"), "name: must be of lower-case letters, digits and _")
		}
		if slices.Contains(namesOf(fields[:i]), f.Name) {
			l.fault(at.at("name"), "there are two fields named %q", f.Name)
		}
		l.fieldType(at.at("type"), f.Type)
		l.sent(at.at("sent"), f)
		if f.Format != "" && (f.Format != FormatIndicator || f.Type != "" && f.Type != TypeString && f.Type != TypeList) {
			l.fault(at.at("format"), "format: is %s, of a string or list, or absent", FormatIndicator)
		}
		if _, err := f.form(); err != nil {
			l.check(at.at("pattern"), nameless(err))
			continue
		}
		l.value(at.at("default"), f, f.Default)
		l.value(at.at("example"), f, f.Example)
	}
}

func (l *linter) fieldType(at route, name string) {
	types := []string{TypeString, TypePath, TypeInteger, TypeBoolean, TypeList}
	if name != "" && !slices.Contains(types, name) {
		l.check(at, sallyport.Unknown("", "type of field", name, types))
	}
}

// sent checks that a field is written in a way that its type can be.
func (l *linter) sent(at route, f *Field) {
	types := map[string]string{"": f.Type, SentCommas: TypeList, SentDigit: TypeBoolean}
	switch wants, ok := types[f.Sent]; {
	case !ok:
		l.check(at, sallyport.Unknown("", "way to send a value", f.Sent, []string{SentCommas, SentDigit}))
	case wants != f.Type:
		l.fault(at, "sent: %s is for fields of type %s", f.Sent, wants)
	}
}

func (l *linter) value(at route, f *Field, value any) {
	if value == nil {
		return
	}
	if _, err := f.check(value); err != nil {
		l.fault(at, "%w", err)
	}
}

func (l *linter) credential() {
	if l.Credential == nil {
		if len(l.Endpoints) > 0 || l.Manual {
			l.fault(nil, "credential is required: its field %s says where the system is", AddressField)
		}
		return
	}
	at := route{"credential"}
	l.fields(at.at("fields"), l.Credential.Fields)
	for i, f := range l.Credential.Fields {
		l.credentialField(at.at("fields", i), f)
	}
	l.address(at.at("fields"))
	for i, host := range l.Credential.Hosts {
		if !isHost(host) || !strings.Contains(host, ".") {
			l.fault(at.at("hosts", i), "%q is no host name: write it in lower case, without scheme and port", host)
		}
	}
	l.auth(at.at("auth"), l.Credential.Auth)
	if test := l.Credential.Test; test != nil {
		l.call(at.at("test"), test.Endpoint, test.Params)
		if e, err := l.Endpoint(test.Endpoint); err == nil && e.Effect != "" {
			l.fault(at.at("test", "endpoint"), "a call of %s has an effect: it cannot be a test", e.ID)
		}
	}
}

func (l *linter) credentialField(at route, f Field) {
	if f.Type != "" && f.Type != TypeString {
		l.fault(at.at("type"), "type: the fields of a credential are strings")
	}
	if !f.Public && (f.Default != nil || len(f.Values) > 0) {
		l.fault(at, "%s is a secret: it has neither a default nor values to choose from", f.Name)
	}
}

func (l *linter) address(at route) {
	fields := l.PublicFields()
	i := slices.Index(namesOf(fields), AddressField)
	if i < 0 {
		if len(l.Endpoints) > 0 || l.Manual {
			l.fault(at, "a public field named %s is required: it says where the system is", AddressField)
		}
		return
	}
	address, ok := fields[i].Default.(string)
	switch _, err := checkAddress(address); {
	case ok && err != nil:
		l.fault(at, "default of %w", err)
	case !ok && !fields[i].Required:
		l.fault(at, "%s must be required or have a default", AddressField)
	}
}

// auth checks where keys go. Each further one is sent with the first, and has a secret and a place of its own.
func (l *linter) auth(at route, auth Auth) {
	l.place(at, auth)
	all := []Auth{auth}
	for i, other := range auth.Also {
		at := at.at("also", i)
		l.place(at, other)
		if len(other.Also) > 0 {
			l.fault(at.at("also"), "also: stands once, with the first key")
		}
		if other.Kind == AuthNone {
			l.fault(at.at("kind"), "kind: a further key must be sent somewhere")
		}
		for _, before := range all {
			if before.place() == other.place() && !placeholder.MatchString(before.Kind+other.Kind+before.Name+other.Name) {
				l.fault(at, "another key goes to %s as well", other.place())
			}
			if before.Secret == other.Secret {
				l.fault(at.at("secret"), "secret: %s is sent elsewhere already", other.Secret)
			}
		}
		all = append(all, other)
	}
}

// place checks where one key goes.
func (l *linter) place(at route, auth Auth) {
	for key, text := range inOrder(map[string]string{
		"kind": auth.Kind, "name": auth.Name, "prefix": auth.Prefix, "suffix": auth.Suffix, "username": auth.Username,
	}) {
		l.placeholders(at.at(key), text, "public credential field", l.PublicFields())
		if control.MatchString(text) {
			l.fault(at.at(key), "%s: must be one line of readable text", key)
		}
	}
	kinds := []string{AuthNone, AuthQuery, AuthHeader, AuthBasic, AuthBearer, AuthForm}
	if !placeholder.MatchString(auth.Kind) && !slices.Contains(kinds, auth.Kind) {
		l.check(at.at("kind"), sallyport.Unknown("", "kind of authentication", auth.Kind, kinds))
	}
	if auth.Name == "" && slices.Contains([]string{AuthQuery, AuthHeader, AuthForm}, auth.Kind) {
		l.fault(at, "name is required: of the %s that carries the key", auth.Kind)
	}
	if auth.Kind == AuthHeader && IsTransportHeader(auth.Name) {
		l.fault(at.at("name"), "the HTTP transport sets the header %s itself", auth.Name)
	}
	if (auth.Kind == AuthBearer || auth.Kind == AuthNone) && auth.Prefix+auth.Suffix != "" {
		l.fault(at, "prefix and suffix go with query, header, basic and form")
	}
	l.secrets(at, auth)
}

// secrets checks which secrets go to a place.
func (l *linter) secrets(at route, auth Auth) {
	if auth.Kind != AuthNone {
		l.check(at.at("secret"), nameless(checkKnown("secret credential field", l.SecretFields(), []string{auth.Secret})))
	}
	if auth.UserSecret != "" {
		l.check(at.at("user_secret"), nameless(checkKnown("secret credential field", l.SecretFields(), []string{auth.UserSecret})))
		if auth.Kind != AuthBasic && !placeholder.MatchString(auth.Kind) || auth.UserSecret == auth.Secret {
			l.fault(at.at("user_secret"), "user_secret: is for basic, beside another secret")
		}
	}
	required := slices.ContainsFunc(l.SecretFields(), func(f Field) bool { return f.Name == auth.Secret && f.Required })
	if auth.Optional && (auth.Kind == AuthNone || required) {
		l.fault(at.at("optional"), "optional: goes with a kind of authentication whose secret is not required")
	}
}

// placeholders makes sure that every {name} in a text is that of a field.
func (l *linter) placeholders(at route, text, kind string, fields []Field) {
	for _, name := range template.Names(text) {
		l.check(at, nameless(checkKnown(kind, fields, []string{name})))
	}
}
