package service

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/schedule"
	"github.com/sallyport-io/sallyport/internal/store"
)

// How many drafts a user may have, and how long one is kept that nobody touches.
const (
	maxDrafts     = 20
	draftLifetime = 30 * 24 * time.Hour
)

// Draft is a flow that is being made, or changed, step by step. It belongs to one user, and holds no secret: credentials go by their ids.
type Draft struct {
	ID        sallyport.ID `json:"-"`
	Version   int64        `json:"-"` // which one of its states this is: only the newest can be changed
	UpdatedAt time.Time    `json:"-"`
	Sample    *DraftSample `json:"-"` // what a test of its source showed last; nil: none did, or the source is another by now
	Begins    string       `json:"-"` // how it begins, while nothing of it is stored; see [Service.Draft]
	Overtaken bool         `json:"-"` // nothing of it is stored, and the flow that it was to change is another by now

	Changes sallyport.ID `json:"changes,omitempty"` // the flow that it changes; empty: it becomes a new one
	Base    string       `json:"base,omitempty"`    // what that flow was like when the draft was made; see print

	Name         string              `json:"name,omitempty"`
	Description  string              `json:"description,omitempty"`
	Connector    string              `json:"connector"`
	Credential   sallyport.ID        `json:"credential,omitempty"`
	Endpoint     string              `json:"endpoint,omitempty"`
	Params       map[string]any      `json:"params,omitempty"`
	Request      *sallyport.Request  `json:"request,omitempty"`
	Raw          bool                `json:"raw,omitempty"`
	Schedule     *sallyport.Schedule `json:"schedule,omitempty"`
	Emit         string              `json:"emit,omitempty"`
	Confirm      int                 `json:"confirm,omitzero"`
	VanishLimit  string              `json:"vanish_limit,omitempty"`
	Destinations []DraftDestination  `json:"destinations,omitempty"`
}

// DraftDestination is a destination of a draft.
type DraftDestination struct {
	Name       string         `json:"name"`
	Connector  string         `json:"connector"`
	Credential sallyport.ID   `json:"credential,omitempty"`
	Config     map[string]any `json:"config,omitempty"`
}

// drafter is whoever works on a draft: a person who signed in.
var drafter = sallyport.Actor{Kind: sallyport.ActorUser}

// changed is the flow that the draft changes, if any.
func (d *Draft) changed() grant.Flow {
	if d.Changes == "" {
		return grant.Flow{}
	}
	return grant.Flow{ID: d.Changes, Name: d.Name}
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

// FlowID is the id of the flow that a draft becomes or changes, so that a draft that is finished leads there.
func (d *Draft) FlowID() sallyport.ID {
	if d.Changes != "" {
		return d.Changes
	}
	return flowOfDraft(d.ID)
}

func flowOfDraft(id sallyport.ID) sallyport.ID {
	return sallyport.ID("flw_" + strings.TrimPrefix(string(id), "drf_"))
}

// IsSource tells whether records can be pulled from a connector.
func IsSource(d *connector.Definition) bool { return len(d.Endpoints) > 0 || d.Manual }

// Drafts lists the unfinished flows of a user, newest first.
func (s *Service) Drafts(ctx context.Context, user sallyport.ID) ([]*Draft, error) {
	return readDrafts(s.Store.Drafts(ctx, user, maxDrafts))
}

func readDrafts(rows []store.Draft, err error) ([]*Draft, error) {
	all := []*Draft{}
	for _, row := range rows {
		d, err := readDraft(row)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, err
}

// FlowOfDraft finds the flow that a draft became, by the handle of the draft.
func (s *Service) FlowOfDraft(ctx context.Context, handle string) (sallyport.Flow, error) {
	id, _, _ := strings.Cut(handle, "~")
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
	return d, d.readSample(row.Sample)
}

func (d *Draft) row(user sallyport.ID) (store.Draft, error) {
	content, err := json.Marshal(d)
	if err != nil {
		return store.Draft{}, err
	}
	sample, err := json.Marshal(d.Sample)
	return store.Draft{ID: d.ID, UserID: user, Version: d.Version, Content: string(content), Sample: string(sample), UpdatedAt: d.UpdatedAt}, err
}

// SaveDraft checks a step of a draft and keeps it, unless the draft was changed meanwhile. It stores a draft of which nothing was stored yet. Fields of errors are paths in a flow file, such as
// source.params.fid.
func (s *Service) SaveDraft(ctx context.Context, user sallyport.ID, d *Draft, step Step) error {
	return s.saveDraft(ctx, user, d, func(tx *store.Tx) error { return s.checkStep(ctx, tx, d, step) })
}

// SaveDraftDestination is SaveDraft after one destination was added or changed: it checks that one. What is wrong with others shows later.
func (s *Service) SaveDraftDestination(ctx context.Context, user sallyport.ID, d *Draft, at int) error {
	return s.saveDraft(ctx, user, d, func(tx *store.Tx) error { return s.checkDestination(ctx, tx, d, at) })
}

func (s *Service) saveDraft(ctx context.Context, user sallyport.ID, d *Draft, check func(tx *store.Tx) error) error {
	if err := s.checkPlainDraft(ctx, d); err != nil {
		return err
	}
	d.UpdatedAt = sallyport.Now()
	row, err := d.row(user)
	if err != nil {
		return err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		if err := check(tx); err != nil {
			return err
		}
		if err := keepBeginning(ctx, tx, user, d); err != nil {
			return err
		}
		return tx.UpdateDraft(ctx, row)
	})
	if err == nil {
		d.Version, d.Begins = d.Version+1, ""
	}
	return err
}

// DiscardDraft gives up an unfinished flow, unless it was changed meanwhile.
func (s *Service) DiscardDraft(ctx context.Context, user sallyport.ID, d DraftVersion) error {
	return s.DiscardDrafts(ctx, user, []DraftVersion{d})
}

// DraftVersion is a draft as somebody saw it.
type DraftVersion struct {
	ID      sallyport.ID
	Version int64
}

// DiscardDrafts gives up several unfinished flows: all of them or, if one was changed meanwhile, none. One that does not exist any more is no error.
func (s *Service) DiscardDrafts(ctx context.Context, user sallyport.ID, drafts []DraftVersion) error {
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		for _, d := range drafts {
			err := tx.DeleteDraft(ctx, store.Draft{ID: d.ID, UserID: user, Version: d.Version})
			if err != nil && sallyport.CodeOf(err) != sallyport.NotFound {
				return err
			}
		}
		return nil
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
	r := resolver{Service: s, tx: tx, actor: drafter, of: d.changed()}
	switch step {
	case StepAuthenticate:
		return spec.at(r.authenticates(ctx, spec.Source), "source")
	case StepConfigure:
		if err := r.authenticates(ctx, spec.Source); err != nil {
			return spec.at(err, "source")
		}
		_, _, err = r.openable(ctx, spec)
	case StepSchedule:
		err = spec.at(r.schedule(spec.Source), "source")
	case StepDestinations:
		f := &sallyport.Flow{Name: d.Name}
		if f.Destinations, err = r.destinations(ctx, spec); err != nil {
			return err
		}
		if i, err := s.checkTargets(ctx, tx, f, everyOne); err != nil {
			return spec.at(err, "destinations", i, "config")
		}
	}
	return err
}

// checkDestination checks one destination of a draft, by itself and among the others as far as they can be read.
func (s *Service) checkDestination(ctx context.Context, tx *store.Tx, d *Draft, at int) error {
	spec, err := s.draftSpec(ctx, tx, d)
	if err != nil {
		return err
	}
	r, f := resolver{Service: s, tx: tx, actor: drafter, of: d.changed()}, &sallyport.Flow{Name: d.Name}
	for i, one := range spec.Destinations {
		to, err := r.destination(ctx, one)
		if err != nil && i == at {
			return spec.at(err, "destinations", at)
		}
		if i != at && one.Name == spec.Destinations[at].Name {
			return spec.at(sallyport.FieldErrorf("name", "there are two destinations named %q", one.Name), "destinations", at)
		}
		f.Destinations = append(f.Destinations, to)
	}
	_, err = s.checkTargets(ctx, tx, f, at)
	return spec.at(err, "destinations", at, "config")
}

// authenticates checks the credential of a source alone.
func (r resolver) authenticates(ctx context.Context, spec SourceSpec) error {
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

// schedule checks the schedule of a source, for its endpoint.
func (r resolver) schedule(spec SourceSpec) error {
	err := checkSchedule(spec.Schedule)
	if err != nil || spec.Endpoint == "" {
		return err
	}
	definition, err := r.Catalogue.Definition(spec.Connector)
	if err != nil {
		return err
	}
	endpoint, err := definition.Endpoint(spec.Endpoint)
	if err != nil {
		return err
	}
	return checkInterval(spec.Schedule, endpoint)
}

// draftSpec writes a draft as a flow file would.
func (s *Service) draftSpec(ctx context.Context, tx *store.Tx, d *Draft) (placedSpec, error) {
	spec := placedSpec{paths: true, FlowSpec: FlowSpec{Flow: d.Name, Description: d.Description, Source: SourceSpec{
		Connector: d.Connector, Endpoint: d.Endpoint, Params: d.Params, Request: d.Request, Raw: d.Raw, Schedule: d.Schedule, Emit: d.Emit,
		Confirm: d.Confirm, VanishLimit: d.VanishLimit,
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
		one := DestinationSpec{Name: to.Name, Connector: to.Connector, Config: to.Config}
		if one.Credential, err = name(to.Credential); err != nil {
			return spec, spec.at(err, "destinations", i)
		}
		spec.Destinations = append(spec.Destinations, one)
	}
	return spec, nil
}

// NextTimes are the first times at which a schedule would be due if it were made now; none without a schedule.
func (s *Service) NextTimes(of *sallyport.Schedule, n int) ([]time.Time, error) {
	if of == nil {
		return nil, nil
	}
	plan, err := schedule.Parse(*of)
	if err != nil {
		return nil, prefix("source", err)
	}
	times := []time.Time{plan.First(sallyport.Now())}
	for len(times) < n {
		times = append(times, plan.Next(times[len(times)-1]))
	}
	return times, nil
}
