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
		id: "replay-destination", scope: sallyport.ScopeRun, status: 202, summary: "Deliver to a destination again, without a call to the source",
		about: "What it has rejected leaves quarantine, each record exactly once, and comes back with the reason if it is rejected again. With `from_beginning` it has its whole dataset again instead: a file is written anew; rows of a table with a key are replaced; a table without a key is renamed to TABLE_old_N (with the first free N), and a new one is filled; what was submitted is not submitted again.",
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

// OneDestination names a destination in a path.
type OneDestination struct {
	ID sallyport.ID `path:"id" maxLength:"100" doc:"Its id"`
}

func (s *server) getDestination(ctx context.Context, in *OneDestination) (*With[service.FlowDestination], error) {
	return answer(s.Service.Destination(ctx, in.ID))
}

// replay says what a destination has again.
type replay struct {
	FromBeginning bool `json:"from_beginning,omitempty" doc:"Everything, from the first batch on; else what it has rejected"`
}

// replayed is a destination that has something again.
type replayed struct {
	Destination service.FlowDestination `json:"destination" doc:"As it is now: the work is queued"`
	Records     int64                   `json:"records" doc:"That left quarantine"`
}

func (s *server) replayDestination(ctx context.Context, in *struct {
	OneDestination
	Body *replay
}) (*With[replayed], error) {
	d, err := s.Service.Destination(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var done replayed
	if in.Body != nil && in.Body.FromBeginning {
		err = s.Service.DeliverAgain(ctx, actorOf(ctx), d)
	} else {
		done.Records, err = s.replayRejected(ctx, d)
	}
	if err != nil {
		return nil, err
	}
	done.Destination, err = s.Service.Destination(ctx, d.ID)
	return answer(done, err)
}

func (s *server) replayRejected(ctx context.Context, d service.FlowDestination) (records int64, err error) {
	settled, err := s.Service.ReplayQuarantined(ctx, actorOf(ctx), service.Selection{Flow: string(d.FlowID), Destination: d.Name})
	for _, flow := range settled {
		records += flow.Records
	}
	return records, err
}
