package service

import (
	"context"

	"github.com/sallyport-io/sallyport"
)

// FlowDestination is a destination with the flow that it belongs to.
type FlowDestination struct {
	sallyport.Destination
	Flow    string       `json:"flow"`
	FlowID  sallyport.ID `json:"flow_id"`
	LastSeq int64        `json:"last_seq"` // of its dataset: where Position is to get to
}

// Destinations lists the destinations of one flow in its order, or of all flows ("") by the names of these.
func (s *Service) Destinations(ctx context.Context, flowName string) ([]FlowDestination, error) {
	var flows []sallyport.Flow
	var err error
	if flowName == "" {
		flows, err = s.Store.Flows(ctx)
	} else {
		flows = make([]sallyport.Flow, 1)
		flows[0], err = s.Flow(ctx, flowName)
	}
	if err != nil {
		return nil, err
	}
	all := []FlowDestination{}
	for _, f := range flows {
		for _, d := range f.Destinations {
			all = append(all, FlowDestination{d, f.Name, f.ID, f.Dataset.LastSeq})
		}
	}
	return all, nil
}

// Destination finds a destination by its id.
func (s *Service) Destination(ctx context.Context, id sallyport.ID) (FlowDestination, error) {
	all, err := s.Destinations(ctx, "")
	for _, d := range all {
		if d.ID == id {
			return d, err
		}
	}
	if err == nil {
		err = sallyport.Errorf(sallyport.NotFound, "there is no destination %q", id)
	}
	return FlowDestination{}, err
}

// Users lists who may sign in, by name.
func (s *Service) Users(ctx context.Context) ([]sallyport.User, error) { return s.Store.Users(ctx) }
