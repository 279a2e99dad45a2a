package connector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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
	p.oddities(d.Oddities)
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
	return choice(quoted, last)
}

// choice writes texts one after the other.
func choice(texts []string, last string) string {
	if len(texts) < 2 {
		return strings.Join(texts, "")
	}
	return strings.Join(texts[:len(texts)-1], ", ") + " " + last + " " + texts[len(texts)-1]
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
	case f.Type == TypeList && f.Default != nil:
		all = append(all, "default "+quote(flowValue(f.Default)))
	case f.Default != nil:
		all = append(all, "default "+quote(fmt.Sprint(f.Default)))
	}
	if f.Pattern != "" {
		all = append(all, "pattern "+quote(f.Pattern))
	}
	return strings.Join(all, ", ")
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
