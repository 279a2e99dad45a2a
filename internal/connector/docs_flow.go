package connector

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
)

const manualExample = `
source:
  connector: %s
  credential: my %[1]s
  request:
    method: GET
    url: /list                 # below the credential's address
    query: {limit: "1000"}
    records: $.results[*]      # JSONPath (RFC 9535) to the records
    paging: {type: next_value, value: $.page_next, query: page}
    key: [id]                  # the fields that together name a record`

func (p *page) manual(d *Definition) {
	if !d.Manual {
		return
	}
	p.text("## Request")
	p.text("A source describes its request itself:")
	p.code("yaml", fmt.Sprintf(manualExample, d.Connector))
	p.text("Where `records` leads through objects, as `$.groups[*][*]` does, `names: [group]` puts the names of their members into the records, " +
		"a field for each wildcard. `with: {name: value}` puts fields into every record.")
	const last = "until a page is empty or has fewer records than `size`."
	p.table([]string{"type of paging", "the next page", "needs"}, [][]string{
		{quote(sallyport.PagingSingle), "There is none.", ""},
		{quote(sallyport.PagingPage), "A page number counts up from `start` (1) " + last, "`query`"},
		{quote(sallyport.PagingOffset), "A record offset counts up from `start` (0) " + last, "`query`"},
		{quote(sallyport.PagingNextValue), "The value at `value` in the answer goes into the parameter `query`.", "`value`, `query`"},
		{quote(sallyport.PagingNextURL), "The value at `value` in the answer is the URL of the next call.", "`value`"},
		{quote(sallyport.PagingLinkHeader), "The `Link` header with `rel=\"next\"` is the URL of the next call.", ""},
		{quote(sallyport.PagingTAXII), "What `next` in the answer says, or else what was added after its last object; the next run begins there, too.", "`format: taxii`"},
	})
	p.table([]string{"`format` of answers", "the records", "needs"}, [][]string{
		{quote(sallyport.FormatJSON), "What `records` leads to. It is the default.", ""},
		{quote(sallyport.FormatCSV), "The rows behind the first, which names their fields; all values are texts. A row with too few or too many cells goes to quarantine.",
			"`columns` may list those that must be there"},
		{quote(sallyport.FormatTAXII), "As with `json`, in the media type of TAXII 2.1.", ""},
	})
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
	rows = append(rows, []string{"days, by " + quote(ParamDateField), "halves, down to one day"})
	p.table([]string{"divided by", "into"}, rows)
}

func (p *page) destination(d *Definition) {
	if d.Destination == nil {
		return
	}
	p.text("## Destination")
	p.text("%s", d.Destination.Summary)
	p.fields("setting", d.Destination.Fields, false)
	p.code("yaml", destinationExample(d))
	p.text("No two destinations may have the same %s.", list(d.Destination.Target, "and"))
}

// destinationExample is the part of a flow file that delivers to a destination.
func destinationExample(d *Definition) string {
	var config []string
	for _, f := range d.Destination.Fields {
		switch {
		case f.Required:
			config = append(config, fmt.Sprintf("%s: %s", f.Name, flowValue(f.Example)))
		case f.Default != nil:
			config = append(config, fmt.Sprintf("%s: %s", f.Name, flowValue(f.Default)))
		}
	}
	example := fmt.Sprintf("destinations:\n  - name: my %s\n    connector: %[1]s\n", d.Connector)
	if d.Credential != nil {
		example += fmt.Sprintf("    credential: my %s\n", d.Connector)
	}
	return example + fmt.Sprintf("    config: {%s}", strings.Join(config, ", "))
}

// flowValue writes a value of a definition in YAML's flow style.
func flowValue(value any) string {
	switch value := value.(type) {
	case []any:
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = flowValue(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case string:
		if strings.ContainsAny(value, `:#,[]{}&*!|>'"%@`+"`") {
			return fmt.Sprintf("%q", value)
		}
	}
	return fmt.Sprint(value)
}

func (p *page) errors(rules []ErrorRule) {
	if len(rules) == 0 {
		return
	}
	p.text("## What errors mean")
	p.text("The first line that fits decides. What fits none is read by its status alone.")
	var rows [][]string
	for _, r := range rules {
		says := ""
		if r.Match != "" {
			says = quote(r.Match)
		}
		rows = append(rows, []string{statuses(r.Status), says, meaning(r)})
	}
	p.table([]string{"HTTP status", "the answer says", "meaning"}, rows)
}

func statuses(status []int) string {
	if len(status) == 0 {
		return "any"
	}
	var all []string
	for _, s := range status {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s", s, http.StatusText(s))))
	}
	return strings.Join(all, ", ")
}

// meaning says what an error is and what is done about it.
func meaning(r ErrorRule) string {
	switch r.Class {
	case ClassEmpty:
		return "Nothing was found. This is an answer, not a failure."
	case ClassCredential:
		return "The key is refused. Runs stop until a new one is put in."
	case ClassPlan:
		return "The key is known, but its plan or permissions do not allow the call. The run stops."
	case ClassRate:
		if r.Window != "" {
			return fmt.Sprintf("The quota of the %s is used up. The run waits, and goes on where it was.", r.Window)
		}
		return "Too many requests. The run waits, and goes on where it was."
	case ClassTransient:
		return "The system has a problem. The call is tried again."
	}
	return "The call cannot succeed. The run stops."
}
