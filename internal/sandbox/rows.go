package sandbox

// epoch is when the made-up history begins, 2024-01-01 UTC; nothing in it depends on today.
const (
	epoch = 1704067200
	day   = 86400
)

func (i indicator) added() int64 { return epoch + int64(i.pick(slotAdded, 300*day)) }

func (i indicator) seen() int64 { return i.added() + int64(i.pick(slotSeen, 200*day)) }

func (i indicator) updated() int64 {
	return max(i.seen()+int64(i.pick(slotUpdated, 20*day)), i.changed())
}

// linked is when a feed or threat, by a number of its own, took the indicator up.
func (i indicator) linked(by slot) int64 {
	return i.added() + int64(i.pick(slotLinked+by, 100*day))
}

// The numbers that links are drawn by.
const (
	linkedByFeed   slot = 0
	linkedByThreat slot = 100
	linkedByOther  slot = 200
)

// writeHead begins an object with what every row about an indicator begins with. Risk is an index into [risks].
func (e *encoder) writeHead(i indicator, risk int) {
	e.begin('{')
	e.intField("iid", i.iid())
	e.key("indicator")
	e.scratch = i.appendValue(e.scratch[:0])
	e.bytes(e.scratch)
	e.stringField("type", i.kind())
	e.stringField("risk", risks[risk])
}

// linkRow writes an indicator as feeds, threats and other indicators link to it. A summary without properties is written as empty.
func (e *encoder) linkRow(i indicator, linked int64, empty string) {
	e.writeHead(i, i.shownRisk())
	e.stampField("stamp_linked", linked)
	e.summary(i, empty)
	e.end('}')
}

// exploreRow writes an indicator as Explore finds it. The row keeps its level of risk and does not say whether it is retired: a time of
// retirement is there of those that are, and of some that were seen again after it.
func (e *encoder) exploreRow(i indicator) {
	e.writeHead(i, i.risk())
	e.stampField("stamp_added", i.added())
	e.stampField("stamp_updated", i.updated())
	e.stampField("stamp_seen", i.seen())
	switch {
	case i.retired():
		e.stampField("stamp_retired", i.updated())
	case i.pick(slotRetired, 24) == 23:
		e.stampField("stamp_retired", i.added())
	}
	e.exploreSummary(i)
	e.end('}')
}

// exploreSummary writes what a row of Explore shows: of a URL its domain, a few properties, and the attributes if there are any.
func (e *encoder) exploreSummary(i indicator) {
	e.key("summary")
	e.begin('{')
	if i.kind() == kindURL && i.out == nil {
		on := i.w.indicator(i.n - 1)
		e.stringField("domain", on.value())
		e.intField("domainiid", on.iid())
	}
	e.key("properties")
	e.begin('{')
	e.summaryGroups(i, i.profile().server != "")
	e.end('}')
	if len(i.profile().ports) > 0 {
		e.attributes(i)
	}
	e.end('}')
}

// summary writes the few properties that rows show.
func (e *encoder) summary(i indicator, empty string) {
	e.key("summary")
	if i.place() == (place{}) && !i.private() {
		e.emptySummary(i, empty)
		return
	}
	e.begin('{')
	e.key("properties")
	e.begin('{')
	e.summaryGroups(i, false)
	e.end('}')
	e.end('}')
}

// summaryGroups writes the groups of properties that rows show, that of a web server only if it is wanted.
func (e *encoder) summaryGroups(i indicator, web bool) {
	for k, first := 0, e.turn(3); k < 3; k++ {
		switch (first + k) % 3 {
		case 0:
			if web {
				e.key("http")
				e.raw(webSummary)
			}
		case 1:
			e.places(i.place())
		default:
			if i.private() {
				e.key("whois")
				e.raw(`{"++privacy":"1"}`)
			}
		}
	}
}

// webSummary is what rows show of a host with a web server.
const webSummary = `{"++content-type":"text\/html; charset=UTF-8","++code":"200"}`

// emptySummary writes one without properties, in one of the ways that there are.
func (e *encoder) emptySummary(i indicator, empty string) {
	if i.pick(slotShape, 4) != 0 {
		e.raw(empty)
		return
	}
	e.begin('{')
	e.rawField("properties", "{}")
	e.end('}')
}

// places writes the group geo of a summary, if anything is known.
func (e *encoder) places(p place) {
	if p == (place{}) {
		return
	}
	e.key("geo")
	e.begin('{')
	fields := [...]struct{ name, value string }{
		{"country", p.country}, {"city", p.city}, {"org", p.org}, {"region", p.region}, {"countrycode", p.code},
	}
	for k, first := 0, e.turn(len(fields)); k < len(fields); k++ {
		if f := fields[(first+k)%len(fields)]; f.value != "" {
			e.stringField(f.name, f.value)
		}
	}
	e.end('}')
}

func (i indicator) place() place { return places[i.pick(slotPlace, len(places))] }

func (i indicator) profile() profile { return profiles[i.profileNumber()] }

func (i indicator) profileNumber() int { return i.pick(slotProfile, len(profiles)) }

// private tells whether the owner of a domain, or of the domain that a URL lies on, hides.
func (i indicator) private() bool {
	switch i.kind() {
	case kindDomain:
		return i.pick(slotPrivate, 5) == 0
	case kindURL:
		return i.out == nil && i.w.indicator(i.n-1).private()
	}
	return false
}
