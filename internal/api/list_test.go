package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// full fills a host: some of everything that there are lists of.
func (c client) full() {
	c.Helper()
	for _, name := range []string{"beta", "Alpha", "gamma"} {
		c.addCredential(name)
		c.do("POST /flows", c.feed("flow of "+name, name)).want(http.StatusCreated)
		c.do("POST /tokens", object{"name": name, "scopes": []string{"read"}}).want(http.StatusCreated)
		c.work(int64(c.do("POST /flows/"+url.PathEscape("flow of "+name)+"/run", nil).want(http.StatusAccepted).at("run", "id").(float64)))
	}
	c.do("POST /credentials", object{
		"name": "plain", "connector": "rest", "public": object{"address": startMixed(c), "auth": "none"}, "test": "none",
	}).want(http.StatusCreated)
	mixed := object{"flow": "mixed", "source": object{"connector": "rest", "credential": "plain", "request": object{"url": "/list", "records": "$.list[*]"}}}
	c.do("POST /flows", mixed).want(http.StatusCreated)
	c.work(int64(c.do("POST /flows/mixed/run", nil).want(http.StatusAccepted).at("run", "id").(float64)))
}

// TestLists reads every list that the document has, whole and one by one: it is the same.
func TestLists(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 20})
	c := h.client()
	c.full()
	lists := 0
	for pattern, op := range operations() {
		after := slices.ContainsFunc(op.Parameters, func(p *param) bool { return p.Name == "after" })
		if !after {
			continue
		}
		lists++
		path := strings.ReplaceAll(strings.TrimPrefix(pattern, "GET "), "{id}", "flow%20of%20beta")
		whole := c.get(path + "?limit=500").want(http.StatusOK)
		var parts []any
		for next := ""; ; {
			part := c.get(path + "?limit=1&after=" + url.QueryEscape(next)).want(http.StatusOK)
			parts = append(parts, part.at("items").([]any)...)
			next, _ = part.at("next").(string)
			if next == "" || len(parts) > 1000 {
				break
			}
		}
		all := whole.at("items").([]any)
		if whole.at("next") != nil || len(all) == 0 && path != "/users" || path == "/audit" {
			if path != "/audit" { // every question is an entry there
				t.Errorf("%s: %d things, and next is %v", path, len(all), whole.at("next"))
			}
			continue
		}
		if fmt.Sprint(parts) != fmt.Sprint(all) {
			t.Errorf("%s: one by one there are %d things, at once %d:\n%v\n%v", path, len(parts), len(all), parts, all)
		}
	}
	if lists < 12 {
		t.Errorf("%d lists were read", lists)
	}
}

// TestLongNames reads a list by names that are as long as names may be.
func TestLongNames(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	flow, destinations := c.feed(strings.Repeat("f", sallyport.MaxNameLength), "mine"), []object{}
	for _, letter := range []string{"a", "b"} {
		path := c.file("out.ndjson")
		destinations = append(destinations, object{"name": strings.Repeat(letter, sallyport.MaxNameLength), "connector": "file", "config": object{"path": path}})
	}
	flow["destinations"] = destinations
	c.do("POST /flows", flow).want(http.StatusCreated)
	next := c.get("/destinations?limit=1").want(http.StatusOK).at("next").(string)
	c.get("/destinations?limit=1&after="+url.QueryEscape(next)).want(http.StatusOK).wantAt(destinations[1]["name"], "items", 0, "name").wantAt(nil, "next")
}

// TestRecordsGoOn reads a dataset, and later only what came meanwhile.
func TestRecordsGoOn(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	list := []string{`{"a": 1}`, `{"a": 2}`}
	system := startList(t, func() []string { return list })
	c.do("POST /credentials", object{"name": "plain", "connector": "rest", "public": object{"address": system, "auth": "none"}, "test": "none"}).want(http.StatusCreated)
	request := object{"url": "/", "records": "$[*]", "key": []string{"a"}}
	c.do("POST /flows", object{"flow": "grows", "source": object{"connector": "rest", "credential": "plain", "request": request, "emit": "changes"}}).want(http.StatusCreated)
	empty := c.get("/datasets/grows/records").want(http.StatusOK)
	if len(empty.at("items").([]any)) != 0 || empty.at("next") != nil {
		t.Error(empty.text)
	}
	run := func() {
		c.work(int64(c.do("POST /flows/grows/run", nil).want(http.StatusAccepted).at("run", "id").(float64)))
	}
	run()
	first := c.get("/datasets/grows/records?limit=2").want(http.StatusOK).wantAt(1.0, "items", 0, "a").wantAt(2.0, "items", 1, "a").wantAt(nil, "next")
	if head := c.do("HEAD /datasets/grows/export?format=csv", nil).want(http.StatusOK); !strings.HasPrefix(head.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("the head of an export says %v", head.Header)
	}
	position := first.at("position").(string)
	none := c.get("/datasets/grows/records?after="+position).want(http.StatusOK).wantAt(position, "position")
	if len(none.at("items").([]any)) != 0 {
		t.Error(none.text)
	}
	list = append(list, `{"a": 3}`)
	run()
	c.get("/datasets/grows/records?limit=1&after="+position).want(http.StatusOK).wantAt(3.0, "items", 0, "a").wantAt(nil, "next")
	for _, wrong := range []string{"x", "1", "0.0", "1.-1", "1.1.1", "99999999999999999999.1"} {
		if p := c.get("/datasets/grows/records?after="+wrong).problem(http.StatusUnprocessableEntity, sallyport.Invalid); p.Field != "after" {
			t.Errorf("%s: %s", wrong, p.Detail)
		}
	}
}
