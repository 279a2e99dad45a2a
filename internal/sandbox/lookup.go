package sandbox

import "net/http"

// getIndicator answers with an indicator, its links or its properties.
func (s *Sandbox) getIndicator(c *call) error {
	i, err := s.findIndicator(c)
	if err != nil {
		return err
	}
	switch c.form.Get("get") {
	case "links":
		c.out.linkGroups(i, false)
	case "properties":
		c.out.propertyRows(i, detailForm{})
	default:
		c.out.detail(i, detailForm{historical: c.set("historical"), schema: c.set("schema"), scanned: s.scans.scanned(i.value())})
	}
	return nil
}

func (s *Sandbox) findIndicator(c *call) (indicator, error) {
	var (
		i     indicator
		found bool
	)
	switch value := c.form.Get("indicator"); {
	case c.form.Get("iid") != "":
		iid, err := c.number("iid", 0)
		if err != nil {
			return i, err
		}
		i, found = c.world.byIID(iid)
	case value != "":
		i, found = c.world.byValue(value)
	default:
		return i, missing("indicator or iid")
	}
	if !found {
		return i, refuse(http.StatusNotFound, "Indicator not found.")
	}
	return i, nil
}

// getThreat answers with a threat, its linked indicators or a summary of them. Only by its id can a threat be asked for links.
func (s *Sandbox) getThreat(c *call) error {
	if c.form.Get("tid") == "" {
		return s.getThreatByName(c)
	}
	tid, err := c.number("tid", 0)
	if err != nil {
		return err
	}
	t, ok := c.world.threat(tid)
	switch {
	case !ok:
		return refuse(http.StatusNotFound, "Threat not found.")
	case c.form.Get("get") != "links":
		return s.threatDetail(c, t)
	case c.set("summary"):
		return s.threatSummary(c, t)
	}
	return s.linkedPage(c, t.listing, linkedByThreat+slot(t.id))
}

func (s *Sandbox) getThreatByName(c *call) error {
	name := c.form.Get("threat")
	if name == "" {
		name = c.form.Get("tname") // as it was called in 2019
	}
	if name == "" {
		return missing("tid or threat")
	}
	t, ok := c.world.threatNamed(name)
	if !ok {
		return refuse(http.StatusNotFound, "Threat not found.")
	}
	return s.threatDetail(c, t)
}

// getFeed answers with a feed, its linked indicators or a summary of them.
func (s *Sandbox) getFeed(c *call) error {
	f, err := c.findFeed()
	switch {
	case err != nil:
		return err
	case c.form.Get("get") != "links":
		return s.feedDetail(c, f)
	case c.set("summary"):
		return s.feedSummary(c, f)
	}
	return s.linkedPage(c, f.listing, linkedByFeed+slot(f.id))
}

// findFeed finds a feed by its id, or by its name and, if that is given, its organization.
func (c *call) findFeed() (feed, error) {
	name := c.form.Get("feed")
	if name == "" && c.form.Get("fid") == "" {
		return feed{}, missing("fid or feed")
	}
	fid, err := c.number("fid", 0)
	if err != nil {
		return feed{}, err
	}
	f, ok := c.world.feed(fid)
	if fid == 0 {
		f, ok = c.world.feedNamed(name, c.form.Get("organization"))
	}
	if !ok {
		return f, refuse(http.StatusNotFound, "Feed not found.")
	}
	return f, nil
}

// getInfo is the old single address of all three.
func (s *Sandbox) getInfo(c *call) error {
	switch {
	case c.form.Get("fid") != "", c.form.Get("feed") != "":
		return s.getFeed(c)
	case c.form.Get("tid") != "", c.form.Get("tname") != "", c.form.Get("threat") != "":
		return s.getThreat(c)
	default:
		return s.getIndicator(c)
	}
}

// linkedPage writes one page of the indicators of a listing. The plan's last page is written as the last one there is.
func (s *Sandbox) linkedPage(c *call, l listing, by slot) error {
	page, err := c.number("page", 0)
	if err != nil {
		return err
	}
	pages := (l.count + s.pageSize - 1) / s.pageSize
	if c.plan.pages > 0 {
		pages = min(pages, c.plan.pages)
	}
	e := c.out
	e.begin('{')
	if pages > 1 || page > 0 || !e.odd.has(shapes2025) { // the documentation of 2025 says that a single page has no number
		e.pageField("page_current", page)
	}
	switch {
	case page >= pages-1:
	case e.odd.has(stuckPage):
		e.pageField("page_next", page)
	default:
		e.pageField("page_next", page+1)
	}
	e.key("results")
	e.begin('[')
	if page < pages {
		c.linkRows(l, page*s.pageSize, min((page+1)*s.pageSize, l.count), by)
	}
	e.end(']')
	e.end('}')
	return nil
}

// linkRows writes the rows of a listing from one to another.
func (c *call) linkRows(l listing, from, to int, by slot) {
	e := c.out
	if from > 0 && e.odd.has(shiftingPages) {
		from--
	}
	for k, first := 0, e.turn(to-from); k < to-from && e.err == nil; k++ {
		i := c.world.indicator(l.at(from + (first+k)%(to-from)))
		if i.there() {
			e.linkRow(i, i.linked(by), "{}")
		}
	}
}
