package service

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/store"
)

// resolver makes flows of specs.
type resolver struct {
	*Service
	tx    *store.Tx
	actor sallyport.Actor // whose scopes decide what a spec may name
	of    grant.Flow      // which the spec changes, if it exists
}

// flow makes a checked flow of a spec. It has no ids yet.
func (r resolver) flow(ctx context.Context, s placedSpec) (*sallyport.Flow, error) {
	s.Flow = sallyport.NormalName(s.Flow)
	if err := sallyport.CheckName("flow", s.Flow); err != nil {
		return nil, s.at(err)
	}
	var err error
	if r.of, err = r.known(ctx, s.Flow); err != nil {
		return nil, err
	}
	f := &sallyport.Flow{Name: s.Flow, Description: s.Description, State: sallyport.FlowActive}
	source, key, err := r.openable(ctx, s)
	if err != nil {
		return nil, err
	}
	f.Source, f.Dataset = source, sallyport.Dataset{Name: s.Flow, Key: key}
	f.Destinations, err = r.destinations(ctx, s)
	return f, err
}

// openable checks the source of a spec, together with its credential.
func (r resolver) openable(ctx context.Context, s placedSpec) (source sallyport.Source, key []string, err error) {
	if source, key, err = r.source(ctx, s.Source); err == nil {
		err = r.tracks(source)
	}
	if err == nil {
		err = r.opens(ctx, source)
	}
	return source, key, s.at(err, "source")
}

// destinations checks the destinations of a spec, each by itself and their names among each other.
func (r resolver) destinations(ctx context.Context, s placedSpec) (all []sallyport.Destination, err error) {
	for i, spec := range s.Destinations {
		d, err := r.destination(ctx, spec)
		if err != nil {
			return nil, s.at(err, "destinations", i)
		}
		if slices.ContainsFunc(all, func(other sallyport.Destination) bool { return other.Name == d.Name }) {
			return nil, s.at(sallyport.FieldErrorf("name", "there are two destinations named %q", d.Name), "destinations", i)
		}
		all = append(all, d)
	}
	return all, nil
}

// tracks finds the faults in how the records of a source are to be compared with those of its last pull.
func (r resolver) tracks(source sallyport.Source) error {
	definition, err := r.Catalogue.Definition(source.Connector)
	if err == nil {
		_, err = definition.Tracking(source)
	}
	return err
}

// opens finds the faults of a source that only show together with its credential, such as a key written into its query. It makes no call.
func (r resolver) opens(ctx context.Context, source sallyport.Source) error {
	var c sallyport.Credential
	if source.Credential != "" {
		var err error
		if c, err = r.tx.Credential(ctx, source.Credential); err != nil {
			return err
		}
	}
	_, err := r.Engine.OpenSource(source, c, nil)
	return err
}

// source checks a source, and returns it with the key of its records.
func (r resolver) source(ctx context.Context, spec SourceSpec) (s sallyport.Source, key []string, err error) {
	definition, err := r.Catalogue.Definition(spec.Connector)
	if err != nil {
		return s, nil, field("connector", err)
	}
	s = sallyport.Source{Connector: spec.Connector, Schedule: spec.Schedule, Raw: spec.Raw, Emit: spec.Emit, Confirm: spec.Confirm, VanishLimit: spec.VanishLimit}
	if s.Credential, err = r.credential(ctx, definition, spec.Credential); err != nil {
		return s, nil, err
	}
	if err := checkSchedule(spec.Schedule); err != nil {
		return s, nil, err
	}
	switch {
	case spec.Request != nil && spec.Endpoint != "":
		return s, nil, sallyport.FieldErrorf("request", "a source has an endpoint or a request of its own, not both")
	case spec.Request != nil && spec.Raw:
		return s, nil, sallyport.FieldErrorf("raw", "goes with an endpoint; a request of one's own keeps records as they come")
	case spec.Request != nil:
		if err := r.actor.Needs(sallyport.ScopeWrite, "request", "a custom request"); err != nil {
			return s, nil, err
		}
		s.Request = spec.Request
		return s, spec.Request.Key, prefix("request", checkManual(definition, spec))
	case spec.Endpoint == "" && len(definition.Endpoints) == 0 && !definition.Manual:
		return s, nil, sallyport.FieldErrorf("connector", "%s has nothing to read from; it is for destinations", definition.Name)
	case spec.Endpoint == "" && len(definition.Endpoints) == 0:
		return s, nil, sallyport.FieldErrorf("request", "is missing: %s has no endpoints, its sources describe the request", definition.Name)
	}
	endpoint, err := definition.Endpoint(spec.Endpoint)
	if err != nil {
		return s, nil, err
	}
	s.Endpoint = endpoint.ID
	if err := checkInterval(spec.Schedule, endpoint); err != nil {
		return s, nil, err
	}
	s.Params, err = r.params(ctx, endpoint, spec.Params)
	return s, endpoint.Request.Key, prefix("params", err)
}

func checkManual(definition *connector.Definition, spec SourceSpec) error {
	if !definition.Manual {
		return sallyport.Errorf(sallyport.Invalid, "%s takes no request of one's own; choose one of its endpoints", definition.Name)
	}
	if len(spec.Params) > 0 {
		return sallyport.Errorf(sallyport.Invalid, "a request of one's own takes no params; write the values into it")
	}
	return definition.CheckRequest(spec.Request)
}

// credential finds the credential that a source or destination names.
func (r resolver) credential(ctx context.Context, d *connector.Definition, name string) (sallyport.ID, error) {
	switch {
	case d.Credential == nil && name == "":
		return "", nil
	case d.Credential == nil:
		return "", sallyport.FieldErrorf("credential", "%s wants none", d.Name)
	case name == "":
		return "", sallyport.FieldErrorf("credential", "is missing: %s wants one; name one that is there, or add one", d.Name)
	}
	c, err := r.named(ctx, name)
	if err != nil {
		return "", field("credential", err)
	}
	if c.Connector != d.Connector {
		return "", sallyport.FieldErrorf("credential", "%q is one of %s, not of %s", name, c.Connector, d.Connector)
	}
	return c.ID, nil
}

// named finds a credential by its name or id.
func (r resolver) named(ctx context.Context, name string) (sallyport.Credential, error) {
	if strings.HasPrefix(name, "crd_") {
		if c, err := r.tx.Credential(ctx, sallyport.ID(name)); sallyport.CodeOf(err) != sallyport.NotFound {
			return c, err
		}
	}
	return r.tx.CredentialByName(ctx, name)
}

// destination checks a destination. The paths in its configuration become absolute: whoever works it later may stand elsewhere.
func (r resolver) destination(ctx context.Context, spec DestinationSpec) (d sallyport.Destination, err error) {
	spec.Name = sallyport.NormalName(spec.Name)
	if err := sallyport.CheckName("name", spec.Name); err != nil {
		return d, err
	}
	definition, err := r.Catalogue.Definition(spec.Connector)
	if err != nil {
		return d, field("connector", err)
	}
	if definition.Destination == nil {
		return d, sallyport.FieldErrorf("connector", "nothing can be delivered to %s", definition.Name)
	}
	d = sallyport.Destination{Name: spec.Name, Connector: spec.Connector}
	if d.Credential, err = r.credential(ctx, definition, spec.Credential); err != nil {
		return d, err
	}
	if d.Config, err = definition.CheckConfig(spec.Config); err != nil {
		return d, prefix("config", err)
	}
	if age, ok := d.Config[connector.SettingAgainAfter].(string); ok && definition.Destination.Submit != nil {
		if _, err := sallyport.ParseDuration(age); err != nil {
			return d, sallyport.FieldErrorf("config."+connector.SettingAgainAfter, "%w", err)
		}
	}
	return d, prefix("config", r.paths(ctx, definition.Destination.Fields, d.Config, sallyport.FileWrite))
}

// field gives an error its field, where it has none that leads from here.
func field(name string, err error) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok {
		return err
	}
	named := *e
	named.Field = name
	return &named
}

// prefix leads an error's field by the one that it is in.
func prefix(name string, err error) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok {
		return err
	}
	named := *e
	named.Field = strings.TrimSuffix(name+"."+e.Field, ".")
	return &named
}
