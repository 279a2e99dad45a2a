package api_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// TestProblems sends what is wrong. Every answer says what, where and under which number the log has more, and repeats no value.
func TestProblems(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	const value = "a-value-that-must-not-be-repeated"
	h.watch(value)
	c := h.client()
	c.addCredential("mine")
	draft := func(change object) object {
		d := object{"name": "new", "connector": "pulsedive", "public": object{"address": h.system}, "secrets": object{"key": value}}
		for name, v := range change {
			d[name] = v
		}
		return d
	}
	from := func(change object) object {
		s := object{"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}}
		for name, v := range change {
			s[name] = v
		}
		return s
	}
	flow := func(change object) object { return object{"flow": "f", "source": from(change)} }
	for _, test := range []struct {
		name    string
		request string
		body    any
		status  int
		code    sallyport.Code
		field   string
		detail  string
	}{
		{"no such route", "GET /nothing", nil, 404, sallyport.NotFound, "", "/api/docs"},
		{"no such method", "PUT /credentials", object{}, 405, sallyport.Invalid, "", "GET, POST"},
		{"no such thing", "GET /credentials/crd_none", nil, 404, sallyport.NotFound, "", "crd_none"},
		{"no such run", "GET /runs/99", nil, 404, sallyport.NotFound, "", "99"},
		{"a run without a number", "GET /runs/" + value, nil, 422, sallyport.Invalid, "id", "integer"},
		{"no such connector", "GET /connectors/pulsdive", nil, 404, sallyport.NotFound, "", `did you mean "pulsedive"`},
		{"no such schema", "GET /connectors/pulsedive/schemas/indicators", nil, 404, sallyport.NotFound, "", `did you mean "indicator"`},
		{"an unknown parameter", "GET /flows?stat=" + value, nil, 422, sallyport.Invalid, "stat", "unknown query parameter"},
		{"a limit out of bounds", "GET /flows?limit=501", nil, 422, sallyport.Invalid, "limit", "<= 500"},
		{"a limit that is no number", "GET /flows?limit=" + value, nil, 422, sallyport.Invalid, "limit", "integer"},
		{"an unknown state", "GET /flows?state=" + value, nil, 422, sallyport.Invalid, "state", "active, paused"},
		{"an after that is no number", "GET /runs?after=" + value, nil, 422, sallyport.Invalid, "after", "next of the page before"},
		{"a destination of no flow", "GET /quarantine?destination=x", nil, 422, sallyport.Invalid, "flow", "which flow"},
		{"no body", "POST /credentials", nil, 400, sallyport.Invalid, "", "body is required"},
		{"no JSON", "POST /credentials", `{"name": "` + value, 400, sallyport.Invalid, "", "not valid JSON"},
		{"a member twice", "POST /credentials", `{"name": "new", "connector": "pulsedive", "secrets": {"key": "` + value + `", "key": "other"}}`, 400, sallyport.Invalid, "", "the member at /secrets/key appears twice"},
		{"a member in another case", "POST /credentials", draft(object{"Description": value}), 422, sallyport.Invalid, "Description", "unexpected property"},
		{"a list in place of an object", "POST /credentials", `["` + value + `"]`, 422, sallyport.Invalid, "", "expected object"},
		{"a property too many", "POST /credentials", draft(object{"key": value}), 422, sallyport.Invalid, "key", "unexpected property"},
		{"a missing property", "POST /credentials", object{"name": "x"}, 422, sallyport.Invalid, "connector", "connector: is missing"},
		{"a missing property within", "POST /flows", object{"flow": "f", "source": object{}}, 422, sallyport.Invalid, "source.connector", "is missing"},
		{"a secret that is no text", "POST /credentials", draft(object{"secrets": object{"key": 123456789012}}), 422, sallyport.Invalid, "secrets.key", "string"},
		{"a secret in a public field", "POST /credentials", draft(object{"public": object{"key": value}}), 422, sallyport.Invalid, "secrets.key", "must not be given as a public field"},
		{"a missing secret", "POST /credentials", object{"name": "new", "connector": "rest", "public": object{"address": h.system, "auth": "query", "name": "key"}, "secrets": object{}}, 422, sallyport.Invalid, "secrets.value", "required"},
		{"an address in the clear", "POST /credentials", draft(object{"public": object{"address": "http://example.com"}}), 422, sallyport.Invalid, "public.address", "https"},
		{"a rejected key", "POST /credentials", draft(nil), 422, sallyport.Unauthenticated, "", "rejected"},
		{"a name that is taken", "POST /credentials", draft(object{"name": "MINE"}), 409, sallyport.Conflict, "name", "already"},
		{"a name that is taken, of a connector with such a field", "POST /credentials", object{"name": "mine", "connector": "rest"}, 409, sallyport.Conflict, "name", "already"},
		{"a secret that there is not", "POST /credentials", draft(object{"secrets": object{"keys": value}}), 422, sallyport.Invalid, "secrets.keys", `did you mean "key"`},
		{"a public field that there is not", "POST /credentials", draft(object{"public": object{"adress": h.system}}), 422, sallyport.Invalid, "public.adress", `did you mean "address"`},
		{"a new secret that there is not", "POST /credentials/mine/rotate", object{"secrets": object{"keys": value}}, 422, sallyport.Invalid, "secrets.keys", `did you mean "key"`},
		{"a test that there is not", "POST /credentials", draft(object{"test": value}), 422, sallyport.Invalid, "test", "required, allow_untested, none"},
		{"a rejected new key", "POST /credentials/mine/rotate", object{"secrets": object{"key": value}}, 422, sallyport.Unauthenticated, "", "rejected"},
		{"a reserve that is none", "PATCH /credentials/mine/quota", object{"reserve": "lots"}, 422, sallyport.Invalid, "reserve", "percentage"},
		{"a number out of bounds", "PATCH /credentials/mine/quota", `{"day": 1e30}`, 422, sallyport.Invalid, "day", "<= 1e+12"},
		{"a number that does not fit", "POST /quarantine/discard", `{"ids": [7e20]}`, 422, sallyport.Invalid, "", "ids: a number is out of range"},
		{"a number that fits nowhere", "POST /credentials", `{"name": 7e400}`, 400, sallyport.Invalid, "", ": a number is out of range"},
		{"a time that cannot be told", "POST /tokens", object{"name": "x", "scopes": []string{"read"}, "expires_at": "9999-12-31T23:00:00-02:00"}, 422, sallyport.Invalid, "expires_at", "year 10000"},
		{"a plan that there is not", "PATCH /credentials/mine/quota", object{"plan": "fre"}, 422, sallyport.Invalid, "plan", `did you mean "free"`},
		{"a parameter that there is not", "POST /sources/test", from(object{"params": object{"fib": 1}}), 422, sallyport.Invalid, "params.fib", `did you mean "fid"`},
		{"a parameter of another type", "POST /sources/test", from(object{"params": object{"fid": value}}), 422, sallyport.Invalid, "params.fid", "whole number"},
		{"an endpoint that there is not", "POST /sources/test", from(object{"endpoint": "feed.indicator"}), 422, sallyport.Invalid, "endpoint", `did you mean "feed.indicators"`},
		{"no endpoint", "POST /sources/test", object{"connector": "pulsedive", "credential": "mine"}, 422, sallyport.Invalid, "endpoint", "is missing"},
		{"a credential that there is not", "POST /sources/test", from(object{"credential": "minne"}), 422, sallyport.Invalid, "credential", `did you mean "mine"`},
		{"a flow with a wrong source", "POST /flows", flow(object{"params": object{}}), 422, sallyport.Invalid, "source.params.fid", "required"},
		{"a flow with a wrong credential", "POST /flows", flow(object{"credential": "minne"}), 422, sallyport.Invalid, "source.credential", `did you mean "mine"`},
		{"a flow with a wrong schedule", "POST /flows", flow(object{"schedule": object{"every": "1x"}}), 422, sallyport.Invalid, "source.schedule.every", "8h"},
		{"a flow with a schedule of ages", "POST /flows", flow(object{"schedule": object{"every": "99999w"}}), 422, sallyport.Invalid, "source.schedule.every", "8h"},
		{"a flow file with a fault", "POST /flows/apply", "flow: x\nsource:\n  conector: rest\n", 422, sallyport.Invalid, "body:3:3", "conector"},
		{"a scope that there is not", "POST /tokens", object{"name": "x", "scopes": []string{"raed"}}, 422, sallyport.Invalid, "scopes", `did you mean "read"`},
		{"a position that is none", "GET /datasets/none/records", nil, 404, sallyport.NotFound, "", "none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := c.do(test.request, test.body).problem(test.status, test.code)
			if p.Field != test.field || !strings.Contains(p.Detail, test.detail) || strings.Contains(p.Detail, "7e") {
				t.Errorf("field %q, want %q; detail %q, want %q in it", p.Field, test.field, p.Detail, test.detail)
			}
		})
	}
	form := c.do("POST /credentials", "name=x", "Content-Type", "application/x-www-form-urlencoded").problem(http.StatusUnsupportedMediaType, sallyport.Invalid)
	if !strings.Contains(form.Detail, "application/json") {
		t.Error(form.Detail)
	}
	if c.do("PUT /credentials", nil).Header.Get("Allow") != "GET, POST" {
		t.Error("it is not said what is allowed")
	}
}

// TestWithoutToken asks without a token that is worth something.
func TestWithoutToken(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	none := client{h, ""}
	p := none.get("/flows").problem(http.StatusUnauthorized, sallyport.Unauthenticated)
	if !strings.Contains(p.Detail, "Authorization: Bearer") {
		t.Error(p.Detail)
	}
	for range 20 {
		none.get("/flows").want(http.StatusUnauthorized)
	}
	if got := none.get("/nothing").problem(http.StatusUnauthorized, sallyport.Unauthenticated).Detail; got != p.Detail {
		t.Errorf("without a token it is told what there is: %s", got)
	}
	good := h.client()
	wrong := client{h, strings.Repeat("x", len(good.token))}
	if a := wrong.get("/flows"); a.problem(http.StatusUnauthorized, sallyport.Unauthenticated).Detail == "" || a.Header.Get("WWW-Authenticate") == "" {
		t.Error("a wrong token is not told what is missing")
	}
	limited := false
	for range 100 {
		if a := wrong.get("/flows"); a.StatusCode == http.StatusTooManyRequests {
			limited = true
			if a.problem(http.StatusTooManyRequests, sallyport.Limited); a.Header.Get("Retry-After") == "" {
				t.Error("it is not said when to try again")
			}
			break
		}
	}
	if !limited {
		t.Error("a hundred wrong tokens are not limited")
	}
	good.get("/flows").want(http.StatusOK) // from the same address
	for _, scheme := range []string{"Basic " + good.token, good.token, "Bearer"} {
		none.do("GET /flows", nil, "Authorization", scheme).want(http.StatusUnauthorized)
	}
	good.do("GET /flows", nil, "Authorization", "bearer "+good.token).want(http.StatusOK)
}

// TestHangingUp shows that whoever hangs up is no fault of the program.
func TestHangingUp(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	ctx, hangUp := context.WithCancel(t.Context())
	system := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		hangUp()
		<-r.Context().Done()
	})))
	defer system.Close()
	c.do("POST /credentials", object{
		"name": "slow", "connector": "rest", "public": object{"address": system.URL, "auth": "none"}, "test": "none",
	}).want(http.StatusCreated)
	draft := object{"connector": "rest", "credential": "slow", "request": object{"url": "/", "records": "$[*]"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/api/v1/sources/test", encoded(t, draft))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if answer, err := http.DefaultClient.Do(r); err == nil {
		answer.Body.Close()
		t.Fatal("it was answered")
	}
	h.close()
	if log := h.log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "hung up") {
		t.Errorf("the log has %q", log)
	}
}

// TestLargeBody sends more than a request may hold.
func TestLargeBody(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	large := object{"name": strings.Repeat("x", 5<<20), "connector": "pulsedive"}
	c.do("POST /credentials", large).problem(http.StatusRequestEntityTooLarge, sallyport.Invalid)
	c.do("POST /flows/apply", "# "+strings.Repeat("x", 2<<20)).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
}

// TestBrokenOffBody hangs up in the middle of a body: nothing is done.
func TestBrokenOffBody(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	at, err := url.Parse(h.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/v1/tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\n{", c.token)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("status %d", answer.StatusCode)
	}
	if n := len(c.get("/tokens").at("items").([]any)); n != 1 {
		t.Errorf("there are %d tokens", n)
	}
}
