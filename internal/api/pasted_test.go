package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestPastedKeyIsNotRepeated sends a key that nobody stored in place of a name. Errors say where it stood, and not what it was.
func TestPastedKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	const key = "4eC39HqLyjWDarjtT1zdp7dc"
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.do("POST /credentials", object{"name": "mine", "connector": "pulsedive", "public": object{"address": h.system}, "secrets": object{"key": h.key()}, "test": "none"}).want(http.StatusCreated)
	c.do("POST /credentials", object{"name": "other", "connector": "rest", "public": object{"address": h.system, "auth": "none"}, "test": "none"}).want(http.StatusCreated)
	from := func(name string, value any) object {
		source := object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}
		source[name] = value
		return source
	}
	request := func(name string, value any) object {
		return object{"connector": "rest", "credential": "other", "request": object{"url": "/x", name: value}}
	}
	for _, test := range []struct {
		request string
		body    any
		field   string
	}{
		{"GET /" + key, nil, ""},
		{"GET /flows/" + key, nil, ""},
		{"GET /connectors/" + key, nil, ""},
		{"GET /credentials/" + key, nil, ""},
		{"GET /flows?" + key + "=1", nil, ""},
		{"POST /credentials", object{"name": "n", "connector": key}, "connector"},
		{"POST /credentials", object{"name": "n", "connector": "pulsedive", key: "x"}, ""},
		{"POST /credentials", `{"name": "n", "` + key + `": 1, "` + key + `": 2}`, ""},
		{"POST /credentials", object{"name": "n", "connector": "pulsedive", "public": object{key: "x"}}, ""},
		{"POST /credentials", object{"name": "n", "connector": "pulsedive", "secrets": object{key: "x"}}, ""},
		{"POST /sources/test", from("credential", key), "credential"},
		{"POST /sources/test", from("endpoint", key), "endpoint"},
		{"POST /sources/test", from("params", object{key: 1}), "params"},
		{"POST /sources/test", from(key, 1), ""},
		{"POST /sources/test", request(key, 1), "request"},
		{"POST /sources/test", request("format", key), "request.format"},
		{"POST /sources/test", request("query", object{key: []string{}}), "request.query"},
		{"POST /sources/test", request("headers", object{key + " " + key: "x"}), "request.headers"},
		{"POST /sources/test", request("headers", object{key: "two\nlines"}), "request.headers"},
		{"POST /tokens", object{"name": "n", "scopes": []string{key}}, "scopes"},
		{"POST /flows/apply", "flow: f\n" + key + ": x\n", "body:2:1"},
		{"POST /flows/apply", "flow: f\nsource: {connector: pulsedive, credential: mine, endpoint: feed.indicators, params: {" + key + ": 1}}\n", "body:2:"},
		{"POST /flows/apply", "flow: f\nsource: {connector: " + key + "}\n", "body:2:"},
	} {
		a := c.do(test.request, test.body)
		p := read[api.Problem](a)
		if a.StatusCode < 400 || a.StatusCode >= 500 || strings.Contains(a.text, key) || !strings.HasPrefix(p.Field, test.field) || test.field == "" && p.Field != "" {
			t.Errorf("%s %v: status %d: %s", strings.ReplaceAll(test.request, key, "KEY"), test.body, a.StatusCode, a.text)
		}
	}
	if log := h.log.String(); strings.Contains(log, key) {
		t.Errorf("the log holds the key: %s", log)
	}
	c.do("POST /sources/test", from("endpoint", "feed.indicator")).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
}
