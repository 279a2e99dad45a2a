package api_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// TestOnce sends requests twice: what has an Idempotency-Key is done once.
func TestOnce(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	draft := object{"name": "mine", "connector": "pulsedive", "public": object{"address": h.system}, "secrets": object{"key": h.key()}}
	first := c.do("POST /credentials", draft, "Idempotency-Key", "one").want(http.StatusCreated)
	again := c.do("POST /credentials", draft, "Idempotency-Key", "one").want(http.StatusCreated)
	if again.text != first.text || again.Header.Get("Location") != first.Header.Get("Location") || again.Header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("the answers differ:\n%s\n%s", first.text, again.text)
	}
	if p := c.do("POST /credentials", draft).problem(http.StatusConflict, sallyport.Conflict); p.Field != "name" {
		t.Errorf("without a key it is done again, want a conflict: %s", p.Detail)
	}
	draft["name"] = "other"
	p := c.do("POST /credentials", draft, "Idempotency-Key", "one").problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	if p.Field != "Idempotency-Key" || !strings.Contains(p.Detail, "another request") {
		t.Errorf("the key of another request: %s", p.Detail)
	}
	c.do("POST /credentials/mine/test", nil, "Idempotency-Key", "one").problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	h.client().do("POST /credentials", draft, "Idempotency-Key", "one").want(http.StatusCreated) // the key of another token is another one
	c.do("POST /flows/none/run", nil, "Idempotency-Key", strings.Repeat("x", 201)).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
}

// TestRepeatedResponseIsRedacted: what was kept may hold the key of a credential that was added since.
func TestRepeatedResponseIsRedacted(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	const key = "gs+a-key-that-comes-later-0123=="
	feed := c.feed("feed", "mine")
	feed["description"] = "with " + key
	c.do("POST /flows", feed, "Idempotency-Key", "one").want(http.StatusCreated).wantAt("with "+key, "description")
	later := object{"name": "later", "connector": "pulsedive", "public": object{"address": h.system}, "secrets": object{"key": key}, "test": "none"}
	c.do("POST /credentials", later).want(http.StatusCreated)
	h.watch(key)
	again := c.do("POST /flows", feed, "Idempotency-Key", "one").want(http.StatusCreated)
	again.wantAt("with "+secret.Redacted, "description")
	if again.Header.Get("Idempotency-Replayed") != "true" {
		t.Error("it was done again")
	}
}

// TestOnceFailed shows that a request that failed can be sent again with its key.
func TestOnceFailed(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.do("POST /flows/feed/pause", nil, "Idempotency-Key", "early").problem(http.StatusNotFound, sallyport.NotFound)
	c.addCredential("mine")
	c.do("POST /flows", c.feed("feed", "mine")).want(http.StatusCreated)
	c.do("POST /flows/feed/pause", nil, "Idempotency-Key", "early").want(http.StatusOK).wantAt("paused", "state")
	c.do("POST /flows/feed/resume", nil).want(http.StatusOK)
	c.do("POST /flows/feed/pause", nil, "Idempotency-Key", "early").want(http.StatusOK).wantAt("paused", "state")
	c.get("/flows/feed").wantAt("active", "state") // it was the answer of the first
}

// TestOnceTogether sends the same request many times at once.
func TestOnceTogether(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	made, feed := make(chan *reply, 8), c.feed("feed", "mine")
	var all sync.WaitGroup
	for range cap(made) {
		all.Go(func() { made <- c.do("POST /flows", feed, "Idempotency-Key", "at-once") })
	}
	all.Wait()
	close(made)
	done := 0
	for a := range made {
		switch {
		case a.StatusCode == http.StatusCreated && a.Header.Get("Idempotency-Replayed") == "":
			done++
		case a.StatusCode == http.StatusCreated:
		case a.StatusCode == http.StatusConflict && strings.Contains(a.text, "is being done"):
		default:
			t.Errorf("%d %s", a.StatusCode, a.text)
		}
	}
	if done != 1 {
		t.Errorf("it was done %d times", done)
	}
}

// TestOnceKeepsNoToken shows that a token is in one answer only, and that samples are not kept.
func TestOnceKeepsNoToken(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	for request, body := range map[string]object{
		"POST /tokens":       {"name": "nightly", "scopes": []string{"read"}},
		"POST /sources/test": {"connector": "pulsedive", "credential": "mine", "endpoint": "feed.indicators", "params": object{"fid": 1}},
	} {
		if a := c.do(request, body, "Idempotency-Key", "k"+request[6:8]); a.StatusCode >= 300 {
			t.Fatal(a.text)
		}
		p := c.do(request, body, "Idempotency-Key", "k"+request[6:8]).problem(http.StatusConflict, sallyport.Conflict)
		if !strings.Contains(p.Detail, "done already") {
			t.Errorf("%s: %s", request, p.Detail)
		}
	}
	if n := len(c.get("/tokens").at("items").([]any)); n != 2 {
		t.Errorf("there are %d tokens, want 2", n)
	}
}

// TestTokenGivesWhatItHas shows that a token cannot make one that may do more than itself.
func TestTokenGivesWhatItHas(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	admin := h.client(sallyport.ScopeAdmin, sallyport.ScopeRead)
	p := admin.do("POST /tokens", object{"name": "more", "scopes": []string{"read", "write"}}).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	if p.Field != "scopes" || !strings.Contains(p.Detail, "write") {
		t.Error(p.Detail)
	}
	admin.do("POST /tokens", object{"name": "less", "scopes": []string{"read"}}).want(http.StatusCreated)
}

// TestTokenIsNotOutlived shows that a token that expires makes none that stays.
func TestTokenIsNotOutlived(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	end := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	_, text, err := h.app.Tokens.Create(t.Context(), actor, "short", sallyport.Scopes, end)
	if err != nil {
		t.Fatal(err)
	}
	short := client{h, text}
	for name, expires := range map[string]any{"never": nil, "later": end.Add(time.Second)} {
		draft := object{"name": name, "scopes": []string{"read"}}
		if expires != nil {
			draft["expires_at"] = expires
		}
		if p := short.do("POST /tokens", draft).problem(http.StatusUnprocessableEntity, sallyport.Invalid); p.Field != "expires_at" {
			t.Errorf("%s: %s", name, p.Detail)
		}
	}
	short.do("POST /tokens", object{"name": "as long", "scopes": []string{"read"}, "expires_at": end}).want(http.StatusCreated)
}
