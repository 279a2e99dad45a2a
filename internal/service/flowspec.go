package service

import (
	"context"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// FlowSpec writes a flow as [Service.CreateFlow] takes it.
func (s *Service) FlowSpec(ctx context.Context, name string) (FlowSpec, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return FlowSpec{}, err
	}
	spec, err := s.spec(ctx, &f)
	if err != nil {
		return FlowSpec{}, err
	}
	return *spec, nil
}

// CreateFlow makes the flow that a spec describes, which must be new. Fields of errors are paths in the spec, such as source.params.fid.
func (s *Service) CreateFlow(ctx context.Context, actor sallyport.Actor, spec FlowSpec) (f sallyport.Flow, err error) {
	if err := s.checkPlainSpec(ctx, spec); err != nil {
		return f, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		switch _, err := tx.FlowByName(ctx, spec.Flow); {
		case err == nil:
			return &sallyport.Error{Code: sallyport.Conflict, Field: "flow", Message: "there is already a flow of this name; choose another, or replace that one"}
		case sallyport.CodeOf(err) != sallyport.NotFound:
			return err
		}
		f, err = s.put(ctx, tx, actor, spec)
		return err
	})
	return f, err
}

// ReplaceFlow changes a flow so that it is as a spec says, whose name must be its own or empty, unless it was changed since a time that is not
// zero. Errors are as those of [Service.CreateFlow].
func (s *Service) ReplaceFlow(ctx context.Context, actor sallyport.Actor, name string, since time.Time, spec FlowSpec) (f sallyport.Flow, err error) {
	old, err := s.Flow(ctx, name)
	if err != nil {
		return f, err
	}
	if spec.Flow != "" && !strings.EqualFold(sallyport.NormalName(spec.Flow), sallyport.NormalName(old.Name)) {
		return f, sallyport.FieldErrorf("flow", "is %q, and a flow keeps its name; send that, or create another flow", old.Name)
	}
	spec.Flow = old.Name
	if err := s.checkPlainSpec(ctx, spec); err != nil {
		return f, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		now, err := tx.Flow(ctx, old.ID)
		if err != nil {
			return err
		}
		if !since.IsZero() && !now.UpdatedAt.Equal(since) {
			return sallyport.Errorf(sallyport.Conflict, "flow %q was changed meanwhile; nothing was overwritten: read it again, and change that", now.Name)
		}
		f, err = s.put(ctx, tx, actor, spec)
		return err
	})
	return f, err
}

// put makes or changes the flow that has the name of a spec, and reads it back.
func (s *Service) put(ctx context.Context, tx *store.Tx, actor sallyport.Actor, spec FlowSpec) (sallyport.Flow, error) {
	c, err := s.applyFlow(ctx, tx, actor, placedSpec{FlowSpec: spec, paths: true})
	if err != nil {
		return sallyport.Flow{}, err
	}
	return tx.FlowByName(ctx, c.Flow)
}
