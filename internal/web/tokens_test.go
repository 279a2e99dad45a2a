package web_test

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// makeToken fills in the form of the settings, and returns the token that the answer shows.
func (c *client) makeToken(form url.Values, header ...string) string {
	c.Helper()
	made := c.post("/settings/tokens", form, header...).want(http.StatusOK).says(form.Get("name")+" is made", "shown this once")
	return words(made.one("code", "class=token"))
}

// row is the row of a token in the settings.
func (a *answer) row(name string) *html.Node {
	a.Helper()
	for _, tr := range a.all("tr") {
		if strings.HasPrefix(words(tr), name+" ") {
			return tr
		}
	}
	a.Fatalf("there is no row of %q", name)
	return nil
}

func TestTokenIsShownOnce(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	c.get("/settings").want(http.StatusOK).says("API tokens", "No tokens yet", "What uses it, and where.")
	for name, header := range map[string][]string{"without scripts": nil, "with scripts": {"HX-Request", "true", "HX-Target", "tokens"}} {
		text := c.makeToken(url.Values{"name": {name}, "scopes": {"run", "read"}, "lifetime": {"in 30 days"}}, header...)
		token, err := s.app.Tokens.Identify(t.Context(), text, "10.0.0.1")
		if err != nil || token.Name != name || token.Owner != userName || !token.May(sallyport.ScopeRun) || token.May(sallyport.ScopeWrite) {
			t.Fatalf("%s: %+v, %v", name, token, err)
		}
		if left := time.Until(token.ExpiresAt); left < 29*24*time.Hour || left > 30*24*time.Hour {
			t.Errorf("%s: it expires in %v", name, left)
		}
		s.watch(text) // from now on no answer may hold it
		for _, path := range []string{"/settings", "/settings/tokens", "/activity", "/settings/tokens/" + string(token.ID) + "/revoke"} {
			c.get(path).want(http.StatusOK).says(name)
		}
		c.get("/settings/tokens/" + string(token.ID) + "/revoke").says("It was last used just now.")
		if got := words(c.get("/settings").row(name)); got != name+" Read, run Ada just now in 30 days just now Revoke" {
			t.Errorf("its row is %q", got)
		}
	}
	c.get("/activity").says("Ada at the pages", "Token made", "scopes: read run")
}

func TestTokenForm(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	c.makeToken(url.Values{"name": {"taken"}, "scopes": {"read"}, "lifetime": {"never"}})
	for _, test := range []struct {
		form url.Values
		says map[string]string // by the id of the error
	}{
		{url.Values{"lifetime": {"never"}}, map[string]string{"token-name-error": "Must not be empty.", "token-scopes-error": "Choose at least one: a token without a scope may do nothing."}},
		{url.Values{"name": {"TAKEN"}, "scopes": {"admin"}, "lifetime": {"in a year"}}, map[string]string{"token-name-error": `There is already a token named "TAKEN".`}},
		{url.Values{"name": {"x"}, "scopes": {"reed"}, "lifetime": {"never"}}, map[string]string{"token-scopes-error": `There is no scope "reed"; did you mean "read"?.`}},
		{url.Values{"name": {"x"}, "scopes": {"read"}}, map[string]string{"token-lifetime-error": "There is no choice"}},
	} {
		for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Target", "tokens"}} {
			page := c.post("/settings/tokens", test.form, header...).want(http.StatusUnprocessableEntity)
			for id, want := range test.says {
				if got := words(page.one("small", "id="+id)); !strings.HasPrefix(got, strings.TrimSuffix(want, ".")) {
					t.Errorf("%v: %s says %q, want %q", test.form, id, got, want)
				}
			}
			if value, _ := attribute(page.one("input", "id=token-name"), "value"); value != test.form.Get("name") {
				t.Errorf("%v: the name is lost: %q", test.form, value)
			}
			if _, checked := attribute(page.one("input", "value=admin"), "checked"); checked != (test.form.Get("scopes") == "admin") {
				t.Errorf("%v: the scopes are lost", test.form)
			}
			if len(page.all("code", "class=token")) != 0 {
				t.Errorf("%v: a token is shown", test.form)
			}
		}
	}
	if all, err := s.app.Tokens.List(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v: want the one token", all, err)
	}
}

func TestRevokeToken(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	text := c.makeToken(url.Values{"name": {"nightly"}, "scopes": {"read"}, "lifetime": {"never"}})
	token, err := s.app.Tokens.Find(t.Context(), "nightly")
	if err != nil {
		t.Fatal(err)
	}
	path := "/settings/tokens/" + string(token.ID) + "/revoke"
	c.get(path).want(http.StatusOK).says("Revoke nightly", "It was never used.", "Keep it")
	if dialog := c.get(path, "HX-Request", "true", "HX-Target", "overlay").want(http.StatusOK); len(dialog.all("dialog")) != 1 || len(dialog.all("main")) != 0 {
		t.Error("it is not the overlay alone")
	}
	c.post(path, nil).wantLocation("/settings")
	c.get("/settings").says(`The token "nightly" is revoked.`, "No tokens yet")
	if _, err := s.app.Tokens.Identify(t.Context(), text, "10.0.0.1"); sallyport.CodeOf(err) != sallyport.Unauthenticated {
		t.Errorf("it is still good: %v", err)
	}
	c.post(path, nil).want(http.StatusNotFound).says("no token")
	c.get("/activity").says("somebody by the API", "Not let in", "Token revoked")
}

func TestExpiredToken(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	text := "sallyport_" + strings.Repeat("a", 26)
	old := sallyport.Token{ID: sallyport.NewID("tok"), Name: "old", Scopes: []sallyport.Scope{"read"}, CreatedAt: time.Now().Add(-time.Hour), ExpiresAt: time.Now()}
	err := s.app.Service.Store.InTx(t.Context(), func(tx *store.Tx) error {
		return tx.InsertToken(t.Context(), old, fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.app.Tokens.Identify(t.Context(), text, "10.0.0.1"); sallyport.CodeOf(err) != sallyport.Unauthenticated {
		t.Errorf("it is still good: %v", err)
	}
	if got := words(c.get("/settings").row("old")); !strings.Contains(got, "Expired") {
		t.Errorf("its row is %q", got)
	}
	c.get("/activity").says("old by the API", "Not let in")
}

// TestTokensInABrowser makes and revokes tokens by keys and by clicks, and takes pictures.
func TestTokensInABrowser(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.look("light", 1200, 860)
	b.signUp()
	b.open("/settings")
	b.shot("tokens-empty")
	b.click("#tokens button[type=submit]")
	b.says("#token-name-error", "Must not be empty")
	b.is(`document.activeElement.id === "token-name"`)
	b.accessible("a faulty form")
	b.press("Nightly export of the feeds", kb.Enter)
	b.says("#token-made h3", "Nightly export of the feeds is made")
	b.is(`document.activeElement.id === "token-made" && location.pathname === "/settings"`)
	b.accessible("a token is shown")
	if _, _, err := s.app.Tokens.Create(b.ctx, actor, "Dashboard", sallyport.Scopes, time.Time{}); err != nil {
		t.Fatal(err)
	}
	for name, look := range map[string]struct {
		scheme string
		width  int64
	}{"light": {"light", 1200}, "dark": {"dark", 1200}, "narrow": {"light", 380}, "narrow-dark": {"dark", 380}} {
		b.look(look.scheme, look.width, 1100)
		b.fits()
		b.is(`document.getAnimations().length === 0`) // the colours are those of the scheme
		b.accessible(name)
		b.is(`(document.querySelector("#tokens").scrollIntoView(), true)`)
		b.shot("tokens-made-" + name)
		b.is(`(document.querySelector("#tokens form").scrollIntoView(), true)`)
		b.shot("tokens-form-" + name)
	}
	b.look("light", 1200, 860)
	b.open("/settings")
	b.is(`document.querySelector("#token-made") === null`)
	b.click("a[aria-label='Revoke Dashboard']")
	b.is(`document.querySelector("dialog:modal") !== null`)
	b.accessible("revoke")
	b.shot("tokens-revoke")
	b.click("dialog button.danger")
	b.says("#notice", `The token "Dashboard" is revoked.`)
	b.is(`document.querySelector("dialog") === null && document.querySelectorAll("#tokens tbody tr").length === 1`)
}
