package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// show prints a result: as JSON when that is asked for, else as text draws it. A result that cannot be printed whole is an error.
func (e *env) show(v any, text func(w io.Writer)) error {
	var drawn bytes.Buffer
	if e.commands.Output != "json" {
		text(&drawn)
		return e.print(drawn.Bytes())
	}
	encoder := json.NewEncoder(&drawn)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	return e.print([]byte(visible(drawn.String())))
}

// print writes to stdout, at once: the redactor finds a secret only within one Write. It knows the keys of all credentials by then.
func (e *env) print(b []byte) error {
	if e.app != nil {
		if err := e.app.Service.LearnKeys(context.WithoutCancel(e.ctx)); err != nil {
			return err
		}
	}
	if _, err := e.Out.Write(b); err != nil {
		return fmt.Errorf("the result could not be printed: %w", err)
	}
	return nil
}

// lines prints records as JSON lines, each in one Write.
func lines(w io.Writer, records []json.RawMessage) {
	for _, r := range records {
		io.WriteString(w, visible(string(r))+"\n")
	}
}

// visible escapes the control characters that JSON lets stand in its strings, and that a terminal could act on.
func visible(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for _, c := range text {
		if c >= 0x7f && c < 0xa0 {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// table draws rows under headings, or a sentence when there are none.
func table(w io.Writer, empty string, headings []string, rows [][]string) {
	if len(rows) == 0 {
		fmt.Fprintln(w, empty)
		return
	}
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(headings, "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = oneLine(row[i])
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	t.Flush()
}

// facts draws names and values, one pair a line, leaving out empty values.
func facts(w io.Writer, pairs ...string) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", pairs[i], oneLine(pairs[i+1]))
		}
	}
	t.Flush()
}

// oneLine keeps what came from elsewhere from moving the terminal's cursor or breaking a table.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}

// plain is a word that every shell takes as it stands.
var plain = regexp.MustCompile(`^[\pL\pN._/-]+$`)

// word writes a name or a path as one word of a command, in quotes only if it needs them.
func word(name string) string {
	switch {
	case plain.MatchString(name):
		return name
	case !strings.ContainsAny(name, "\"$`\\!"): // which mean something within double quotes
		return `"` + name + `"`
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

// count writes a number with its thousands apart: 12,345.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes a number of things: 1 record, 2 records.
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return count(n) + " " + thing + "s"
}

// moment writes a time, or nothing for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// bytesOf writes a size.
func bytesOf(n int64) string {
	size, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", size, unit)
}

// span writes how long something took.
func span(from, to time.Time) string {
	d := to.Sub(from)
	switch {
	case from.IsZero() || to.IsZero():
		return ""
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
