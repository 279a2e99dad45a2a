package service

import (
	"context"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// The scope of an operation says what kind of thing it does; these functions ask for those scopes that depend on what the request supplies: a
// custom request, another flow's data, a file, an address. docs/api.md lists all operations with the reason for their scopes.

// permits refuses parameters that name what the scopes of the actor do not cover: data of another flow.
func (r resolver) permits(e *connector.Endpoint, params map[string]any) error {
	name := ""
	switch {
	case e.Each != nil:
		name = connector.ParamDataset
	case e.Answers != nil:
		name = connector.ParamFlow
	}
	if params[name] == nil {
		return nil
	}
	return r.actor.Needs(sallyport.ScopeRead, name, "the data of another flow")
}

// permitsAddress refuses an address other than the connector's own if the actor may not write: the request goes wherever it says.
func permitsAddress(actor sallyport.Actor, d *connector.Definition, public map[string]string) error {
	for _, f := range d.PublicFields() {
		if address := public[f.Name]; f.Name == connector.AddressField && address != "" && address != f.Default {
			return actor.Needs(sallyport.ScopeWrite, f.Name, "a test at an address of your choice")
		}
	}
	return nil
}

// auditTest records what a test of a source is about to request. Query values may hold secrets and are left out.
func (s *Service) auditTest(ctx context.Context, actor sallyport.Actor, d SourceDraft, source sallyport.Source) error {
	detail, flow := map[string]string{"connector": source.Connector}, d.Of
	if d.System != "" {
		detail["address"] = s.Redactor.String(d.System)
	}
	if source.Endpoint != "" {
		detail["endpoint"] = source.Endpoint
	}
	if q := source.Request; q != nil {
		path, _, _ := strings.Cut(q.URL, "?")
		detail["method"], detail["path"] = methodOf(q), s.Redactor.String(path)
	}
	if dataset, ok := source.Params[connector.ParamDataset].(string); ok {
		detail["dataset"] = dataset
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.SourceTest, Object: source.Credential, Detail: detail}
	return s.audited(ctx, entry, func(tx *store.Tx) error {
		for _, use := range s.filesOf(&sallyport.Flow{Source: source}) {
			if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.FileUse, flow.ID, fileDetail(flow.Name, use))); err != nil {
				return err
			}
		}
		return nil
	})
}

func methodOf(q *sallyport.Request) string {
	if q.Method == "" {
		return "GET"
	}
	return strings.ToUpper(q.Method)
}
