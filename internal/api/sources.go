package api

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// sourceDraft is a source that is not part of a flow yet.
type sourceDraft struct {
	Connector  string             `json:"connector" doc:"Such as pulsedive"`
	Credential string             `json:"credential,omitempty" doc:"Its name, or its id"`
	Endpoint   string             `json:"endpoint,omitempty" doc:"Of the connector, such as feed.indicators"`
	Params     service.Values     `json:"params,omitempty" doc:"Of the endpoint, by name"`
	Request    *sallyport.Request `json:"request,omitempty" doc:"Instead of an endpoint, where the connector takes a request of one's own"`
	Raw        bool               `json:"raw,omitempty" doc:"Each record also has the original, as _raw"`
	Propose    bool               `json:"propose,omitempty" doc:"Find out how the response to a request of one's own should be read. This may take one more request"`
}

func (s *server) sources() {
	add(s, "POST /sources/test", operation{
		id: "test-source", scope: sallyport.ScopeRun, unkept: true, summary: "Fetch a sample of a source",
		about: "It takes a call or a few, and gives at most 20 records. Nothing is stored but answers about single values, which are not asked for again then: so this looks an indicator up, too.",
	}, s.testSource)
}

func (s *server) testSource(ctx context.Context, in *With[sourceDraft]) (*With[*service.Sample], error) {
	b := in.Body
	sample, err := s.Service.TestSource(ctx, actorOf(ctx), service.SourceDraft{
		Connector: b.Connector, Credential: b.Credential, Endpoint: b.Endpoint, Params: b.Params, Request: b.Request, Raw: b.Raw, Propose: b.Propose,
	})
	return answer(sample, misnamed(err))
}
