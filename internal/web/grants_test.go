package web_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestGrantedFiles lists the files that the local owner granted to a flow, and revokes one after a confirmation.
func TestGrantedFiles(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("mine", "")
	file := filepath.Join(t.TempDir(), "out & <more>.ndjson")
	text := "flow: granted\nsource: {connector: pulsedive, credential: mine, endpoint: feed.indicators, params: {fid: 1}}\n" +
		"destinations: [{name: lines, connector: file, config: {path: '" + file + "'}}]\n"
	owner := sallyport.Actor{Kind: sallyport.ActorCLI, Name: "owner"}
	if _, err := s.app.Service.ApplyFlows(t.Context(), owner, []service.FlowFile{{Name: "f", Data: []byte(text)}}, false); err != nil {
		t.Fatal(err)
	}
	f, err := s.app.Service.Flow(t.Context(), "granted")
	if err != nil {
		t.Fatal(err)
	}
	page := "/flows/" + string(f.ID)
	revoke := page + "/files/revoke?" + url.Values{"path": {file}}.Encode()
	c.get(page).want(http.StatusOK).says("Granted files", file, "write destination lines owner")
	if href, _ := attribute(c.get(page).one("a", "aria-label=Revoke "+file), "href"); href != revoke {
		t.Errorf("the button leads to %s", href)
	}
	c.get(revoke).want(http.StatusOK).says("Revoke "+file, "Keep it", "sallyport flow grant")
	dialog := c.get(revoke, "HX-Request", "true", "HX-Target", "overlay").want(http.StatusOK)
	if len(dialog.all("dialog")) != 1 || len(dialog.all("main")) != 0 {
		t.Error("it is not the overlay alone")
	}
	if path, _ := attribute(dialog.one("input", "name=path"), "value"); path != file {
		t.Errorf("the form is about %s", path)
	}
	c.get(page + "/files/revoke?path=/etc/passwd").want(http.StatusNotFound).says("no grant for /etc/passwd")
	c.get(page).says("Granted files") // to ask is not to revoke
	c.post(page+"/files/revoke", url.Values{"path": {file}}).wantLocation(page)
	if got := c.get(page).says("can no longer use").text; strings.Contains(got, "Granted files") {
		t.Error("the file is still listed")
	}
	c.get("/activity").says("Ada at the pages", "File revoked", "File granted")
	c.post(page+"/files/revoke", url.Values{"path": {file}}).want(http.StatusNotFound)
}
