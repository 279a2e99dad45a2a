package connector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/shape"
)

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
		p.answers(e.Answers)
		p.shape(&e, d.Shape(&e))
		p.terms(d, &e)
		p.example(d, &e)
	}
}

// recordsOf says what the records of a request are.
func recordsOf(r sallyport.Request) string {
	records := "The answer is one record"
	switch {
	case r.Format == sallyport.FormatCSV:
		records = "The records are the rows of a CSV"
	case r.Format == sallyport.FormatJSONL, r.Format == sallyport.FormatLines:
		records = "Each line of the answer is a record"
	case r.Records != "$":
		records = "The records are at " + quote(r.Records)
	}
	if len(r.Key) > 0 {
		records += ", identified by " + list(r.Key, "and")
	}
	if r.Paging.Type != "" && r.Paging.Type != sallyport.PagingSingle {
		records += fmt.Sprintf("; pages are turned by %s", quote(r.Paging.Type))
	}
	return records + "."
}

// answers says what the record of a submission has.
func (p *page) answers(a *Answers) {
	if a == nil {
		return
	}
	p.text("A record has what was submitted in `asked`, when in `submitted_at`, the system's own number of it in `ref`, and what came of it in `state`: "+
		"`done`, `lost` (the system does not know %s any more) or `expired` (it was not done in time). Where it is done, the fields below follow.",
		quote(a.Name))
}

// shape writes what the records of an endpoint have.
func (p *page) shape(e *Endpoint, s *shape.Shape) {
	if s == nil {
		return
	}
	if len(e.Request.Columns) > 0 {
		p.text("Of these fields a record has those whose columns were asked for. Other columns follow, as text.")
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

// terms say what a call costs, needs and does, how often it may be made, and what may come of it.
func (p *page) terms(d *Definition, e *Endpoint) {
	if e.Auth != nil {
		p.text("%s", keyPlace(*e.Auth, d.Credential.Hosts))
	}
	p.text("**Cost.** %s", costOf(e))
	p.text("**Limits.** %s", limitsOf(d, e))
	if e.Effect != "" {
		p.text("**Effect.** A call %s. So it has no preview: it is made by runs only.", e.Effect)
	}
	if len(d.Errors) > 0 {
		p.text("**Outcomes.** %s · %s · %s · %s · %s · %s: see [Outcomes of a request](#outcomes-of-a-request).",
			goodStates(e), stateRejected, stateForbidden, stateLimited, stateUnreachable, stateInvalid)
	}
}

// costOf says how many calls an endpoint takes.
func costOf(e *Endpoint) string {
	paged := e.Request.Paging.Type != "" && e.Request.Paging.Type != sallyport.PagingSingle
	switch {
	case e.Cost != "":
		return e.Cost
	case e.Each != nil:
		return "One call for every value of the list whose answer is not kept."
	case e.Split != nil:
		return "One call, and one more for every part in which it is asked again."
	case paged:
		return "One call for every page."
	}
	return "One call."
}

// limitsOf says how often an endpoint may be called, by whom and for how long.
func limitsOf(d *Definition, e *Endpoint) string {
	var all []string
	if e.Needs != "" {
		all = append(all, e.Needs)
	}
	if e.MinInterval != 0 {
		all = append(all, fmt.Sprintf("A pull every %s: a schedule must not be shorter, and a run that is too early waits.", e.MinInterval))
	}
	if e.Poll != nil {
		all = append(all, fmt.Sprintf("The result is asked for every %s, for %s at most. Only then the run ends. What was begun is never begun again "+
			"by a retry or a restart.", e.Poll.Every, e.Poll.Deadline))
	}
	if e.Answers != nil {
		all = append(all, fmt.Sprintf("Asked every `%s`, until `%s` is over.", ParamEvery, ParamDeadline))
	}
	if d.Limits.Cut != nil && e.Request.Paging.Type == sallyport.PagingNextValue {
		all = append(all, "A plan may end the list after some pages.")
	}
	if len(d.Limits.Headers) > 0 && (e.Answers == nil || !e.Answers.Free) {
		all = append(all, "The calls a second, day and month that the account has.")
	}
	return cmp.Or(strings.Join(all, " "), "None that is known.")
}

// each says what becomes of every value of a list.
func (p *page) each(e *Each) {
	if e == nil {
		return
	}
	p.text("Every value is one call, unless its answer is kept from before. A record has the value in `asked` and what came of it in `state`: " +
		"`found`, `not_found`, `refused` (the system does not take this value) or `skipped` (it was not asked about), the last two with a `reason`.")
	var rows [][]string
	for value, age := range inOrder(e.Cache.Values) {
		rows = append(rows, []string{fmt.Sprintf("found, %s is %s", quote(e.Cache.Field), quote(value)), age.String()})
	}
	if e.Cache.Found != 0 {
		rows = append(rows, []string{"found", e.Cache.Found.String()})
	}
	if e.Cache.NotFound != 0 {
		rows = append(rows, []string{"not found", e.Cache.NotFound.String()})
	}
	p.table([]string{"answer", "is kept for"}, rows)
}

// split says how a query is asked in parts.
func (p *page) split(s *Split) {
	if s == nil {
		return
	}
	p.text("An answer with as many records as %s allows may be cut off. It is asked again in parts, until each is whole:", quote(s.Limit))
	var rows [][]string
	for _, d := range s.By {
		rows = append(rows, []string{quote(d.Field), list(d.Values, "and") + ", and all others"})
	}
	rows = append(rows, []string{"days, by " + quote(ParamDateField), "halves, down to one day (" + quote(s.Dates.Since) + ", " + quote(s.Dates.Range) + ")"})
	p.table([]string{"divided by", "into"}, rows)
}
