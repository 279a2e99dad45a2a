package sandbox

import (
	"context"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

// objectQuery is which members of a collection are asked for.
type objectQuery struct {
	of                              collection
	world                           *world
	from, limit                     int
	types, ids, spec, version, seen []string // empty means all
}

// objectQuery reads the parameters but for next, if the plan may read the collection.
func (c *call) objectQuery() (q objectQuery, err error) {
	of, err := c.collection()
	if err != nil {
		return q, err
	}
	if !c.plan.taxii && !of.free {
		return q, refuse(http.StatusForbidden, "Your plan does not include this collection.")
	}
	q = objectQuery{of: of, world: c.world, types: c.listed("match[type]", nil), ids: c.listed("match[id]", nil),
		spec: c.listed("match[spec_version]", nil)}
	q.limit, err = c.number("limit", defaultObjects)
	if err == nil && q.limit < 1 {
		err = refuse(http.StatusBadRequest, "Invalid parameter: limit must be at least 1.")
	}
	q.limit = min(q.limit, maxObjects)
	if err == nil {
		q.version, err = c.times("match[version]", "first", "last", "all")
	}
	if err == nil {
		q.seen, err = c.times("match[seen]")
	}
	if text := c.form.Get("added_after"); err == nil && text != "" {
		var after time.Time
		after, err = parseAdded("added_after", text)
		q.from = sort.Search(of.count(c.world), func(p int) bool { return time.Unix(of.member(c.world, p).created(), 0).After(after) })
	}
	return q, err
}

// times returns a list of times as STIX writes them. Words stand for all times.
func (c *call) times(name string, words ...string) ([]string, error) {
	var all []string
	for _, text := range c.listed(name, nil) {
		if slices.Contains(words, text) {
			return nil, nil
		}
		t, err := parseAdded(name, text)
		if err != nil {
			return nil, err
		}
		all = append(all, stixTime(t.Unix()))
	}
	return all, nil
}

// skip goes on behind the member that a next names.
func (q *objectQuery) skip(next string) error {
	position, err := q.after(next)
	q.from = max(q.from, position)
	return err
}

// after returns the position behind the one that a next names.
func (q objectQuery) after(next string) (int, error) {
	if next == "" {
		return 0, nil
	}
	_, text, _ := strings.Cut(next, "|")
	p, err := strconv.Atoi(text)
	if err != nil || p < 0 || p >= q.of.count(q.world) || q.of.member(q.world, p).token() != next {
		return 0, refuse(http.StatusBadRequest, "Invalid parameter: next.")
	}
	return p + 1, nil
}

// parseAdded reads the time of a parameter in the form of STIX, or in that of the API.
func parseAdded(name, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refuse(http.StatusBadRequest, "Invalid parameter: %s must be like 2024-01-15T10:30:45.000Z.", name)
}

// find returns one more member than the limit, if there is one.
func (q objectQuery) find(ctx context.Context) ([]member, error) {
	var found []member
	for p := q.from; p < q.of.count(q.world) && len(found) <= q.limit; p++ {
		if p%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if m := q.of.member(q.world, p); m.there() && q.wants(m) {
			found = append(found, m)
		}
	}
	return found, nil
}

func (q objectQuery) wants(m member) bool {
	fits := func(wanted []string, value string) bool { return len(wanted) == 0 || slices.Contains(wanted, value) }
	return fits(q.types, m.kind()) && fits(q.ids, m.id()) && fits(q.spec, "2.1") &&
		fits(q.version, stixTime(m.modified())) && (len(q.seen) == 0 || m.kind() == "indicator" && fits(q.seen, stixTime(m.indicator().seen())))
}
