package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// valuePrefix is before the names of a definition's own fields in a form.
const valuePrefix = "value."

// The paths in a flow file that the fields of forms belong to.
const (
	paramsPath  = "source.params."
	requestPath = "source.request."
)

// definedInputs are the inputs of fields that a definition declares, with the values given so far: ordinary ones, and those that are folded away.
func definedInputs(fields []connector.Field, values map[string]any) (ordinary, advanced []input) {
	for _, f := range fields {
		in := input{
			ID: "value-" + f.Name, Name: valuePrefix + f.Name, Label: labelOf(f), Help: f.Help, Required: f.Required,
			Value: valueText(values[f.Name]), Placeholder: valueText(f.Example), Values: f.Values,
		}
		if in.Value == "" {
			in.Value = valueText(f.Default)
		}
		if f.Type == connector.TypeBoolean {
			in.Values = []string{"true", "false"}
		}
		if f.Type == connector.TypeList && len(f.Values) == 0 {
			in.Lines = true
			in.Value = strings.Join(connector.Texts(cmp.Or(values[f.Name], f.Default)), "\n")
			in.Help = strings.TrimSpace(in.Help + " Several stand one a line, or on one line with commas between them.")
		}
		if len(in.Values) > 0 && !f.Required && f.Default == nil {
			in.Values = append([]string{""}, in.Values...)
		}
		if f.Advanced {
			advanced = append(advanced, in)
		} else {
			ordinary = append(ordinary, in)
		}
	}
	return ordinary, advanced
}

// valueText writes a value as it stands in a form.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []string:
		return strings.Join(v, ", ")
	case []any:
		var texts []string
		for _, one := range v {
			texts = append(texts, fmt.Sprint(one))
		}
		return strings.Join(texts, ", ")
	}
	return fmt.Sprint(v)
}

// readDefined reads what was given for the fields of a definition; what was left empty is not given.
func readDefined(r *http.Request, fields []connector.Field) map[string]any {
	values := map[string]any{}
	for _, f := range fields {
		if text := strings.TrimSpace(r.PostForm.Get(valuePrefix + f.Name)); text != "" {
			values[f.Name] = text
		}
	}
	return values
}

// requestInputs are the single-line inputs of a request that is described by hand.
func requestInputs(q *sallyport.Request) []input {
	if q == nil {
		q = new(sallyport.Request)
	}
	start, size := "", ""
	if q.Paging.Start != nil {
		start = strconv.FormatInt(*q.Paging.Start, 10)
	}
	if q.Paging.Size != 0 {
		size = strconv.FormatInt(q.Paging.Size, 10)
	}
	return []input{
		{Name: "method", Label: "Method", Value: q.Method, Values: []string{http.MethodGet, http.MethodPost}},
		{Name: "url", Label: "Path", Value: q.URL, Required: true, Placeholder: "/api/list", Help: "Below the address of the credential. What follows a ? goes under query parameters."},
		{Name: "query", Label: "Query Parameters", Value: pairText(q.Query, "="), Placeholder: "limit=1000", Help: "One `name=value` a line. Never a key: it comes from the credential."},
		{Name: "headers", Label: "Headers", Value: pairText(q.Headers, ": "), Help: "One `Name: value` a line."},
		{Name: "body", Label: "Body", Value: q.Body, Help: "With POST only."},
		{Name: "format", Label: "Format of Answers", Value: q.Format, Values: []string{sallyport.FormatJSON, sallyport.FormatCSV, sallyport.FormatTAXII}, Help: "The rows of a CSV are its records; the first row names their fields. TAXII is JSON in its own media type."},
		{Name: "columns", Label: "Columns", Value: strings.Join(q.Columns, ", "), Placeholder: "id, risk", Help: "With CSV only: those that must be there, separated by commas."},
		{Name: "records", Label: "Path to Records", Value: q.Records, Placeholder: "$.results[*]", Help: "JSONPath to the records in an answer. Absent: the answer itself is the record."},
		{Name: "names", Label: "Fields for Names of Groups", Value: strings.Join(q.Names, ", "), Placeholder: "group", Help: "Where the path goes through objects, as in $[*][*]: the fields for the names that its wildcards meet."},
		{Name: "with", Label: "Fields for All", Value: pairText(q.With, "="), Help: "Put into every record. One `name=value` a line."},
		{Name: "paging.type", Label: "Paging", Value: q.Paging.Type, Values: pagingTypes(), Help: "How the next page is asked for: not at all (single), by a number (page, offset), by what the answer says (next_value, next_url), by its Link header, as TAXII does (with that format)."},
		{Name: "paging.value", Label: "Next in the Answer", Value: q.Paging.Value, Placeholder: "$.page_next", Help: "Path to the value or URL of the next page."},
		{Name: "paging.query", Label: "Paging Parameter", Value: q.Paging.Query, Placeholder: "page", Help: "The query parameter that carries the page, the offset or the next value."},
		{Name: "paging.start", Label: "First Number", Value: start, Help: "Absent: pages count from 1, offsets from 0."},
		{Name: "paging.size", Label: "Records of a Full Page", Value: size, Help: "A shorter page is the last one."},
		{Name: "key", Label: "Key", Value: strings.Join(q.Key, ", "), Placeholder: "id", Help: "The fields that together name a record, separated by commas."},
	}
}

func pagingTypes() []string {
	return []string{
		sallyport.PagingSingle, sallyport.PagingPage, sallyport.PagingOffset, sallyport.PagingNextValue, sallyport.PagingNextURL, sallyport.PagingLinkHeader,
		sallyport.PagingTAXII,
	}
}

// readRequest reads a request that was described by hand. Errors are those of the form itself: what is no number, or no pair.
func readRequest(r *http.Request, problems map[string]string) *sallyport.Request {
	text := func(name string) string { return strings.TrimSpace(r.PostForm.Get("request." + name)) }
	number := func(name string) *int64 {
		if text(name) == "" {
			return nil
		}
		n, err := strconv.ParseInt(text(name), 10, 64)
		if err != nil {
			problems[requestPath+name] = "Must be a whole number."
		}
		return &n
	}
	pairs := func(name, separator string) map[string]string {
		values, ok := readPairs(text(name), separator)
		if !ok {
			problems[requestPath+name] = "Must be one name" + separator + "value a line, each name once."
		}
		return values
	}
	q := &sallyport.Request{
		Method: text("method"), URL: text("url"), Query: pairs("query", "="), Headers: pairs("headers", ":"), Body: text("body"), Records: text("records"),
		Names: words(text("names")), With: pairs("with", "="),
		Paging: sallyport.Paging{Type: text("paging.type"), Value: text("paging.value"), Query: text("paging.query"), Start: number("paging.start")},
		Key:    words(text("key")), Format: text("format"), Columns: words(text("columns")),
	}
	if size := number("paging.size"); size != nil {
		q.Paging.Size = *size
	}
	dropHidden(q)
	return q
}

// dropHidden forgets what stands in fields that the form does not show for this method and paging.
func dropHidden(q *sallyport.Request) {
	counts := q.Paging.Type == sallyport.PagingPage || q.Paging.Type == sallyport.PagingOffset
	leads := q.Paging.Type == sallyport.PagingNextValue || q.Paging.Type == sallyport.PagingNextURL
	if !counts {
		q.Paging.Start, q.Paging.Size = nil, 0
	}
	if !leads {
		q.Paging.Value = ""
	}
	if !counts && q.Paging.Type != sallyport.PagingNextValue {
		q.Paging.Query = ""
	}
	if q.Method == http.MethodGet {
		q.Body = ""
	}
	switch q.Format {
	case sallyport.FormatCSV:
		q.Records = ""
	case sallyport.FormatJSON: // it is the default
		q.Format, q.Columns = "", nil
	default:
		q.Columns = nil
	}
}

// words are the parts of a text with commas.
func words(text string) (all []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

func readPairs(text, separator string) (map[string]string, bool) {
	pairs := map[string]string{}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, separator)
		if name = strings.TrimSpace(name); !ok || name == "" {
			return pairs, false
		}
		if _, twice := pairs[name]; twice {
			return pairs, false
		}
		pairs[name] = strings.TrimSpace(value)
	}
	return pairs, true
}

func pairText(pairs map[string]string, separator string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		b.WriteString(name + separator + pairs[name] + "\n")
	}
	return b.String()
}

// label is what a form calls the value at a path.
func (v draftView) label(path string) string {
	var fields []connector.Field
	if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
		fields = e.Params
	}
	for _, f := range fields {
		if paramsPath+f.Name == path && f.Label != "" {
			return f.Label
		}
	}
	for _, in := range requestInputs(nil) {
		if requestPath+in.Name == path {
			return in.Label
		}
	}
	return capital(path[strings.LastIndexByte(path, '.')+1:])
}

// alternatives says in words which fields go instead of each other.
func alternatives(e *connector.Endpoint) (sentences []string) {
	for _, group := range e.OneOf {
		var labels []string
		for _, f := range e.Params {
			if slices.Contains(group, f.Name) {
				labels = append(labels, labelOf(f))
			}
		}
		sentences = append(sentences, "Give exactly one of these: "+strings.Join(labels, " or ")+".")
	}
	return sentences
}

func labelOf(f connector.Field) string {
	if f.Label != "" {
		return f.Label
	}
	return capital(f.Name)
}
