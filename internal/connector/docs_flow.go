package connector

import (
	"fmt"
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
	p.text("`{cursor}` stands for the page number, the offset or the next value: in the path, a query parameter, a header or the body, which may be written as " +
		"a value, `body: {after: \"{cursor}\", limit: 100}`, and is sent as JSON. Where it is a whole value, the request for the first page leaves it out. " +
		"Other braces are sent as they are; `{{cursor}}` is sent as `{cursor}`.")
	p.text("`since: {field: updated_at, start: now-30d, overlap: 1h, step: 7d}` pulls only what was added since the last run: `{since}` stands for the cursor, " +
		"which is the newest time at `field` so far, less the overlap. Without `field` it is when the last run started. `{until}` is the end of a window of `step`, or now. " +
		"`{now}` and, for example, `{now-5d}` need no `since`. `format` is that of these times: `rfc3339` (the default), `date`, `unix`, `unix_ms`, or a layout such as `%%Y-%%m-%%d`.")
	const last = "until a page is empty, has fewer records than `size`, or is not found."
	p.table([]string{"type of paging", "the next page", "needs"}, [][]string{
		{quote(sallyport.PagingSingle), "There is none.", ""},
		{quote(sallyport.PagingPage), "A page number counts up from `start` (1) " + last, "`query`"},
		{quote(sallyport.PagingOffset), "A record offset counts up from `start` (0) " + last, "`query`"},
		{quote(sallyport.PagingNextValue), "A value goes into the parameter `query`, or where `{cursor}` stands: the one at `value` in the response, in its header `header`, or at `last` in its last record.",
			"`query` or `{cursor}`, and one of `value`, `header`, `last`"},
		{quote(sallyport.PagingNextURL), "The value at `value` in the response, or in its header `header`, is the URL of the next request.", "`value` or `header`"},
		{quote(sallyport.PagingLinkHeader), "The `Link` header with `rel=\"next\"` is the URL of the next request.", ""},
		{quote(sallyport.PagingTAXII), "What `next` in the response says, or else what was added after its last object; the next run begins there, too.", "`format: taxii`"},
	})
	p.text("What a response says about its list, beside the records, ends it or is compared with what was read:")
	p.table([]string{"setting of paging", "example", "meaning"}, [][]string{
		{"`more`", "`$.has_more`", "Whether more follows: true, false, 1 or 0. False ends the list, whatever else leads on."},
		{"`total`", "`$.count`", "The records of the whole list. A run that reads another number is incomplete."},
		{"`pages`", "`$.meta.total_pages`", "The pages of the whole list. The list ends there, without one more request."},
		{"`until`", "`{path: $.status, equals: done}`", "The page where this holds is the last one. Without `equals`, any value but null, false and 0 ends the list."},
	})
	p.table([]string{"setting of a response", "what it says"}, [][]string{
		{"`absent: empty`", "A response without the list has no records. Without it, such a response is an error, because it may also be a fault."},
		{"`repeatable: true`", "A POST only reads, for example a search. It is repeated after a failure, as a GET is."},
		{"`cookies: true`", "Cookies are kept in memory during a run, and go back to the host that set them."},
		{"`follow: without_key`", "A redirect of a GET to another host is followed without the key, for example to a pre-signed address of a store."},
	})
	p.text("Some systems report a failure with HTTP 200. A rule recognizes it; the first of up to %d rules that fits decides:", MaxFail)
	p.code("yaml", "fail:\n  - {path: $.success, equals: false, message: $.error.message, class: transient}")
	p.table([]string{"part of a rule", "meaning"}, [][]string{
		{"`path`", "The path to what tells of a failure. It is required."},
		{"`equals`", "The value that stands there then: text, a number, true, false or null. Without `equals`, any value but null, false, 0 and what is empty is a failure."},
		{"`message`", "The path to what the system says. Without `message`, the reason is looked for at the usual places."},
		{"`class`", "`permanent` (if absent) fails the run. `transient` requests the page again, then waits. `rate` waits as after HTTP 429. `credential` marks the key as rejected. " +
			"`plan` and `not_found` fail with that reason. `empty` is no failure: the list is empty."},
	})
	p.text("A page that fits a rule is not kept, even if it has records. Rules go with JSON only.")
	p.text("A response with HTTP 202 is still being prepared: a read is requested again for up to three minutes; then the run waits.")
	p.table([]string{"`format` of answers", "the records", "needs"}, [][]string{
		{quote(sallyport.FormatJSON), "What `records` leads to. It is the default.", ""},
		{quote(sallyport.FormatJSONL), "Each line, in JSON. A line that is not valid goes to quarantine.", ""},
		{quote(sallyport.FormatLines), "Each line, as the field `value`. Empty lines and comments are left out.", "`comment`: what these begin with (`#`), or `none`"},
		{quote(sallyport.FormatCSV), "The rows behind the first, which names their fields; all values are texts. A row with too few or too many cells goes to quarantine. " +
			"How a table is written is found out where it is beyond doubt. An error names the setting otherwise.",
			"`columns` may list those that must be there; `separator`: `;`, `tab`, or `\" ; \"` if the blanks do not count; `comment`: `#` or `none`; " +
				"`header`: `row`, `comment` (the last before the rows) or `none` (`columns` names them); `quote`: `'` or `none`"},
		{quote(sallyport.FormatTAXII), "As with `json`, in the media type of TAXII 2.1.", ""},
	})
	p.text("Responses may be compressed (gzip, deflate, br, zstd), or be one file in gzip, zstd, bzip2 or zip. Their text is decoded by its byte order mark " +
		"or the charset that the response declares. `encoding: windows-1252` names the encoding of a text that declares none, or a wrong one.")
}

func (p *page) destination(d *Definition) {
	if d.Destination == nil {
		return
	}
	p.text("## Destination")
	p.text("%s", d.Destination.Summary)
	p.fields("setting", d.Destination.Fields, false)
	p.code("yaml", destinationExample(d))
	if d.Destination.Submit != nil && d.Destination.Submit.Answers != "" {
		p.text("A whole flow is in the example of %s.", quote(d.Destination.Submit.Answers))
	}
	of := ""
	if d.Destination.Submit != nil {
		of = " of one flow"
	}
	p.text("No two destinations%s may have the same %s.", of, list(d.Destination.Target, "and"))
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
