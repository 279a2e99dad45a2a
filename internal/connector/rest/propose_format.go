package rest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/table"
)

// FormatProposal is how the text of a response is written. What needs no declaration is empty.
type FormatProposal struct {
	Format    string
	Separator string
	Comment   string
	Header    string
	Key       []string // a column or field that names a record
	Why       string   // a sentence: what shows it
}

// maxWords is how many words a line has at most that is a value and not prose.
const maxWords = 3

// jsonLines are the media types of JSON lines.
var jsonLines = []string{"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines", "application/json-seq", "application/stream+json"}

// ProposeFormat finds out what format the UTF-8 text of a response has, given its headers. What the person declared of a table holds. The text may be
// the beginning of a response: then whole is false. It says false for one JSON value, markup and anything it does not recognize.
func ProposeFormat(header http.Header, text []byte, whole bool, declared sallyport.Request) (FormatProposal, bool) {
	if len(text) > tableBuffer {
		text, whole = text[:tableBuffer], false
	}
	lines := linesOf(text, whole)
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type")) // without one, the text decides
	begin := bytes.TrimLeft(text, " \t\r\n\x1e")
	switch {
	case len(begin) == 0 || len(lines) == 0 || begin[0] == '<':
		return FormatProposal{}, false
	case media == "application/taxii+json" && bytes.Contains(text, []byte(`"objects"`)):
		return FormatProposal{Format: sallyport.FormatTAXII, Why: "The media type is that of TAXII."}, true
	case begin[0] == '{' && (len(lines) > 1 || slices.Contains(jsonLines, media)):
		return proposeJSONLines(lines)
	case begin[0] == '{', begin[0] == '[':
		return FormatProposal{}, false
	}
	if p, ok := proposeTable(text, whole, media, declared); ok || media == "text/csv" {
		return p, ok
	}
	return proposeLines(text, lines)
}

// linesOf are the lines of a text that are not empty, without the last one if it may be cut off.
func linesOf(text []byte, whole bool) (all []string) {
	in := table.NewLines(bufio.NewReaderSize(bytes.NewReader(text), max(len(text), 16)))
	for {
		line, err := in.Next()
		if err != nil || !in.Ended && !whole {
			return all
		}
		if line = bytes.Trim(line, " \t\r\x1e"); len(line) > 0 {
			all = append(all, string(line))
		}
	}
}

func proposeJSONLines(lines []string) (FormatProposal, bool) {
	var records []any
	for _, line := range lines {
		var record map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if !jsontext.Value(line).IsValid(lenient...) || decoder.Decode(&record) != nil {
			return FormatProposal{}, false
		}
		records = append(records, record)
	}
	return FormatProposal{Format: sallyport.FormatJSONL, Key: keyFor(records), Why: "Each line is a JSON object."}, true
}

// proposeTable proposes CSV if all rows of a text have as many cells, and more than one unless the text is declared as CSV.
func proposeTable(text []byte, whole bool, media string, declared sallyport.Request) (FormatProposal, bool) {
	settings := connector.TableOf(declared)
	settings.Columns = declared.Columns
	for _, attempt := range layoutsOf(settings) {
		layout, err := table.Detect(text, whole, attempt)
		if err != nil {
			continue
		}
		rows, ok := rowsOf(text, whole, layout)
		if !ok || len(rows) == 0 || len(rows[0]) < 2 && (media != "text/csv" || attempt.Separator != settings.Separator) {
			continue
		}
		if len(rows) == 1 && media != "text/csv" && layout.Header != table.HeaderComment {
			continue // one line of text
		}
		return describe(layout, attempt.Header, rows), true
	}
	return FormatProposal{}, false
}

// layoutsOf are the settings that may make a table of a text, the likeliest first: those that are left out are found out, and then guessed.
func layoutsOf(s table.Settings) []table.Settings {
	all := []table.Settings{s}
	separators := []string{s.Separator}
	if s.Separator == "" {
		separators = []string{"", ";", "tab", "|", ","}
	}
	headers := []string{s.Header}
	if s.Header == "" {
		headers = []string{"", table.HeaderNone}
	}
	for _, separator := range separators {
		for _, header := range headers {
			attempt := s
			attempt.Separator, attempt.Header = separator, header
			all = append(all, attempt)
		}
	}
	return all
}

// rowsOf are the first rows of a table, with its header row. It says false if they differ in the number of cells.
func rowsOf(text []byte, whole bool, layout table.Layout) (rows [][]string, ok bool) {
	in := table.NewReader(table.NewLines(bufio.NewReaderSize(bytes.NewReader(text), max(len(text), 16))), layout.Dialect)
	for range layout.Skip {
		in.Next() // it was there when the layout was found
	}
	for len(rows) < maxLook {
		cells, err := in.Read()
		fault, malformed := errors.AsType[*table.Fault](err)
		switch {
		case malformed && !(fault.Open && !whole):
			return nil, false
		case err != nil, !in.Ended && !whole:
			return rows, true
		}
		var row []string
		for _, cell := range cells {
			row = append(row, string(cell))
		}
		if len(rows) > 0 && len(row) != len(rows[0]) {
			return nil, false
		}
		rows = append(rows, row)
	}
	return rows, true
}

// describe says what is to be declared of a table.
func describe(layout table.Layout, header string, rows [][]string) FormatProposal {
	p := FormatProposal{Format: sallyport.FormatCSV, Comment: layout.Comment, Why: fmt.Sprintf("The rows have %d cells each", len(rows[0]))}
	switch layout.Separator {
	case ',':
	case '\t':
		p.Separator, p.Why = "tab", p.Why+", with tabs between them"
	default:
		p.Separator, p.Why = string(layout.Separator), fmt.Sprintf("%s, with %q between them", p.Why, string(layout.Separator))
	}
	names := layout.Names
	switch layout.Header {
	case table.HeaderRow:
		names, rows = rows[0], rows[1:]
		p.Header, p.Why = header, p.Why+"; the first row has the names."
	case table.HeaderComment:
		p.Header, p.Why = table.HeaderComment, p.Why+"; the last comment before them has the names."
	default:
		p.Header, p.Why = table.HeaderNone, p.Why+"; the first row looks like data, so it is no header. Enter the names under columns."
	}
	p.Key = keyFor(recordsOf(names, rows))
	return p
}

// recordsOf are the rows of a table with names as records; none without names.
func recordsOf(names []string, rows [][]string) (records []any) {
	for _, row := range rows {
		record := map[string]any{}
		for i, name := range names[:min(len(names), len(row))] {
			record[strings.TrimSpace(name)] = row[i]
		}
		records = append(records, record)
	}
	return records
}

// proposeLines proposes that each line is a value, unless they are prose.
func proposeLines(text []byte, lines []string) (FormatProposal, bool) {
	comment := table.LineComment(text, "")
	seen, n := map[string]bool{}, 0
	for _, line := range lines[:min(len(lines), maxLook)] {
		if strings.HasPrefix(line, comment) {
			continue
		}
		if len(strings.Fields(line)) > maxWords {
			return FormatProposal{}, false
		}
		seen[line] = true
		n++
	}
	if n < 2 {
		return FormatProposal{}, false
	}
	p := FormatProposal{Format: sallyport.FormatLines, Why: "Each line is one value."}
	if strings.HasPrefix(lines[0], comment) {
		p.Comment = comment
	}
	if len(seen) == n {
		p.Key = []string{valueField}
	}
	return p, true
}
