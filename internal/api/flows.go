package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// flowView is a flow with its newest run.
type flowView struct {
	sallyport.Flow
	PulledTo time.Time             `json:"pulled_to,omitzero" doc:"Of a flow with since: everything that was added before is pulled"`
	Last     *sallyport.Run        `json:"last,omitempty" doc:"Its newest run"`
	Grants   []sallyport.FileGrant `json:"grants,omitempty" doc:"Of one flow, not in lists: files outside of files.roots that the local owner permitted it to use"`
}

func viewOf(f service.FlowStatus) flowView {
	return flowView{Flow: f.Flow, PulledTo: f.Source.PulledTo(), Last: f.Last}
}

func (s *server) flows() {
	add(s, "GET /flows", operation{id: "list-flows", scope: sallyport.ScopeRead, summary: "List flows"}, s.listFlows)
	add(s, "POST /flows", operation{
		id: "create-flow", scope: sallyport.ScopeWrite, status: 201, summary: "Create a flow",
		about: "The body says what a flow file says, credentials by name. The flow is active: its source is pulled when its schedule is due, or by POST /flows/{id}/run.",
	}, s.createFlow)
	add(s, "POST /flows/apply", operation{
		id: "apply-flows", scope: sallyport.ScopeWrite, summary: "Apply a flow file: all of its flows or, when one has a fault, none",
	}, s.applyFlows)
	add(s, "GET /flows/{id}", operation{id: "get-flow", scope: sallyport.ScopeRead, summary: "Show a flow"}, s.getFlow)
	add(s, "PUT /flows/{id}", operation{
		id: "replace-flow", scope: sallyport.ScopeWrite, summary: "Change a flow",
		about: "It is then as the body says, and goes on as active or paused as it was. Its name stays. With `If-Match` it is only changed if nobody else has changed it since it was read.",
	}, s.replaceFlow)
	add(s, "DELETE /flows/{id}", operation{
		id: "delete-flow", scope: sallyport.ScopeWrite, summary: "Remove a flow with its source, dataset and runs",
	}, s.deleteFlow)
	add(s, "DELETE /flows/{id}/grants", operation{
		id: "revoke-flow-file", scope: sallyport.ScopeWrite, summary: "Revoke the permission of a flow to use a file outside of files.roots",
		about: "A delivery that is writing to the file commits nothing more. The token also needs the scope files. Only the local owner grants files, at the command line.",
	}, s.revokeFile)
	add(s, "GET /flows/{id}/spec", operation{
		id: "get-flow-spec", scope: sallyport.ScopeRead, summary: "Show a flow as it can be sent to create or replace one",
	}, s.getSpec)
	add(s, "GET /flows/{id}/file", operation{id: "get-flow-file", scope: sallyport.ScopeRead, produces: []string{"application/yaml"}, summary: "Show a flow as a flow file"}, s.getFlowFile)
	add(s, "GET /flows/{id}/cost", operation{
		id: "get-flow-cost", scope: sallyport.ScopeRead, summary: "Estimate what a flow spends of its credential's quota",
	}, s.getCost)
	add(s, "POST /flows/{id}/run", operation{
		id: "run-flow", scope: sallyport.ScopeRun, status: 202, summary: "Start a run of a flow, or take up the one that is unfinished",
		about: "With a body the run fills a gap: it pulls what was added between two times, and does not move the cursor of a flow with `since`.",
	}, s.runFlow)
	add(s, "POST /flows/{id}/reset", operation{
		id: "reset-flow", scope: sallyport.ScopeRun, summary: "Let the next run of a flow with since begin at a time",
		about: "What was delivered from then on is delivered again, unless the flow keeps changes only.",
	}, s.resetFlow)
	add(s, "POST /flows/{id}/deliver", operation{
		id: "deliver-flow", scope: sallyport.ScopeRun, status: 202, summary: "Bring the destinations of a flow up to its dataset, without a call to its source",
	}, s.deliverFlow)
	add(s, "POST /flows/{id}/accept", operation{
		id: "accept-pull", scope: sallyport.ScopeRun, status: 202, summary: "Deliver the held pull of a flow",
		about: "A run is held when more records than vanish_limit allows would vanish. What it pulled is delivered exactly as it was pulled, without a request, and the missing records count as vanished. It is a conflict if no pull is held.",
	}, s.acceptPull)
	add(s, "POST /flows/{id}/reject", operation{
		id: "reject-pull", scope: sallyport.ScopeRun, summary: "Drop the held pull of a flow",
		about: "Nothing of the pull is delivered, nothing vanishes, and the next run pulls again. It is a conflict if no pull is held.",
	}, s.rejectPull)
	add(s, "POST /flows/{id}/pause", operation{id: "pause-flow", scope: sallyport.ScopeRun, summary: "Pause a flow"}, s.pauseFlow)
	add(s, "POST /flows/{id}/resume", operation{
		id: "resume-flow", scope: sallyport.ScopeRun, summary: "Let a paused flow go on from where it stands",
	}, s.resumeFlow)
}

func (s *server) listFlows(ctx context.Context, in *struct {
	Paging
	Search string              `query:"search" maxLength:"100" doc:"A part of the name, ignoring case"`
	State  sallyport.FlowState `query:"state" enum:"active,paused"`
	Failed bool                `query:"failed" doc:"Only those whose newest run failed, or waits for a new key"`
}) (*With[page[flowView]], error) {
	q := service.FlowQuery{Search: in.Search, State: in.State, Failed: in.Failed, After: in.After, Limit: in.Limit}
	found, next, err := s.Service.FlowStatuses(ctx, q)
	if err != nil {
		return nil, err
	}
	views := make([]flowView, len(found))
	for i, f := range found {
		views[i] = viewOf(f)
	}
	return answer(page[flowView]{views, next}, nil)
}

// Tagged is an answer that says which state of a thing it shows.
type Tagged[T any] struct {
	ETag string `header:"ETag" doc:"For If-Match, when it is changed"`
	Body T
}

// tag names the state of a flow.
func tag(f sallyport.Flow) string { return `"` + strconv.FormatInt(f.UpdatedAt.UnixMicro(), 10) + `"` }

// state is when a flow was changed last that has a tag; zero for no tag.
func state(tag string) (time.Time, error) {
	if tag == "" {
		return time.Time{}, nil
	}
	micros, err := strconv.ParseInt(strings.Trim(tag, `"`), 10, 64)
	if err != nil || micros < 1 {
		return time.Time{}, sallyport.FieldErrorf("If-Match", "is no ETag of a flow; use the one that came with it")
	}
	return time.UnixMicro(micros), nil
}

func (s *server) getFlow(ctx context.Context, in *One) (*Tagged[flowView], error) {
	f, err := s.Service.FlowStatus(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	view := viewOf(f)
	if view.Grants, err = s.Service.FileGrants(ctx, f.ID); err != nil {
		return nil, err
	}
	return &Tagged[flowView]{tag(f.Flow), view}, nil
}

func (s *server) createFlow(ctx context.Context, in *With[service.FlowSpec]) (*Created[flowView], error) {
	f, err := s.Service.CreateFlow(ctx, actorOf(ctx), in.Body)
	if err != nil {
		return nil, err
	}
	return &Created[flowView]{root + "/flows/" + string(f.ID), flowView{Flow: f}}, nil
}

func (s *server) replaceFlow(ctx context.Context, in *struct {
	One
	IfMatch string `header:"If-Match" maxLength:"40" doc:"The ETag that came with the flow"`
	With[service.FlowSpec]
}) (*Tagged[flowView], error) {
	since, err := state(in.IfMatch)
	if err != nil {
		return nil, err
	}
	f, err := s.Service.ReplaceFlow(ctx, actorOf(ctx), in.ID, since, in.Body)
	if err != nil {
		return nil, s.changedMeanwhile(ctx, since, err)
	}
	return s.getFlow(ctx, &One{string(f.ID)})
}

// applied is what became of the flows of a flow file.
type applied struct {
	Flows []service.FlowChange `json:"flows"`
}

func (s *server) applyFlows(ctx context.Context, in *struct {
	DryRun  bool   `query:"dry_run" doc:"Only say what would become of them"`
	RawBody []byte `contentType:"application/yaml"`
}) (*With[applied], error) {
	if len(in.RawBody) > service.MaxFlowFile {
		return nil, sallyport.Errorf(sallyport.Invalid, "the flow file has more than %d bytes", service.MaxFlowFile)
	}
	changes, err := s.Service.ApplyFlows(ctx, actorOf(ctx), []service.FlowFile{{Name: "body", Data: in.RawBody}}, in.DryRun)
	return answer(applied{changes}, err)
}

func (s *server) deleteFlow(ctx context.Context, in *struct {
	One
	IfMatch string `header:"If-Match" maxLength:"40" doc:"The ETag that came with the flow"`
}) (*struct{}, error) {
	since, err := state(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, s.changedMeanwhile(ctx, since, s.Service.DeleteFlow(ctx, actorOf(ctx), in.ID, since))
}

func (s *server) revokeFile(ctx context.Context, in *struct {
	One
	Path string `query:"path" required:"true" maxLength:"4096" doc:"The path of the file, as the grants of the flow have it"`
}) (*struct{}, error) {
	return nil, s.Service.RevokeFile(ctx, actorOf(ctx), in.ID, in.Path)
}

// changedMeanwhile makes a conflict the answer to a condition that does not hold.
func (s *server) changedMeanwhile(ctx context.Context, since time.Time, err error) error {
	if since.IsZero() || sallyport.CodeOf(err) != sallyport.Conflict {
		return err
	}
	p := s.problem(ctx, err)
	p.Status, p.Title = http.StatusPreconditionFailed, http.StatusText(http.StatusPreconditionFailed)
	return p
}

func (s *server) getSpec(ctx context.Context, in *One) (*Tagged[service.FlowSpec], error) {
	f, err := s.Service.Flow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	spec, err := s.Service.FlowSpec(ctx, string(f.ID))
	if err != nil {
		return nil, err
	}
	return &Tagged[service.FlowSpec]{tag(f), spec}, nil
}

// text is an answer that is no JSON.
type text struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *server) getFlowFile(ctx context.Context, in *One) (*text, error) {
	file, err := s.Service.ExportFlow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &text{"application/yaml", file}, nil
}

func (s *server) getCost(ctx context.Context, in *One) (*With[service.Cost], error) {
	return answer(s.Service.FlowCost(ctx, in.ID))
}

// started is a run that was started or taken up.
type started struct {
	Run     sallyport.Run `json:"run"`
	Resumed bool          `json:"resumed" doc:"It was left unfinished, and goes on"`
}

// gap is what a run pulls by itself.
type gap struct {
	From  string `json:"from" minLength:"1" maxLength:"100" doc:"Where it begins: an RFC 3339 time, a date or for example now-30d"`
	Until string `json:"until,omitempty" maxLength:"100" doc:"Where it ends; now if absent"`
}

func (s *server) runFlow(ctx context.Context, in *struct {
	One
	Body *gap
}) (*Created[started], error) {
	if in.Body != nil {
		run, err := s.Service.FillGap(ctx, actorOf(ctx), in.ID, in.Body.From, in.Body.Until)
		if err != nil {
			return nil, err
		}
		return &Created[started]{runPath(run.ID), started{Run: run}}, nil
	}
	run, resumed, err := s.Service.StartRun(ctx, actorOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &Created[started]{runPath(run.ID), started{run, resumed}}, nil
}

func (s *server) resetFlow(ctx context.Context, in *struct {
	One
	Body struct {
		Since string `json:"since" minLength:"1" maxLength:"100" doc:"An RFC 3339 time, a date or for example now-30d"`
	}
}) (*Tagged[flowView], error) {
	if _, err := s.Service.ResetFlow(ctx, actorOf(ctx), in.ID, in.Body.Since); err != nil {
		return nil, err
	}
	return s.getFlow(ctx, &in.One)
}

func (s *server) deliverFlow(ctx context.Context, in *One) (*Tagged[flowView], error) {
	f, err := s.Service.Flow(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := s.Service.QueueDeliveries(ctx, actorOf(ctx), f); err != nil {
		return nil, err
	}
	return s.getFlow(ctx, in)
}

func (s *server) acceptPull(ctx context.Context, in *One) (*Created[sallyport.Run], error) {
	run, err := s.Service.AcceptPull(ctx, actorOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &Created[sallyport.Run]{runPath(run.ID), run}, nil
}

func (s *server) rejectPull(ctx context.Context, in *One) (*With[sallyport.Run], error) {
	return answer(s.Service.RejectPull(ctx, actorOf(ctx), in.ID))
}

func (s *server) pauseFlow(ctx context.Context, in *One) (*Tagged[flowView], error) {
	return s.setState(ctx, in, sallyport.FlowPaused)
}

func (s *server) resumeFlow(ctx context.Context, in *One) (*Tagged[flowView], error) {
	return s.setState(ctx, in, sallyport.FlowActive)
}

func (s *server) setState(ctx context.Context, in *One, state sallyport.FlowState) (*Tagged[flowView], error) {
	if err := s.Service.SetFlowState(ctx, actorOf(ctx), in.ID, state); err != nil {
		return nil, err
	}
	return s.getFlow(ctx, in)
}
