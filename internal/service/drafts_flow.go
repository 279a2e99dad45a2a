package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// moveAside proposes another place for a destination that writes to a file: two must not share one.
func (s *Service) moveAside(d *DraftDestination) {
	definition, err := s.Catalogue.Definition(d.Connector)
	if err != nil || definition.Destination == nil {
		return // it shows when the draft is checked
	}
	for _, f := range definition.Destination.Fields {
		path, ok := d.Config[f.Name].(string)
		if !ok || f.Type != connector.TypePath || !slices.Contains(definition.Destination.Target, f.Name) {
			continue
		}
		ext := filepath.Ext(path)
		d.Config[f.Name] = s.Files.Beside(strings.TrimSuffix(path, ext) + "-copy" + ext)
	}
}

// copyName proposes a name for a copy that no flow has.
func copyName(ctx context.Context, tx *store.Tx, name string) (string, error) {
	if runes := []rune(name); len(runes) > sallyport.MaxNameLength-len(" copy 99") {
		name = strings.TrimSpace(string(runes[:sallyport.MaxNameLength-len(" copy 99")]))
	}
	for n, free := 2, name+" copy"; ; n++ {
		_, err := tx.FlowByName(ctx, free)
		if sallyport.CodeOf(err) == sallyport.NotFound {
			return free, nil
		}
		if err != nil {
			return "", err
		}
		free = fmt.Sprintf("%s copy %d", name, n)
	}
}

// draftOf writes a flow as a draft.
func draftOf(f *sallyport.Flow) *Draft {
	d := newDraft(f.Source.Connector)
	d.Name, d.Description, d.Credential = f.Name, f.Description, f.Source.Credential
	d.Endpoint, d.Params, d.Request, d.Schedule = f.Source.Endpoint, maps.Clone(f.Source.Params), f.Source.Request, f.Source.Schedule
	d.Raw, d.Emit, d.Confirm, d.VanishLimit = f.Source.Raw, f.Source.Emit, f.Source.Confirm, f.Source.VanishLimit
	if f.Dataset.Records > 0 {
		d.Sample = &DraftSample{Of: d.reading(), Records: f.Dataset.Records, Schema: f.Dataset.Schema}
	}
	for _, to := range f.Destinations {
		d.Destinations = append(d.Destinations, DraftDestination{Name: to.Name, Connector: to.Connector, Credential: to.Credential, Config: maps.Clone(to.Config)})
	}
	return d
}

// print tells whether a flow is still written as it was.
func print(f *sallyport.Flow) (string, error) {
	text, err := json.Marshal(asWritten(f))
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16]), err
}

// FinishDraft makes the flow that a draft describes, or changes the one that it is about, in place of the draft. With begin a new flow is
// active, and runs at once; without, it is paused. A flow that is changed stays what it is, active or paused. A name that is taken is an
// error of the field flow.
func (s *Service) FinishDraft(ctx context.Context, user sallyport.ID, actor sallyport.Actor, d *Draft, begin bool) error {
	if err := s.checkPlainDraft(ctx, d); err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		err := d.take(ctx, tx, user)
		if err != nil {
			return err
		}
		var f *sallyport.Flow
		if d.Changes != "" {
			f, err = s.changeFromDraft(ctx, tx, actor, d)
		} else {
			f, err = s.insertFromDraft(ctx, tx, actor, d, begin)
		}
		if err != nil || !begin || f.State == sallyport.FlowPaused {
			return err
		}
		_, _, err = s.startRun(ctx, tx, actor, f)
		return err
	})
}

// take removes a draft that becomes a flow, if it is still the version that is stored.
func (d *Draft) take(ctx context.Context, tx *store.Tx, user sallyport.ID) error {
	if d.Begins == "" {
		return tx.DeleteDraft(ctx, store.Draft{ID: d.ID, UserID: user, Version: d.Version})
	}
	if d.Overtaken || d.Version != 1 {
		return overtaken()
	}
	return nil
}

func overtaken() error {
	return sallyport.Errorf(sallyport.Conflict, "the flow was changed meanwhile, in another window or by a flow file; nothing was overwritten: load the flow as it is now, and change that")
}

// insertFromDraft makes the flow of a draft, which must be new.
func (s *Service) insertFromDraft(ctx context.Context, tx *store.Tx, actor sallyport.Actor, d *Draft, active bool) (*sallyport.Flow, error) {
	f, err := s.flowFromDraft(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	switch _, err := tx.FlowByName(ctx, f.Name); {
	case err == nil:
		return nil, &sallyport.Error{Code: sallyport.Conflict, Field: "flow", Message: "there is already a flow of this name; choose another"}
	case sallyport.CodeOf(err) != sallyport.NotFound:
		return nil, err
	}
	due := runAfter // it runs at once in any case
	if !active {
		f.State, due = sallyport.FlowPaused, firstRun
	}
	entry := audit.Entry(actor, audit.FlowApply, f.ID, map[string]string{"name": f.Name, "change": FlowCreated})
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return nil, err
	}
	if f.Source.NextRunAt, err = due(f.Source.Schedule, sallyport.Now()); err != nil {
		return nil, err
	}
	return f, s.createFlow(ctx, tx, actor, f)
}

// changeFromDraft changes the flow that a draft is about, unless it was changed since the draft was made.
func (s *Service) changeFromDraft(ctx context.Context, tx *store.Tx, actor sallyport.Actor, d *Draft) (*sallyport.Flow, error) {
	old, err := tx.Flow(ctx, d.Changes)
	if err != nil {
		return nil, err
	}
	if now, err := print(&old); err != nil || now != d.Base {
		return nil, errors.Join(err, overtaken())
	}
	d.Name = old.Name
	f, err := s.flowFromDraft(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	f.State = old.State
	entry := audit.Entry(actor, audit.FlowApply, f.ID, map[string]string{"name": f.Name, "change": FlowUpdated})
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return nil, err
	}
	if f.Source.NextRunAt, err = nextRun(&old, f); err != nil {
		return nil, err
	}
	return f, s.updateFlow(ctx, tx, actor, &old, f)
}

// flowFromDraft makes a checked flow of a draft, as a flow file would be made one.
func (s *Service) flowFromDraft(ctx context.Context, tx *store.Tx, d *Draft) (*sallyport.Flow, error) {
	spec, err := s.draftSpec(ctx, tx, d)
	if err != nil {
		return nil, err
	}
	r := resolver{Service: s, tx: tx, actor: drafter, of: d.changed()}
	if err := r.authenticates(ctx, spec.Source); err != nil {
		return nil, spec.at(err, "source")
	}
	f, err := r.flow(ctx, spec)
	if err != nil {
		return nil, err
	}
	f.ID = d.FlowID()
	if i, err := s.checkTargets(ctx, tx, f, everyOne); err != nil {
		return nil, spec.at(err, "destinations", i, "config")
	}
	return f, nil
}
