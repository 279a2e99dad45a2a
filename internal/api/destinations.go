package api

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) destinations() {
	add(s, "GET /destinations", operation{
		id: "list-destinations", scope: sallyport.ScopeRead, summary: "List destinations, and how far each is",
	}, s.listDestinations)
	add(s, "GET /destinations/{id}", operation{id: "get-destination", scope: sallyport.ScopeRead, summary: "Show a destination"}, s.getDestination)
	add(s, "POST /destinations/{id}/replay", operation{
		id: "replay-destination", scope: sallyport.ScopeRun, status: 202, summary: "Deliver again what a destination has rejected",
		about: "Its records leave quarantine, each exactly once, and come back with the reason if they are rejected again.",
	}, s.replayDestination)
}

// destinationName is by which a list of destinations is sorted: there may be two of a name, in two flows.
func destinationName(d service.FlowDestination) string { return d.Flow + "\n" + d.Name }

func (s *server) listDestinations(ctx context.Context, in *struct {
	Paging
	Flow   string `query:"flow" maxLength:"200" doc:"Only those of this flow, by its name or id"`
	Failed bool   `query:"failed" doc:"Only those whose last delivery failed"`
}) (*With[page[service.FlowDestination]], error) {
	all, err := s.Service.Destinations(ctx, in.Flow)
	if err != nil {
		return nil, err
	}
	found := []service.FlowDestination{}
	for _, d := range all {
		if !in.Failed || d.Error != "" {
			found = append(found, d)
		}
	}
	return answer(cut(found, in.Paging, destinationName), nil)
}

// oneDestination names a destination in a path.
type oneDestination struct {
	ID sallyport.ID `path:"id" maxLength:"100" doc:"Its id"`
}

func (s *server) getDestination(ctx context.Context, in *oneDestination) (*With[service.FlowDestination], error) {
	return answer(s.Service.Destination(ctx, in.ID))
}

func (s *server) replayDestination(ctx context.Context, in *oneDestination) (*With[settledFlows], error) {
	d, err := s.Service.Destination(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	done, err := s.Service.ReplayQuarantined(ctx, actorOf(ctx), service.Selection{Flow: string(d.FlowID), Destination: d.Name})
	return answer(settledFlows{done}, err)
}
