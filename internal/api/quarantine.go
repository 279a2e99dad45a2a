package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) quarantine() {
	add(s, "GET /quarantine", operation{
		id: "list-quarantine", scope: sallyport.ScopeRead, summary: "List records that could not be taken, newest first",
	}, s.listQuarantine)
	add(s, "GET /quarantine/{id}", operation{id: "get-quarantined", scope: sallyport.ScopeRead, summary: "Show a record in quarantine"}, s.getQuarantined)
	add(s, "PUT /quarantine/{id}", operation{
		id: "edit-quarantined", scope: sallyport.ScopeWrite, summary: "Edit a record in quarantine, where it stays",
	}, s.editQuarantined)
	add(s, "POST /quarantine/replay", operation{
		id: "replay-quarantine", scope: sallyport.ScopeRun, status: 202, summary: "Take records out of quarantine, to be kept and delivered",
		about: "Each exactly once. If one of them is still no object, none is replayed.",
	}, s.replayQuarantine)
	add(s, "POST /quarantine/discard", operation{
		id: "discard-quarantine", scope: sallyport.ScopeWrite, summary: "Delete records from quarantine for good",
	}, s.discardQuarantine)
}

func (s *server) listQuarantine(ctx context.Context, in *struct {
	Paging
	Flow        string `query:"flow" maxLength:"200" doc:"Only those of this flow, by its name or id"`
	Destination string `query:"destination" maxLength:"200" doc:"Only those that this destination of the flow has rejected"`
}) (*With[page[sallyport.Quarantined]], error) {
	if in.Destination != "" && in.Flow == "" {
		return nil, sallyport.FieldErrorf("flow", "must say which flow the destination belongs to")
	}
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	found, err := s.Service.Quarantine(ctx, in.Flow, in.Destination, in.Limit+1, before)
	return answer(newest(found, in.Paging, func(q sallyport.Quarantined) int64 { return q.ID }), err)
}

func (s *server) getQuarantined(ctx context.Context, in *Numbered) (*With[sallyport.Quarantined], error) {
	return answer(s.Service.Quarantined(ctx, in.ID))
}

// edited is what a record in quarantine becomes.
type edited struct {
	Record   json.RawMessage `json:"record" doc:"The record, an object"`
	EditedAt time.Time       `json:"edited_at,omitzero" doc:"As it was read: if somebody has edited the record since then, nothing is changed"`
}

func (s *server) editQuarantined(ctx context.Context, in *struct {
	Numbered
	With[edited]
}) (*With[sallyport.Quarantined], error) {
	b := in.Body
	return answer(s.Service.EditQuarantined(ctx, actorOf(ctx), in.ID, b.EditedAt, b.Record))
}

// selection says which records are meant.
type selection struct {
	Flow        string  `json:"flow,omitempty" doc:"Those of this flow, by its name or id"`
	Destination string  `json:"destination,omitempty" doc:"Only those that this destination of the flow has rejected"`
	IDs         []int64 `json:"ids,omitempty" maxItems:"1000" doc:"Only those with these numbers"`
}

// settledFlows is what was done, by flow.
type settledFlows struct {
	Flows []service.Settled `json:"flows"`
}

// chosen makes sure that a selection selects: all of quarantine is never meant by leaving something out.
func (s selection) chosen() (service.Selection, error) {
	if s.Flow == "" && len(s.IDs) == 0 {
		return service.Selection{}, sallyport.FieldErrorf("flow", "is missing: name a flow, or records by their ids")
	}
	return service.Selection(s), nil
}

func (s *server) replayQuarantine(ctx context.Context, in *With[selection]) (*With[settledFlows], error) {
	which, err := in.Body.chosen()
	if err != nil {
		return nil, err
	}
	done, err := s.Service.ReplayQuarantined(ctx, actorOf(ctx), which)
	return answer(settledFlows{done}, misnamed(err))
}

func (s *server) discardQuarantine(ctx context.Context, in *With[selection]) (*With[settledFlows], error) {
	which, err := in.Body.chosen()
	if err != nil {
		return nil, err
	}
	done, err := s.Service.DiscardQuarantined(ctx, actorOf(ctx), which)
	return answer(settledFlows{done}, misnamed(err))
}
