package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// maxWarnings bounds the warnings of a run.
const maxWarnings = 10

// warn adds warnings to those of the run, each once.
func (in *ingestion) warn(warnings []string) {
	for _, warning := range warnings {
		if len(in.run.Warnings) < maxWarnings && !slices.Contains(in.run.Warnings, warning) {
			in.run.Warnings = append(in.run.Warnings, warning)
		}
	}
}

// counted is a warning that begins with a number: what is counted, for one and for more of it, and what follows.
type counted struct{ one, more, rest string }

var (
	redactions = counted{"value in records was", "values in records were",
		" redacted for containing a stored key: if the key of this credential is an ordinary word, replace it with a longer one"}
	halves = counted{"character in records was not valid and was", "characters in records were not valid and were", " replaced with U+FFFD"}
)

// add returns the warnings of a run, of which one counts n more than before. The warning itself keeps the number, also where another execution
// continues the run. It comes first: the bound of warnings does not hide it.
func (c counted) add(warnings []string, n int64) []string {
	if n == 0 {
		return warnings
	}
	rest := slices.Clone(warnings)
	if i := slices.IndexFunc(rest, func(w string) bool { return strings.HasSuffix(w, c.rest) }); i >= 0 {
		number, _, _ := strings.Cut(rest[i], " ")
		before, _ := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64) // we wrote it
		n += before
		rest = slices.Delete(rest, i, i+1)
	}
	what := c.more
	if n == 1 {
		what = c.one
	}
	return append([]string{humanize.Comma(n) + " " + what + c.rest}, rest...)
}
