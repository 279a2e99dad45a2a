package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/store"
)

// What applying a flow file does to a flow.
const (
	FlowCreated   = "created"
	FlowUpdated   = "updated"
	FlowUnchanged = "unchanged"
)

// FlowChange is what became of a flow of a flow file.
type FlowChange struct {
	Flow   string    `json:"flow"`
	Change string    `json:"change"`
	Diff   *FlowDiff `json:"diff,omitempty"` // of a flow that is updated
}

// errDryRun takes back the transaction of a dry run.
var errDryRun = errors.New("dry run")

// ApplyFlows makes and changes flows so that they are as the files say: all of them or, when one has a fault, none.
func (s *Service) ApplyFlows(ctx context.Context, actor sallyport.Actor, files []FlowFile, dryRun bool) ([]FlowChange, error) {
	var specs []placedSpec
	for _, f := range files {
		of, err := f.specs()
		if err != nil {
			return nil, err
		}
		for _, spec := range of {
			if err := s.checkPlainSpec(ctx, spec.FlowSpec); err != nil {
				return nil, spec.at(err)
			}
			if slices.ContainsFunc(specs, func(other placedSpec) bool { return strings.EqualFold(other.Flow, spec.Flow) }) {
				return nil, spec.at(sallyport.FieldErrorf("flow", "the flow %q is described twice", spec.Flow))
			}
			specs = append(specs, spec)
		}
	}
	changes := []FlowChange{}
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		for _, spec := range specs {
			change, err := s.applyFlow(ctx, tx, actor, spec)
			if err != nil {
				return err
			}
			changes = append(changes, change)
		}
		if dryRun {
			return errDryRun
		}
		return nil
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return changes, err
}

func (s *Service) applyFlow(ctx context.Context, tx *store.Tx, actor sallyport.Actor, spec placedSpec) (FlowChange, error) {
	f, err := resolver{Service: s, tx: tx, actor: actor}.flow(ctx, spec)
	if err != nil {
		return FlowChange{}, err
	}
	change := FlowChange{Flow: f.Name, Change: FlowUpdated}
	old, err := tx.FlowByName(ctx, f.Name)
	switch {
	case sallyport.CodeOf(err) == sallyport.NotFound:
		change.Change = FlowCreated
	case err != nil:
		return change, err
	case identical(asWritten(&old), asWritten(f)):
		change.Change, f.ID = FlowUnchanged, old.ID
		if !actor.IsOwner() {
			return change, nil
		}
		return change, s.recordFiles(ctx, tx, actor, f) // grants may have been revoked
	}
	if i, err := s.checkTargets(ctx, tx, f, everyOne); err != nil {
		return change, spec.at(err, "destinations", i, "config")
	}
	if change.Change == FlowUpdated {
		if err := checkKeys(spec, &old, f); err != nil {
			return change, err
		}
	}
	if f.ID = old.ID; f.ID == "" {
		f.ID = sallyport.NewID("flw")
	}
	entry := sallyport.AuditEntry{
		At: sallyport.Now(), Actor: actor, Action: audit.FlowApply, Object: f.ID, Detail: map[string]string{"name": f.Name, "change": change.Change},
	}
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return change, err
	}
	if f.Source.NextRunAt, err = nextRun(&old, f); err != nil {
		return change, err
	}
	if change.Change == FlowUpdated {
		diff, err := s.diff(ctx, tx, &old, f)
		if err != nil {
			return change, err
		}
		change.Diff = &diff
	}
	if change.Change == FlowCreated {
		return change, s.createFlow(ctx, tx, actor, f)
	}
	return change, s.updateFlow(ctx, tx, actor, &old, f)
}

// checkKeys refuses keys that no record of the flow has, as far as its dataset shows that: not if it comes from another source than now.
func checkKeys(spec placedSpec, old, f *sallyport.Flow) error {
	schema := old.Dataset.Schema
	if len(schema.Fields) == 0 || reads(withoutKey(old.Source)) != reads(withoutKey(f.Source)) {
		return nil
	}
	if f.Source.Request != nil {
		if err := connector.CheckKey(f.Source.Request.Key, schema); err != nil {
			return spec.at(err, "source", "request")
		}
	}
	for i, d := range f.Destinations {
		if err := connector.CheckKey(connector.Texts(d.Config["key"]), schema); err != nil {
			return spec.at(err, "destinations", i, "config")
		}
	}
	return nil
}

func withoutKey(s sallyport.Source) sallyport.Source {
	if s.Request != nil {
		request := *s.Request
		request.Key = nil
		s.Request = &request
	}
	return s
}

// nextRun is when a flow is due: as before if its schedule is as before, else as a new schedule is.
func nextRun(old, f *sallyport.Flow) (time.Time, error) {
	if identical(old.Source.Schedule, f.Source.Schedule) {
		return old.Source.NextRunAt, nil
	}
	return firstRun(f.Source.Schedule, sallyport.Now())
}

func (s *Service) createFlow(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow) error {
	f.Source.ID, f.Dataset.ID = sallyport.NewID("src"), sallyport.NewID("set")
	f.CreatedAt = sallyport.Now()
	f.UpdatedAt = f.CreatedAt
	for i := range f.Destinations {
		f.Destinations[i].ID = sallyport.NewID("dst")
	}
	if err := tx.InsertFlow(ctx, f); err != nil {
		return err
	}
	if err := s.recordFiles(ctx, tx, actor, f); err != nil {
		return err
	}
	return s.createAnswers(ctx, tx, actor, f)
}

// updateFlow changes a flow. A destination that now goes elsewhere is a new one, which is filled from what is kept. A run that is
// unfinished when its source changes cannot go on.
func (s *Service) updateFlow(ctx context.Context, tx *store.Tx, actor sallyport.Actor, old, f *sallyport.Flow) error {
	f.Name, f.State, f.Reason, f.CreatedAt, f.UpdatedAt = old.Name, old.State, old.Reason, old.CreatedAt, sallyport.Now()
	f.Source.ID, f.Dataset.ID = old.Source.ID, old.Dataset.ID
	if err := s.keepsToGrants(ctx, tx, actor, old, f); err != nil {
		return err
	}
	for i := range f.Destinations {
		if err := s.keepDestination(ctx, tx, old, &f.Destinations[i]); err != nil {
			return err
		}
	}
	if reads(old.Source) != reads(f.Source) {
		if err := abandonRun(ctx, tx, old); err != nil {
			return err
		}
		if err := tx.SetResume(ctx, f.Source.ID, ""); err != nil {
			return err
		}
	}
	if err := tx.UpdateFlow(ctx, f); err != nil {
		return err
	}
	if err := s.recordFiles(ctx, tx, actor, f); err != nil {
		return err
	}
	if err := s.createAnswers(ctx, tx, actor, f); err != nil {
		return err
	}
	if err := s.Engine.EnqueueDeliveries(ctx, tx, f.ID); err != nil {
		return err
	}
	_, _, err := tx.SettleRun(ctx, f.ID) // a destination that it waited for may be gone
	return err
}

// keepDestination lets a destination that writes to the same place as before go on there, under whatever name; any other is new.
func (s *Service) keepDestination(ctx context.Context, tx *store.Tx, old *sallyport.Flow, d *sallyport.Destination) error {
	at := slices.IndexFunc(old.Destinations, func(o sallyport.Destination) bool { return s.target(o) == s.target(*d) })
	if at < 0 {
		d.ID = sallyport.NewID("dst")
		return nil
	}
	before := old.Destinations[at]
	d.ID, d.Position, d.State, d.Records, d.Rejected = before.ID, before.Position, before.State, before.Records, before.Rejected
	if before.Name != d.Name && s.submits(*d) {
		if err := renameAnswers(ctx, tx, old.Name, before.Name, d.Name); err != nil {
			return err
		}
	}
	if before.Credential == d.Credential && identical(before.Config, d.Config) {
		return nil
	}
	_, err := tx.ClaimDestination(ctx, d.ID) // whoever delivers the old way may not commit any more
	return err
}

// abandonRun ends the unfinished run of a flow, if there is one.
func abandonRun(ctx context.Context, tx *store.Tx, f *sallyport.Flow) error {
	run, err := tx.UnfinishedRun(ctx, f.ID)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := tx.ClaimSource(ctx, f.Source.ID); err != nil { // whoever works it may not commit any more
		return err
	}
	if err := tx.DropStaged(ctx, f.Dataset.ID); err != nil {
		return err
	}
	if run.Hold != "" {
		if run, err = tx.DropHeld(ctx, run, f.Dataset.ID); err != nil {
			return err
		}
	}
	run.State, run.EndedAt, run.Code, run.Error = sallyport.RunFailed, sallyport.Now(), sallyport.Conflict, "the flow was changed before the run was finished"
	return tx.UpdateRun(ctx, run)
}

// written is a flow as it was written: what a flow file can change.
type written struct {
	Description  string
	Source       sallyport.Source
	Destinations []sallyport.Destination
}

func asWritten(f *sallyport.Flow) written {
	w := written{Description: f.Description, Source: f.Source}
	w.Source.ID, w.Source.NextRunAt = "", time.Time{}
	for _, d := range f.Destinations {
		w.Destinations = append(w.Destinations, sallyport.Destination{Name: d.Name, Connector: d.Connector, Credential: d.Credential, Config: d.Config})
	}
	return w
}

// reads is what a source reads, without when.
func reads(s sallyport.Source) string {
	s.ID, s.Schedule, s.NextRunAt, s.Fence, s.Confirm, s.VanishLimit = "", nil, time.Time{}, 0, 0, ""
	text, _ := json.Marshal(s) // strings, numbers and maps of these always encode
	return string(text)
}

// identical compares as the database keeps things: as JSON, where 1 read from a file and 1 read from a column are the same.
func identical(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// target names the place where a destination writes: two destinations must not share it.
func (s *Service) target(d sallyport.Destination) string {
	parts := []string{d.Connector}
	definition, err := s.Catalogue.Definition(d.Connector)
	if err != nil || definition.Destination == nil {
		return d.Connector
	}
	for _, f := range definition.Destination.Fields {
		if !slices.Contains(definition.Destination.Target, f.Name) {
			continue
		}
		part := fmt.Sprint(d.Config[f.Name])
		if f.Type == connector.TypePath {
			part = grant.Resolve(part)
		} else {
			part = strings.ToLower(part) // names of tables
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\x00")
}

// everyOne is in the place of the index of one destination.
const everyOne = -1

// checkTargets refuses a destination of f that writes where another one does, whichever it is or only the one with an index. The index that
// is returned is that of the refused one.
func (s *Service) checkTargets(ctx context.Context, tx *store.Tx, f *sallyport.Flow, only int) (int, error) {
	flows, err := tx.Flows(ctx)
	if err != nil {
		return 0, err
	}
	taken := map[string]string{}
	for _, other := range flows {
		for _, d := range other.Destinations {
			if !strings.EqualFold(other.Name, f.Name) && !s.submits(d) {
				taken[s.target(d)] = fmt.Sprintf("destination %q of flow %q", d.Name, other.Name)
			}
		}
	}
	for i, d := range f.Destinations {
		target := s.target(d)
		if by, ok := taken[target]; ok && (only == everyOne || only == i) {
			return i, sallyport.FieldErrorf("", "%s writes there already; two must not share one place", by)
		}
		taken[target] = fmt.Sprintf("destination %q of this flow", d.Name)
	}
	return 0, nil
}

// Flows lists all flows by name.
func (s *Service) Flows(ctx context.Context) ([]sallyport.Flow, error) { return s.Store.Flows(ctx) }

// Flow finds a flow by its name or id.
func (s *Service) Flow(ctx context.Context, name string) (sallyport.Flow, error) {
	if strings.HasPrefix(name, "flw_") {
		if f, err := s.Store.Flow(ctx, sallyport.ID(name)); sallyport.CodeOf(err) != sallyport.NotFound {
			return f, err
		}
	}
	return s.Store.FlowByName(ctx, name)
}

// Tracking says how the records of a flow's source are compared with those of its last pull.
func (s *Service) Tracking(f sallyport.Flow) (connector.Tracking, error) {
	definition, err := s.Catalogue.Definition(f.Source.Connector)
	if err != nil {
		return connector.Tracking{}, err
	}
	return definition.Tracking(f.Source)
}

// SetFlowState activates or pauses a flow. A run that is pulling stops at what it committed, and goes on from there when the flow is active again.
func (s *Service) SetFlowState(ctx context.Context, actor sallyport.Actor, name string, state sallyport.FlowState) error {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return err
	}
	action := audit.FlowResume
	if state == sallyport.FlowPaused {
		action = audit.FlowPause
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: action, Object: f.ID, Detail: map[string]string{"name": f.Name}}
	return s.audited(ctx, entry, func(tx *store.Tx) error {
		if err := tx.SetFlowState(ctx, f.ID, state, ""); err != nil {
			return err
		}
		if state == sallyport.FlowActive {
			return s.Engine.Resume(ctx, tx, f.ID)
		}
		_, err := tx.ClaimSource(ctx, f.Source.ID) // whoever pulls looks anew, and finds the flow paused
		return err
	})
}

// DeleteFlow removes a flow with its source, dataset and runs, unless it was changed since then. The zero time stands for no such condition.
func (s *Service) DeleteFlow(ctx context.Context, actor sallyport.Actor, name string, since time.Time) error {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.FlowDelete, Object: f.ID, Detail: map[string]string{"name": f.Name}}
	return s.audited(ctx, entry, func(tx *store.Tx) error {
		now, err := tx.Flow(ctx, f.ID)
		if err != nil {
			return err
		}
		if !since.IsZero() && !now.UpdatedAt.Equal(since) {
			return sallyport.Errorf(sallyport.Conflict, "flow %q was changed meanwhile; nothing was deleted: read it again, then decide", now.Name)
		}
		return tx.DeleteFlow(ctx, f.ID)
	})
}
