package service

import (
	"cmp"
	"context"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/store"
)

// submits tells whether a destination hands records over one by one. It has no place that others could write to.
func (s *Service) submits(d sallyport.Destination) bool {
	definition, err := s.Catalogue.Definition(d.Connector)
	return err == nil && definition.Destination != nil && definition.Destination.Submit != nil
}

// createAnswers makes the flows that keep what comes of what the destinations of a flow submit, where they are not there yet.
func (s *Service) createAnswers(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow) error {
	for _, d := range f.Destinations {
		if !s.submits(d) {
			continue
		}
		definition, err := s.Catalogue.Definition(d.Connector)
		if err != nil {
			return err
		}
		if definition.Destination.Submit.Answers == "" {
			continue
		}
		if err := s.createAnswersOf(ctx, tx, actor, definition, f.Name, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) createAnswersOf(ctx context.Context, tx *store.Tx, actor sallyport.Actor, definition *connector.Definition,
	flow string, d sallyport.Destination) error {
	name, _ := d.Config[connector.SettingAnswers].(string)
	name = cmp.Or(name, flow+" "+d.Name+" answers")
	if err := sallyport.CheckName(connector.SettingAnswers, name); err != nil {
		return err
	}
	if asked, err := answersOf(ctx, tx, flow, d.Name); err != nil || len(asked) > 0 {
		return err
	}
	_, err := tx.FlowByName(ctx, name)
	if sallyport.CodeOf(err) != sallyport.NotFound {
		return err
	}
	endpoint, err := definition.Endpoint(definition.Destination.Submit.Answers)
	if err != nil {
		return err
	}
	params, err := endpoint.CheckParams(map[string]any{connector.ParamFlow: flow, connector.ParamDestination: d.Name})
	if err != nil {
		return err
	}
	answers := &sallyport.Flow{
		ID: sallyport.NewID("flw"), Name: name, State: sallyport.FlowActive,
		Description: "What came of what the destination " + d.Name + " of the flow " + flow + " submits.",
		Source:      sallyport.Source{Connector: d.Connector, Credential: d.Credential, Endpoint: endpoint.ID, Params: params},
		Dataset:     sallyport.Dataset{Name: name, Key: endpoint.Request.Key},
	}
	entry := audit.Entry(actor, audit.FlowApply, answers.ID, map[string]string{"name": name, "change": FlowCreated, "for": flow})
	if err := tx.InsertAudit(ctx, entry); err != nil {
		return err
	}
	return s.createFlow(ctx, tx, actor, answers)
}

// answersOf returns the flows that keep the results of what a destination submits.
func answersOf(ctx context.Context, tx *store.Tx, flow, destination string) (asked []sallyport.Flow, err error) {
	flows, err := tx.Flows(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range flows {
		if engine.AsksFor(f.Source, flow, destination) {
			asked = append(asked, f)
		}
	}
	return asked, nil
}

// renameAnswers lets the flows that keep the results of a destination's submissions follow it to its new name.
func renameAnswers(ctx context.Context, tx *store.Tx, flow, before, now string) error {
	asked, err := answersOf(ctx, tx, flow, before)
	if err != nil {
		return err
	}
	for _, f := range asked {
		f.Source.Params[connector.ParamDestination], f.UpdatedAt = now, sallyport.Now()
		if err := tx.UpdateFlow(ctx, &f); err != nil {
			return err
		}
	}
	return nil
}
