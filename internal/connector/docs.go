package connector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/shape"
)

// Markdown is the documentation of a connector: the README.md in its folder.
func (d *Definition) Markdown() []byte {
	p := &page{}
	p.text("<!-- Generated from connector.yaml. Change that instead. -->")
	p.text("# %s", d.Name)
	p.text("%s", d.Summary)
	p.links(d.Links)
	p.prerequisites(d.Prerequisites)
	p.credential(d)
	p.limits(d.Limits)
	p.endpoints(d)
	p.shapes(d)
	p.manual(d)
	p.destination(d)
	p.errors(d.Errors)
	return []byte(strings.TrimSpace(p.String()) + "\n")
}

// page is a page of Markdown that is being written.
type page struct{ strings.Builder }

// text writes a paragraph or heading.
func (p *page) text(format string, args ...any) { fmt.Fprintf(p, format+"\n\n", args...) }

// code writes a block of code.
func (p *page) code(language, text string) {
	p.text("```%s\n%s\n```", language, strings.TrimSpace(text))
}

// table writes a table, unless it has no rows.
func (p *page) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(p, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		for i := range row {
			row[i] = cell(row[i])
		}
		fmt.Fprintf(p, "| %s |\n", strings.Join(row, " | "))
	}
	p.WriteByte('\n')
}

// cell makes a text fit into a table: of one line, and without what would end the cell or begin HTML.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", "").Replace(outsideCode(text, "<", "&lt;"))
}

// outsideCode replaces what stands between no backticks.
func outsideCode(text, old, replacement string) string {
	parts := strings.Split(text, "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], old, replacement)
	}
	return strings.Join(parts, "`")
}

// quote writes a text as code within a line.
func quote(text string) string {
	if strings.Contains(text, "`") {
		return "`` " + text + " ``"
	}
	return "`" + text + "`"
}

// list writes names as code, one after the other.
func list(names []string, last string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return strings.Join(quoted[:len(quoted)-1], ", ") + " " + last + " " + quoted[len(quoted)-1]
}

func (p *page) links(l Links) {
	var links []string
	for _, link := range []struct{ name, to string }{{"Website", l.Website}, {"API documentation", l.API}, {"API keys", l.Keys}} {
		if link.to != "" {
			links = append(links, fmt.Sprintf("[%s](%s)", link.name, link.to))
		}
	}
	if len(links) > 0 {
		p.text("%s", strings.Join(links, " · "))
	}
}

func (p *page) prerequisites(steps []string) {
	if len(steps) == 0 {
		return
	}
	p.text("## Before there is a credential")
	for i, step := range steps {
		fmt.Fprintf(p, "%d. %s\n", i+1, step)
	}
	p.WriteByte('\n')
}

// fields writes a table of fields; secret says that those are secret that are not public.
func (p *page) fields(what string, fields []Field, secret bool) {
	var rows [][]string
	for _, f := range fields {
		rows = append(rows, []string{quote(f.Name), traits(f, secret), meaningOf(f)})
	}
	p.table([]string{what, "kind", "meaning"}, rows)
}

// meaningOf is what a field is called and what it is for.
func meaningOf(f Field) string {
	sentences := slices.DeleteFunc([]string{f.Label, f.Help}, func(s string) bool { return s == "" })
	return strings.Join(sentences, ". ")
}

// traits says in a few words what a field takes.
func traits(f Field, secret bool) string {
	all := []string{cmp.Or(f.Type, TypeString)}
	if f.Format != "" && all[0] == TypeString {
		all[0] = f.Format
	}
	if secret && !f.Public {
		all[0] = "**secret**"
	}
	switch {
	case len(f.Values) > 0 && f.Type == TypeList:
		all[0] = "list of " + list(f.Values, "and")
	case len(f.Values) > 0:
		all[0] = list(f.Values, "or")
	}
	switch {
	case f.Required:
		all = append(all, "required")
	case f.Default != nil:
		all = append(all, "default "+quote(fmt.Sprint(f.Default)))
	}
	if f.Pattern != "" {
		all = append(all, "pattern "+quote(f.Pattern))
	}
	return strings.Join(all, ", ")
}

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
	where := map[string]string{
		AuthNone:   "No key is sent.",
		AuthQuery:  "The key is sent as the query parameter " + quote(auth.Name),
		AuthHeader: "The key is sent in the header " + quote(auth.Name),
		AuthBasic:  "The key is sent as the password of HTTP Basic authentication" + userName(auth.Username),
		AuthBearer: "The key is sent as a bearer token",
		AuthForm:   "The key is sent as the field " + quote(auth.Name) + " of the form, and as a query parameter where there is none",
	}[auth.Kind]
	if where == "" {
		where = fmt.Sprintf("The key is sent where %s says", quote(strings.Trim(auth.Kind, "{}")))
	}
	if auth.Kind == AuthNone {
		return where
	}
	if len(hosts) == 0 {
		return where + ", to the address only."
	}
	return fmt.Sprintf("%s, to %s only. If the address is elsewhere, it is sent there only.", where, list(hosts, "and"))
}

// userName names a user name that is always the same.
func userName(name string) string {
	if name == "" || placeholder.MatchString(name) {
		return ""
	}
	return " with the user name " + quote(name)
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

// shell quotes an argument where a shell needs that.
func shell(argument string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_=./:,@", r)
	}
	if argument != "" && !strings.ContainsFunc(argument, func(r rune) bool { return !plain(r) }) {
		return argument
	}
	return "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
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

func (p *page) endpoints(d *Definition) {
	if len(d.Endpoints) > 0 {
		p.text("## Endpoints")
	}
	for _, e := range d.Endpoints {
		p.text("### %s", e.Name)
		p.text("%s: %s", quote(e.ID), e.Summary)
		p.fields("parameter", e.Params, false)
		for _, group := range e.OneOf {
			p.text("Exactly one of %s must be given.", list(group, "and"))
		}
		p.text("%s%s", recordsOf(e.Request), changesOf(&e))
		p.each(e.Each)
		p.split(e.Split)
		p.shape(d.Shape(&e))
		p.terms(d, &e)
		p.code("sh", testCommand(d, &e))
	}
}

// recordsOf says what the records of a request are.
func recordsOf(r sallyport.Request) string {
	records := "The answer is one record"
	switch {
	case r.Format == sallyport.FormatCSV:
		records = "The records are the rows of a CSV"
	case r.Records != "$":
		records = "The records are at " + quote(r.Records)
	}
	if len(r.Key) > 0 {
		records += ", named by " + list(r.Key, "and")
	}
	if r.Paging.Type != "" && r.Paging.Type != sallyport.PagingSingle {
		records += fmt.Sprintf("; pages are turned by %s", quote(r.Paging.Type))
	}
	return records + "."
}

// shape writes what the records of an endpoint have.
func (p *page) shape(s *shape.Shape) {
	if s == nil {
		return
	}
	var rows [][]string
	for _, f := range s.Fields() {
		rows = append(rows, []string{quote(f.Path), f.Type, f.Description})
	}
	p.table([]string{"field of a record", "type", "meaning"}, rows)
}

// shapes says what all records with a shape have in common.
func (p *page) shapes(d *Definition) {
	if len(d.Shapes) == 0 {
		return
	}
	p.text("## Records")
	p.text(shapeText, d.Connector, list(slices.Sorted(maps.Keys(d.Shapes)), "and"))
}

const shapeText = `Every record has the fields of its table, in that order, whatever the answer left out: what is absent, null or empty is ` +
	"`null`, `[]` or `{}`" + `. Numbers are numbers and times are RFC 3339 in UTC; a value that is none of its type stays, as text. ` +
	`Fields that the table does not have follow as they came. The order within lists and objects is that of the answer, and may differ from ` +
	"one to the next. With `raw: true` in the source (`source test --raw`) a record has its original beside it, as `_raw`.\n\n" +
	"The tables are JSON Schemas: `sallyport connector show %s --schema NAME` prints %s."

// terms say what a call costs and does, and how often it may be made.
func (p *page) terms(d *Definition, e *Endpoint) {
	if e.Auth != nil {
		p.text("%s", keyPlace(*e.Auth, d.Credential.Hosts))
	}
	if e.Cost != "" {
		p.text("**Cost.** %s", e.Cost)
	}
	if e.MinInterval != 0 {
		p.text("**Limit.** A pull every %s: a schedule must not be shorter, and a run that is too early waits.", e.MinInterval)
	}
	if e.Poll != nil {
		p.text("The result is asked for every %s, for %s at most. Only then the run ends. What was begun is never begun again by a retry or a "+
			"restart.", e.Poll.Every, e.Poll.Deadline)
	}
	if e.Effect != "" {
		p.text("**Effect.** A call %s. So it has no preview: it is made by runs only.", e.Effect)
	}
}

// testCommand is how an endpoint is tried with the parameters that it needs. One with an effect is not tried, but run.
func testCommand(d *Definition, e *Endpoint) string {
	if e.Effect != "" {
		return "sallyport flow run " + shell("my flow") + " --follow"
	}
	command := fmt.Sprintf("sallyport source test --connector %s --credential %s --endpoint %s", d.Connector, shell("my "+d.Connector), e.ID)
	for _, f := range e.Params {
		first := slices.ContainsFunc(e.OneOf, func(group []string) bool { return group[0] == f.Name })
		if f.Required || first {
			command += " --param " + shell(f.Name+"="+exampleOf(f))
		}
	}
	return command
}

// exampleOf writes a value for a field as an argument.
func exampleOf(f Field) string {
	switch example := f.Example.(type) {
	case nil:
		return "…"
	case []any:
		return strings.Trim(strings.ReplaceAll(flowValue(example), ", ", ","), "[]")
	default:
		return fmt.Sprint(example)
	}
}
