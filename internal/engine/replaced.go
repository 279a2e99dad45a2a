package engine

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// replacedEnd is how the warning ends that counts replaced characters.
const replacedEnd = " replaced with U+FFFD"

// warnReplaced returns the warnings of a run, of which one counts all characters that were replaced so far. It comes first: the bound of warnings
// does not hide it.
func warnReplaced(warnings []string, replaced int64) []string {
	if replaced == 0 {
		return warnings
	}
	rest := slices.Clone(warnings)
	if i := slices.IndexFunc(rest, func(w string) bool { return strings.HasSuffix(w, replacedEnd) }); i >= 0 {
		number, _, _ := strings.Cut(rest[i], " ")
		before, _ := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64) // we wrote it
		replaced += before
		rest = slices.Delete(rest, i, i+1)
	}
	text := "1 character in records was not valid and was" + replacedEnd
	if replaced > 1 {
		text = humanize.Comma(replaced) + " characters in records were not valid and were" + replacedEnd
	}
	return append([]string{text}, rest...)
}
