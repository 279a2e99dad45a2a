package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// requestPart is a part of a request that is described by hand: its input, and where in the request its value is.
type requestPart struct {
	input
	value     func(q *sallyport.Request) any // *string, *bool, *[]string, *[]sallyport.FailRule, *map[string]string, *map[string]sallyport.Texts, *int64, **int64 or *sallyport.Duration
	separator string                         // of a name and its value
	standard  string                         // what an absent value means, where a menu must show that
	shown     func(q *sallyport.Request) bool
}

// The choices of a menu for what is true or false.
const (
	boolNo  = "no"
	boolYes = "yes"
)

// requestParts are all parts of a request, in the order of the form.
func requestParts() []requestPart {
	counts := func(q *sallyport.Request) bool {
		return q.Paging.Type == sallyport.PagingPage || q.Paging.Type == sallyport.PagingOffset
	}
	leads := func(q *sallyport.Request) bool {
		return q.Paging.Type == sallyport.PagingNextValue || q.Paging.Type == sallyport.PagingNextURL
	}
	byValue := func(q *sallyport.Request) bool { return q.Paging.Type == sallyport.PagingNextValue }
	several := func(q *sallyport.Request) bool {
		return counts(q) || leads(q) || q.Paging.Type == sallyport.PagingLinkHeader
	}
	posts := func(q *sallyport.Request) bool { return q.Method != http.MethodGet && q.Method != "" }
	csv := func(q *sallyport.Request) bool { return q.Format == sallyport.FormatCSV }
	return []requestPart{
		{input: input{Name: "method", Label: "Method", Options: optionsOf(http.MethodGet, http.MethodPost)}, standard: http.MethodGet,
			value: func(q *sallyport.Request) any { return &q.Method }},
		{input: input{Name: "url", Label: "Path", Required: true, Placeholder: "/api/list", Help: "Below the address of the credential. What follows a ? goes under query parameters."},
			value: func(q *sallyport.Request) any { return &q.URL }},
		{input: input{Name: "query", Label: "Query Parameters", Lines: true, Placeholder: "limit=1000", Help: "One `name=value` per line; a name may come more than once. Never enter a key: it comes from the credential."},
			value: func(q *sallyport.Request) any { return &q.Query }, separator: "="},
		{input: input{Name: "headers", Label: "Headers", Lines: true, Help: "One `Name: value` per line."},
			value: func(q *sallyport.Request) any { return &q.Headers }, separator: ":"},
		{input: input{Name: "body", Label: "Body", Lines: true, Help: "With POST only. `{cursor}` stands for the cursor of a page here, in the path, a query parameter or a header."},
			value: func(q *sallyport.Request) any { return (*string)(&q.Body) }, shown: posts},
		{input: input{Name: "repeatable", Label: "Repeatable", Options: optionsOf(boolNo, boolYes), Help: "Choose yes if the POST only reads, for example a search: it is then repeated after a failure."},
			value: func(q *sallyport.Request) any { return &q.Repeatable }, shown: posts},
		{input: input{Name: "format", Label: "Response Format", Options: optionsOf(sallyport.FormatJSON, sallyport.FormatJSONL, sallyport.FormatLines, sallyport.FormatCSV, sallyport.FormatTAXII), Help: "JSON lines and plain lines have a record in each line. The rows of a CSV are its records; the first row names their fields. TAXII is JSON in its own media type."}, standard: sallyport.FormatJSON,
			value: func(q *sallyport.Request) any { return &q.Format }},
		{input: input{Name: "columns", Label: "Columns", Placeholder: "id, risk", Help: "The columns that a CSV must have, separated by commas. Without a header, these are their names."},
			value: func(q *sallyport.Request) any { return &q.Columns }, shown: csv},
		{input: input{Name: "separator", Label: "Separator", Placeholder: ";", Help: "Between the cells of a CSV: one character or tab. If empty, it is recognized."},
			value: func(q *sallyport.Request) any { return &q.Separator }, shown: csv},
		{input: input{Name: "header", Label: "Header", Options: append([]option{{Label: "recognize"}}, optionsOf("row", "comment", "none")...), Help: "Where the names of the columns are: in the first row, in the last comment before the rows, or nowhere. JSON whose records are arrays: row."},
			value: func(q *sallyport.Request) any { return &q.Header }, shown: func(q *sallyport.Request) bool { return csv(q) || q.Header != "" }},
		{input: input{Name: "quote", Label: "Quotation Mark", Placeholder: "\"", Help: "Around cells that contain separators: one character, or none."},
			value: func(q *sallyport.Request) any { return &q.Quote }, shown: csv},
		{input: input{Name: "comment", Label: "Comments Begin With", Placeholder: "#", Help: "Such lines are left out. Enter none if there are no comments."},
			value: func(q *sallyport.Request) any { return &q.Comment }, shown: func(q *sallyport.Request) bool { return csv(q) || q.Format == sallyport.FormatLines }},
		{input: input{Name: "encoding", Label: "Text Encoding", Placeholder: "windows-1252", Help: "Only if responses name none, or a wrong one. A byte order mark, compression and UTF-16 are recognized."},
			value: func(q *sallyport.Request) any { return &q.Encoding }},
		{input: input{Name: "records", Label: "Path to Records", Placeholder: "$.results[*]", Help: "JSONPath to the records in a response. If empty, the response is the record."},
			value: func(q *sallyport.Request) any { return &q.Records }, shown: func(q *sallyport.Request) bool {
				return !csv(q) && q.Format != sallyport.FormatJSONL && q.Format != sallyport.FormatLines
			}},
		{input: input{Name: "cookies", Label: "Keep Cookies", Options: optionsOf(boolNo, boolYes), Help: "Choose yes if a later page needs a cookie that an earlier one sets. Cookies are kept in memory during a run."},
			value: func(q *sallyport.Request) any { return &q.Cookies }},
		{input: input{Name: "follow", Label: "Redirects to Another Host", Options: []option{{"", "are refused"}, {sallyport.FollowWithoutKey, "are followed without the key"}}, Help: "For example to a pre-signed address of a store."},
			value: func(q *sallyport.Request) any { return &q.Follow }, shown: func(q *sallyport.Request) bool { return !posts(q) }},
		{input: input{Name: "absent", Label: "A Response Without the List", Options: []option{{sallyport.AbsentError, "is an error"}, {sallyport.AbsentEmpty, "has no records"}}, Help: "Some systems leave an empty list out of the response."}, standard: sallyport.AbsentError,
			value: func(q *sallyport.Request) any { return &q.Absent }, shown: func(q *sallyport.Request) bool {
				return (q.Format == "" || q.Format == sallyport.FormatJSON) && q.Records != "$" && q.Records != ""
			}},
		{input: input{Name: "fail", Label: "Failures Under HTTP 200", Lines: true, Placeholder: "{path: $.success, equals: false, message: $.error, class: permanent}", Help: "One rule per line. A response with this value at `path` is a failure; `message` leads to its reason. The class is empty, not_found, credential, plan, rate, transient or permanent."},
			value: func(q *sallyport.Request) any { return &q.Fail }, shown: func(q *sallyport.Request) bool {
				return q.Format == "" || q.Format == sallyport.FormatJSON || q.Format == sallyport.FormatTAXII
			}},
		{input: input{Name: "names", Label: "Fields for Names of Groups", Placeholder: "group", Help: "Where the path goes through objects, as in $[*][*]: the fields for the names that its wildcards meet."},
			value: func(q *sallyport.Request) any { return &q.Names }},
		{input: input{Name: "with", Label: "Fields for All", Lines: true, Help: "Added to every record. One `name=value` per line."},
			value: func(q *sallyport.Request) any { return &q.With }, separator: "="},
		{input: input{Name: "paging.type", Label: "Paging", Options: optionsOf(pagingTypes()...), Help: "How the next page is requested: not at all (single), by a number (page, offset), by what the response says (next_value, next_url), by its Link header, as TAXII does (with that format)."}, standard: sallyport.PagingSingle,
			value: func(q *sallyport.Request) any { return &q.Paging.Type }},
		{input: input{Name: "paging.value", Label: "Next in the Response", Placeholder: "$.page_next", Help: "Path to the value or URL of the next page."},
			value: func(q *sallyport.Request) any { return &q.Paging.Value }, shown: leads},
		{input: input{Name: "paging.header", Label: "Next in a Header", Placeholder: "X-Next-Page", Help: "Instead of a path: the response header with the value or URL of the next page."},
			value: func(q *sallyport.Request) any { return &q.Paging.Header }, shown: leads},
		{input: input{Name: "paging.last", Label: "Next in the Last Record", Placeholder: "$.id", Help: "Instead of a path in the response: the path within its last record."},
			value: func(q *sallyport.Request) any { return &q.Paging.Last }, shown: byValue},
		{input: input{Name: "paging.query", Label: "Paging Parameter", Placeholder: "page", Help: "The query parameter that carries the page, the offset or the next value."},
			value: func(q *sallyport.Request) any { return &q.Paging.Query }, shown: func(q *sallyport.Request) bool { return counts(q) || q.Paging.Type == sallyport.PagingNextValue }},
		{input: input{Name: "paging.start", Label: "First Number", Help: "If empty, pages count from 1, offsets from 0."},
			value: func(q *sallyport.Request) any { return &q.Paging.Start }, shown: counts},
		{input: input{Name: "paging.size", Label: "Records of a Full Page", Help: "A shorter page is the last one. With a value in the last record, or with numbers."},
			value: func(q *sallyport.Request) any { return &q.Paging.Size }, shown: func(q *sallyport.Request) bool { return counts(q) || byValue(q) }},
		{input: input{Name: "paging.more", Label: "More Follows", Placeholder: "$.has_more", Help: "Path to what says whether more pages follow: true, false, 1 or 0."},
			value: func(q *sallyport.Request) any { return &q.Paging.More }, shown: several},
		{input: input{Name: "paging.total", Label: "Records in the List", Placeholder: "$.count", Help: "Path to the number of records of the whole list. A run that reads another number is incomplete."},
			value: func(q *sallyport.Request) any { return &q.Paging.Total }, shown: several},
		{input: input{Name: "paging.pages", Label: "Pages in the List", Placeholder: "$.meta.total_pages", Help: "Path to the number of pages of the whole list."},
			value: func(q *sallyport.Request) any { return &q.Paging.Pages }, shown: several},
		{input: input{Name: "paging.until.path", Label: "End Condition", Placeholder: "$.status", Help: "Path to a value that ends the list."},
			value: func(q *sallyport.Request) any { return &q.Paging.Until.Path }, shown: several},
		{input: input{Name: "paging.until.equals", Label: "End Condition Equals", Placeholder: "done", Help: "If empty, any value but null, false and 0 ends the list."},
			value: func(q *sallyport.Request) any { return &q.Paging.Until.Equals }, shown: several},
		{input: input{Rare: true, Name: "since.field", Label: "Time of a Record", Placeholder: "updated_at", Help: "Pulls only what is new: `{since}` in the path, query parameters, headers or body is the newest time that a run saw in this field. If empty, it is when the last run started."},
			value: func(q *sallyport.Request) any { return &q.Since.Field }},
		{input: input{Rare: true, Name: "since.start", Label: "First Run Since", Placeholder: "now-30d", Help: "`{since}` in the first run: a date, a time or for example `now-30d`. If empty, the first request leaves it out."},
			value: func(q *sallyport.Request) any { return &q.Since.Start }},
		{input: input{Rare: true, Name: "since.overlap", Label: "Overlap of Runs", Placeholder: "1h", Help: "How much earlier `{since}` is, for records that the system adds late. What comes again is left out."},
			value: func(q *sallyport.Request) any { return &q.Since.Overlap }},
		{input: input{Rare: true, Name: "since.step", Label: "Longest Window", Placeholder: "30d", Help: "Pulls a long history in windows from `{since}` to `{until}`."},
			value: func(q *sallyport.Request) any { return &q.Since.Step }},
		{input: input{Rare: true, Name: "since.format", Label: "Format of Times", Placeholder: "rfc3339", Help: "Of `{since}`, `{until}`, `{now}` and `{now-5d}`: `rfc3339`, `date`, `unix`, `unix_ms`, or a layout such as `%Y-%m-%d %H:%M`."},
			value: func(q *sallyport.Request) any { return &q.Since.Format }},
		{input: input{Name: "key", Label: "Key", Placeholder: "id", Help: "The fields that together identify a record, separated by commas. A dot leads into an object, for example `meta.id`."},
			value: func(q *sallyport.Request) any { return &q.Key }},
	}
}

func pagingTypes() []string {
	return []string{
		sallyport.PagingSingle, sallyport.PagingPage, sallyport.PagingOffset, sallyport.PagingNextValue, sallyport.PagingNextURL, sallyport.PagingLinkHeader,
		sallyport.PagingTAXII,
	}
}

// rareParts are the parts that few requests need.
var rareParts = []string{
	"repeatable", "columns", "separator", "header", "quote", "comment", "encoding", "cookies", "follow", "absent", "names", "with",
	"paging.header", "paging.last", "paging.more", "paging.total", "paging.pages", "paging.until.path", "paging.until.equals",
}

// requestInputs are the inputs of a request that is described by hand; nil: of none yet.
func requestInputs(q *sallyport.Request) (all []input) {
	q = cmp.Or(q, new(sallyport.Request))
	for _, part := range requestParts() {
		in := part.of(q)
		in.Rare = slices.Contains(rareParts, in.Name)
		all = append(all, in)
	}
	return all
}

// of is the input of a part with its value in a request.
func (p requestPart) of(q *sallyport.Request) input {
	in := p.input
	switch value := p.value(q).(type) {
	case *string:
		in.Value = cmp.Or(*value, p.standard)
	case *sallyport.Duration:
		if *value != 0 {
			in.Value = value.String()
		}
	case *bool:
		in.Value = map[bool]string{true: boolYes, false: boolNo}[*value]
	case *[]string:
		in.Value, in.Lines = wordText(*value)
	case *[]sallyport.FailRule:
		in.Value = ruleText(*value)
	case *map[string]string:
		in.Value = pairText(several(*value), p.separator)
	case *map[string]sallyport.Texts:
		in.Value = pairText(*value, p.separator)
	case *int64:
		in.Value = strings.TrimPrefix(strconv.FormatInt(*value, 10), "0")
	case **int64:
		if *value != nil {
			in.Value = strconv.FormatInt(**value, 10)
		}
	}
	return in
}

// read takes a text as the value of a part; the problem is one for the person who typed it. Pairs that are as they were keep their exact values.
func (p requestPart) read(q *sallyport.Request, text string) (problem string) {
	trimmed := strings.TrimSpace(text)
	switch value := p.value(q).(type) {
	case *string:
		*value = trimmed
		if p.Lines {
			*value = strings.ReplaceAll(text, "\r\n", "\n")
		}
	case *sallyport.Duration:
		if *value = 0; trimmed != "" {
			return durationProblem(value.UnmarshalText([]byte(trimmed)))
		}
	case *bool:
		*value = trimmed == boolYes
	case *[]string:
		*value = words(text)
	case *[]sallyport.FailRule:
		rules, problem := readRules(text)
		if problem != "" {
			return problem
		}
		*value = rules
	case *map[string]string:
		pairs, ok := readPairs(text, p.separator, several(*value))
		once := single(pairs)
		if !ok || len(once) < len(pairs) {
			return "Must be one name" + p.separator + "value per line, each name once."
		}
		*value = once
	case *map[string]sallyport.Texts:
		pairs, ok := readPairs(text, p.separator, *value)
		if !ok {
			return "Must be one name" + p.separator + "value per line."
		}
		*value = pairs
	case *int64:
		n, problem := wholeNumber(trimmed)
		*value = n
		return problem
	case **int64:
		n, problem := wholeNumber(trimmed)
		if *value = &n; trimmed == "" {
			*value = nil
		}
		return problem
	}
	return ""
}

// keep takes over the value of another request.
func (p requestPart) keep(q, from *sallyport.Request) {
	switch value := p.value(q).(type) {
	case *string:
		*value = *p.value(from).(*string)
	case *sallyport.Duration:
		*value = *p.value(from).(*sallyport.Duration)
	case *bool:
		*value = *p.value(from).(*bool)
	case *[]string:
		*value = *p.value(from).(*[]string)
	case *[]sallyport.FailRule:
		*value = *p.value(from).(*[]sallyport.FailRule)
	case *map[string]string:
		*value = *p.value(from).(*map[string]string)
	case *map[string]sallyport.Texts:
		*value = *p.value(from).(*map[string]sallyport.Texts)
	case *int64:
		*value = *p.value(from).(*int64)
	case **int64:
		*value = *p.value(from).(**int64)
	}
}

// readRequest reads a request that was described by hand, and notes what is no number and no pair. Whatever the person did not touch stays exactly
// as it is stored. A part that the form does not show for this method, format and paging is not taken from the form: it stays as it is stored, or
// it goes, if the person has changed these.
func readRequest(r *http.Request, stored *sallyport.Request, problems map[string]string) *sallyport.Request {
	stored = cmp.Or(stored, new(sallyport.Request))
	q := *stored
	for _, part := range requestParts() {
		sent, shown := r.PostForm["request."+part.Name]
		if !shown || part.of(stored).untouched(sent) {
			continue
		}
		if problem := part.read(&q, sent[0]); problem != "" {
			problems[requestPath+part.Name] = problem
		}
	}
	from := stored
	if q.Method != stored.Method || q.Format != stored.Format || q.Paging.Type != stored.Paging.Type {
		from = new(sallyport.Request)
	}
	for _, part := range requestParts() {
		if part.shown != nil && !part.shown(&q) {
			part.keep(&q, from)
			delete(problems, requestPath+part.Name)
		}
	}
	return &q
}

func durationProblem(err error) string {
	if err != nil {
		return "Must be a whole number followed by s, m, h, d or w, for example 8h."
	}
	return ""
}

func wholeNumber(text string) (n int64, problem string) {
	if text == "" {
		return 0, ""
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, "Must be a whole number."
	}
	return n, ""
}

// words are the parts of a text that has one a line, or one line with commas between them.
func words(text string) (all []string) {
	separator := ","
	if text = asSent(text); strings.Contains(text, "\n") {
		separator = "\n"
	}
	for part := range strings.SplitSeq(text, separator) {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// wordText writes words as a form shows them: on one line, unless a comma is part of one.
func wordText(all []string) (text string, lines bool) {
	if slices.ContainsFunc(all, func(word string) bool { return strings.ContainsAny(word, ",\n") }) {
		return strings.Join(all, "\n") + "\n", true
	}
	return strings.Join(all, ", "), false
}

// several makes pairs of which each name has one value to those that may have more.
func several(pairs map[string]string) map[string]sallyport.Texts {
	all := map[string]sallyport.Texts{}
	for name, value := range pairs {
		all[name] = sallyport.Texts{value}
	}
	return all
}

// single undoes several. It leaves out names that have more than one value.
func single(pairs map[string]sallyport.Texts) map[string]string {
	all := map[string]string{}
	for name, values := range pairs {
		if len(values) == 1 {
			all[name] = values[0]
		}
	}
	return all
}

// readPairs reads one pair a line. A line that shows a stored pair is that pair, also if the line cannot show all of it.
func readPairs(text, separator string, stored map[string]sallyport.Texts) (map[string]sallyport.Texts, bool) {
	shown := map[string][2]string{}
	for name, values := range stored {
		for _, value := range values {
			shown[asSent(pairLine(name, value, separator))] = [2]string{name, value}
		}
	}
	pairs := map[string]sallyport.Texts{}
	for line := range strings.Lines(asSent(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, separator)
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if pair, is := shown[line]; is {
			name, value = pair[0], pair[1]
		}
		if !ok || name == "" {
			return pairs, false
		}
		pairs[name] = append(pairs[name], value)
	}
	return pairs, true
}

func pairText(pairs map[string]sallyport.Texts, separator string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(pairs)) {
		for _, value := range pairs[name] {
			b.WriteString(pairLine(name, value, separator) + "\n")
		}
	}
	return b.String()
}

// pairLine is a pair on one line.
func pairLine(name, value, separator string) string {
	if separator == ":" {
		separator = ": "
	}
	return strings.ReplaceAll(asSent(name+separator+value), "\n", "⏎")
}
