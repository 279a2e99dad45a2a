package api

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/events"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (s *server) runs() {
	add(s, "GET /runs", operation{id: "list-runs", scope: sallyport.ScopeRead, summary: "List runs, newest first"}, s.listRuns)
	add(s, "GET /runs/{id}", operation{id: "get-run", scope: sallyport.ScopeRead, summary: "Show a run with its deliveries"}, s.getRun)
	add(s, "GET /runs/{id}/events", operation{
		id: "watch-run", scope: sallyport.ScopeRead, streams: true, produces: []string{"text/event-stream"},
		summary: "Follow a run: server-sent events named run, each the run as it is then",
		about:   "The stream ends with the run, or after ten minutes: ask again then.",
	}, s.watchRun)
}

func runPath(id int64) string { return fmt.Sprintf("%s/runs/%d", root, id) }

func (s *server) listRuns(ctx context.Context, in *struct {
	Paging
	Flow  string             `query:"flow" maxLength:"200" doc:"Only those of this flow, by its name or id"`
	State sallyport.RunState `query:"state" enum:"queued,running,waiting,delivering,succeeded,failed" doc:"Only those in this state"`
}) (*With[page[sallyport.Run]], error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	found, err := s.Service.Runs(ctx, in.Flow, in.State, in.Limit+1, before)
	return answer(newest(found, in.Paging, func(r sallyport.Run) int64 { return r.ID }), err)
}

func (s *server) getRun(ctx context.Context, in *Numbered) (*With[service.RunDetail], error) {
	run, err := s.Service.Run(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	run.Deliveries = append([]sallyport.Delivery{}, run.Deliveries...)
	return answer(*run, nil)
}

func (s *server) watchRun(ctx context.Context, in *Numbered) (*huma.StreamResponse, error) {
	if _, err := s.Service.Run(ctx, in.ID); err != nil {
		return nil, err
	}
	token := tokenOf(ctx)
	stream := events.Stream{Name: "run", Changed: s.Service.Changed, Stop: s.Stopping, Log: s.Log}
	stream.Look = func(ctx context.Context) ([]byte, bool, error) {
		if _, err := s.Tokens.Find(ctx, string(token.ID)); err != nil { // it was revoked
			return nil, false, err
		}
		run, err := s.Service.Run(ctx, in.ID)
		if err != nil {
			return nil, false, err
		}
		text, err := json.Marshal(run)
		return s.Service.Shown().JSON(text), run.State.Finished(), err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		r, w := humago.Unwrap(c)
		ctx, cancel := context.WithTimeout(r.Context(), maxStream)
		defer cancel()
		if err := stream.Serve(w, r.WithContext(ctx)); err != nil {
			s.refuse(w, s.problem(ctx, err))
		}
	}}, nil
}
