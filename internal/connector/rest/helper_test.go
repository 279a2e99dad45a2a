package rest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const testKey = "TESTKEY-0123456789abcdef"

// testDefinition is a connector that wants its key in the query, and says what is wrong at $.error.
func testDefinition() *connector.Definition {
	return &connector.Definition{
		Connector: "test",
		Credential: &connector.CredentialSpec{
			Fields: []connector.Field{{Name: "key"}, {Name: connector.AddressField, Public: true, Default: "https://api.example.com"}},
			Auth:   connector.Auth{Kind: connector.AuthQuery, Name: "key", Secret: "key"},
		},
		Sentence: "$.error",
		Manual:   true,
	}
}

// testConfig reads a request from a system at address, with real connections.
func testConfig(address string, request sallyport.Request) Config {
	return Config{
		Definition: testDefinition(),
		Endpoint:   &connector.Endpoint{Request: request},
		Public:     map[string]string{connector.AddressField: address},
		Secrets: func(context.Context) (map[string]secret.Text, error) {
			return map[string]secret.Text{"key": secret.New(testKey)}, nil
		},
		Transport: func(address *url.URL) http.RoundTripper { return egress.Policy{}.Transport(address, true) },
	}
}

func mustOpen(t testing.TB, c Config) *Source {
	t.Helper()
	s, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// serve starts a system on loopback.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// sends answers with a status and body, always.
func sends(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// pull reads pages from a cursor on. It returns the records, and the cursors behind the pages.
func pull(ctx context.Context, s *Source, cursor string) (records, cursors []string, err error) {
	for page, err := range s.Pages(ctx, cursor) {
		if err != nil {
			return records, cursors, err
		}
		for record, err := range page.Records {
			if err != nil {
				return records, cursors, err
			}
			records = append(records, string(record))
		}
		cursors = append(cursors, page.Next)
	}
	return records, cursors, nil
}

// tripper is a RoundTripper that is a function.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
