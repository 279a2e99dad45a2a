package service_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// counted is a server on this machine that counts its requests.
func counted(t *testing.T) (address string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		w.Write([]byte(`[{"id":1}]`))
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func (p *place) sample(by sallyport.Actor, credential string) error {
	_, err := p.Service.TestSource(p.Context(), by, service.SourceDraft{
		Connector: "rest", Credential: credential, Request: &sallyport.Request{URL: "/list", Records: "$[*]"},
	})
	return err
}

func (p *place) local(by sallyport.Actor, name, address string) {
	p.Helper()
	_, err := p.Service.CreateCredential(p.Context(), by, service.CredentialDraft{
		Name: name, Connector: "rest", Public: map[string]string{"address": address, "auth": "bearer"},
		Secrets: map[string]secret.Text{"value": secret.New("a-key-of-the-local-service")},
	}, service.WithoutTesting)
	if err != nil {
		p.Fatal(err)
	}
}

// TestLoopbackNeedsTheLocalOwner creates credentials for a service on this machine by every way there is, and reaches it by one.
func TestLoopbackNeedsTheLocalOwner(t *testing.T) {
	p := newPlace(t, nil)
	address, requests := counted(t)
	stranger := sallyport.Actor{Kind: "user", Name: "x"}
	p.local(stranger, "by a user", address)
	p.local(actor, "by owner", address)
	for _, reason := range []string{"egress.allow_loopback", "needs its secret"} {
		err := p.sample(stranger, "by a user")
		if err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("a credential that a user created: %v, want %q", err, reason)
		}
		if _, err := p.Service.Store.SQL().Exec(`UPDATE credential SET local = 1`); err != nil { // a row edit gains nothing
			t.Fatal(err)
		}
	}
	if n := requests.Load(); n != 0 {
		t.Fatalf("%d requests", n)
	}
	if err := p.sample(stranger, "by owner"); err != nil || requests.Load() != 1 {
		t.Errorf("a credential that the owner created: %d requests, %v", requests.Load(), err)
	}
	if _, err := p.Service.Store.SQL().Exec(`UPDATE credential SET local = 0 WHERE name = 'by a user'`); err != nil { // as it was sealed
		t.Fatal(err)
	}
	secrets := map[string]secret.Text{"value": secret.New("another-key-of-the-local-service")}
	if _, err := p.Service.RotateCredential(t.Context(), actor, "by a user", secrets, service.WithoutTesting); err != nil {
		t.Fatal(err)
	}
	var kept int
	row := p.Service.Store.SQL().QueryRow(`SELECT COUNT(*) FROM previous_secrets`)
	if err := row.Scan(&kept); err != nil || kept != 1 {
		t.Errorf("%d secrets of before are kept for redaction, %v", kept, err)
	}
	if err := p.sample(stranger, "by a user"); err != nil {
		t.Errorf("after the owner entered the key again: %v", err)
	}
}

// TestEditedRowNeedsItsSecret edits everything in the row of a credential that decides where and how its key is sent.
func TestEditedRowNeedsItsSecret(t *testing.T) {
	p := newPlace(t, nil)
	address, requests := counted(t)
	for _, edit := range []string{
		`public = json_set(public, '$.auth', 'query', '$.name', 'key')`,
		`public = json_set(public, '$.auth', 'basic', '$.username', 'x')`,
		`public = json_set(public, '$.address', 'http://127.0.0.1:1')`,
		`public = json_remove(public, '$.auth')`,
		`public = json_set(public, '$.auth', 'none')`, // nothing is opened then, but it is not local any more
		`public = json_set(public, '$.username', '')`,
		`connector = 'pulsedive'`,
		`version = version + 1`,
		`local = 0`,
	} {
		p.local(actor, "c", address)
		if _, err := p.Service.Store.SQL().Exec(`UPDATE credential SET ` + edit + ` WHERE name = 'c'`); err != nil {
			t.Fatal(err)
		}
		requests.Store(0)
		err := p.sample(actor, "c")
		if err == nil || requests.Load() != 0 {
			t.Errorf("%s: %d requests, %v", edit, requests.Load(), err)
		}
		all, err := p.Service.Credentials(t.Context())
		uses, err2 := p.Service.CredentialUses(t.Context())
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for _, use := range uses {
			all = append(all, use.Credential)
		}
		for _, c := range all {
			if edited := c.Name == "c"; edited != (c.Verdict == sallyport.VerdictNeedsSecret) || edited && !strings.Contains(c.Reason, "needs its secret") {
				t.Errorf("%s: credential %s is %s: %s", edit, c.Name, c.Verdict, c.Reason)
			}
		}
		if err := p.Service.DeleteCredential(t.Context(), actor, "c"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRunWithACredentialOfAnotherConnector: after a flow was applied its credential can only be edited in the database.
func TestRunWithACredentialOfAnotherConnector(t *testing.T) {
	p := newPlace(t, nil)
	p.change("UPDATE credential SET connector = 'pulsedive'")
	if run := p.run(); run.State != sallyport.RunFailed || !strings.Contains(run.Error, "is a credential of pulsedive, not of rest") || len(p.api.asked) != 0 {
		t.Errorf("the run is %s after the requests %v: %s", run.State, p.api.asked, run.Error)
	}
}

// TestKeyIsNotSentWithFieldsOfAMomentAgo edits the address of a credential, and puts it back before the key is opened.
func TestKeyIsNotSentWithFieldsOfAMomentAgo(t *testing.T) {
	p := newPlace(t, nil)
	address, requests := counted(t)
	p.local(actor, "c", "http://127.0.0.1:1")
	c, err := p.Service.Store.CredentialByName(t.Context(), "c")
	if err != nil {
		t.Fatal(err)
	}
	c.Public = map[string]string{"address": address, "auth": "bearer"}
	keys := p.Service.Engine.Keys(actor, c)
	if _, err := keys(context.Background()); sallyport.CodeOf(err) != sallyport.Unauthenticated {
		t.Errorf("got %v", err)
	}
	if n := requests.Load(); n != 0 {
		t.Errorf("%d requests", n)
	}
}
