package api

import (
	"context"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) administration() {
	add(s, "GET /usage", operation{
		id: "list-usage", scope: sallyport.ScopeRead, summary: "Show what ran of each flow in the last 24 hours, by the hour",
		about: "What is left of a quota is at /credentials/{id}/usage.",
	}, s.listUsage)
	add(s, "GET /audit", operation{
		id: "list-audit", scope: sallyport.ScopeAdmin, summary: "List who used or changed what, newest first",
	}, s.listAudit)
	add(s, "GET /users", operation{id: "list-users", scope: sallyport.ScopeAdmin, summary: "List who may sign in to the pages"}, s.listUsers)
	add(s, "GET /tokens", operation{id: "list-tokens", scope: sallyport.ScopeAdmin, summary: "List API tokens"}, s.listTokens)
	add(s, "POST /tokens", operation{
		id: "create-token", scope: sallyport.ScopeAdmin, status: 201, unkept: true, summary: "Make an API token",
		about: "The answer is the only one that shows it. It has no scope that the token has not by which it is made, and does not outlive it.",
	}, s.createToken)
	add(s, "DELETE /tokens/{id}", operation{
		id: "revoke-token", scope: sallyport.ScopeAdmin, summary: "Revoke an API token: the next request with it is refused",
	}, s.revokeToken)
}

// flowUsage is what ran of a flow of late.
type flowUsage struct {
	FlowID sallyport.ID   `json:"flow_id"`
	Flow   string         `json:"flow"`
	Hours  []service.Hour `json:"hours" doc:"The last 24, the present one last"`
}

func (s *server) listUsage(ctx context.Context, in *Paging) (*With[page[flowUsage]], error) {
	found, next, err := s.Service.FlowStatuses(ctx, service.FlowQuery{After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	all := make([]flowUsage, len(found))
	for i, f := range found {
		all[i] = flowUsage{f.ID, f.Name, f.Hours}
	}
	return answer(page[flowUsage]{all, next}, nil)
}

func (s *server) listAudit(ctx context.Context, in *struct {
	Paging
	Object sallyport.ID `query:"object" maxLength:"100" doc:"Only what was done to this, by its id"`
	Action string       `query:"action" maxLength:"100" doc:"Only this, such as credential.open"`
}) (*With[page[sallyport.AuditEntry]], error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	found, err := s.Service.Audit(ctx, in.Object, in.Action, in.Limit+1, before)
	return answer(newest(found, in.Paging, func(e sallyport.AuditEntry) int64 { return e.ID }), err)
}

func (s *server) listUsers(ctx context.Context, in *Paging) (*With[page[sallyport.User]], error) {
	all, err := s.Service.Users(ctx)
	return answer(cut(all, *in, func(u sallyport.User) string { return u.Name }), err)
}

func (s *server) listTokens(ctx context.Context, in *Paging) (*With[page[sallyport.Token]], error) {
	all, err := s.Tokens.List(ctx)
	return answer(cut(all, *in, func(t sallyport.Token) string { return t.Name }), err)
}

// tokenDraft is a token before it is made.
type tokenDraft struct {
	Name      string            `json:"name" doc:"What it is for"`
	Scopes    []sallyport.Scope `json:"scopes" doc:"What it may do: read, run, write, files, admin"`
	ExpiresAt time.Time         `json:"expires_at,omitzero" doc:"Absent: never"`
}

// newToken is a token with what it is shown as, once.
type newToken struct {
	sallyport.Token
	Text string `json:"token" doc:"What goes into the header Authorization: Bearer. It is not shown again"`
}

func (s *server) createToken(ctx context.Context, in *With[tokenDraft]) (*Created[newToken], error) {
	own := tokenOf(ctx)
	for _, scope := range in.Body.Scopes {
		if slices.Contains(sallyport.Scopes, scope) && !own.May(scope) {
			return nil, sallyport.FieldErrorf("scopes", "%s is no scope of the token %q, which cannot give it to another", scope, own.Name)
		}
	}
	if expires := in.Body.ExpiresAt; !own.ExpiresAt.IsZero() && (expires.IsZero() || expires.After(own.ExpiresAt)) {
		return nil, sallyport.FieldErrorf("expires_at", "must be %s at the latest: then the token %q expires, by which this one is made",
			own.ExpiresAt.Format(time.RFC3339), own.Name)
	}
	t, text, err := s.Tokens.Create(ctx, actorOf(ctx), in.Body.Name, in.Body.Scopes, in.Body.ExpiresAt)
	if err != nil {
		return nil, err
	}
	return &Created[newToken]{root + "/tokens/" + string(t.ID), newToken{t, text}}, nil
}

func (s *server) revokeToken(ctx context.Context, in *One) (*struct{}, error) {
	return nil, s.Tokens.Revoke(ctx, actorOf(ctx), in.ID)
}
