package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestScopesCoverTheSubstance sends requests whose content decides which scopes they need, with exactly these and with all others. A token
// that lacks one of them gets 403; a token with exactly these is not refused.
func TestScopesCoverTheSubstance(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 50})
	all := h.client()
	all.addCredential("mine")
	all.do("POST /flows", object{"flow": "feed", "source": object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}}).want(http.StatusCreated)
	system := startMixed(h)
	all.do("POST /credentials", object{"name": "plain", "connector": "rest", "public": object{"address": system, "auth": "none"}, "test": "none"}).want(http.StatusCreated)

	custom := object{"connector": "rest", "credential": "plain", "request": object{"method": "POST", "url": "/delete/everything", "body": "{}", "records": "$.list[*]"}}
	fixed := object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}
	lookup := func(params object) object {
		return object{"connector": "pulsedive", "credential": "mine", "endpoint": "indicator.lookup", "params": params}
	}
	other := lookup(object{"dataset": "feed", "field": "indicator"})
	draft := func(public object) object {
		return object{"connector": "pulsedive", "public": public, "secrets": object{"key": "not-a-key-at-all"}}
	}
	const (
		read, run, write = sallyport.ScopeRead, sallyport.ScopeRun, sallyport.ScopeWrite
	)
	for name, test := range map[string]struct {
		request string
		body    any
		needs   []sallyport.Scope
	}{
		"test of an endpoint":       {"POST /sources/test", fixed, scopes(run)},
		"test of pasted values":     {"POST /sources/test", lookup(object{"indicators": []string{"a.example"}}), scopes(run)},
		"test of a custom request":  {"POST /sources/test", custom, scopes(run, write)},
		"test of a dataset":         {"POST /sources/test", other, scopes(read, run)},
		"test of a key":             {"POST /credentials/test", draft(object{}), scopes(run)},
		"test of a key elsewhere":   {"POST /credentials/test", draft(object{"address": h.system}), scopes(run, write)},
		"flow":                      {"POST /flows", object{"source": fixed}, scopes(write)},
		"flow of a custom request":  {"POST /flows", object{"source": custom}, scopes(write)},
		"flow of a dataset":         {"POST /flows", object{"source": other}, scopes(read, write)},
		"change to a dataset":       {"PUT /flows/feed", object{"flow": "feed", "source": other}, scopes(read, write)},
		"flow file":                 {"POST /flows/apply", yamlOf("i", "{dataset: feed, field: indicator}"), scopes(read, write)},
		"dry run of a flow file":    {"POST /flows/apply?dry_run=true", yamlOf("j", "{dataset: feed, field: indicator}"), scopes(read, write)},
		"flow file of fixed values": {"POST /flows/apply", yamlOf("k", "{indicators: [a.example]}"), scopes(write)},
	} {
		sets := [][]sallyport.Scope{test.needs}
		for _, s := range test.needs {
			sets = append(sets, except(s))
		}
		for i, has := range sets {
			missing := slices.DeleteFunc(slices.Clone(test.needs), func(s sallyport.Scope) bool { return slices.Contains(has, s) })
			if test.request == "POST /flows" {
				test.body.(object)["flow"] = fmt.Sprint(name, i)
			}
			kind := "application/json"
			if _, ok := test.body.(string); ok {
				kind = "application/yaml"
			}
			a := h.client(has...).do(test.request, test.body, "Content-Type", kind)
			if (a.StatusCode == http.StatusForbidden) != (len(missing) > 0) {
				t.Errorf("%s with the scopes %s: %d %s", name, sallyport.JoinScopes(has, ", "), a.StatusCode, a.short())
			}
			if len(missing) > 0 && !slices.ContainsFunc(missing, func(s sallyport.Scope) bool { return strings.Contains(a.text, string(s)) }) {
				t.Errorf("%s: the error names none of %s: %s", name, sallyport.JoinScopes(missing, ", "), a.text)
			}
		}
	}
}

func scopes(all ...sallyport.Scope) []sallyport.Scope { return all }

// except are all scopes but one.
func except(one sallyport.Scope) []sallyport.Scope {
	return slices.DeleteFunc(slices.Clone(sallyport.Scopes), func(s sallyport.Scope) bool { return s == one })
}

// yamlOf is a flow file of a look-up.
func yamlOf(flow, params string) string {
	return "flow: " + flow + "\nsource: {connector: pulsedive, credential: mine, endpoint: indicator.lookup, params: " + params + "}\n"
}

// TestTestsAreAudited finds what a test of a source requested in the audit log, without the values of its query.
func TestTestsAreAudited(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{Records: 50})
	c := h.client()
	c.addCredential("mine")
	system := startMixed(h)
	made := c.do("POST /credentials", object{"name": "plain", "connector": "rest", "public": object{"address": system, "auth": "none"}, "test": "none"})
	c.do("POST /sources/test", object{"connector": "rest", "credential": "plain", "request": object{
		"method": "POST", "url": "/delete/everything", "query": object{"token": "private"}, "body": "private", "records": "$.list[*]",
	}})
	entry := c.get("/audit?action=source.test").want(http.StatusOK).
		wantAt("POST", "items", 0, "detail", "method").wantAt("/delete/everything", "items", 0, "detail", "path").
		wantAt(made.at("id"), "items", 0, "object").wantAt("token", "items", 0, "actor", "kind")
	if strings.Contains(entry.text, "private") {
		t.Errorf("the entry has more than method and path: %s", entry.text)
	}
	c.do("POST /sources/test", object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}).want(http.StatusOK)
	c.get("/audit?action=source.test").wantAt("feed.indicators", "items", 0, "detail", "endpoint")
}

// TestEveryOperationIsArgued reads the table of docs/api.md that says why the scope of each operation covers what it does: it must name every
// operation with the scope that is enforced.
func TestEveryOperationIsArgued(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	argued := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z]+ /[^`]*)` \\| `([a-z]+)` \\| .{10,} \\|$").FindAllStringSubmatch(string(page), -1) {
		argued[row[1]] = row[2]
	}
	for _, pattern := range slices.Sorted(maps.Keys(operations())) {
		scope := operations()[pattern].Security[0]["token"][0]
		if argued[pattern] != scope {
			t.Errorf("docs/api.md argues %q for %s, which needs %s", argued[pattern], pattern, scope)
		}
		delete(argued, pattern)
	}
	for pattern := range argued {
		t.Errorf("docs/api.md argues for %s, which does not exist", pattern)
	}
}
