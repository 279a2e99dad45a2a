package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/store"
)

// followInterval is how often a run is looked at that another process works.
const followInterval = 100 * time.Millisecond

// deliveryWait is how long deliveries are followed that wait without getting on.
const deliveryWait = 5 * time.Minute

// StartRun begins a run of a flow, or takes up the one that is left unfinished. It only queues the work: Follow works it, or a server.
func (s *Service) StartRun(ctx context.Context, actor sallyport.Actor, flowName string) (run sallyport.Run, resumed bool, err error) {
	flow, err := s.Flow(ctx, flowName)
	if err != nil {
		return run, false, err
	}
	if flow.State == sallyport.FlowPaused {
		return run, false, sallyport.Errorf(sallyport.Conflict, "flow %q is paused; resume it first", flow.Name)
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.mayRun(ctx, tx, flow); err != nil {
			return err
		}
		run, resumed, err = s.startRun(ctx, tx, actor, &flow)
		return err
	})
	return run, resumed, err
}

func (s *Service) startRun(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow) (run sallyport.Run, resumed bool, err error) {
	if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.FlowRun, f.ID, map[string]string{"name": f.Name})); err != nil {
		return run, false, err
	}
	if _, err := s.Engine.TakeTurn(ctx, tx, f, sallyport.Now()); err != nil {
		return run, false, err
	}
	run, resumed, err = s.Engine.StartRun(ctx, tx, f.ID)
	if err == nil && !resumed && !run.State.Finished() {
		run.ByHand = true
		err = tx.UpdateRun(ctx, run)
	}
	return run, resumed, err
}

// mayRun refuses a new run of a flow whose source was pulled too short a time ago. One that is unfinished may go on.
func (s *Service) mayRun(ctx context.Context, tx *store.Tx, flow sallyport.Flow) error {
	_, err := tx.UnfinishedRun(ctx, flow.ID)
	if sallyport.CodeOf(err) != sallyport.NotFound {
		return err
	}
	return s.Engine.MayPull(ctx, tx, flow.Source)
}

// Progress is where a run stands, with the destinations of its flow.
type Progress struct {
	Run          sallyport.Run
	Destinations []sallyport.Destination
	LastSeq      int64                // of the dataset: where the destinations are to get to
	Waiting      []sallyport.Delivery // for a quota, or after a failed attempt
	Elsewhere    bool                 // another process works it
}

// Follow works a run in this process, or watches it while another process works this database, and tells about its progress whenever
// something moved. It returns when the run is finished, or waits for a new key, or it or its deliveries would wait longer than maxWait without
// getting on, or ctx ends. What a run that waits has pulled is delivered first. Only time in which everything waits counts. A run that is returned while its deliveries wait has the code of that.
func (s *Service) Follow(ctx context.Context, runID int64, maxWait time.Duration, tell func(Progress)) (run sallyport.Run, err error) {
	waits := patience{most: maxWait}
	err = s.work(ctx, tell, func() (Progress, bool, error) {
		if run, err = s.Store.Run(ctx, runID); err != nil {
			return Progress{}, false, err
		}
		flow, err := s.Store.Flow(ctx, run.FlowID)
		if err == nil && flow.State == sallyport.FlowPaused && !run.State.Finished() && run.State != sallyport.RunDelivering {
			err = sallyport.Errorf(sallyport.Conflict, "flow %q was paused; the run goes on from where it stands when the flow is resumed", flow.Name)
		}
		if err != nil {
			return Progress{}, false, err
		}
		waiting, err := s.Store.WaitingDeliveries(ctx, flow.ID)
		if first := allWait(flow, waiting); run.State == sallyport.RunDelivering && first.ID != 0 {
			run.WaitUntil, run.Code = first.WaitUntil, first.Code
		}
		tooLong := waits.over(run.Pages+run.Records+delivered(flow), run.WaitUntil, time.Now()) || run.WaitsForKey() || run.State == sallyport.RunHeld
		return Progress{Run: run, Destinations: flow.Destinations, LastSeq: flow.Dataset.LastSeq, Waiting: waiting}, run.State.Finished() || tooLong && !beingDelivered(flow, waiting), err
	})
	return run, err
}

// Deliver brings the destinations of a flow up to the end of its dataset, those that have failed too, without any call to the source. It
// works and tells as Follow does, and returns the destinations as they are then.
func (s *Service) Deliver(ctx context.Context, actor sallyport.Actor, flowName string, tell func(Progress)) ([]sallyport.Destination, error) {
	flow, err := s.Flow(ctx, flowName)
	if err != nil {
		return nil, err
	}
	if err := s.QueueDeliveries(ctx, actor, flow); err != nil {
		return nil, err
	}
	return s.FollowDeliveries(ctx, flow.ID, tell)
}

// FollowDeliveries works the deliveries of a flow that are queued, or watches while another process does, until every destination has
// everything or has failed, and returns the destinations as they are then. It is an error if all that is left waits long.
func (s *Service) FollowDeliveries(ctx context.Context, flowID sallyport.ID, tell func(Progress)) ([]sallyport.Destination, error) {
	var flow sallyport.Flow
	waits := patience{most: deliveryWait}
	err := s.work(ctx, tell, func() (p Progress, done bool, err error) {
		flow, err = s.Store.Flow(ctx, flowID)
		if err != nil {
			return p, false, err
		}
		waiting, err := s.Store.WaitingDeliveries(ctx, flow.ID)
		first := allWait(flow, waiting)
		if waits.over(delivered(flow), first.WaitUntil, time.Now()) && err == nil {
			err = &sallyport.Error{Code: first.Code, Until: first.WaitUntil, Message: fmt.Sprintf("the delivery to %q waits until %s and then "+
				"continues automatically: %s", first.Destination, first.WaitUntil.Format(time.RFC3339), first.Error)}
		}
		return Progress{Destinations: flow.Destinations, LastSeq: flow.Dataset.LastSeq, Waiting: waiting}, !slices.ContainsFunc(flow.Destinations, behind(flow)), err
	})
	return flow.Destinations, err
}

// behind tells the destinations of a flow that something is still to be delivered to.
func behind(flow sallyport.Flow) func(sallyport.Destination) bool {
	return func(d sallyport.Destination) bool { return d.Error == "" && d.Behind(flow.Dataset.LastSeq) }
}

// beingDelivered reports whether something is delivered right now: a destination is behind, has not failed and does not wait.
func beingDelivered(flow sallyport.Flow, waiting []sallyport.Delivery) bool {
	return slices.ContainsFunc(flow.Destinations, func(d sallyport.Destination) bool {
		waits := slices.ContainsFunc(waiting, func(w sallyport.Delivery) bool { return w.DestinationID == d.ID })
		return behind(flow)(d) && !waits
	})
}

// QueueDeliveries lets the destinations of a flow have what they are behind with, those that have failed too. It only queues the work.
func (s *Service) QueueDeliveries(ctx context.Context, actor sallyport.Actor, flow sallyport.Flow) error {
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.FlowDeliver, Object: flow.ID, Detail: map[string]string{"name": flow.Name}}
	return s.audited(ctx, entry, func(tx *store.Tx) error { return s.Engine.Deliver(ctx, tx, flow.ID) })
}

// work works what is queued, unless another process does, and looks how it goes whenever something moved, until it is done.
func (s *Service) work(ctx context.Context, tell func(Progress), look func() (p Progress, done bool, err error)) (err error) {
	working := false
	defer func() {
		if working {
			err = errors.Join(err, s.Engine.Stop(context.WithoutCancel(ctx)))
		}
	}()
	for {
		changed := s.Engine.Changed()
		if !working {
			if working, err = s.Engine.Start(ctx); err != nil {
				return err
			}
		}
		p, done, err := look()
		if err != nil {
			return err
		}
		p.Elsewhere = !working
		tell(p)
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(followInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Runs lists runs, newest first: of one flow, or of all when flowName is empty, and in one state, or in any (""). before is the last id of the page before, or 0.
func (s *Service) Runs(ctx context.Context, flowName string, state sallyport.RunState, limit int, before int64) ([]sallyport.Run, error) {
	var id sallyport.ID
	if flowName != "" {
		flow, err := s.Flow(ctx, flowName)
		if err != nil {
			return nil, err
		}
		id = flow.ID
	}
	runs, err := s.Store.Runs(ctx, id, state, limit, before)
	if err != nil {
		return nil, err
	}
	return runs, s.sayWaits(ctx, runs)
}

// RunDetail is a run with its deliveries.
type RunDetail struct {
	sallyport.Run
	Deliveries []sallyport.Delivery `json:"deliveries"`
}

// Run finds a run by its number.
func (s *Service) Run(ctx context.Context, id int64) (*RunDetail, error) {
	run, err := s.Store.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	runs := []sallyport.Run{run}
	if err := s.sayWaits(ctx, runs); err != nil {
		return nil, err
	}
	deliveries, err := s.Store.RunDeliveries(ctx, run)
	return &RunDetail{Run: runs[0], Deliveries: deliveries}, err
}
