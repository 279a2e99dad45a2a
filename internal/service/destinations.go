package service

import (
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
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
		err = sallyport.Errorf(sallyport.NotFound, "there is no destination %s", sallyport.Quoted(string(id)))
	}
	return FlowDestination{}, err
}

// DestinationOf finds a destination of a flow by its name.
func (s *Service) DestinationOf(ctx context.Context, flowName, name string) (FlowDestination, error) {
	flow, err := s.Flow(ctx, flowName)
	if err != nil {
		return FlowDestination{}, err
	}
	id, err := destinationOf(flow, name)
	if err != nil {
		return FlowDestination{}, err
	}
	return s.Destination(ctx, id)
}

// DeliverAgain lets a destination have its dataset from the beginning, in place of what it had, without any request to the source. A file is
// written anew, rows of a table with a key are replaced, a table without one is renamed to TABLE_old_N and filled anew, and what was submitted
// is not submitted again. It only queues the work.
func (s *Service) DeliverAgain(ctx context.Context, actor sallyport.Actor, d FlowDestination) error {
	entry := sallyport.AuditEntry{
		Actor: actor, Action: audit.FlowDeliver, Object: d.FlowID, Detail: map[string]string{"name": d.Flow, "destination": d.Name, "from": "the beginning"},
	}
	return s.audited(ctx, entry, func(tx *store.Tx) error {
		if err := tx.RewindDestination(ctx, d.ID); err != nil {
			return err
		}
		return s.Engine.Deliver(ctx, tx, d.FlowID)
	})
}
