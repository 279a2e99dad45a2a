package sandbox

import "net/http"

const defaultExplore = 50

// explore answers with the indicators or threats that a query finds. It has no pages: it stops at the limit.
func (s *Sandbox) explore(c *call) error {
	q := c.form.Get("q")
	if q == "" {
		return missing("q")
	}
	limit, err := c.number("limit", min(defaultExplore, c.plan.explore))
	switch {
	case err != nil:
		return err
	case limit < 1:
		return refuse(http.StatusBadRequest, "Invalid parameter: limit must be at least 1.")
	case limit > c.plan.explore:
		return refuse(http.StatusTooManyRequests,
			"Explore limit exceeded: %d results per request. Visit pulsedive.com/api to view limits and upgrade your plan.", c.plan.explore)
	}
	if c.form.Get("type") == "threats" {
		return s.exploreThreats(c, q, limit)
	}
	return s.exploreIndicators(c, q, limit)
}

func (s *Sandbox) exploreIndicators(c *call, q string, limit int) error {
	matches, err := parseQuery(q, c.world.indicatorTerm)
	if err != nil {
		return err
	}
	return c.results(q, c.world.size+len(famous), limit, func(k int) bool {
		i := c.world.indicator(k - len(famous)) // the famous ones first
		found := i.there() && matches(i)
		if found {
			c.out.exploreRow(i)
		}
		return found
	})
}

func (s *Sandbox) exploreThreats(c *call, q string, limit int) error {
	matches, err := parseQuery(q, c.world.threatTerm)
	if err != nil {
		return err
	}
	return c.results(q, len(c.world.threats), limit, func(k int) bool {
		t := c.world.threats[k]
		found := matches(t)
		if found {
			c.out.threatRow(t)
		}
		return found
	})
}

// results writes the envelope, which repeats the query if there is one, and calls row for 0 … count-1, until it has written limit rows or nobody waits for
// them any more.
func (c *call) results(q string, count, limit int, row func(k int) bool) error {
	c.out.begin('{')
	c.out.key("results")
	c.out.begin('[')
	for k, first := 0, c.out.turn(count); k < count && limit > 0; k++ {
		if k%4096 == 0 && c.Err() != nil {
			return c.Err()
		}
		if row((first + k) % count) {
			limit--
		}
	}
	c.out.end(']')
	if q != "" {
		c.out.stringField("query", q)
	}
	c.out.end('}')
	return nil
}

func (e *encoder) threatRow(t threat) {
	e.begin('{')
	e.intField("tid", t.id)
	e.stringField("name", t.name)
	e.stringField("category", t.category)
	e.stringField("risk", t.risk)
	e.stampField("stamp_added", epoch)
	e.stampField("stamp_updated", epoch+int64(t.id)*day+4321)
	e.stampField("stamp_seen", epoch+500*day)
	e.end('}')
}
