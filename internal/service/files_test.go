package service_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// fileFlow is a flow file of flow g, which delivers to a file.
func fileFlow(path string) []service.FlowFile {
	return []service.FlowFile{{Name: "g.yaml", Data: fmt.Appendf(nil, `flow: g
source: {connector: rest, credential: api, request: {url: /, records: "$.results[*]"}}
destinations: [{name: lines, connector: file, config: {path: %q}}]
`, path)}}
}

// TestFilesOfTokens applies flows that name files, as each kind of actor.
func TestFilesOfTokens(t *testing.T) {
	p := newPlace(t, nil)
	token := func(scopes ...sallyport.Scope) sallyport.Actor {
		return sallyport.Actor{Kind: sallyport.ActorToken, Name: "t", Scopes: scopes}
	}
	below, outside := filepath.Join(p.dir, "sub", "g.ndjson"), filepath.Join(t.TempDir(), "g.ndjson")
	user := sallyport.Actor{Kind: sallyport.ActorUser, Name: "ada"}
	for name, test := range map[string]struct {
		actor sallyport.Actor
		path  string
		code  sallyport.Code
	}{
		"token without files":      {token(sallyport.ScopeWrite, sallyport.ScopeRun, sallyport.ScopeRead, sallyport.ScopeAdmin), below, sallyport.Forbidden},
		"token":                    {token(sallyport.ScopeWrite, sallyport.ScopeFiles), below, ""},
		"token, elsewhere":         {token(sallyport.ScopeWrite, sallyport.ScopeFiles), outside, sallyport.Invalid},
		"session":                  {user, below, ""},
		"session, relative":        {user, "relative.ndjson", ""},
		"session, elsewhere":       {user, outside, sallyport.Invalid},
		"session, out of the root": {user, "../g.ndjson", sallyport.Invalid},
		"session, by a long way":   {user, p.dir + "/a/../../g.ndjson", sallyport.Invalid},
		"owner, elsewhere":         {actor, outside, ""},
		"nobody":                   {sallyport.Actor{Kind: "other"}, below, sallyport.Forbidden},
	} {
		_, err := p.Service.ApplyFlows(t.Context(), test.actor, fileFlow(test.path), true)
		if sallyport.CodeOf(err) != test.code {
			t.Errorf("%s: %v, want code %q", name, err, test.code)
		}
	}
	if _, err := p.Service.ApplyFlows(t.Context(), actor, fileFlow(outside), false); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Service.ReplaceFlow(t.Context(), user, "g", p.flow("g").UpdatedAt, specOf(t, p, "g")); err != nil {
		t.Errorf("a session cannot save a flow with a granted file: %v", err)
	}
	if _, err := p.Service.GrantFile(t.Context(), user, "g", outside); sallyport.CodeOf(err) != sallyport.Forbidden {
		t.Errorf("a session grants a file: %v", err)
	}
}

func specOf(t *testing.T, p *place, name string) service.FlowSpec {
	t.Helper()
	spec, err := p.Service.FlowSpec(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// deliveryError runs flow f, and returns the error of its destination.
func (p *place) deliveryError() string {
	p.Helper()
	p.run()
	f, err := p.Service.Flow(p.Context(), "f")
	if err != nil {
		p.Fatal(err)
	}
	return f.Destinations[0].Error
}

// TestRowsOpenNoOtherFile edits rows as somebody can who may write to the database, and revokes and renews a grant.
func TestRowsOpenNoOtherFile(t *testing.T) {
	for _, kind := range []string{"file", "sqlite"} {
		p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 5, 10, "")})
		outside := t.TempDir()
		granted, other := filepath.Join(outside, "granted"), filepath.Join(outside, "other")
		more := ""
		if kind == "sqlite" {
			more = ", table: t, mode: append"
		}
		p.apply(fmt.Sprintf("{name: d, connector: %s, config: {path: %s%s}}", kind, granted, more))
		if err := p.deliveryError(); err != "" {
			t.Fatalf("%s: what was granted is refused: %s", kind, err)
		}
		f := p.flow("f")
		edit := func(from, to string) {
			t.Helper()
			for _, statement := range []string{
				"UPDATE destination SET position = 0, state = '', config = replace(config, $1, $2)",
				"UPDATE file_grant SET path = replace(path, $1, $2), real_path = replace(real_path, $1, $2)",
			} {
				if _, err := p.Service.Store.SQL().Exec(statement, from, to); err != nil {
					t.Fatal(err)
				}
			}
		}
		edit(granted, other)
		if err := p.deliveryError(); !strings.Contains(err, "files.roots") || !strings.Contains(err, "flow grant") {
			t.Errorf("%s: the edited row: %q", kind, err)
		}
		if _, err := os.Stat(other); err == nil {
			t.Errorf("%s: the edited row created a file", kind)
		}
		if all, err := p.Service.FileGrants(t.Context(), f.ID); err != nil || len(all) != 0 {
			t.Errorf("%s: an edited grant is listed: %v, %v", kind, all, err)
		}
		if all, err := p.Service.GrantFile(t.Context(), actor, "f", other); err != nil || len(all) != 1 {
			t.Fatalf("%s: %v, %v", kind, all, err)
		}
		if err := p.deliveryError(); err != "" {
			t.Errorf("%s: the new grant: %s", kind, err)
		}
		if err := p.Service.RevokeFile(t.Context(), actor, "f", other); err != nil {
			t.Fatal(err)
		}
		if err := p.Service.RevokeFile(t.Context(), actor, "f", other); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("%s: revoked twice: %v", kind, err)
		}
		edit(other, other) // begins anew, so that there is something to deliver
		if err := p.deliveryError(); !strings.Contains(err, "files.roots") {
			t.Errorf("%s: after the grant was revoked: %q", kind, err)
		}
		for _, action := range []string{"file.grant", "file.revoke"} {
			entries, err := p.Service.Audit(t.Context(), f.ID, action, 10, 0)
			if err != nil || len(entries) == 0 || entries[0].Detail["path"] != other || entries[0].Detail["purpose"] != "write" {
				t.Errorf("%s: %s: %+v, %v", kind, action, entries, err)
			}
		}
	}
}

func TestTestsOfListsAreAudited(t *testing.T) {
	p, _ := newLookup(t)
	list := filepath.Join(p.dir, "list.txt")
	if err := os.WriteFile(list, []byte("a.example.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	token := sallyport.Actor{Kind: sallyport.ActorToken, Name: "t", Scopes: []sallyport.Scope{sallyport.ScopeRun}}
	draft := service.SourceDraft{Connector: "pulsedive", Credential: "P", Endpoint: "indicator.lookup", Params: map[string]any{"file": list}}
	if _, err := p.Service.TestSource(t.Context(), token, draft); sallyport.CodeOf(err) != sallyport.Forbidden {
		t.Errorf("without the scope: %v", err)
	}
	token.Scopes = append(token.Scopes, sallyport.ScopeFiles)
	draft.Params["file"] = "/etc/passwd"
	if _, err := p.Service.TestSource(t.Context(), token, draft); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), "files.roots") {
		t.Errorf("elsewhere: %v", err)
	}
	draft.Params["file"] = list
	if _, err := p.Service.TestSource(t.Context(), token, draft); err != nil {
		t.Fatal(err)
	}
	entries, err := p.Service.Audit(t.Context(), "", "file.use", 10, 0)
	if err != nil || len(entries) != 1 || entries[0].Detail["path"] != list || entries[0].Detail["purpose"] != "read" {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestGrantIsForOneTable lets others change a flow to which the owner has granted a database: only what was granted is written there.
func TestGrantIsForOneTable(t *testing.T) {
	p := newPlace(t, nil)
	path := filepath.Join(t.TempDir(), "app.db")
	p.apply(fmt.Sprintf("{name: d, connector: sqlite, config: {path: %s, table: import, mode: append}}", path))
	user := sallyport.Actor{Kind: sallyport.ActorUser, Name: "ada"}
	for name, change := range map[string]func(d *service.DestinationSpec){
		"another table":     func(d *service.DestinationSpec) { d.Config["table"] = "users" },
		"another connector": func(d *service.DestinationSpec) { d.Connector, d.Config = "file", map[string]any{"path": path} },
	} {
		spec := specOf(t, p, "f")
		change(&spec.Destinations[0])
		if _, err := p.Service.ReplaceFlow(t.Context(), user, "f", p.flow("f").UpdatedAt, spec); sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(fmt.Sprint(err), "was granted to this flow") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := p.Service.ReplaceFlow(t.Context(), actor, "f", p.flow("f").UpdatedAt, spec); name == "another table" && err != nil {
			t.Errorf("%s, by the owner: %v", name, err)
		}
		p.apply(fmt.Sprintf("{name: d, connector: sqlite, config: {path: %s, table: import, mode: append}}", path))
	}
	renamed := specOf(t, p, "f")
	renamed.Destinations[0].Name = "e"
	if _, err := p.Service.ReplaceFlow(t.Context(), user, "f", p.flow("f").UpdatedAt, renamed); err != nil {
		t.Errorf("another name: %v", err)
	}
}
