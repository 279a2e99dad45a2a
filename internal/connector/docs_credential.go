package connector

import (
	"fmt"
	"strconv"
	"strings"
)

func (p *page) credential(d *Definition) {
	c := d.Credential
	if c == nil {
		return
	}
	p.text("## Credential")
	p.fields("field", c.Fields, true)
	p.text("%s", keyPlace(c.Auth, c.Hosts))
	p.code("sh", addCommand(d))
	if c.Test != nil {
		p.text("A new credential is tested with one call of %s.", quote(c.Test.Endpoint))
	}
}

// keyPlace says where a key goes.
func keyPlace(auth Auth, hosts []string) string {
	where := keySent(auth)
	if auth.Kind == AuthNone {
		return where
	}
	text := where + ", to the address only."
	if len(hosts) > 0 {
		text = fmt.Sprintf("%s, to %s only. If the address is elsewhere, it is sent there only.", where, list(hosts, "and"))
	}
	if auth.Optional {
		text += " A credential may have no key: its requests are made without one."
	}
	return text
}

// keySent says in which part of a request each key is sent.
func keySent(auth Auth) string {
	if auth.Kind == AuthNone {
		return "No key is sent."
	}
	text := "The key is sent " + placeOf(auth)
	for _, other := range auth.Also {
		text += ", and " + quote(other.Secret) + " " + placeOf(other)
	}
	return text
}

// placeOf says where a key stands, and what around it.
func placeOf(auth Auth) string {
	where := map[string]string{
		AuthQuery:  "as the query parameter " + quote(auth.Name),
		AuthHeader: "in the header " + quote(auth.Name),
		AuthBasic:  "as the password of HTTP Basic authentication" + userName(auth),
		AuthBearer: "as a bearer token",
		AuthForm:   "as the field " + quote(auth.Name) + " of the form, and as a query parameter where there is none",
	}[auth.Kind]
	if where == "" {
		return fmt.Sprintf("where %s says", quote(strings.Trim(auth.Kind, "{}")))
	}
	if around := auth.Prefix + auth.Suffix; around != "" && !placeholder.MatchString(around) {
		where += ", written " + quote(auth.Before()+"KEY"+auth.Suffix)
	}
	return where
}

// KeyPlaces says where the requests of a connector carry the key, as far as its definition says it: most of them, and those that do it in another way.
func (d *Definition) KeyPlaces() string {
	if d.Credential == nil || placeholder.MatchString(d.Credential.Auth.Kind) || d.Credential.Auth.Kind == AuthNone {
		return ""
	}
	text, others := keySent(d.Credential.Auth), map[string][]string{}
	for i := range d.Endpoints {
		if sent := keySent(d.AuthOf(&d.Endpoints[i])); sent != text {
			others[sent] = append(others[sent], d.Endpoints[i].Name)
		}
	}
	if len(others) > 0 {
		text = "Unless noted, " + strings.ToLower(text[:1]) + text[1:]
	}
	text += "."
	for sent, names := range inOrder(others) {
		text += " " + strings.Join(names, ", ") + ": " + strings.TrimPrefix(sent, "The key is sent ") + "."
	}
	return text
}

// userName names a user name that is always the same, or the field of a secret one.
func userName(auth Auth) string {
	switch {
	case auth.UserSecret != "":
		return " with " + quote(auth.UserSecret) + " as the user name"
	case auth.Username == "" || placeholder.MatchString(auth.Username):
		return ""
	}
	return " with the user name " + quote(auth.Username)
}

// addCommand is how a credential is added.
func addCommand(d *Definition) string {
	command := "sallyport credential add " + d.Connector + " --name " + shell("my "+d.Connector)
	for _, f := range d.PublicFields() {
		if f.Required {
			command += " --set " + shell(f.Name+"="+exampleOf(f))
		}
	}
	if len(d.SecretFields()) > 0 && d.Credential.Auth.Kind != AuthNone {
		command += d.chosenAuth() + " --secret-stdin"
	}
	return command
}

// chosenAuth sets the kind of authentication, for an example, where the credential chooses it.
func (d *Definition) chosenAuth() string {
	auth := d.Credential.Auth
	if !placeholder.MatchString(auth.Kind) {
		return ""
	}
	return fmt.Sprintf(" --set %s=%s --set %s=X-API-Key", strings.Trim(auth.Kind, "{}"), AuthHeader, strings.Trim(auth.Name, "{}"))
}

func (p *page) limits(l Limits) {
	if l.Note == "" && len(l.Headers) == 0 && len(l.Plans) == 0 {
		return
	}
	p.text("## Limits")
	p.text("%s", l.Note)
	var rows [][]string
	for _, window := range windows {
		if header := l.Headers[window]; header != "" {
			rows = append(rows, []string{window, quote(header)})
		}
	}
	p.table([]string{"window", "header that says what is left"}, rows)
	p.plans(l.Plans)
	p.cut(l.Cut)
}

// cut says which lists are not taken for whole.
func (p *page) cut(c *Cut) {
	if c == nil {
		return
	}
	after := make([]string, len(c.After))
	for i, n := range c.After {
		after[i] = strconv.Itoa(n)
	}
	text := "A list that ends after " + choice(after, "or") + " pages may have been ended by the plan if the last is as long as those before it"
	if c.Full > 0 {
		text += fmt.Sprintf(", if it is the only one and has %d records", c.Full)
	}
	p.text("%s, or if a run went on there after an interruption. Such a run is incomplete and says so, and nothing counts as vanished.", text)
}

func (p *page) plans(plans []PlanProfile) {
	if len(plans) == 0 {
		return
	}
	p.text("Tell a credential its plan with `sallyport credential quota NAME --plan PLAN`; what answers say corrects it.")
	var rows [][]string
	for _, plan := range plans {
		row := []string{quote(plan.Name)}
		for _, window := range windows {
			calls := "–"
			if n := plan.Windows[window]; n > 0 {
				calls = strconv.FormatInt(n, 10)
			}
			row = append(row, calls)
		}
		rows = append(rows, append(row, plan.Note))
	}
	p.table(append(append([]string{"plan"}, windows...), "note"), rows)
}
