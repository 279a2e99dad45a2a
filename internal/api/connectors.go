package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/service"
)

// connectorSummary is a connector in a list.
type connectorSummary struct {
	Connector   string `json:"connector" doc:"Its id, such as pulsedive"`
	Name        string `json:"name"`
	Summary     string `json:"summary,omitempty"`
	Source      bool   `json:"source" doc:"Records can be pulled from it"`
	Destination bool   `json:"destination" doc:"Records can be delivered to it"`
	Credential  bool   `json:"credential" doc:"It wants a credential"`
	Endpoints   int    `json:"endpoints"`
}

func summaryOf(d *connector.Definition) connectorSummary {
	return connectorSummary{
		Connector: d.Connector, Name: d.Name, Summary: d.Summary, Source: service.IsSource(d), Destination: d.Destination != nil,
		Credential: d.Credential != nil, Endpoints: len(d.Endpoints),
	}
}

func (s *server) connectors() {
	add(s, "GET /connectors", operation{
		id: "list-connectors", scope: sallyport.ScopeRead, summary: "List connectors",
	}, s.listConnectors)
	add(s, "GET /connectors/{id}", operation{
		id: "get-connector", scope: sallyport.ScopeRead, summary: "Show what a connector needs and offers",
		about: "Its definition: the fields of its credential, its endpoints with their parameters, each with help and an example, what they cost and which schema their records have, its limits, and what it is as a destination.",
	}, s.getConnector)
	add(s, "GET /connectors/{id}/schemas/{name}", operation{
		id: "get-connector-schema", scope: sallyport.ScopeRead, summary: "Show the JSON Schema of records",
		about: "The name is the schema of an endpoint.",
	}, s.getShape)
}

func (s *server) listConnectors(_ context.Context, in *Paging) (*With[page[connectorSummary]], error) {
	definitions, err := s.Service.Catalogue.Definitions()
	if err != nil {
		return nil, err
	}
	all := make([]connectorSummary, len(definitions))
	for i, d := range definitions {
		all[i] = summaryOf(d)
	}
	return answer(cut(all, *in, func(c connectorSummary) string { return c.Connector }), nil)
}

// NamedConnector names a connector in a path.
type NamedConnector struct {
	ID string `path:"id" maxLength:"100" doc:"Its id, such as pulsedive"`
}

func (s *server) getConnector(_ context.Context, in *NamedConnector) (*With[connector.Definition], error) {
	d, err := s.definition(in.ID)
	if err != nil {
		return nil, err
	}
	shown := *d
	shown.Tests = nil // they are for whoever writes a definition
	return answer(shown, nil)
}

// definition finds a connector that a path names.
func (s *server) definition(id string) (*connector.Definition, error) {
	d, err := s.Service.Catalogue.Definition(id)
	return d, missing(err)
}

func (s *server) getShape(_ context.Context, in *struct {
	NamedConnector
	Name string `path:"name" maxLength:"100" doc:"The name of the schema, such as indicator"`
}) (*With[json.RawMessage], error) {
	d, err := s.definition(in.ID)
	if err != nil {
		return nil, err
	}
	form := d.Shapes[in.Name]
	if form == nil {
		return nil, missing(sallyport.Unknown("name", "schema of "+d.Connector, in.Name, slices.Sorted(maps.Keys(d.Shapes))))
	}
	return answer(json.RawMessage(form.Text()), nil)
}
