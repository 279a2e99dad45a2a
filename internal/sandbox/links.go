package sandbox

import (
	"encoding/base64"
	"slices"
)

// linkGroup is the indicators that an indicator is linked to in one way.
type linkGroup struct {
	label string
	to    []indicator
}

// links returns what an indicator is linked to, the empty groups left out. All of it lies within one repetition of [kinds].
func (i indicator) links() []linkGroup {
	if i.famous() { // whom clients ask for first finds something
		return []linkGroup{{"Related Domains", []indicator{i.w.indicator(0)}}}
	}
	var groups []linkGroup
	switch i.kind() {
	case kindDomain:
		groups = []linkGroup{
			{"Active DNS", i.addresses()}, {"Related URLs", i.near(kindURL, i.n+1)}, {"Related Domains", i.near(kindDomain, i.n+2)},
			{"Name Servers", i.near(kindDomain, i.block()+10)},
		}
	case kindURL:
		groups = []linkGroup{{"Related Domains", i.near(kindDomain, i.n-1)}, {"Redirects", i.redirects()}, {"Sources", i.near(kindURL, i.n-3)}}
	case kindIP:
		groups = []linkGroup{
			{"Active DNS", i.near(kindDomain, i.block(), i.block()+2, i.block()+4)},
			{"SSL Certificate Domains", i.near(kindDomain, i.block()+2)},
		}
	}
	return slices.DeleteFunc(groups, func(g linkGroup) bool { return len(g.to) == 0 })
}

// block is the number at which the pattern of types that holds the indicator begins.
func (i indicator) block() int { return i.n &^ (kindPeriod - 1) }

// near returns those of the numbers that are indicators of a kind, and others than this one.
func (i indicator) near(kind string, numbers ...int) []indicator {
	var found []indicator
	for _, n := range numbers {
		if i.out == nil && n != i.n && i.w.has(n) && i.w.indicator(n).kind() == kind {
			found = append(found, i.w.indicator(n))
		}
	}
	return found
}

// addresses is what a domain resolves to: an address, or two of IPv4, or one of IPv4 and one of IPv6.
func (i indicator) addresses() []indicator {
	first := i.block() + ipPosition
	found := i.near(kindIP, first)
	switch i.pick(slotAddress, 3) {
	case 0:
		found = append(found, i.near(kindIP, first+kindPeriod)...)
	case 1:
		found = append(found, i.near(kindIPv6, i.block()+7)...)
	}
	return found
}

// redirects is where a URL leads.
func (i indicator) redirects() []indicator {
	if i.kind() != kindURL || i.pick(slotShape, 2) == 0 {
		return nil
	}
	return i.near(kindURL, i.block()+5)
}

// linkGroups writes what an indicator is linked to. In the scans of 2019, rows said who linked them, and some were not kept.
func (e *encoder) linkGroups(i indicator, scan2019 bool) {
	groups := i.links()
	if len(groups) == 0 {
		e.none()
		return
	}
	e.begin('{')
	for _, g := range groups {
		e.key(g.label)
		e.begin('[')
		shuffle(e, g.to)
		for _, to := range g.to {
			if scan2019 {
				e.linkRow2019(g.label, to)
			} else {
				e.linkRow(to, to.linked(linkedByOther), "[]")
			}
		}
		e.end(']')
	}
	e.end('}')
}

func (e *encoder) linkRow2019(label string, to indicator) {
	e.linkRowBy(to)
	if label != "Sources" {
		return
	}
	e.unknownRow(to, false)
	e.writeHead(to, to.shownRisk())
	e.stampField("stamp_seen", to.seen())
	e.summary(to, "[]")
	e.stringField("base64", base64.StdEncoding.EncodeToString([]byte(to.value())))
	e.end('}')
}

// linkRowBy is linkRow with who linked it, and why.
func (e *encoder) linkRowBy(to indicator) {
	e.writeHead(to, to.shownRisk())
	e.stampField("stamp_linked", to.linked(linkedByOther))
	e.stringField("uid", "")
	e.stringField("comment", "")
	e.summary(to, "[]")
	e.end('}')
}
