package sandbox

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// indicatorTerm is what a term means for indicators.
func (w *world) indicatorTerm(c condition) (func(indicator) bool, error) {
	if c.field == "lastseen" {
		return seenTerm(c)
	}
	if c.op != "=" {
		return nil, notATime(c.field)
	}
	is := pattern(c.value)
	switch c.field {
	case "ioc":
		return w.valueTerm(c.value), nil
	case "type":
		return func(i indicator) bool { return is(i.kind()) }, nil
	case "risk":
		return func(i indicator) bool { return is(risks[i.shownRisk()]) }, nil
	case "retired":
		return func(i indicator) bool { return i.retired() == (c.value != "0") }, nil
	case "feed", "threat":
		return w.listedTerm(c.field, is), nil
	}
	if slices.Contains(attributeCategories[:], c.field) {
		return func(i indicator) bool { return slices.ContainsFunc(i.profile().values(c.field), is) }, nil
	}
	if group, name, ok := strings.Cut(c.field, "."); ok && slices.Contains(propertyGroups[:], group) {
		return propertyTerm(group, name, is), nil
	}
	return nil, unknownField(c.field)
}

// listedTerm finds what the feeds or threats of some names list.
func (w *world) listedTerm(field string, is func(string) bool) func(indicator) bool {
	var named []listing
	if field == "feed" {
		for _, f := range w.feeds {
			if is(f.name) {
				named = append(named, f.listing)
			}
		}
		return anyContains(named)
	}
	for _, t := range w.threats {
		if t.named(is) {
			named = append(named, t.listing)
		}
	}
	return anyContains(named)
}

var propertyGroups = [...]string{"banners", "cookies", "dns", "dom", "geo", "http", "meta", "ssl", "whois"}

// propertyTerm finds indicators with a current property, whose name may be in any case.
func propertyTerm(group, name string, is func(string) bool) func(indicator) bool {
	return func(i indicator) bool {
		return slices.ContainsFunc(i.properties(), func(p property) bool {
			return !p.old && p.group == group && strings.EqualFold(p.name, name) && is(p.value)
		})
	}
}

// seenTerm compares when an indicator was seen last with a day or a second. A day is equal to all of its seconds.
func seenTerm(c condition) (func(indicator) bool, error) {
	from, length, err := parseSeen(c.value)
	if err != nil {
		return nil, err
	}
	to := from + length
	return func(i indicator) bool {
		switch seen := i.seen(); c.op {
		case "<":
			return seen < from
		case "<=":
			return seen < to
		case ">":
			return seen >= to
		case ">=":
			return seen >= from
		default:
			return seen >= from && seen < to
		}
	}, nil
}

// parseSeen returns when a day or second begins and how long it is.
func parseSeen(text string) (from, length int64, err error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.Unix(), day, nil
	}
	if t, err := time.Parse(time.DateTime, text); err == nil {
		return t.Unix(), 1, nil
	}
	return 0, 0, badQuery("lastseen is a day like 2024-01-31, or a time like \"2024-01-31 12:00:00\"")
}

func notATime(field string) error {
	return refuse(http.StatusBadRequest, "Invalid query: %s can only be compared with =.", field)
}

// valueTerm finds one indicator by its number; only a pattern looks at the text of every one.
func (w *world) valueTerm(value string) func(indicator) bool {
	if strings.Contains(value, "*") {
		is := pattern(value)
		return func(i indicator) bool { return is(i.value()) }
	}
	wanted, ok := w.byValue(value)
	return func(i indicator) bool { return ok && i.n == wanted.n }
}

func anyContains(all []listing) func(indicator) bool {
	return func(i indicator) bool {
		return slices.ContainsFunc(all, func(l listing) bool { return l.contains(i.n) })
	}
}

// threatTerm is what field=value means for threats.
func threatTerm(c condition) (func(threat) bool, error) {
	is := pattern(c.value)
	if c.op != "=" {
		return nil, notATime(c.field)
	}
	switch c.field {
	case "threat", "name":
		return func(t threat) bool { return is(t.name) }, nil
	case "alias":
		return func(t threat) bool { return slices.ContainsFunc(t.aliases, is) }, nil
	case "category":
		return func(t threat) bool { return is(t.category) }, nil
	case "risk":
		return func(t threat) bool { return is(t.risk) }, nil
	}
	return nil, unknownField(c.field)
}

func unknownField(field string) error {
	return refuse(http.StatusBadRequest, "Invalid query: unknown field %q.", field)
}
