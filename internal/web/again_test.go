package web_test

import (
	"net/http"
	"os"
	"testing"

	"github.com/sallyport-io/sallyport/internal/service"
)

// TestDeliverAllAgain lets a destination that was deleted have everything again, from the page of its flow.
func TestDeliverAllAgain(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Pulsedive team", "")
	s.addFlow("urlhaus", "Pulsedive team")
	s.work("urlhaus")
	flow, err := s.app.Service.Flow(t.Context(), "urlhaus")
	if err != nil {
		t.Fatal(err)
	}
	lines := flow.Destinations[0]
	if err := os.Remove(lines.Config["path"].(string)); err != nil {
		t.Fatal(err)
	}
	path := "/destinations/" + string(lines.ID) + "/again"
	c.get("/flows/"+string(flow.ID)).one("a", "href="+path)
	c.get(path).want(http.StatusOK).says("Deliver all again to lines", "No request is sent to its source", "urlhaus")
	c.get(path, hx...).want(http.StatusOK).says("Deliver all again to lines")
	c.post(path, nil).wantLocation("/flows/" + string(flow.ID))
	c.get("/flows/"+string(flow.ID)).says(`"lines" gets everything again`, "0 records delivered, batch 0 of").one("div", "data-events=/flows/"+string(flow.ID)+"/events")
	if _, err := s.app.Service.Deliver(t.Context(), actor, "urlhaus", func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(lines.Config["path"].(string)); err != nil || len(content) == 0 {
		t.Errorf("the file has %d bytes, %v", len(content), err)
	}
	if live := c.get("/flows/"+string(flow.ID)).all("div", "data-events=/flows/"+string(flow.ID)+"/events"); len(live) != 0 {
		t.Error("the page waits for news though everything is delivered")
	}
	c.get("/destinations/dst_none/again").want(http.StatusNotFound)
}
