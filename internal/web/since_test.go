package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestResetAndGap moves the time up to which a flow is pulled, and fills a gap, from the page of the flow.
func TestResetAndGap(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.scripting()
	request := &sallyport.Request{URL: "/x", Query: map[string]sallyport.Texts{"from": {"{since}"}, "to": {"{until}"}}, Since: sallyport.Since{Start: "now-1d"}}
	flow, err := s.app.Service.CreateFlow(t.Context(), actor, service.FlowSpec{Flow: "new", Source: service.SourceSpec{Connector: "rest", Credential: "hostile", Request: request}})
	if err != nil {
		t.Fatal(err)
	}
	page := "/flows/" + string(flow.ID)
	c.get(page).one("a", "href="+page+"/reset")
	c.get(page+"/reset").want(http.StatusOK).says("Reset new", "is delivered again, unless the flow keeps changes only")
	c.get(page+"/gap", hx...).want(http.StatusOK).says("Fill gap of new", "If empty, the gap ends now.")
	c.post(page+"/reset", url.Values{"since": {"<soon>"}}).want(http.StatusUnprocessableEntity).says("is not a time")
	c.post(page+"/reset", url.Values{"since": {" 2026-01-31 "}}).wantLocation(page)
	c.get(page).says("The next run of \"new\" pulls what was added since 31 Jan 2026, 00:00:00 UTC.", "pulled up to")
	c.post(page+"/gap", url.Values{"from": {"2026-01-01"}, "until": {"2026-01-02"}}).wantLocation(page)
	runs, err := s.app.Service.Runs(t.Context(), "new", "", 2, 0)
	if err != nil || len(runs) != 1 || runs[0].Until.Sub(runs[0].From).Hours() != 24 {
		t.Fatalf("%+v, %v", runs, err)
	}
	if text := c.get(page).text; strings.Contains(text, "<soon>") {
		t.Error("the page has the text as it was sent")
	}
}
