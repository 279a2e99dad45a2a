package sandbox

import (
	"context"
	"slices"
)

// tally counts indicators by the index of the risk they show.
type tally [len(risks)]int

func (t *tally) add(other tally) {
	for r, n := range other {
		t[r] += n
	}
}

func (t tally) total() int {
	total := 0
	for _, n := range t {
		total += n
	}
	return total
}

// risks writes a count for each risk that was counted. In 2019, the retired ones were not.
func (e *encoder) risks(t tally) {
	for r, n := range t {
		if n > 0 && (r != riskRetired || !e.odd.has(shapes2019)) {
			e.intField(risks[r], n)
		}
	}
}

// indicatorCounts writes the field that says how many indicators something has, split by risk or not.
func (e *encoder) indicatorCounts(t tally, split bool) {
	e.key("indicators")
	e.begin('{')
	if split {
		e.risks(t)
	} else {
		e.intField("total", t.total())
	}
	e.end('}')
}

// counts is a summary of a listing.
type counts struct {
	all       tally
	byProfile [len(profiles)]tally
	byOther   []tally // for each of the other listings, what is in both
}

// count goes through a whole listing, which may be long.
func (w *world) count(ctx context.Context, l listing, others []listing) (counts, error) {
	c := counts{byOther: make([]tally, len(others))}
	for k := range l.count {
		if k%4096 == 0 && ctx.Err() != nil {
			return c, ctx.Err()
		}
		i := w.indicator(l.at(k))
		if !i.there() {
			continue
		}
		risk := i.shownRisk()
		c.all[risk]++
		c.byProfile[i.profileNumber()][risk]++
		for o, other := range others {
			if other.contains(i.n) {
				c.byOther[o][risk]++
			}
		}
	}
	return c, nil
}

// threatSummary writes the summary of a threat's linked indicators, with the feeds that list them too.
func (s *Sandbox) threatSummary(c *call, t threat) error {
	var feeds []listing
	for _, f := range c.world.feeds {
		feeds = append(feeds, f.listing)
	}
	n, err := c.world.count(c, t.listing, feeds)
	if err != nil {
		return err
	}
	c.out.summaryOf(n, c.set("splitrisk"), "feeds", func(k int) {
		f := c.world.feeds[k]
		c.out.intField("fid", f.id)
		c.out.stringField("name", f.name)
		c.out.stringField("category", f.category)
		c.out.stringField("organization", f.organization)
		c.out.stringField("pricing", f.pricing)
	})
	return nil
}

// feedSummary writes the same for a feed, with the threats that its indicators belong to.
func (s *Sandbox) feedSummary(c *call, f feed) error {
	var threats []listing
	for _, t := range c.world.threats {
		threats = append(threats, t.listing)
	}
	n, err := c.world.count(c, f.listing, threats)
	if err != nil {
		return err
	}
	c.out.summaryOf(n, c.set("splitrisk"), "threats", func(k int) {
		t := c.world.threats[k]
		c.out.intField("tid", t.id)
		c.out.stringField("name", t.name)
		c.out.stringField("category", t.category)
		c.out.stringField("risk", t.risk)
	})
	return nil
}

// summaryOf writes a summary. Other writes the facts of the k-th other listing, into an object that is open.
func (e *encoder) summaryOf(n counts, split bool, others string, other func(k int)) {
	e.begin('{')
	e.stampField("updated_last_domain", epoch+400*day)
	e.key("risk")
	e.begin('{')
	e.risks(n.all)
	if !e.odd.has(shapes2019) {
		e.intField("total", n.all.total())
	}
	e.end('}')
	e.key(others)
	e.begin('[')
	for k, t := range n.byOther {
		if t.total() == 0 {
			continue
		}
		e.begin('{')
		other(k)
		e.indicatorCounts(t, split)
		e.end('}')
	}
	e.end(']')
	e.rawField("properties", "{}")
	e.key("attributes")
	e.begin('{')
	for _, category := range attributeCategories {
		e.key(category)
		e.attributeCounts(category, n.byProfile[:], split)
	}
	e.end('}')
	e.end('}')
}

// attributeCounts writes, for each value of a category of attributes, how many indicators have it.
func (e *encoder) attributeCounts(category string, byProfile []tally, split bool) {
	var values []string
	found := map[string]tally{}
	for p, t := range byProfile {
		for _, value := range profiles[p].values(category) {
			sum, known := found[value]
			if !known {
				values = append(values, value)
			}
			sum.add(t)
			found[value] = sum
		}
	}
	values = slices.DeleteFunc(values, func(v string) bool { return found[v].total() == 0 })
	e.begin('{')
	for _, value := range values {
		e.anyKey(value)
		e.begin('{')
		e.indicatorCounts(found[value], split)
		e.end('}')
	}
	e.end('}')
}
