package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestEveryOperation does everything that the API offers, as a program would from the first key to the last record. What the document has and
// this does not do fails it, and so does an answer that is not as the document says.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 300})
	c := h.client()
	c.catalogue()
	id := c.credentialsOf()
	c.flowsOf(id)
	c.datasetsOf()
	c.quarantineOf()
	c.administration()
	c.do("DELETE /flows/granted/grants?path="+url.QueryEscape(c.grantedFlow()), nil).want(http.StatusNoContent)
	c.do("DELETE /flows/granted", nil).want(http.StatusNoContent)
	c.do("DELETE /flows/feed", nil).want(http.StatusNoContent)
	c.do("DELETE /flows/mixed", nil).want(http.StatusNoContent)
	c.do("DELETE /credentials/"+id, nil).want(http.StatusNoContent)
	c.get("/credentials/"+id).problem(http.StatusNotFound, sallyport.NotFound)
	for pattern, op := range operations() {
		if !h.seen[op.OperationID] {
			t.Errorf("nothing was done with %s", pattern)
		}
	}
}

func (c client) catalogue() {
	c.Helper()
	c.get("/connectors").wantAt("pulsedive", "items", 3, "connector").wantAt(true, "items", 3, "source")
	definition := c.get("/connectors/pulsedive").want(http.StatusOK)
	definition.wantAt("key", "credential", "auth", "secret").wantAt(nil, "tests")
	c.get("/connectors/pulsedive/schemas/indicator").want(http.StatusOK).wantAt("object", "type")
}

// credentialsOf makes, shows, tests, rotates and limits a credential, and returns its id.
func (c client) credentialsOf() (id string) {
	c.Helper()
	draft := object{"connector": "pulsedive", "public": object{"address": c.system}, "secrets": object{"key": "not-a-key-at-all"}}
	c.do("POST /credentials/test", draft).want(http.StatusOK).wantAt("rejected", "verdict")
	made := c.addCredential("mine")
	id = made.at("id").(string)
	if path := made.Header.Get("Location"); path != "/api/v1/credentials/"+id {
		c.Errorf("it is said to be at %q", path)
	}
	shown := c.get("/credentials/mine").want(http.StatusOK)
	shown.wantAt(true, "secrets", "key", "set").wantAt("valid", "verdict").wantAt(c.system, "public", "address")
	c.get("/credentials?connector=pulsedive&verdict=valid").wantAt(id, "items", 0, "id")
	if others := c.get("/credentials?connector=rest").at("items").([]any); len(others) != 0 {
		c.Errorf("%d credentials of another connector", len(others))
	}
	c.do("PATCH /credentials/"+id, object{"description": "for trying"}).want(http.StatusOK).wantAt("for trying", "description").wantAt("mine", "name")
	c.do("POST /credentials/mine/test", nil).want(http.StatusOK).wantAt("valid", "verdict")
	before := shown.at("secrets", "key", "updated_at")
	if after := c.do("POST /credentials/mine/rotate", object{"secrets": object{"key": c.key()}}).want(http.StatusOK).at("secrets", "key", "updated_at"); after == before {
		c.Error("the key was not rotated")
	}
	c.do("PATCH /credentials/mine/quota", object{"plan": "free", "day": 400, "reserve": "10%"}).want(http.StatusOK)
	quota := c.get("/credentials/mine/usage").want(http.StatusOK)
	for _, w := range quota.at("quota").([]any) {
		if w := w.(object); w["window"] == "day" && (w["limit"] != 400.0 || w["reserved"] != 40.0) {
			c.Errorf("the quota is %s", quota.text)
		}
	}
	return id
}

// flowsOf makes, runs, pauses and changes a flow.
func (c client) flowsOf(credential string) {
	c.Helper()
	c.do("POST /sources/test", object{
		"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1},
	}).want(http.StatusOK).wantAt("iid", "key", 1)
	feed := c.feed("feed", "mine")
	made := c.do("POST /flows", feed).want(http.StatusCreated)
	path := strings.TrimPrefix(made.Header.Get("Location"), "/api/v1")
	c.get(path).want(http.StatusOK).wantAt("feed", "name").wantAt("active", "state").wantAt(credential, "source", "credential")
	c.get("/flows/feed/cost").want(http.StatusOK)
	c.do("POST /flows/feed/pause", nil).want(http.StatusOK).wantAt("paused", "state")
	c.do("POST /flows/feed/run", nil).problem(http.StatusConflict, sallyport.Conflict)
	c.get("/flows?state=paused&search=EE").wantAt("feed", "items", 0, "name")
	c.do("POST /flows/feed/resume", nil).want(http.StatusOK).wantAt("active", "state")
	spec := c.get("/flows/feed/spec").want(http.StatusOK)
	spec.wantAt("mine", "source", "credential").wantAt(1.0, "source", "params", "fid")
	changed := read[object](spec)
	changed["description"] = "of the first feed"
	read := spec.Header.Get("ETag")
	c.do("PUT /flows/feed", changed, "If-Match", read).want(http.StatusOK).wantAt("of the first feed", "description")
	changed["description"] = "by somebody who has not seen that"
	c.do("PUT /flows/feed", changed, "If-Match", read).problem(http.StatusPreconditionFailed, sallyport.Conflict)
	if p := c.do("PUT /flows/feed", changed, "If-Match", "*").problem(http.StatusUnprocessableEntity, sallyport.Invalid); p.Field != "If-Match" {
		c.Errorf("a tag that is none: %s", p.Detail)
	}
	now := c.get("/flows/feed").want(http.StatusOK).wantAt("of the first feed", "description").Header.Get("ETag")
	changed["description"] = "by somebody who has"
	c.do("PUT /flows/feed", changed, "If-Match", now).want(http.StatusOK)
	changed["flow"] = "renamed"
	if p := c.do("PUT /flows/feed", changed).problem(http.StatusUnprocessableEntity, sallyport.Invalid); p.Field != "flow" || !strings.Contains(p.Detail, "send that") {
		c.Errorf("another name: %s", p.Detail)
	}
	delete(changed, "flow")
	c.do("PUT /flows/feed", changed).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	file := c.get("/flows/feed/file").want(http.StatusOK).text
	c.do("POST /flows/apply?dry_run=true", file, "Content-Type", "application/yaml").want(http.StatusOK).wantAt("unchanged", "flows", 0, "change")

	started := c.do("POST /flows/feed/run", nil).want(http.StatusAccepted)
	run := int64(started.at("run", "id").(float64))
	if c.work(run).State != sallyport.RunSucceeded {
		c.Fatal("the run failed")
	}
	c.get(fmt.Sprintf("/runs/%d", run)).want(http.StatusOK).wantAt("succeeded", "state").wantAt("lines", "deliveries", 0, "destination")
	c.get("/runs?flow=feed&state=succeeded").wantAt(float64(run), "items", 0, "id")
	if all := c.get("/runs?state=failed").at("items").([]any); len(all) != 0 {
		c.Errorf("%d runs failed", len(all))
	}
	if stream := c.get(fmt.Sprintf("/runs/%d/events", run)).want(http.StatusOK).text; !strings.HasPrefix(stream, "event: run\ndata: {") {
		c.Errorf("the events are %q", stream)
	}
	c.do("POST /flows/feed/accept", nil).problem(http.StatusConflict, sallyport.Conflict)
	c.do("POST /flows/feed/reject", nil).problem(http.StatusConflict, sallyport.Conflict)
	c.do("POST /flows/feed/deliver", nil).want(http.StatusAccepted).wantAt("succeeded", "last", "state")
	c.get("/usage").wantAt(1.0, "items", 0, "hours", 23, "succeeded")
	c.hold()
	c.do("POST /flows/feed/reject", nil).want(http.StatusOK).wantAt("failed", "state")
	c.hold()
	accepted := c.do("POST /flows/feed/accept", nil).want(http.StatusAccepted).wantAt("queued", "state")
	if c.work(int64(accepted.at("id").(float64))).State != sallyport.RunSucceeded {
		c.Error("the run of the accepted pull failed")
	}
}

// hold leaves a run of the flow feed as one that has pulled and is held.
func (c client) hold() {
	c.Helper()
	_, err := c.app.Service.Store.SQL().Exec(`INSERT INTO run (flow_id, state, first_seq, last_seq, created_at, started_at, pulled, incomplete, hold)
		SELECT flow.id, 'held', dataset.last_seq + 1, dataset.last_seq, 1, 1, 1, 'by the test', 'pending'
		FROM flow JOIN source ON source.flow_id = flow.id JOIN dataset ON dataset.source_id = source.id WHERE flow.name = 'feed'`)
	if err != nil {
		c.Fatal(err)
	}
}

func (c client) datasetsOf() {
	c.Helper()
	one := c.get("/datasets").wantAt("feed", "items", 0, "name").at("items", 0, "id").(string)
	total := int(c.get("/datasets/" + one).want(http.StatusOK).at("records").(float64))
	if schema := c.get("/datasets/feed/schema").want(http.StatusOK).at("fields").([]any); len(schema) < 5 {
		c.Errorf("the schema has %d fields", len(schema))
	}
	if some := c.get("/datasets/feed/samples?limit=3").want(http.StatusOK).at("items").([]any); len(some) != 3 {
		c.Errorf("%d samples, want 3", len(some))
	}
	read, next := 0, ""
	for {
		page := c.get("/datasets/feed/records?limit=37&after=" + next).want(http.StatusOK)
		read += len(page.at("items").([]any))
		var ok bool
		if next, ok = page.at("next").(string); !ok {
			break
		}
	}
	lines := bufio.NewScanner(strings.NewReader(c.get("/datasets/feed/export").want(http.StatusOK).text))
	exported := 0
	for ; lines.Scan(); exported++ {
		if !json.Valid(lines.Bytes()) {
			c.Fatalf("line %d is no JSON", exported+1)
		}
	}
	if rows := strings.Count(c.get("/datasets/feed/export?format=csv").want(http.StatusOK).text, "\n"); read != total || exported != total || rows != total+1 {
		c.Errorf("%d records read, %d lines, %d rows of CSV, want %d", read, exported, rows, total)
	}
}

// quarantineOf edits, replays and discards records that could not be taken.
func (c client) quarantineOf() {
	c.Helper()
	mixed := startMixed(c)
	c.do("POST /credentials", object{
		"name": "plain", "connector": "rest", "public": object{"address": mixed, "auth": "none"}, "test": "none",
	}).want(http.StatusCreated)
	timed := object{"flow": "timed", "source": object{"connector": "rest", "credential": "plain", "request": object{
		"url": "/list", "query": object{"from": "{since}"}, "since": object{"start": "now-1d"},
	}}}
	c.do("POST /flows", timed).want(http.StatusCreated)
	c.do("POST /flows/timed/reset", object{"since": "2026-01-31"}).want(http.StatusOK).wantAt("2026-01-31T00:00:00Z", "pulled_to")
	c.do("POST /flows/timed/run", object{"from": "now-2d", "until": "now-1d"}).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	c.do("POST /flows/timed/run", object{"from": "2026-01-01"}).want(http.StatusAccepted).wantAt("2026-01-01T00:00:00Z", "run", "from")
	c.do("DELETE /flows/timed", nil).want(http.StatusNoContent)
	c.do("POST /flows/feed/reset", object{"since": "2026-01-31"}).problem(http.StatusConflict, sallyport.Conflict)
	flow := object{"flow": "mixed", "source": object{"connector": "rest", "credential": "plain", "request": object{"url": "/list", "records": "$.list[*]"}}}
	c.do("POST /flows", flow).want(http.StatusCreated)
	c.work(int64(c.do("POST /flows/mixed/run", nil).want(http.StatusAccepted).at("run", "id").(float64)))
	held := c.get("/quarantine?flow=mixed").want(http.StatusOK)
	if n := len(held.at("items").([]any)); n != 3 {
		c.Fatalf("%d records in quarantine, want 3", n)
	}
	number := func(i int) string { return fmt.Sprint(held.at("items", i, "id")) }
	c.get("/quarantine/"+number(0)).want(http.StatusOK).wantAt("three", "record")
	c.do("PUT /quarantine/"+number(0), object{"record": object{"a": 3}}).want(http.StatusOK).wantAt(3.0, "record", "a")
	c.do("POST /quarantine/replay", object{"ids": []any{held.at("items", 0, "id")}}).want(http.StatusAccepted).wantAt(1.0, "flows", 0, "records")
	c.do("POST /quarantine/replay", object{}).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	c.do("POST /quarantine/discard", object{"flow": "mixed"}).want(http.StatusOK).wantAt(2.0, "flows", 0, "records")
	c.get("/quarantine/"+number(1)).problem(http.StatusNotFound, sallyport.NotFound)
	one := c.get("/destinations?flow=feed").wantAt("feed", "items", 0, "flow").at("items", 0, "id").(string)
	c.get("/destinations/"+one).want(http.StatusOK).wantAt("lines", "name")
	c.do("POST /destinations/"+one+"/replay", nil).want(http.StatusAccepted).wantAt(0.0, "records")
	c.do("POST /destinations/"+one+"/replay", object{"from_beginning": true}).want(http.StatusAccepted).wantAt(0.0, "destination", "position")
}

func (c client) administration() {
	c.Helper()
	c.get("/users").want(http.StatusOK)
	made := c.do("POST /tokens", object{"name": "nightly", "scopes": []string{"read"}}).want(http.StatusCreated)
	other := client{c.host, made.at("token").(string)}
	other.get("/flows").want(http.StatusOK)
	listed := c.get("/tokens").want(http.StatusOK)
	if strings.Contains(listed.text, other.token) {
		c.Error("the list shows the token")
	}
	c.do("DELETE /tokens/nightly", nil).want(http.StatusNoContent)
	other.get("/flows").problem(http.StatusUnauthorized, sallyport.Unauthenticated)
	entry := c.get("/audit?action=token.create&limit=1").want(http.StatusOK)
	entry.wantAt("token", "items", 0, "actor", "kind").wantAt("nightly", "items", 0, "detail", "name")
	c.get("/audit?object="+entry.at("items", 0, "object").(string)).wantAt("token.revoke", "items", 0, "action")
}

// TestScopes asks for everything with a token that has all scopes but the one that is needed, and with that one alone.
func TestScopes(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	only, without := map[sallyport.Scope]client{}, map[sallyport.Scope]client{}
	for _, s := range sallyport.Scopes {
		only[s] = h.client(s)
		without[s] = h.client(slices.DeleteFunc(slices.Clone(sallyport.Scopes), func(o sallyport.Scope) bool { return o == s })...)
	}
	for _, pattern := range slices.Sorted(maps.Keys(operations())) {
		op := operations()[pattern]
		if len(op.Security) != 1 || len(op.Security[0]["token"]) != 1 {
			t.Errorf("%s needs %v, want one scope", pattern, op.Security)
			continue
		}
		scope := sallyport.Scope(op.Security[0]["token"][0])
		if method, _, _ := strings.Cut(pattern, " "); method == "GET" != (scope == sallyport.ScopeRead || scope == sallyport.ScopeAdmin) && scope != sallyport.ScopeAdmin {
			t.Errorf("%s needs the scope %s", pattern, scope)
		}
		request := strings.NewReplacer("{id}", "1", "{name}", "x").Replace(pattern)
		if p := without[scope].do(request, nil).problem(http.StatusForbidden, sallyport.Forbidden); !strings.Contains(p.Detail, string(scope)) {
			t.Errorf("%s: %s", pattern, p.Detail)
		}
		if a := only[scope].do(request, nil); a.StatusCode == http.StatusForbidden || a.StatusCode >= 500 {
			t.Errorf("%s with the scope %s: %d %s", pattern, scope, a.StatusCode, a.text)
		}
	}
}

// TestWarningsOfNewKeys says of a key that is too short that it is not searched for, and of others nothing.
func TestWarningsOfNewKeys(t *testing.T) {
	t.Parallel()
	c := newHost(t, sandbox.Options{}).client()
	body := object{
		"name": "short", "connector": "rest", "public": object{"address": "https://api.example.com", "auth": "query", "name": "key"},
		"secrets": object{"value": "7chars!"}, "test": "none",
	}
	warns := func(a *reply, want bool) {
		if got := strings.Contains(a.text, `the key in the field \"value\" has fewer than 8 characters`); got != want {
			t.Errorf("%s: warned: %v\n%s", a.Request.URL, got, a.text)
		}
	}
	warns(c.do("POST /credentials", body).want(http.StatusCreated), true)
	rotate := func(key string) *reply {
		return c.do("POST /credentials/short/rotate", object{"secrets": object{"value": key}, "test": "none"}).want(http.StatusOK)
	}
	warns(rotate("7chars?"), true)
	if a := rotate("anonymous"); !strings.Contains(a.text, `the key in the field \"value\" looks like an ordinary word`) {
		t.Errorf("a word: %s", a.text)
	}
	warns(rotate("a-key-of-18-chars!"), false)
	warns(c.get("/credentials/short").want(http.StatusOK), false)
}
