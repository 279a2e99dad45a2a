package sandbox

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// indicatorTerm is what a term means for indicators.
func (w *world) indicatorTerm(c condition) (func(indicator) bool, error) {
	is := patterns(c.values)
	switch c.field {
	case "", "ioc":
		return anyOf(c.values, w.valueTerm), nil
	case "type":
		return func(i indicator) bool { return is(i.kind()) }, nil
	case "risk":
		risky, err := riskTerm(c.values)
		return func(i indicator) bool { return risky(i.risk()) }, err
	case "active":
		active, err := switchTerm(c, "true", "false")
		return func(i indicator) bool { return i.retired() != active }, err
	case "retired":
		retired, err := switchTerm(c, "1", "0")
		return func(i indicator) bool { return i.retired() == retired }, err
	case "seen":
		return seenTerm(c.values)
	case "feed", "threat":
		return w.listedTerm(c.field, is), nil
	}
	if slices.Contains(attributeCategories[:], c.field) {
		return func(i indicator) bool { return slices.ContainsFunc(i.profile().values(c.field), is) }, nil
	}
	return propertyTerm(c.field, is)
}

// switchTerm reads a term that has one of two values.
func switchTerm(c condition, on, off string) (bool, error) {
	if value := strings.ToLower(c.values[0]); len(c.values) == 1 && (value == on || value == off) {
		return value == on, nil
	}
	return false, badQuery(c.field + " is " + on + " or " + off)
}

// riskTerm is one of some levels; high+ is that level and those above, low- that level and those below.
func riskTerm(values []string) (func(level int) bool, error) {
	var wanted [riskRetired]bool
	for _, value := range values {
		name := strings.TrimRight(value, "+-")
		level := slices.Index(risks[:riskRetired], strings.ToLower(name))
		if level < 0 || len(value) > len(name)+1 {
			return nil, badQuery("risk is " + strings.Join(risks[:riskRetired], ", ") + ", with + or - for those above or below")
		}
		for k := range wanted {
			above, below := strings.HasSuffix(value, "+"), strings.HasSuffix(value, "-")
			wanted[k] = wanted[k] || k == level || above && k > level || below && k < level
		}
	}
	return func(level int) bool { return wanted[level] }, nil
}

// listedTerm finds what the feeds or threats of some names list. A feed has the name of its organization too, alone or before its own.
func (w *world) listedTerm(field string, is func(string) bool) func(indicator) bool {
	var named []listing
	if field == "feed" {
		for _, f := range w.feeds {
			if is(f.name) || is(f.organization) || is(f.organization+" "+f.name) {
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

// propertyNames are the names of all properties, in lower case and without the plus signs before them.
var propertyNames = sync.OnceValue(func() map[string]bool {
	names, w := map[string]bool{}, newWorld(0, 500)
	for n := range 500 {
		for _, p := range w.indicator(n).properties() {
			names[propertyKey(p.name)] = true
		}
	}
	return names
})

func propertyKey(name string) string { return strings.ToLower(strings.TrimPrefix(name, "++")) }

// propertyTerm finds indicators with a current property: of a group, of a name, or both as group.name. Names may be in any case.
func propertyTerm(field string, is func(string) bool) (func(indicator) bool, error) {
	group, name, both := strings.Cut(field, ".")
	if !both {
		group, name = field, ""
	}
	if !slices.Contains(propertyGroups[:], group) {
		if group, name = "", propertyKey(field); !propertyNames()[name] {
			return nil, unknownField(field)
		}
	}
	return func(i indicator) bool {
		return slices.ContainsFunc(i.properties(), func(p property) bool {
			named := name == "" || strings.EqualFold(p.name, name) || group == "" && propertyKey(p.name) == name
			return !p.old && (group == "" || p.group == group) && named && is(p.value)
		})
	}, nil
}

// seenForm is a day or a time, alone, with + (from then on), with - (until then) or with - and another one (from one to the other).
var seenForm = regexp.MustCompile(`^(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?)(?:(\+)|(-)(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d)?)?)?$`)

// seenTerm compares when an indicator was seen last. A day is all of its seconds, also as the end of a period.
func seenTerm(values []string) (func(indicator) bool, error) {
	type period struct{ from, to int64 }
	var periods []period
	for _, value := range values {
		m := seenForm.FindStringSubmatch(value)
		if m == nil {
			return nil, badSeen()
		}
		first, err := parseSeen(m[1])
		last := first
		if m[4] != "" && err == nil {
			last, err = parseSeen(m[4])
		}
		if err != nil {
			return nil, err
		}
		p := period{first[0], last[1]}
		switch {
		case m[2] != "":
			p.to = 1<<63 - 1
		case m[3] != "" && m[4] == "":
			p.from = 0
		}
		periods = append(periods, p)
	}
	return func(i indicator) bool {
		return slices.ContainsFunc(periods, func(p period) bool { return i.seen() >= p.from && i.seen() <= p.to })
	}, nil
}

func badSeen() error {
	return badQuery("seen is a day like 2024-01-31 or a time like 2024-01-31 12:00:00, with + or - behind it, or two with - between them")
}

// parseSeen returns the first and the last second of a day or time.
func parseSeen(text string) (bounds [2]int64, err error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return [2]int64{t.Unix(), t.Unix() + day - 1}, nil
	}
	if t, err := time.Parse(time.DateTime, text); err == nil {
		return [2]int64{t.Unix(), t.Unix()}, nil
	}
	return bounds, badSeen()
}

// valueTerm finds one indicator by its number; only a pattern looks at the text of every one.
func (w *world) valueTerm(value string) func(indicator) bool {
	if strings.Contains(value, "*") {
		is := pattern(value)
		return func(i indicator) bool { return is(i.value()) }
	}
	wanted, ok := w.byValue(value)
	return func(i indicator) bool { return ok && i.iid() == wanted.iid() }
}

func anyContains(all []listing) func(indicator) bool {
	return func(i indicator) bool {
		return slices.ContainsFunc(all, func(l listing) bool { return l.contains(i.n) })
	}
}

// threatTerm is what a term means for threats.
func (w *world) threatTerm(c condition) (func(threat) bool, error) {
	is := patterns(c.values)
	switch c.field {
	case "":
		return func(t threat) bool { return t.named(is) }, nil
	case "threat", "name":
		return func(t threat) bool { return is(t.name) }, nil
	case "alias":
		return func(t threat) bool { return slices.ContainsFunc(t.aliases, is) }, nil
	case "category":
		return func(t threat) bool { return is(t.category) }, nil
	case "risk":
		risky, err := riskTerm(c.values)
		return func(t threat) bool { return risky(slices.Index(risks[:], t.risk)) }, err
	}
	if slices.Contains(attributeCategories[:], c.field) {
		return func(t threat) bool { return w.lists(t.listing, c.field, is) }, nil
	}
	return nil, unknownField(c.field)
}

// lists tells whether a listing has an indicator with an attribute.
func (w *world) lists(l listing, category string, is func(string) bool) bool {
	for k := range l.count {
		if i := w.indicator(l.at(k)); i.there() && slices.ContainsFunc(i.profile().values(category), is) {
			return true
		}
	}
	return false
}

func unknownField(field string) error {
	return refuse(http.StatusBadRequest, "Invalid query: unknown field %q.", field)
}
