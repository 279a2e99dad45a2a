package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Where the names of the columns stand.
const (
	HeaderRow     = "row"
	HeaderComment = "comment" // the last comment before the rows
	HeaderNone    = "none"
)

// None says that there are no comments, or no quotes.
const None = "none"

// maxRows is how many rows are looked at.
const maxRows = 20

// Settings are what a person declares of a table. What is "" is found out by [Detect].
type Settings struct {
	Separator string // one character, or tab; with blanks around it, blanks around separators do not count
	Comment   string // what comments begin with; none
	Header    string
	Quote     string   // one character; none
	Columns   []string // the names of the columns, if there is no header; else some of them
}

// Layout is how a table is written.
type Layout struct {
	Dialect
	Header string
	Names  []string // of the columns, if they are not the first row; nil: not known
	Skip   int      // lines at the beginning that are neither comments nor rows
}

// Check checks settings. The field of an error is that of the setting.
func (s Settings) Check() (field string, err error) {
	sep, _, ok := separator(s.Separator)
	quote, quoted := quote(s.Quote)
	switch {
	case !ok:
		return "separator", fmt.Errorf("must be one character, for example ; or tab, and may have blanks around it")
	case !quoted:
		return "quote", fmt.Errorf("must be one character, or none")
	case sep != 0 && sep == quote:
		return "quote", fmt.Errorf("must be another character than the separator")
	case strings.ContainsAny(s.Comment, "\r\n") || len(s.Comment) > 20:
		return "comment", fmt.Errorf("must be what comments begin with, for example #, or none")
	case !slices.Contains([]string{"", HeaderRow, HeaderComment, HeaderNone}, s.Header):
		return "header", fmt.Errorf("must be row, comment or none")
	case s.Header == HeaderComment && s.Comment == None:
		return "header", fmt.Errorf("must not be comment if there are no comments")
	}
	return "", nil
}

// separator reads the setting; 0 if there is none.
func separator(text string) (c byte, blanks, ok bool) {
	switch text {
	case "":
		return 0, false, true
	case "tab", `\t`, "\t":
		return '\t', false, true
	case " ":
		return ' ', false, true
	}
	bare := strings.Trim(text, " ")
	if len(bare) != 1 || bare[0] >= utf8.RuneSelf || strings.ContainsAny(bare, "\r\n\x00") {
		return 0, false, false
	}
	return bare[0], bare != text, true
}

// quote reads the setting.
func quote(text string) (c byte, ok bool) {
	switch {
	case text == "":
		return '"', true
	case text == None:
		return 0, true
	}
	return text[0], len(text) == 1 && text[0] < utf8.RuneSelf && text[0] > ' '
}

// Detect finds out how a table is written of which the beginning is known, and that only if it is whole. It takes what is beyond doubt, and is an
// error that proposes a setting otherwise. It depends on the beginning only, and mostly on the first line, so that all pages of a list are read alike.
func Detect(beginning []byte, whole bool, s Settings) (Layout, error) {
	d := detection{declared: s}
	d.Header = s.Header
	d.Quote, _ = quote(s.Quote)
	d.look(beginning, whole)
	var err error
	if d.Separator, err = d.between(); err != nil {
		return d.Layout, err
	}
	return d.Layout, d.named()
}

// detection is what Detect knows so far.
type detection struct {
	declared Settings
	Layout
	lines   [][]byte // that are no comments, and not empty
	comment []byte   // the last one before these, without what it begins with
}

// look finds the lines of the beginning.
func (d *detection) look(beginning []byte, whole bool) {
	lines := NewLines(bufio.NewReaderSize(bytes.NewReader(beginning), max(len(beginning), 16)))
	for len(d.lines) < maxRows {
		line, err := lines.Next()
		if err != nil || !lines.Ended && !whole && len(d.lines) > 0 {
			break
		}
		if lines.Number == 1 && d.excel(line) {
			d.Skip = 1
			continue
		}
		if len(line) == 0 {
			continue
		}
		if len(d.lines) == 0 && d.comment == nil {
			d.Comment = d.prefix(line)
		}
		switch {
		case d.Comment == "" || !isComment(line, d.Comment):
			d.lines = append(d.lines, bytes.Clone(line))
		case len(d.lines) == 0:
			text := bytes.TrimLeft(line, " \t")[len(d.Comment):]
			d.comment = append([]byte{}, bytes.TrimSpace(text)...)
		}
	}
}

// excel takes the line with which Excel names the separator.
func (d *detection) excel(line []byte) bool {
	if len(line) != 5 || !strings.EqualFold(string(line[:4]), "sep=") {
		return false
	}
	if d.declared.Separator == "" {
		d.declared.Separator = string(line[4:])
	}
	return true
}

// prefix is what comments begin with, given the first line.
func (d *detection) prefix(line []byte) string {
	switch {
	case d.declared.Comment == None:
		return ""
	case d.declared.Comment != "":
		return d.declared.Comment
	case d.declared.Header == HeaderRow:
		return ""
	}
	for _, prefix := range []string{"#", "//", "; "} {
		rest, is := bytes.CutPrefix(line, []byte(prefix))
		if is && (len(rest) == 0 || !bytes.ContainsAny(rest[:1], ",;\t|")) { // a column may be called #
			return prefix
		}
	}
	if d.declared.Header == HeaderComment {
		return "#"
	}
	return ""
}

// candidates are the separators that are recognized.
const candidates = ",;\t|"

// between is the declared separator, or that of the first line. Other lines only speak against it.
func (d *detection) between() (byte, error) {
	c, blanks, _ := separator(d.declared.Separator)
	d.Blanks = blanks
	switch {
	case c != 0:
		return c, nil
	case len(d.lines) == 0:
		return ',', nil
	}
	first := d.lines[0]
	if d.comment != nil && bytes.ContainsAny(d.comment, candidates) && d.declared.Header != HeaderRow && d.declared.Header != HeaderNone {
		first = d.comment
	}
	var there []byte
	for _, c := range []byte(candidates) {
		if d.count(first, c) > 0 {
			there = append(there, c)
		}
	}
	switch {
	case len(there) == 0:
		return ',', nil
	case len(there) == 1:
		return there[0], nil
	}
	var fit []byte
	for _, c := range there {
		if d.same(first, c) {
			fit = append(fit, c)
		}
	}
	switch {
	case there[0] == ',' && (len(fit) == 0 || fit[0] == ','):
		return ',', nil
	case len(fit) == 1:
		return 0, fmt.Errorf("its separator is not clear: declare `separator: %s` if that is the one", show(fit[0]))
	}
	return 0, fmt.Errorf("its separator is not clear: declare it, for example `separator: %s`", show(there[0]))
}

func show(c byte) string {
	if c == '\t' {
		return "tab"
	}
	return fmt.Sprintf("%q", string(c))
}

// count counts a separator outside of quotes.
func (d *detection) count(line []byte, c byte) (n int) {
	within := false
	for _, b := range line {
		switch {
		case d.Quote != 0 && b == d.Quote:
			within = !within
		case b == c && !within:
			n++
		}
	}
	return n
}

// same tells whether all lines have as many of a separator as the first.
func (d *detection) same(first []byte, c byte) bool {
	n := d.count(first, c)
	return !slices.ContainsFunc(d.lines, func(line []byte) bool { return d.count(line, c) != n })
}

// cells splits a line.
func (d *detection) cells(line []byte) (all []string) {
	cells, err := NewReader(NewLines(bufio.NewReaderSize(bytes.NewReader(line), max(len(line), 16))), Dialect{Separator: d.Separator, Blanks: true, Quote: d.Quote}).Read()
	if err != nil && err != io.EOF {
		return nil
	}
	for _, cell := range cells {
		all = append(all, strings.TrimSpace(string(cell)))
	}
	return all
}

// named finds out where the names are.
func (d *detection) named() error {
	var rows [][]string
	for _, line := range d.lines {
		rows = append(rows, d.cells(line))
	}
	comment := d.cells(d.comment)
	switch {
	case d.Header == HeaderNone:
		d.Names = d.declared.Columns
		return nil
	case d.Header == HeaderComment && d.comment == nil:
		return fmt.Errorf("it has no comment with the names of the columns before its rows: declare `header: row` or `header: none`")
	case d.Header == HeaderComment, d.Header == "" && len(comment) > 1 && len(rows) > 0 && len(comment) == len(rows[0]) && !isData(comment, nil):
		d.Header, d.Names = HeaderComment, comment
		return nil
	case d.Header == "" && len(rows) > 0 && !hasAny(rows[0], d.declared.Columns) && isData(rows[0], rows[1:]):
		return fmt.Errorf("its first row looks like data and not like names of columns: declare `header: none`, and the names under `columns`; or `header: row`")
	}
	d.Header = HeaderRow
	return nil
}

func hasAny(row, names []string) bool {
	return slices.ContainsFunc(row, func(cell string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(cell, name) })
	})
}

// LineComment is what comments begin with in a text of lines, given its beginning and the setting: # unless the first line begins otherwise. It is ""
// if there are none.
func LineComment(beginning []byte, setting string) string {
	switch setting {
	case "":
	case None:
		return ""
	default:
		return setting
	}
	first := bytes.TrimLeft(beginning, " \t\r\n")
	for _, prefix := range []string{"//", ";", "!"} {
		if bytes.HasPrefix(first, []byte(prefix)) {
			return prefix
		}
	}
	return "#"
}
