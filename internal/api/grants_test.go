package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/service"
)

// grantedFlow makes a flow with a file that the local owner grants.
func (c client) grantedFlow() (file string) {
	c.Helper()
	file = filepath.Join(c.TempDir(), "out & more.ndjson")
	text := fmt.Sprintf(`flow: granted
source: {connector: pulsedive, credential: mine, endpoint: feed.indicators, params: {fid: 1}}
destinations: [{name: lines, connector: file, config: {path: %q}}]
`, file)
	owner := sallyport.Actor{Kind: sallyport.ActorCLI, Name: "owner"}
	if _, err := c.app.Service.ApplyFlows(c.Context(), owner, []service.FlowFile{{Name: "f", Data: []byte(text)}}, false); err != nil {
		c.Fatal(err)
	}
	return file
}

// TestRevokeFile takes a file that the local owner granted away from a flow. That needs the scopes write and files, and is audited.
func TestRevokeFile(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	c := h.client()
	c.addCredential("mine")
	file := c.grantedFlow()
	revoke := "DELETE /flows/granted/grants?path=" + url.QueryEscape(file)
	for name, one := range map[string]client{
		"without files": h.client(except(sallyport.ScopeFiles)...), "without write": h.client(except(sallyport.ScopeWrite)...),
	} {
		if a := one.do(revoke, nil); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d", name, a.StatusCode)
		}
	}
	c.do("DELETE /flows/granted/grants", nil).problem(http.StatusUnprocessableEntity, sallyport.Invalid)
	c.do("DELETE /flows/granted/grants?path=/etc/passwd", nil).problem(http.StatusNotFound, sallyport.NotFound)
	c.get("/flows/granted").wantAt(file, "grants", 0, "path")
	h.client(sallyport.ScopeWrite, sallyport.ScopeFiles).do(revoke, nil).want(http.StatusNoContent)
	if grants, err := h.app.Service.FileGrants(t.Context(), sallyport.ID(c.get("/flows/granted").at("id").(string))); err != nil || len(grants) != 0 {
		t.Errorf("%v, %v", grants, err)
	}
	entry := c.get("/audit?action=file.revoke").want(http.StatusOK)
	entry.wantAt(file, "items", 0, "detail", "path").wantAt("token", "items", 0, "actor", "kind")
	c.do(revoke, nil).problem(http.StatusNotFound, sallyport.NotFound)
}
