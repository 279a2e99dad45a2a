package partition

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// firstDay is a day before which nothing is divided by days: 1 January 2010, in days since 1970.
const firstDay = 14610

// part is a part of the query: one value, or all others, of each of the first dimensions; then days from and up to one.
type part struct {
	choices  []int // of each dimension the index of a value; the number of values stands for all others
	days     bool  // it is bounded by days:
	from, to int64 // from this day on (firstDay: and all before, and those without a date), and before this one
	open     bool  // and from to on
}

// divide returns the parts of a part, those that are asked first last; none if it cannot be divided.
func (s *Source) divide(p part, today int64) []part {
	switch {
	case s.Whole:
		return nil
	case len(p.choices) < len(s.By):
		var parts []part
		for i := len(s.By[len(p.choices)].Values); i >= 0; i-- {
			parts = append(parts, part{choices: append(append([]int{}, p.choices...), i)})
		}
		return parts
	case s.DateField == "":
		return nil
	case !p.days:
		p.days, p.from, p.to, p.open = true, firstDay, max(today, firstDay)+1, true
	}
	if p.to-p.from < 2 {
		return nil
	}
	early, late := p, p
	middle := p.from + (p.to-p.from)/2
	early.to, early.open, late.from = middle, false, middle
	return []part{early, late}
}

// terms are what a part adds to the query.
func (s *Source) terms(p part) (terms []string) {
	for i, choice := range p.choices {
		d := s.By[i]
		if choice < len(d.Values) {
			terms = append(terms, d.Field+"="+d.Values[choice])
			continue
		}
		for _, value := range d.Values {
			terms = append(terms, "not "+d.Field+"="+value)
		}
	}
	switch {
	case !p.days:
	case p.from == firstDay && p.open:
	case p.open:
		terms = append(terms, s.bound(s.Dates.Since, p.from, p.to))
	case p.from == firstDay: // what has no date is neither before nor after
		terms = append(terms, "not "+s.bound(s.Dates.Since, p.to, p.to))
	default: // whether the last day of a range is in it depends on the system: the next part begins with it
		terms = append(terms, s.bound(s.Dates.Range, p.from, p.to), "not "+s.bound(s.Dates.Since, p.to, p.to))
	}
	return terms
}

// bound is a term that bounds the date.
func (s *Source) bound(term string, from, to int64) string {
	return strings.NewReplacer("{field}", s.DateField, "{from}", day(from), "{to}", day(to)).Replace(term)
}

func day(n int64) string { return time.Unix(n*86400, 0).UTC().Format(time.DateOnly) }

// orWord finds what may bind less than "and".
var orWord = regexp.MustCompile(`(?i)\bor\b|\|`)

// query is the query for a part. It stands in parentheses where what is added would otherwise bind to its last term only.
func (s *Source) query(p part) string {
	terms := s.terms(p)
	if len(terms) == 0 {
		return s.Query
	}
	q := s.Query
	if orWord.MatchString(q) {
		q = "(" + q + ")"
	}
	return q + " and " + strings.Join(terms, " and ")
}

// name says which part one is.
func (s *Source) name(p part) string {
	if terms := s.terms(p); len(terms) > 0 {
		return strings.Join(terms, " and ")
	}
	return "the query"
}

// checkQuery refuses a query to which nothing can be added: what is added must not end up within its parentheses or quotes.
func checkQuery(q string) error {
	depth, quoted := 0, false
	for _, r := range q {
		switch {
		case r == '"':
			quoted = !quoted
		case !quoted && r == '(':
			depth++
		case !quoted && r == ')':
			depth--
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 || quoted {
		return sallyport.Errorf(sallyport.Invalid, "has a parenthesis or quote without its counterpart")
	}
	return nil
}

// write writes parts as a cursor.
func write(parts []part) string {
	var all []string
	for _, p := range parts {
		text := ""
		for _, choice := range p.choices {
			text += strconv.Itoa(choice) + "."
		}
		if p.days {
			text += fmt.Sprintf("@%d-%d", p.from, p.to)
		}
		if p.open {
			text += "+"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// parse reads what write wrote; "" is the whole query.
func (s *Source) parse(cursor string) (parts []part, err error) {
	if cursor == "" {
		return []part{{}}, nil
	}
	for text := range strings.SplitSeq(cursor, " ") {
		var p part
		text, p.open = strings.CutSuffix(text, "+")
		choices, days, _ := strings.Cut(text, "@")
		for choice := range strings.SplitSeq(strings.TrimSuffix(choices, "."), ".") {
			n, err := strconv.Atoi(choice)
			if err != nil || len(p.choices) == len(s.By) || n < 0 || n > len(s.By[len(p.choices)].Values) {
				return nil, noCursor()
			}
			p.choices = append(p.choices, n)
		}
		if days != "" {
			p.days = true
			if n, err := fmt.Sscanf(days, "%d-%d", &p.from, &p.to); err != nil || n != 2 || p.from < firstDay || p.to <= p.from {
				return nil, noCursor()
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func noCursor() error {
	return sallyport.Errorf(sallyport.Invalid, "the cursor is no part of the query: begin again without it")
}
