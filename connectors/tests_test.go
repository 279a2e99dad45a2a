package connectors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestDefinitions runs the tests that every definition carries.
func TestDefinitions(t *testing.T) {
	c := catalogue(t)
	for _, d := range definitions(t) {
		if err := rest.RunTests(t.Context(), d, c.Files(d.Connector)); err != nil {
			t.Errorf("%s: %v", d.Connector, err)
		}
	}
}

// said is an answer that is no success, and what it must be taken for.
type said struct {
	status int
	body   string
	class  connector.Class
	window string
}

func TestPulsediveWindows(t *testing.T) {
	d, err := catalogue(t).Definition("pulsedive")
	if err != nil {
		t.Fatal(err)
	}
	const visit = " Visit pulsedive.com\\/api to view limits and upgrade your plan."
	for _, answer := range []said{
		{429, `{"error":"API rate limit exceeded: 1 requests per second.` + visit + `"}`, connector.ClassRate, "second"},
		{429, `{"error":"API rate limit exceeded: 10 requests per day.` + visit + `"}`, connector.ClassRate, "day"},
		{403, `{"error":"API rate limit exceeded: 250 requests per month.` + visit + `"}`, connector.ClassRate, "month"},
		{429, `{"error":"Too many requests."}`, connector.ClassRate, ""},
		{429, ``, connector.ClassRate, ""},
	} {
		checkFailure(t, d, &d.Endpoints[0], map[string]any{"indicator": "example.com"}, answer)
	}
}

func TestRestErrors(t *testing.T) {
	d, err := catalogue(t).Definition("rest")
	if err != nil {
		t.Fatal(err)
	}
	list := &connector.Endpoint{Request: sallyport.Request{URL: "/list"}}
	if err := d.CheckRequest(&list.Request); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []said{
		{400, `{"message":"Bad request"}`, connector.ClassPermanent, ""},
		{401, ``, connector.ClassCredential, ""},
		{403, `{"message":"Invalid API key"}`, connector.ClassCredential, ""},
		{403, `{"message":"Bad credentials"}`, connector.ClassCredential, ""},
		{403, `{"message":"Authentication is required"}`, connector.ClassCredential, ""},
		{403, `{"message":"The token has not the scope read:all"}`, connector.ClassPlan, ""},
		{403, `{"message":"Forbidden"}`, connector.ClassPlan, ""},
		{403, `{"message":"API rate limit exceeded for this token"}`, connector.ClassRate, ""},
		{404, `{"message":"No such list"}`, connector.ClassPermanent, ""},
		{408, ``, connector.ClassTransient, ""},
		{429, ``, connector.ClassRate, ""},
		{503, `<html>`, connector.ClassTransient, ""},
	} {
		checkFailure(t, d, list, nil, answer)
	}
}

// checkFailure asks a server that gives one answer, and compares what is made of it. Without a pause that is allowed nothing is tried again.
func checkFailure(t *testing.T, d *connector.Definition, e *connector.Endpoint, params map[string]any, answer said) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if answer.status != http.StatusForbidden { // with it a 403 is about the rate
			w.Header().Set("Retry-After", "60") // longer than the source waits
		}
		w.WriteHeader(answer.status)
		io.WriteString(w, answer.body) // a test server
	}))
	defer server.Close()
	source, err := rest.Open(rest.Config{
		Definition: d, Endpoint: e, Params: params, Public: map[string]string{"address": server.URL, "auth": connector.AuthBearer},
		Secrets: func(context.Context) (map[string]secret.Text, error) {
			key := secret.New("TESTKEY-0123456789")
			return map[string]secret.Text{"key": key, "value": key}, nil
		},
		Transport: func(*url.URL) http.RoundTripper { return server.Client().Transport },
	})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(failureOf(t.Context(), source))
	if want := fmt.Sprintf("%s %s", answer.class, answer.window); got != want {
		t.Errorf("%s: HTTP %d %s is %q, want %q", d.Connector, answer.status, answer.body, got, want)
	}
}

// failureOf reads a source to its end and returns the class and window of the failure.
func failureOf(ctx context.Context, source connector.Source) string {
	for page, err := range source.Pages(ctx, "") {
		if f, ok := errors.AsType[*connector.Failure](err); ok {
			return string(f.Class) + " " + f.Window
		}
		for range page.Records {
		}
	}
	return "none"
}
