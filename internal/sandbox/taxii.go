package sandbox

import (
	"cmp"
	"hash/fnv"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	const one = "api/collections/{id}/"
	for path, answer := range map[string]func(*call) error{
		"": s.taxiiDiscovery, "api/": s.taxiiAPI, "api/collections/": s.taxiiCollections, one: s.taxiiCollection,
		one + "objects/": s.taxiiObjects, one + "manifest/": s.taxiiManifest,
		one + "objects/{object}/": s.taxiiObject, one + "objects/{object}/versions/": s.taxiiVersions,
	} {
		mux.Handle(taxiiRoot+path+"{$}", s.api(taxiiReading, onlyReading(accepting(answer))))
	}
	mux.Handle(taxiiRoot, s.api(taxiiReading, accepting(func(*call) error { return refuse(http.StatusNotFound, "Resource not found.") })))
}

// onlyReading refuses to write: no collection can be written to.
func onlyReading(answer func(*call) error) func(*call) error {
	return func(c *call) error {
		if c.request.Method != http.MethodGet && c.request.Method != http.MethodHead {
			c.header.Set("Allow", "GET, HEAD")
			return refuse(http.StatusMethodNotAllowed, "Method not allowed.")
		}
		return answer(c)
	}
}

// accepting refuses who does not ask for TAXII 2.1, in the header or, as only Pulsedive takes it, in a parameter, its plus sign encoded or not.
func accepting(answer func(*call) error) func(*call) error {
	return func(c *call) error {
		asked := strings.Join(c.request.Header.Values("Accept"), ",")
		parameter := strings.Replace(c.form.Get("accept"), "taxii json", "taxii+json", 1) // a + in a query means a space
		for wanted := range strings.SplitSeq(cmp.Or(parameter, asked), ",") {
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
func (s *Sandbox) taxiiObjects(c *call) error { return s.taxiiPage(c, c.out.stix) }

// taxiiManifest answers with what is told of those objects without their content.
func (s *Sandbox) taxiiManifest(c *call) error { return s.taxiiPage(c, c.out.manifest) }

// taxiiPage answers with a page of members, each as it is written by write.
func (s *Sandbox) taxiiPage(c *call, write func(member)) error {
	query, err := c.objectQuery()
	if err != nil {
		return err
	}
	constant := c.out.odd.has(constantNext)
	if next := c.form.Get("next"); constant && next != "" {
		if query.from, err = s.cursors.at(next); err != nil {
			return err
		}
	} else if err = query.skip(next); err != nil {
		return err
	}
	found, err := query.find(c)
	if err != nil {
		return err
	}
	more := len(found) > query.limit
	found = found[:min(len(found), query.limit)]
	next := ""
	if len(found) > 0 {
		last := found[len(found)-1]
		c.header.Set("X-TAXII-Date-Added-First", stixTime(found[0].created()))
		c.header.Set("X-TAXII-Date-Added-Last", stixTime(last.created()))
		if next = last.token(); constant {
			next = s.cursors.keep(c, last.p+1)
		}
	}
	c.envelope(found, more, next, write)
	return nil
}

func (c *call) envelope(found []member, more bool, next string, write func(member)) {
	e, asked := c.out, c.form.Get("next")
	stuck := e.odd.has(stuckNext) && asked != ""
	e.begin('{')
	e.rawField("more", strconv.FormatBool(more || stuck))
	switch {
	case stuck:
		e.stringField("next", asked)
	case more && !e.odd.has(missingNext):
		e.stringField("next", next)
	}
	e.key("objects")
	e.begin('[')
	for _, m := range found {
		write(m)
	}
	e.end(']')
	e.end('}')
}

// taxiiObject answers with one object.
func (s *Sandbox) taxiiObject(c *call) error {
	m, err := c.object()
	if err == nil {
		c.envelope([]member{m}, false, "", c.out.stix)
	}
	return err
}

// taxiiVersions answers with the versions of one object: there is only the last one.
func (s *Sandbox) taxiiVersions(c *call) error {
	m, err := c.object()
	if err == nil {
		c.out.begin('{')
		c.out.rawField("more", "false")
		c.out.key("versions")
		c.out.strings([]string{stixTime(m.modified())})
		c.out.end('}')
	}
	return err
}

// object finds the object of a collection that the path names.
func (c *call) object() (member, error) {
	query, err := c.objectQuery()
	if err != nil {
		return member{}, err
	}
	query.ids = []string{c.request.PathValue("object")}
	found, err := query.find(c)
	if err == nil && len(found) == 0 {
		err = refuse(http.StatusNotFound, "Object not found.")
	}
	if err != nil {
		return member{}, err
	}
	return found[0], nil
}

// cursors remember where a next leads that is the same on every page. They may be used concurrently.
type cursors struct {
	mu    sync.Mutex
	after map[string]int
}

const maxCursors = 1000

// keep remembers the position behind a page, and returns the next that leads there: one for each query, whatever its page.
func (k *cursors) keep(c *call, position int) string {
	query := c.request.URL.Query()
	for _, name := range []string{"next", "key", "accept"} {
		query.Del(name)
	}
	h := fnv.New64a()
	h.Write([]byte(c.request.URL.Path + "?" + query.Encode())) // never fails
	next := strconv.FormatUint(h.Sum64(), 16)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.after == nil || len(k.after) >= maxCursors {
		k.after = map[string]int{}
	}
	k.after[next] = position
	return next
}

func (k *cursors) at(next string) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	position, ok := k.after[next]
	if !ok {
		return 0, refuse(http.StatusBadRequest, "Invalid parameter: next.")
	}
	return position, nil
}
