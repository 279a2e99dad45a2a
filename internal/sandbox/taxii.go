package sandbox

import (
	"cmp"
	"context"
	"mime"
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	taxiiRoot = "/taxii2/"
	taxiiType = "application/taxii+json;version=2.1"
	stixType  = "application/stix+json;version=2.1"
	taxiiUser = "taxii2"

	defaultObjects = 100
	maxObjects     = 1000
)

// reading objects needs a key, also for the collection that is free.
var taxiiReading = admission{scopes: []string{scopeRead}, keyed: true, taxii: true}

func (s *Sandbox) addTAXII(mux *http.ServeMux) {
	for path, answer := range map[string]func(*call) error{
		"": s.taxiiDiscovery, "api/": s.taxiiAPI, "api/collections/": s.taxiiCollections,
		"api/collections/{id}/": s.taxiiCollection, "api/collections/{id}/objects/": s.taxiiObjects,
	} {
		mux.Handle("GET "+taxiiRoot+path+"{$}", s.api(taxiiReading, accepting(answer)))
	}
}

// accepting refuses who does not ask for TAXII 2.1, in the header or, as only Pulsedive takes it, in a parameter.
func accepting(answer func(*call) error) func(*call) error {
	return func(c *call) error {
		asked := strings.Join(c.request.Header.Values("Accept"), ",")
		for wanted := range strings.SplitSeq(cmp.Or(c.form.Get("accept"), asked), ",") {
			kind, parameters, err := mime.ParseMediaType(wanted)
			if err == nil && kind == "application/taxii+json" && (parameters["version"] == "" || parameters["version"] == "2.1") {
				c.header.Set("Content-Type", taxiiType)
				return answer(c)
			}
		}
		return refuse(http.StatusNotAcceptable, "Ask for %s.", taxiiType)
	}
}

// withSemicolons lets a query have semicolons that are not encoded, as in the media type of TAXII.
func withSemicolons(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.RawQuery, ";") {
		return r
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, ";", "%3B")
	return r
}

func (s *Sandbox) taxiiDiscovery(c *call) error {
	root := "http://" + c.request.Host + taxiiRoot + "api/"
	c.out.begin('{')
	c.out.stringField("title", "Pulsedive sandbox")
	c.out.stringField("description", "Made-up data")
	c.out.stringField("default", root)
	c.out.key("api_roots")
	c.out.strings([]string{root})
	c.out.end('}')
	return nil
}

func (s *Sandbox) taxiiAPI(c *call) error {
	c.out.begin('{')
	c.out.stringField("title", "Pulsedive sandbox")
	c.out.key("versions")
	c.out.strings([]string{taxiiType})
	c.out.intField("max_content_length", maxBody)
	c.out.end('}')
	return nil
}

func (s *Sandbox) taxiiCollections(c *call) error {
	c.out.begin('{')
	c.out.key("collections")
	c.out.begin('[')
	for _, of := range collections {
		c.out.collection(of, c.plan)
	}
	c.out.end(']')
	c.out.end('}')
	return nil
}

func (s *Sandbox) taxiiCollection(c *call) error {
	of, err := c.collection()
	if err == nil {
		c.out.collection(of, c.plan)
	}
	return err
}

func (e *encoder) collection(of collection, p plan) {
	e.begin('{')
	e.stringField("id", of.id)
	e.stringField("title", of.title)
	e.stringField("description", of.description)
	e.rawField("can_read", strconv.FormatBool(p.taxii || of.free))
	e.rawField("can_write", "false")
	e.key("media_types")
	e.strings([]string{stixType})
	e.end('}')
}

func (c *call) collection() (collection, error) {
	id := c.request.PathValue("id")
	k := slices.IndexFunc(collections, func(of collection) bool { return of.id == id })
	if k < 0 {
		return collection{}, refuse(http.StatusNotFound, "Collection not found.")
	}
	return collections[k], nil
}

// taxiiObjects answers with an envelope of objects, in the order in which they were added.
func (s *Sandbox) taxiiObjects(c *call) error {
	of, err := c.collection()
	if err != nil {
		return err
	}
	if !c.plan.taxii && !of.free {
		return refuse(http.StatusForbidden, "Your plan does not include this collection.")
	}
	query, err := c.objectQuery(of)
	if err != nil {
		return err
	}
	found, err := query.find(c)
	if err != nil {
		return err
	}
	more := len(found) > query.limit
	found = found[:min(len(found), query.limit)]
	if len(found) > 0 {
		c.header.Set("X-TAXII-Date-Added-First", stixTime(found[0].created()))
		c.header.Set("X-TAXII-Date-Added-Last", stixTime(found[len(found)-1].created()))
	}
	c.envelope(found, more)
	return nil
}

func (c *call) envelope(found []member, more bool) {
	e, asked := c.out, c.form.Get("next")
	stuck := e.odd.has(stuckNext) && asked != ""
	e.begin('{')
	e.rawField("more", strconv.FormatBool(more || stuck))
	switch {
	case stuck:
		e.stringField("next", asked)
	case more && !e.odd.has(missingNext):
		e.stringField("next", found[len(found)-1].token())
	}
	e.key("objects")
	e.begin('[')
	for _, m := range found {
		e.stix(m)
	}
	e.end(']')
	e.end('}')
}

// objectQuery is which members of a collection are asked for.
type objectQuery struct {
	of               collection
	world            *world
	from, limit      int
	types, ids, spec []string // empty means all
}

func (c *call) objectQuery(of collection) (q objectQuery, err error) {
	q = objectQuery{of: of, world: c.world, types: c.listed("match[type]", nil), ids: c.listed("match[id]", nil),
		spec: c.listed("match[spec_version]", nil)}
	q.limit, err = c.number("limit", defaultObjects)
	if err == nil && q.limit < 1 {
		err = refuse(http.StatusBadRequest, "Invalid parameter: limit must be at least 1.")
	}
	if err != nil {
		return q, err
	}
	q.limit = min(q.limit, maxObjects)
	if text := c.form.Get("added_after"); text != "" {
		after, err := parseAdded(text)
		if err != nil {
			return q, err
		}
		q.from = sort.Search(of.count(c.world), func(p int) bool { return time.Unix(of.member(c.world, p).created(), 0).After(after) })
	}
	next, err := q.after(c.form.Get("next"))
	q.from = max(q.from, next)
	return q, err
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

// parseAdded reads a time in the form of STIX, or in that of the API.
func parseAdded(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateTime} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refuse(http.StatusBadRequest, "Invalid parameter: added_after must be like 2024-01-15T10:30:45.000Z.")
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
	return (len(q.types) == 0 || slices.Contains(q.types, m.kind())) && (len(q.ids) == 0 || slices.Contains(q.ids, m.id())) &&
		(len(q.spec) == 0 || slices.Contains(q.spec, "2.1"))
}
