package service

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/store"
)

// How many drafts a user may have, and how long one is kept that nobody touches.
const (
	maxDrafts     = 20
	draftLifetime = 30 * 24 * time.Hour
)

// Draft is a flow that is being made step by step. It belongs to one user, and holds no secret: credentials go by their ids.
type Draft struct {
	ID        sallyport.ID `json:"-"`
	Version   int64        `json:"-"` // which one of its states this is: only the newest can be changed
	UpdatedAt time.Time    `json:"-"`

	Name         string              `json:"name,omitempty"`
	Description  string              `json:"description,omitempty"`
	Connector    string              `json:"connector"`
	Credential   sallyport.ID        `json:"credential,omitempty"`
	Endpoint     string              `json:"endpoint,omitempty"`
	Params       map[string]any      `json:"params,omitempty"`
	Request      *sallyport.Request  `json:"request,omitempty"`
	Schedule     *sallyport.Schedule `json:"schedule,omitempty"`
	Destinations []DraftDestination  `json:"destinations,omitempty"`
}

// DraftDestination is a destination of a draft.
type DraftDestination struct {
	Name       string         `json:"name"`
	Connector  string         `json:"connector"`
	Credential sallyport.ID   `json:"credential,omitempty"`
	Config     map[string]any `json:"config,omitempty"`
}

// Step is a part of a draft that is chosen and checked by itself.
type Step string

// The steps, in order.
const (
	StepAuthenticate Step = "authenticate"
	StepConfigure    Step = "configure"
	StepDestinations Step = "destinations"
	StepSchedule     Step = "schedule"
	StepReview       Step = "review" // name and description; they are checked when the flow is made
)

// FlowID is the id of the flow that a draft becomes, so that a draft that became one leads there.
func (d *Draft) FlowID() sallyport.ID { return flowOfDraft(d.ID) }

func flowOfDraft(id sallyport.ID) sallyport.ID {
	return sallyport.ID("flw_" + strings.TrimPrefix(string(id), "drf_"))
}

// CreateDraft begins a flow that pulls from a connector.
func (s *Service) CreateDraft(ctx context.Context, user sallyport.ID, connectorID string) (*Draft, error) {
	definition, err := s.Catalogue.Definition(connectorID)
	switch {
	case err != nil:
		return nil, field("connector", err)
	case !IsSource(definition):
		return nil, sallyport.FieldErrorf("connector", "%s has nothing to read from; it is for destinations", definition.Name)
	}
	d := &Draft{ID: sallyport.NewID("drf"), Version: 1, Connector: connectorID, UpdatedAt: sallyport.Now()}
	row, err := d.row(user)
	if err != nil {
		return nil, err
	}
	return d, s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDraftsBefore(ctx, user, d.UpdatedAt.Add(-draftLifetime)); err != nil {
			return err
		}
		others, err := tx.Drafts(ctx, user, maxDrafts)
		if err != nil {
			return err
		}
		if len(others) == maxDrafts {
			return sallyport.Errorf(sallyport.Conflict, "there are %d unfinished flows; finish or discard one first", maxDrafts)
		}
		return tx.InsertDraft(ctx, row)
	})
}

// IsSource tells whether records can be pulled from a connector.
func IsSource(d *connector.Definition) bool { return len(d.Endpoints) > 0 || d.Manual }

// Drafts lists the unfinished flows of a user, newest first.
func (s *Service) Drafts(ctx context.Context, user sallyport.ID) ([]*Draft, error) {
	rows, err := s.Store.Drafts(ctx, user, maxDrafts)
	if err != nil {
		return nil, err
	}
	all := []*Draft{}
	for _, row := range rows {
		d, err := readDraft(row)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// Draft finds an unfinished flow of a user.
func (s *Service) Draft(ctx context.Context, user sallyport.ID, id string) (*Draft, error) {
	row, err := s.Store.Draft(ctx, user, sallyport.ID(id))
	if err != nil {
		return nil, err
	}
	return readDraft(row)
}

// FlowOfDraft finds the flow that a draft became.
func (s *Service) FlowOfDraft(ctx context.Context, id string) (sallyport.Flow, error) {
	return s.Store.Flow(ctx, flowOfDraft(sallyport.ID(id)))
}

func readDraft(row store.Draft) (*Draft, error) {
	d := &Draft{}
	decoder := json.NewDecoder(strings.NewReader(row.Content))
	decoder.UseNumber()
	if err := decoder.Decode(d); err != nil {
		return nil, sallyport.Errorf(sallyport.Internal, "the draft %s cannot be read: %w", row.ID, err)
	}
	d.ID, d.Version, d.UpdatedAt = row.ID, row.Version, row.UpdatedAt
	return d, nil
}

func (d *Draft) row(user sallyport.ID) (store.Draft, error) {
	content, err := json.Marshal(d)
	return store.Draft{ID: d.ID, UserID: user, Version: d.Version, Content: string(content), UpdatedAt: d.UpdatedAt}, err
}

// SaveDraft checks a step of a draft and keeps it, unless the draft was changed meanwhile. Fields of errors are paths in a flow file, such as
// source.params.fid.
func (s *Service) SaveDraft(ctx context.Context, user sallyport.ID, d *Draft, step Step) error {
	d.UpdatedAt = sallyport.Now()
	row, err := d.row(user)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.checkStep(ctx, tx, d, step); err != nil {
			return err
		}
		return tx.UpdateDraft(ctx, row)
	})
	if err == nil {
		d.Version++
	}
	return err
}

// DiscardDraft gives up an unfinished flow.
func (s *Service) DiscardDraft(ctx context.Context, user sallyport.ID, id string, version int64) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		return tx.DeleteDraft(ctx, store.Draft{ID: sallyport.ID(id), UserID: user, Version: version})
	})
}

// CheckDraft says what is wrong with a draft, its name aside.
func (s *Service) CheckDraft(ctx context.Context, d *Draft) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		for _, step := range []Step{StepConfigure, StepDestinations, StepSchedule} {
			if err := s.checkStep(ctx, tx, d, step); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) checkStep(ctx context.Context, tx *store.Tx, d *Draft, step Step) error {
	if step == StepReview {
		return nil
	}
	spec, err := s.draftSpec(ctx, tx, d)
	if err != nil {
		return err
	}
	r := resolver{s, tx}
	switch step {
	case StepAuthenticate:
		return spec.at(r.authenticates(ctx, spec.Source), "source")
	case StepConfigure:
		if err := r.authenticates(ctx, spec.Source); err != nil {
			return spec.at(err, "source")
		}
		_, _, err = r.openable(ctx, spec)
	case StepSchedule:
		err = spec.at(checkSchedule(spec.Source.Schedule), "source")
	case StepDestinations:
		f := &sallyport.Flow{Name: d.Name}
		if f.Destinations, err = r.destinations(ctx, spec); err != nil {
			return err
		}
		if i, err := s.checkTargets(ctx, tx, f); err != nil {
			return spec.at(err, "destinations", i, "config")
		}
	}
	return err
}

// authenticates checks the credential of a source alone.
func (r resolver) authenticates(ctx context.Context, spec sourceSpec) error {
	definition, err := r.Catalogue.Definition(spec.Connector)
	if err != nil {
		return field("connector", err)
	}
	if definition.Credential != nil && spec.Credential == "" {
		return sallyport.FieldErrorf("credential", "choose one for %s, or add one", definition.Name)
	}
	_, err = r.credential(ctx, definition, spec.Credential)
	return err
}

// draftSpec writes a draft as a flow file would.
func (s *Service) draftSpec(ctx context.Context, tx *store.Tx, d *Draft) (placedSpec, error) {
	spec := placedSpec{paths: true, flowSpec: flowSpec{Flow: d.Name, Description: d.Description, Source: sourceSpec{
		Connector: d.Connector, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Schedule: d.Schedule,
	}}}
	name := func(id sallyport.ID) (string, error) {
		if id == "" {
			return "", nil
		}
		c, err := tx.Credential(ctx, id)
		if sallyport.CodeOf(err) == sallyport.NotFound {
			return "", sallyport.FieldErrorf("credential", "is not there any more; choose another")
		}
		return c.Name, err
	}
	var err error
	if spec.Source.Credential, err = name(d.Credential); err != nil {
		return spec, spec.at(err, "source")
	}
	for i, to := range d.Destinations {
		one := destinationSpec{Name: to.Name, Connector: to.Connector, Config: to.Config}
		if one.Credential, err = name(to.Credential); err != nil {
			return spec, spec.at(err, "destinations", i)
		}
		spec.Destinations = append(spec.Destinations, one)
	}
	return spec, nil
}

// SampleDraft reads a sample from the source of a draft. Nothing is stored.
func (s *Service) SampleDraft(ctx context.Context, actor sallyport.Actor, d *Draft) (*Sample, error) {
	source := SourceDraft{Connector: d.Connector, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := s.checkStep(ctx, tx, d, StepConfigure); err != nil {
			return err
		}
		spec, err := s.draftSpec(ctx, tx, d)
		source.Credential = spec.Source.Credential
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.TestSource(ctx, actor, source)
}

// FinishDraft makes the flow that a draft describes, in place of the draft; an active one runs at once. A name that is taken is an error of
// the field flow.
func (s *Service) FinishDraft(ctx context.Context, user sallyport.ID, actor sallyport.Actor, d *Draft, state sallyport.FlowState) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteDraft(ctx, store.Draft{ID: d.ID, UserID: user, Version: d.Version}); err != nil {
			return err
		}
		f, err := s.flowFromDraft(ctx, tx, d)
		if err != nil {
			return err
		}
		f.State = state
		if err := s.insertFlow(ctx, tx, actor, f); err != nil || state == sallyport.FlowPaused {
			return err
		}
		entry := audit.Entry(actor, audit.FlowRun, f.ID, map[string]string{"name": f.Name})
		if err := tx.InsertAudit(ctx, entry); err != nil {
			return err
		}
		_, _, err = s.Engine.StartRun(ctx, tx, f.ID)
		return err
	})
}

// flowFromDraft makes a checked flow of a draft, as a flow file would be made one. It must be new.
func (s *Service) flowFromDraft(ctx context.Context, tx *store.Tx, d *Draft) (*sallyport.Flow, error) {
	spec, err := s.draftSpec(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	r := resolver{s, tx}
	if err := r.authenticates(ctx, spec.Source); err != nil {
		return nil, spec.at(err, "source")
	}
	f, err := r.flow(ctx, spec)
	if err != nil {
		return nil, err
	}
	f.ID = d.FlowID()
	switch _, err := tx.FlowByName(ctx, f.Name); {
	case err == nil:
		return nil, &sallyport.Error{Code: sallyport.Conflict, Field: "flow", Message: "there is already a flow of this name; choose another"}
	case sallyport.CodeOf(err) != sallyport.NotFound:
		return nil, err
	}
	if i, err := s.checkTargets(ctx, tx, f); err != nil {
		return nil, spec.at(err, "destinations", i, "config")
	}
	return f, nil
}

func (s *Service) insertFlow(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow) (err error) {
	entry := audit.Entry(actor, audit.FlowApply, f.ID, map[string]string{"name": f.Name, "change": FlowCreated})
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return err
	}
	due := engine.First
	if f.State == sallyport.FlowActive {
		due = engine.Next // it runs at once in any case
	}
	if f.Source.NextRunAt, err = due(f.Source.Schedule, sallyport.Now()); err != nil {
		return err
	}
	return createFlow(ctx, tx, f)
}

// NextTimes are the first times at which a schedule would be due if it were made now; none without a schedule.
func (s *Service) NextTimes(schedule *sallyport.Schedule, n int) ([]time.Time, error) {
	if schedule == nil {
		return nil, nil
	}
	if err := checkSchedule(schedule); err != nil {
		return nil, prefix("source", err)
	}
	var times []time.Time
	for at, err := engine.First(schedule, sallyport.Now()); len(times) < n; at, err = engine.Next(schedule, at) {
		if err != nil {
			return times, prefix("source", err)
		}
		times = append(times, at)
	}
	return times, nil
}
