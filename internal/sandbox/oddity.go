package sandbox

import (
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// oddity is a set of ways in which answers are odd.
type oddity uint32

const (
	shapes2019 oddity = 1 << iota
	shapes2023
	shapes2025
	numberStrings
	emptyArrays
	missingKeys
	unpaddedHours
	propertyLists
	doubledAttributes
	caseVariants
	lostValues
	shuffled
	errorsUnder200
	stuckPage
	shiftingPages
	missingNext
	stuckNext
	constantNext
	endlessScan
	missingColumn
	tooManyExports
	freshExport
)

// oddities say what each one is called and does.
var oddities = [...]struct {
	bit        oddity
	name, help string
}{
	{shapes2019, "shapes-2019", "lists without entries have no key, summaries no retired ones; scans have ids in texts, no status, unpadded hours"},
	{shapes2023, "shapes-2023", "lists without entries are [], objects without fields {}"},
	{shapes2025, "shapes-2025", "as shapes-2023, with names of properties in lower case, more about threats, no number on a single page"},
	{numberStrings, "number-strings", "numbers are texts"},
	{emptyArrays, "empty-arrays", "objects without fields are []"},
	{missingKeys, "missing-keys", "lists without entries have no key"},
	{unpaddedHours, "unpadded-hours", "9:05:26 in place of 09:05:26"},
	{propertyLists, "property-lists", "look-ups have properties as lists of rows"},
	{doubledAttributes, "doubled-attributes", "attributes are lists of lists"},
	{caseVariants, "case-variants", "properties stand under their name and once more in lower case"},
	{lostValues, "lost-values", "of several values of a property one is lost, each time another"},
	{shuffled, "shuffled", "rows, values and names come in another order each time"},
	{errorsUnder200, "errors-under-200", "every error has the status 200"},
	{stuckPage, "stuck-page", "page_next is the page at hand"},
	{shiftingPages, "shifting-pages", "a page begins with the last record of the one before"},
	{missingNext, "missing-next", "TAXII says that there is more, but not what is next"},
	{stuckNext, "stuck-next", "TAXII answers from the second page on with the next that it was asked for"},
	{constantNext, "constant-next", "TAXII has the same next on every page, and the server remembers where it leads"},
	{endlessScan, "endless-scan", "a scan never ends"},
	{missingColumn, "missing-column", "the last column that was asked for is not in the CSV export"},
	{tooManyExports, "export-interval", "the CSV export is refused within 8 hours of the last one"},
	{freshExport, "fresh-export", "the CSV export is made anew each time, not once an hour"},
}

// Oddities returns the names of all oddities.
func Oddities() []string {
	var names []string
	for _, o := range oddities {
		names = append(names, o.name)
	}
	return names
}

// parseOddities turns names into a set.
func parseOddities(names []string) (oddity, error) {
	var set oddity
	for _, name := range names {
		k := slices.Index(Oddities(), strings.TrimSpace(name))
		if k < 0 {
			return 0, sallyport.Unknown("oddities", "oddity", name, Oddities())
		}
		set |= oddities[k].bit
	}
	return set, nil
}

// names is the reverse.
func (o oddity) names() []string {
	names := []string{}
	for _, known := range oddities {
		if o.has(known.bit) {
			names = append(names, known.name)
		}
	}
	return names
}

// has tells whether one of the others is in the set.
func (o oddity) has(other oddity) bool { return o&other != 0 }

// SetOddities makes answers odd from now on in these ways, and no others. The error is a [sallyport.Error].
func (s *Sandbox) SetOddities(names ...string) error {
	set, err := parseOddities(names)
	if err == nil {
		s.odd.Store(uint32(set))
	}
	return err
}

// is tells whether answers have an oddity now.
func (s *Sandbox) is(o oddity) bool { return oddity(s.odd.Load()).has(o) }
