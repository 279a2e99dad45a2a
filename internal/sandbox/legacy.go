package sandbox

import (
	"cmp"
	"net/http"
	"path"
	"slices"
	"strings"
)

// searchLimits are the words for how many rows the old search has; without one it has as many as Explore without a limit.
var searchLimits = map[string]int{"": defaultExplore, "hundred": 100, "thousand": 1000, "tenthousand": 10_000}

// search is the old API's search: for indicators, threats or feeds. It takes its lists as type[], risk[] and so on, and has no pages.
func (s *Sandbox) search(c *call) error {
	limit, ok := searchLimits[c.form.Get("limit")]
	switch {
	case !ok:
		return refuse(http.StatusBadRequest, "Invalid parameter: limit must be hundred, thousand or tenthousand.")
	case c.form.Get("search") == "feed":
		return s.searchFeeds(c, limit)
	case c.form.Get("search") == "threat":
		return s.searchThreats(c, limit)
	}
	matches, err := c.searchTerms()
	if err != nil {
		return err
	}
	if c.set("export") {
		return c.table(c.world, columns[:defaultColumns], true, matches)
	}
	return c.results("", c.world.size+len(famous), limit, func(k int) bool {
		i := c.world.indicator(k - len(famous))
		found := i.there() && matches(i)
		if found {
			c.out.exploreRow(i)
		}
		return found
	})
}

// searchTerms are the conditions that the old search has for indicators. All lists must fit, and of each list one value.
func (c *call) searchTerms() (func(indicator) bool, error) {
	var terms []func(indicator) bool
	for _, name := range []string{"type", "risk", "feed", "threat"} {
		values := c.form[name+"[]"]
		if len(values) == 0 {
			continue
		}
		is := patterns(values)
		switch name {
		case "type":
			terms = append(terms, func(i indicator) bool { return is(i.kind()) })
		case "risk":
			terms = append(terms, func(i indicator) bool { return is(risks[i.shownRisk()]) })
		default:
			terms = append(terms, c.world.listedTerm(name, is))
		}
	}
	for _, pair := range append(slices.Clone(c.form["attribute[]"]), c.form["property[]"]...) {
		field, value, _ := strings.Cut(pair, ":")
		term, err := c.world.indicatorTerm(condition{strings.ToLower(field), []string{value}})
		if err != nil {
			return nil, err
		}
		terms = append(terms, term)
	}
	if value := c.form.Get("value"); value != "" {
		within := pattern("*" + value + "*")
		terms = append(terms, func(i indicator) bool { return within(i.value()) })
	}
	return func(i indicator) bool {
		return !slices.ContainsFunc(terms, func(term func(indicator) bool) bool { return !term(i) })
	}, nil
}

func (s *Sandbox) searchFeeds(c *call, limit int) error {
	is := c.searchNames()
	var failed error
	err := c.results("", len(c.world.feeds), limit, func(k int) bool {
		f := c.world.feeds[k]
		if !is(f.category, f.name) {
			return false
		}
		n, err := c.world.count(c, f.listing, nil)
		if err != nil {
			failed = err
			return false
		}
		c.out.begin('{')
		c.out.intField("fid", f.id)
		c.out.stringField("name", f.name)
		c.out.stringField("category", f.category)
		c.out.stringField("organization", f.organization)
		c.out.stringField("pricing", f.pricing)
		c.out.indicatorCounts(n.all, c.set("splitrisk"))
		c.out.end('}')
		return true
	})
	return cmp.Or(failed, err)
}

func (s *Sandbox) searchThreats(c *call, limit int) error {
	is := c.searchNames()
	return c.results("", len(c.world.threats), limit, func(k int) bool {
		t := c.world.threats[k]
		found := is(t.category, append([]string{t.name}, t.aliases...)...)
		if found {
			c.out.threatRow(t)
		}
		return found
	})
}

// searchNames tells whether a feed or threat has one of the wanted categories, and a name that holds the wanted text.
func (c *call) searchNames() func(category string, names ...string) bool {
	categories, within := c.form["category[]"], pattern("*"+c.form.Get("value")+"*")
	return func(category string, names ...string) bool {
		return (len(categories) == 0 || slices.Contains(categories, category)) && slices.ContainsFunc(names, within)
	}
}

// merged serves a path with needless slashes or dots as the path that it means. A redirect to it would repeat the query, and with it the key.
// Directories are found without their last slash as well.
func merged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clean := path.Clean("/" + r.URL.Path)
		if clean != "/" && (strings.HasSuffix(r.URL.Path, "/") || clean == "/premium" || strings.HasPrefix(clean+"/", taxiiRoot)) {
			clean += "/"
		}
		if clean != r.URL.Path {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = clean, ""
		}
		next.ServeHTTP(w, r)
	})
}
