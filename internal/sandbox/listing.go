package sandbox

import "slices"

// listing is which indicators a feed or threat is linked to: every step-th one, from first on.
type listing struct{ first, step, count int }

// at returns the number of the listing's i-th indicator.
func (l listing) at(i int) int { return l.first + i*l.step }

// contains tells whether the listing has the indicator with that number.
func (l listing) contains(n int) bool {
	n -= l.first
	return n >= 0 && n%l.step == 0 && n/l.step < l.count
}

type feed struct {
	listing
	id                                             int
	name, organization, category, pricing, website string
}

type threat struct {
	listing
	id                                          int
	name, category, risk, summary, tactic, wiki string
	aliases                                     []string
}

// makeFeeds says what the feeds are. The first has everything there is; the others step by the pattern of [kinds], so that a feed of
// addresses has addresses only.
func makeFeeds(records int) []feed {
	return []feed{
		{listing{0, 1, records}, 1, "Example Bad Domains", "Example Abuse Desk", "malware", "free", "https://abuse.example.org/"},
		{listing{3, kindPeriod, 200}, 2, "Example Bad IPs", "Example Abuse Desk", "attack", "free", "https://abuse.example.org/"},
		{listing{1, kindPeriod, 320}, 3, "Example Phishing URLs", "Phish & Co. Ltd.", "fraud", "commercial", "https://example.net/?a=1&b=2"},
		{listing{7, kindPeriod, 75}, 4, "Example Botnet IPv6", "", "botnet", "free", ""},
		{listing{2, 8, 450}, 5, `Café "Parked" <Domains>`, "Łódź Research Group", "spam", "free", "https://example.com/caf%C3%A9"},
	}
}

func makeThreats() []threat {
	return []threat{
		{listing{0, 5, 500}, 1, "Lorem Stealer", "malware", "high", "Lorem Stealer is a made-up Trojan horse. It steals filler text.",
			"Credential Access", "Lorem (disambiguation)", []string{"Loremware", "Lipsum"}},
		{listing{1, 7, 300}, 2, "Ipsum Botnet", "botnet", "critical", "Ipsum Botnet is a made-up network of typewriters.",
			"Command and Control", "Ipsum", nil},
		{listing{2, 11, 120}, 3, "Dolor Phish", "phishing", "medium", "Dolor Phish asks for passwords that do not exist.\nIt says \"please\".",
			"Initial Access", "Dolor", []string{"=cmd|' /C calc'!A0"}},
		{listing{3, 13, 40}, 4, "Café Loader", "exploitkit", "low", "Café Loader serves <script>alert('coffee')</script>. ☕",
			"Execution", "Café", []string{"Кафе", "珈琲"}},
		{listing{4, 17, 4}, 5, "Amet Group", "apt", "none", "", "Reconnaissance", "", nil},
		{listing{0, 1, 0}, 6, "Quiet Example", "general", "unknown", "Nothing is linked to it.", "", "", nil},
		{listing{6, 19, 30}, 7, "Zeus", "malware", "high", "Here Zeus is made up, too.", "Collection", "Zeus_(disambiguation)", []string{"Zbot"}},
	}
}

// named tells whether one of the threat's names is right.
func (t threat) named(is func(string) bool) bool {
	return is(t.name) || slices.ContainsFunc(t.aliases, is)
}

// threatDetail writes a threat. What newer answers have besides, among it counts of the indicators, comes last.
func (s *Sandbox) threatDetail(c *call, t threat) error {
	e := c.out
	e.begin('{')
	e.intField("tid", t.id)
	e.stringField("threat", t.name)
	e.stringField("category", t.category)
	e.stringField("risk", t.risk)
	e.stringField("description", "")
	e.stringField("wikisummary", t.summary)
	if t.wiki == "" {
		e.stringField("wikireference", "")
	} else {
		e.stringField("wikireference", "https://encyclopedia.example.org/wiki/"+t.wiki)
	}
	e.rawField("retired", "null")
	e.stampField("stamp_added", epoch)
	e.stampField("stamp_updated", epoch+int64(t.id)*day+4321)
	e.stampField("stamp_seen", epoch+500*day)
	e.rawField("stamp_retired", "null")
	e.stampField("updated_last_domain", epoch+400*day)
	e.key("othernames")
	e.strings(t.aliases)
	e.news(t)
	if e.odd.has(shapes2025) {
		if err := c.newThreatFields(t); err != nil {
			return err
		}
	}
	e.end('}')
	return nil
}

func (c *call) newThreatFields(t threat) error {
	e := c.out
	e.stringField("notes", "Filler text.\nOf two lines.")
	e.key("attributes")
	e.none()
	e.tactics(t)
	e.key("techniques")
	e.strings([]string{"T0000 - Example technique"})
	e.key("related")
	e.begin('[')
	if other, ok := c.world.threat(t.id%len(c.world.threats) + 1); ok {
		e.begin('{')
		e.intField("tid", other.id)
		e.stringField("threat", other.name)
		e.stringField("category", other.category)
		e.stringField("risk", other.risk)
		e.end('}')
	}
	e.end(']')
	e.rawField("comments", "[]")
	n, err := c.world.count(c, t.listing, nil)
	if err == nil {
		e.key("summary")
		e.summaryOf(n, true, "feeds", nil)
	}
	return err
}

func (e *encoder) tactics(t threat) {
	e.key("ttps")
	if t.tactic == "" {
		e.raw("[]")
		return
	}
	e.begin('{')
	e.key(t.tactic)
	e.strings([]string{"T0000 - Example technique"})
	e.end('}')
}

func (e *encoder) news(t threat) {
	e.key("news")
	e.begin('[')
	for k := range t.id % 3 {
		e.begin('{')
		e.stringField("title", dateTime(epoch + int64(k)*day)[:10]+" - "+t.name+" <em>strikes</em> again")
		e.stringField("channel", "Example News")
		e.stringField("icon", "./img/heart_transparent.png")
		e.stringField("link", "https://news.example.com/?t=1&n=2")
		e.stampField("stamp", epoch+int64(k)*day)
		if e.odd.has(shapes2025) {
			e.intField("primary", k%2)
		}
		e.end('}')
	}
	e.end(']')
}

// feedDetail writes a feed.
func (s *Sandbox) feedDetail(c *call, f feed) error {
	n, err := c.world.count(c, f.listing, nil)
	if err != nil {
		return err
	}
	e := c.out
	e.begin('{')
	e.intField("fid", f.id)
	e.stringField("feed", f.name)
	e.stringField("organization", f.organization)
	e.stringField("category", f.category)
	e.stringField("pricing", f.pricing)
	e.rawField("contact", `{"name":"","email":"","phone":""}`)
	e.stringField("website", f.website)
	if e.odd.has(shapes2025) {
		e.stringField("accesslink", f.website)
		e.stringField("description", "")
		e.key("summary")
		e.summaryOf(n, true, "threats", nil)
	}
	e.stringField("schedule", "daily")
	e.stampField("stamp_added", epoch)
	e.stampField("stamp_updated", epoch+int64(f.id)*day+1234)
	e.stampField("stamp_pulled", epoch+600*day)
	e.stampField("stamp_modified", epoch+599*day)
	e.indicatorCounts(n.all, true)
	e.end('}')
	return nil
}
