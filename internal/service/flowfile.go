package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/engine"
	"github.com/sallyport-io/sallyport/internal/store"
	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

// MaxFlowFile bounds a flow file, in bytes.
const MaxFlowFile = strictyaml.MaxSize

// FlowFile is a flow file as it was read.
type FlowFile struct {
	Name string // for the places in errors
	Data []byte
}

// flowSpec is a flow as a flow file writes it: credentials go by name.
type flowSpec struct {
	Flow         string            `yaml:"flow"`
	Description  string            `yaml:"description,omitempty"`
	Source       sourceSpec        `yaml:"source"`
	Destinations []destinationSpec `yaml:"destinations,omitempty"`
}

type sourceSpec struct {
	Connector  string              `yaml:"connector"`
	Credential string              `yaml:"credential,omitempty"`
	Endpoint   string              `yaml:"endpoint,omitempty"`
	Params     map[string]any      `yaml:"params,omitempty"`
	Request    *sallyport.Request  `yaml:"request,omitempty"`
	Raw        bool                `yaml:"raw,omitempty"`
	Schedule   *sallyport.Schedule `yaml:"schedule,omitempty"`
	Emit       string              `yaml:"emit,omitempty"`
}

type destinationSpec struct {
	Name       string         `yaml:"name"`
	Connector  string         `yaml:"connector"`
	Credential string         `yaml:"credential,omitempty"`
	Config     map[string]any `yaml:"config,omitempty"`
}

// specs reads the flows of a file, each with its document for the places of faults.
func (f FlowFile) specs() ([]placedSpec, error) {
	var all []placedSpec
	for doc, err := range strictyaml.Documents(f.Name, f.Data) {
		if err != nil {
			return nil, err
		}
		var spec flowSpec
		if err := doc.Decode(&spec); err != nil {
			return nil, err
		}
		all = append(all, placedSpec{flowSpec: spec, doc: doc})
	}
	return all, nil
}

// placedSpec is a flow with the document it came from.
type placedSpec struct {
	flowSpec
	doc   *strictyaml.Document
	paths bool // there is no document: errors name the path of their value, such as destinations.0.config.path
}

// at says where in the file an error about a value belongs: steps lead to the value, the error's own field leads on from there.
func (s placedSpec) at(err error, steps ...any) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || s.doc == nil && !s.paths {
		return err
	}
	placed := *e
	for _, part := range strings.Split(e.Field, ".") {
		steps = append(steps, part)
	}
	var path []string
	for _, step := range steps {
		if part := fmt.Sprint(step); part != "" {
			path = append(path, part)
		}
	}
	if s.doc == nil {
		placed.Field = strings.Join(path, ".")
		return &placed
	}
	placed.Field = s.doc.Place(steps...)
	placed.Message = strings.Join(path, ".") + ": " + e.Message
	if placed.Code == sallyport.NotFound {
		placed.Code = sallyport.Invalid // a flow file that names what is not there is wrong
	}
	return &placed
}

// resolver makes flows of specs.
type resolver struct {
	*Service
	tx *store.Tx
}

// flow makes a checked flow of a spec. It has no ids yet.
func (r resolver) flow(ctx context.Context, s placedSpec) (*sallyport.Flow, error) {
	if err := sallyport.CheckName("flow", s.Flow); err != nil {
		return nil, s.at(err)
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
	var public map[string]string
	if source.Credential != "" {
		c, err := r.tx.Credential(ctx, source.Credential)
		if err != nil {
			return err
		}
		public = c.Public
	}
	_, err := r.Engine.OpenSource(source, public, nil)
	return err
}

// source checks a source, and returns it with the key of its records.
func (r resolver) source(ctx context.Context, spec sourceSpec) (s sallyport.Source, key []string, err error) {
	definition, err := r.Catalogue.Definition(spec.Connector)
	if err != nil {
		return s, nil, field("connector", err)
	}
	s = sallyport.Source{Connector: spec.Connector, Schedule: spec.Schedule, Raw: spec.Raw, Emit: spec.Emit}
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

func checkManual(definition *connector.Definition, spec sourceSpec) error {
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
	c, err := r.tx.CredentialByName(ctx, name)
	if err != nil {
		return "", field("credential", err)
	}
	if c.Connector != d.Connector {
		return "", sallyport.FieldErrorf("credential", "%q is one of %s, not of %s", name, c.Connector, d.Connector)
	}
	return c.ID, nil
}

// destination checks a destination. The paths in its configuration become absolute: whoever works it later may stand elsewhere.
func (r resolver) destination(ctx context.Context, spec destinationSpec) (d sallyport.Destination, err error) {
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
	return d, absolute(definition.Destination.Fields, d.Config)
}

// absolute makes the paths among some values absolute.
func absolute(fields []connector.Field, values map[string]any) (err error) {
	for _, f := range fields {
		if path, ok := values[f.Name].(string); ok && f.Type == connector.TypePath {
			if values[f.Name], err = filepath.Abs(path); err != nil {
				return err
			}
		}
	}
	return nil
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

// checkSchedule says what is wrong with a schedule; none is right.
func checkSchedule(s *sallyport.Schedule) error {
	switch {
	case s == nil:
		return nil
	case (s.Every != 0) == (s.Cron != ""):
		return sallyport.FieldErrorf("schedule", "must have either every or cron")
	case s.Every != 0 && time.Duration(s.Every) < time.Minute:
		return sallyport.FieldErrorf("schedule.every", "must be at least 1m")
	case s.Every != 0 && s.Zone != "":
		return sallyport.FieldErrorf("schedule.zone", "goes with cron only")
	}
	_, err := engine.Next(s, time.Now())
	return err
}

// checkInterval makes sure that a schedule is not due more often than an endpoint allows. Cron expressions are looked at in UTC, whose days
// are all of the same length.
func checkInterval(s *sallyport.Schedule, e *connector.Endpoint) error {
	least := time.Duration(e.MinInterval)
	switch {
	case s == nil || least == 0:
		return nil
	case s.Cron == "" && time.Duration(s.Every) < least:
		return sallyport.FieldErrorf("schedule.every", "must be at least %s: %s may not be pulled more often", e.MinInterval, e.ID)
	case s.Cron == "":
		return nil
	}
	plain := sallyport.Schedule{Cron: s.Cron}
	last, err := engine.Next(&plain, time.Now())
	for range cronLook {
		if err != nil {
			return err
		}
		var next time.Time
		if next, err = engine.Next(&plain, last); err == nil && next.Sub(last) < least {
			return sallyport.FieldErrorf("schedule.cron", "is due again after %s: %s may be pulled every %s only", next.Sub(last), e.ID, e.MinInterval)
		}
		last = next
	}
	return nil
}

// cronLook is how many times of a cron expression are looked at.
const cronLook = 50

// spec writes a flow as a flow file would.
func (s *Service) spec(ctx context.Context, f *sallyport.Flow) (*flowSpec, error) {
	names := func(id sallyport.ID) (string, error) {
		if id == "" {
			return "", nil
		}
		c, err := s.Store.Credential(ctx, id)
		if err != nil {
			return "", err
		}
		return c.Name, nil
	}
	name, err := names(f.Source.Credential)
	if err != nil {
		return nil, err
	}
	spec := &flowSpec{Flow: f.Name, Description: f.Description, Source: sourceSpec{
		Connector: f.Source.Connector, Credential: name, Endpoint: f.Source.Endpoint, Params: plain(f.Source.Params),
		Request: f.Source.Request, Raw: f.Source.Raw, Schedule: f.Source.Schedule, Emit: f.Source.Emit,
	}}
	for _, d := range f.Destinations {
		if name, err = names(d.Credential); err != nil {
			return nil, err
		}
		spec.Destinations = append(spec.Destinations, destinationSpec{d.Name, d.Connector, name, plain(d.Config)})
	}
	return spec, nil
}

// plain writes integers as people do: YAML would quote a json.Number, which is a text to it.
func plain(values map[string]any) map[string]any {
	values = maps.Clone(values)
	for name, value := range values {
		if n, ok := value.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				values[name] = i
			}
		}
	}
	return values
}

// ExportFlow writes a flow as a flow file.
func (s *Service) ExportFlow(ctx context.Context, name string) ([]byte, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return nil, err
	}
	spec, err := s.spec(ctx, &f)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(spec); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
