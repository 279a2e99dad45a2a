package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestEndpointsByTheirDefinition pulls from every endpoint of Pulsedive as a program can that knows nothing but the definition, which the API
// shows: with the parameters that are needed, by their examples. What comes fits the JSON Schema that is named. What does more than read is not
// tried out, and says so.
func TestEndpointsByTheirDefinition(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 200})
	c := h.client()
	c.addCredential("mine")
	definition := c.get("/connectors/pulsedive").want(http.StatusOK)
	tried := 0
	for _, e := range definition.at("endpoints").([]any) {
		endpoint := e.(object)
		id := endpoint["id"].(string)
		params := object{}
		for _, p := range needed(endpoint) {
			if p["help"] == nil || p["example"] == nil {
				t.Errorf("%s: %s has no help or no example", id, p["name"])
			}
			params[p["name"].(string)] = p["example"]
		}
		a := c.do("POST /sources/test", object{"connector": "pulsedive", "credential": "mine", "endpoint": id, "params": params})
		switch {
		case endpoint["effect"] != nil || endpoint["answers"] != nil:
			if a.StatusCode < 400 {
				t.Errorf("%s was tried out, though it %v", id, endpoint["effect"])
			}
			continue
		case a.StatusCode != http.StatusOK || len(a.at("records").([]any)) == 0:
			t.Errorf("%s gives no records: %d %s", id, a.StatusCode, a.short())
			continue
		}
		tried++
		if name, ok := endpoint["schema"].(string); ok {
			fields := c.get("/connectors/pulsedive/schemas/" + name).want(http.StatusOK).at("properties").(object)
			for name := range a.at("records", 0).(object) {
				if fields[name] == nil && (endpoint["each"] == nil || name != "asked" && name != "state") {
					t.Errorf("%s: the schema does not know the field %s", id, name)
				}
			}
		}
	}
	if tried < 14 {
		t.Errorf("%d endpoints were tried", tried)
	}
}

// needed are the parameters without which there is no call: the first of those of which one must be given.
func needed(endpoint object) (params []object) {
	first := map[any]bool{}
	groups, _ := endpoint["one_of"].([]any)
	for _, g := range groups {
		first[g.([]any)[0]] = true
	}
	all, _ := endpoint["params"].([]any)
	for _, p := range all {
		if p := p.(object); p["required"] == true || first[p["name"]] {
			params = append(params, p)
		}
	}
	return params
}

// TestHonestStates asks for one thing while the system is in every state: each is told as what it is, and a refused key is asked for once.
func TestHonestStates(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 50})
	c := h.client()
	c.addCredential("mine")
	known := c.do("POST /sources/test", object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}).
		want(http.StatusOK).at("records", 0, "indicator").(string)
	ask := func(values ...string) *reply {
		return c.do("POST /sources/test", object{"connector": "pulsedive", "credential": "mine", "endpoint": "indicator.lookup", "params": object{"indicators": values}})
	}
	ask(known).want(http.StatusOK).wantAt("found", "records", 0, "state")
	ask("nowhere.example").want(http.StatusOK).wantAt("not_found", "records", 0, "state")
	again := ask(known, "nowhere.example").want(http.StatusOK).wantAt(2.0, "free").wantAt(0.0, "pages")
	if n := len(again.at("records").([]any)); n != 2 {
		t.Errorf("%d known answers, want 2", n)
	}
	for i, test := range []struct {
		fault  sandbox.Fault
		status int
		code   sallyport.Code
		detail string
	}{
		{sandbox.Fault{Status: 404, Sentence: "No such route."}, 502, sallyport.Upstream, "No such route"},
		{sandbox.Fault{Kind: "html"}, 502, sallyport.Upstream, ""},
		{sandbox.Fault{Kind: "cut"}, 502, sallyport.Upstream, ""},
		{sandbox.Fault{Status: 403, Sentence: "Your plan does not include this."}, 422, sallyport.Forbidden, "plan"},
		{sandbox.Fault{Status: 401}, 422, sallyport.Unauthenticated, "rejected"},
	} {
		h.sandbox.ClearFaults()
		if err := h.sandbox.Fault(test.fault); err != nil {
			t.Fatal(err)
		}
		if p := ask(fmt.Sprintf("new-%d.example", i)).problem(test.status, test.code); !strings.Contains(p.Detail, test.detail) {
			t.Errorf("%v: %s", test.fault, p.Detail)
		}
	}
	h.sandbox.ClearFaults()
}

// TestLimitedSaysUntilWhen uses a day's quota up.
func TestLimitedSaysUntilWhen(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 50})
	c := h.client()
	c.do("POST /credentials", object{
		"name": "mine", "connector": "pulsedive", "public": object{"address": h.system}, "secrets": object{"key": h.key()}, "test": "none",
	}).want(http.StatusCreated)
	c.do("PATCH /credentials/mine/quota", object{"day": 1}).want(http.StatusOK) // before anything uses it, which would know within a second
	limited := false
	for i := range 4 {
		a := c.do("POST /sources/test", object{
			"connector": "pulsedive", "credential": "mine", "endpoint": "indicator.lookup", "params": object{"indicators": []string{fmt.Sprintf("new-%d.example", i)}},
		})
		if a.StatusCode == http.StatusOK {
			continue
		}
		limited = true
		if p := a.problem(http.StatusTooManyRequests, sallyport.Limited); p.Until.IsZero() || a.Header.Get("Retry-After") == "" {
			t.Errorf("it is not said until when: %s", a.text)
		}
	}
	if !limited {
		t.Error("a day with one call took four")
	}
	if c.get("/credentials/mine/usage").wantAt("day", "quota", 0, "window").wantAt(0.0, "quota", 0, "left").StatusCode != http.StatusOK {
		t.Error("the usage is not told")
	}
}
