package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// holding is a flow whose source has 30 records or, once it has shrunk, one. It returns the flow's id and the file that it delivers to.
func (s *site) holding() (id, file string, shrunk *atomic.Bool) {
	s.Helper()
	shrunk = new(atomic.Bool)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n := 30
		if shrunk.Load() {
			n = 1
		}
		fmt.Fprint(w, "[")
		for id := range n - 1 {
			fmt.Fprintf(w, `{"id":%d},`, id+1)
		}
		fmt.Fprint(w, `{"id":0}]`)
	}))
	s.Cleanup(api.Close)
	_, err := s.app.Service.CreateCredential(s.Context(), actor, service.CredentialDraft{
		Name: "api", Connector: "rest", Public: map[string]string{"address": api.URL, "auth": "query", "name": "key"},
		Secrets: map[string]secret.Text{"value": secret.New("key-of-the-held-flow-7")},
	}, service.WithoutTesting)
	if err != nil {
		s.Fatal(err)
	}
	file = s.file("held.ndjson")
	text := fmt.Sprintf(`flow: held
source:
  connector: rest
  credential: api
  request: {url: /, records: "$[*]", paging: {type: single}, key: [id]}
  emit: changes
destinations: [{name: lines, connector: file, config: {path: %q}}]
`, file)
	if _, err := s.app.Service.ApplyFlows(s.Context(), actor, []service.FlowFile{{Name: "f", Data: []byte(text)}}, false); err != nil {
		s.Fatal(err)
	}
	flow, err := s.app.Service.Flow(s.Context(), "held")
	if err != nil {
		s.Fatal(err)
	}
	return string(flow.ID), file, shrunk
}

// TestHeldPullIsDecidedAtItsFlow rejects a pull that is held, and accepts the next one, by the buttons on the page of the flow.
func TestHeldPullIsDecidedAtItsFlow(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	id, file, shrunk := s.holding()
	flow := "/flows/" + id
	lines := func(want int) {
		t.Helper()
		content, err := os.ReadFile(file)
		if got := strings.Count(string(content), "\n"); err != nil || got != want {
			t.Errorf("%d lines are delivered, want %d: %v", got, want, err)
		}
	}
	s.work("held")
	if found := c.get(flow).all("a", "href="+flow+"/accept"); len(found) != 0 {
		t.Error("nothing is held, but there is something to accept")
	}
	c.get(flow + "/accept").want(http.StatusConflict).says("has no pull that is held")
	shrunk.Store(true)
	s.work("held")
	const why = "Run 2 is held: the pull would mark 29 of 30 records as vanished; nothing was delivered"
	page := c.get(flow).says(why)
	page.one("a", "href="+flow+"/accept")
	page.one("a", "href="+flow+"/reject")

	c.get(flow+"/reject").want(http.StatusOK).says("Reject the pull of held", why, "The next run pulls everything again").one("form", "action="+flow+"/reject")
	c.get(flow+"/reject", hx...).want(http.StatusOK).says("Reject the pull of held")
	c.post(flow+"/reject", nil).wantLocation(flow)
	c.get(flow).says("The pull of run 2 is dropped.")
	c.post(flow+"/reject", nil).want(http.StatusConflict)
	lines(30)

	s.work("held")
	c.get(flow+"/accept").want(http.StatusOK).says("Accept the pull of held", "Run 3 is held", "No request is sent to the source").one("form", "action="+flow+"/accept")
	c.post(flow+"/accept", nil).wantLocation(flow)
	c.get(flow).says("The pull of run 3 is accepted")
	s.work("held") // goes on with the run that was accepted
	lines(59)
	run, err := s.app.Service.Run(t.Context(), 3)
	if err != nil || run.State != sallyport.RunSucceeded || run.Changes.Vanished != 29 {
		t.Errorf("run %s, %d vanished, %v", run.State, run.Changes.Vanished, err)
	}
}
