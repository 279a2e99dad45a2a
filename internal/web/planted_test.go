package web_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/web"
)

// TestStoredKeyIsOnNoPage starts the program again over a database that has a key in the clear everywhere, and gets every page there is, whole
// and as a fragment. Each page is the first one of a process.
func TestStoredKeyIsOnNoPage(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	draft := strings.TrimPrefix(c.newDraft("rest"), "/drafts/")
	p := apptest.Plant(t, s.app)
	change := c.post("/flows/"+string(p.Flow.ID)+"/change", nil).want(http.StatusSeeOther).Header.Get("Location")
	config := web.Config{Service: s.app.Service, Auth: auth.New(auth.Config{Store: s.app.Service.Store})}
	values := strings.NewReplacer("{$}", "", "{connector}", "rest", "{token}", "none", "{n}", "0", "{record}", "1")
	var paths []string
	for _, pattern := range web.Patterns(config) {
		path, get := strings.CutPrefix(pattern, "GET ")
		path = strings.ReplaceAll(path, "destinations/credentials/new", "destinations/credentials/new?to=pulsedive&at=0")
		path = strings.ReplaceAll(path, "files/revoke", "files/revoke?path=/none/"+apptest.PlantedKey)
		if !get {
			continue
		}
		kind := strings.Split(path, "/")[1]
		ids := map[string][]string{
			"flows": {string(p.Flow.ID)}, "datasets": {string(p.Flow.ID)}, "runs": {fmt.Sprint(p.Run)}, "credentials": {string(p.Credential)},
			"drafts": {draft, strings.TrimSuffix(change[len("/drafts/"):], "/review")}, "quarantine": {"1"}, "destinations": {string(p.Flow.Destinations[0].ID)}, "settings": {string(p.Token)},
		}[kind]
		if !strings.Contains(path, "{id}") {
			ids = []string{""}
		}
		if len(ids) == 0 {
			t.Errorf("no id is known for %s", pattern)
		}
		for _, id := range ids {
			paths = append(paths, strings.ReplaceAll(values.Replace(path), "{id}", id))
		}
	}
	key := url.QueryEscape("flow " + apptest.PlantedKey)
	paths = append(paths, "/flows?after="+key, "/flows?search="+key, "/runs?flow="+key, "/datasets/"+string(p.Flow.ID)+"?destination="+key, "/flows/"+url.PathEscape("flow "+apptest.PlantedKey), "/nowhere/"+key)
	s.watch(apptest.PlantedPart)
	masked := 0
	for _, path := range paths {
		for _, header := range [][]string{nil, {"HX-Request", "true", "HX-Target", "x"}} {
			a := s.anew(c, path, header...)
			if a.StatusCode == http.StatusConflict && strings.Contains(a.text, "no pull that is held") {
				continue // there is none to accept or reject
			}
			if a.StatusCode >= 400 && !strings.Contains(path, "/none") && !strings.Contains(path, "/nowhere/") {
				t.Errorf("%s: status %d %s", path, a.StatusCode, a.text)
			}
			masked += strings.Count(a.text, secret.Redacted)
		}
	}
	if masked < 200 {
		t.Errorf("only %d keys were redacted", masked)
	}
}

// anew gets a page from a process that was just started.
func (s *site) anew(c *client, path string, header ...string) *answer {
	s.Helper()
	if err := s.app.Close(); err != nil {
		s.Error(err)
	}
	var err error
	if s.app, err = app.Open(s.Context(), apptest.Settings(s, s.dir, "error"), io.Discard, new(secret.Redactor)); err != nil {
		s.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	users := auth.New(auth.Config{Store: s.app.Service.Store, Plain: s.app.Service.CheckPlain, Values: s.app.Service.Vault, Log: log})
	server := httptest.NewServer(s.watched(web.New(web.Config{Service: s.app.Service, Auth: users, Tokens: s.app.Tokens, Version: "1.2.3", Data: s.dir, Log: log})))
	defer server.Close()
	s.URL = server.URL
	return c.get(path, header...)
}
