package service

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

// MaxFlowFile bounds a flow file, in bytes.
const MaxFlowFile = strictyaml.MaxSize

// FlowFile is a flow file as it was read.
type FlowFile struct {
	Name string // for the places in errors
	Data []byte
}

// FlowSpec is a flow as a person or a program writes it, in a flow file or as JSON: credentials go by name.
type FlowSpec struct {
	Flow         string            `yaml:"flow" json:"flow"` // its name
	Description  string            `yaml:"description,omitempty" json:"description,omitempty"`
	Source       SourceSpec        `yaml:"source" json:"source"`
	Destinations []DestinationSpec `yaml:"destinations,omitempty" json:"destinations,omitempty"`
}

// SourceSpec is the source of a [FlowSpec].
type SourceSpec struct {
	Connector  string              `yaml:"connector" json:"connector"`
	Credential string              `yaml:"credential,omitempty" json:"credential,omitempty"`
	Endpoint   string              `yaml:"endpoint,omitempty" json:"endpoint,omitempty"`
	Params     Values              `yaml:"params,omitempty" json:"params,omitempty"`
	Request    *sallyport.Request  `yaml:"request,omitempty" json:"request,omitempty"`
	Raw        bool                `yaml:"raw,omitempty" json:"raw,omitempty"`
	Schedule   *sallyport.Schedule `yaml:"schedule,omitempty" json:"schedule,omitempty"`
	Emit       string              `yaml:"emit,omitempty" json:"emit,omitempty"`
	// Confirm is how many complete pulls in a row must miss a record before it counts as vanished: 1 to 3.
	Confirm int `yaml:"confirm,omitempty" json:"confirm,omitzero"`
	// VanishLimit is the share of the known records that may vanish at once, such as 50%, before the pull is held; or off.
	VanishLimit string `yaml:"vanish_limit,omitempty" json:"vanish_limit,omitempty"`
}

// DestinationSpec is a destination of a [FlowSpec].
type DestinationSpec struct {
	Name       string `yaml:"name" json:"name"`
	Connector  string `yaml:"connector" json:"connector"`
	Credential string `yaml:"credential,omitempty" json:"credential,omitempty"`
	Config     Values `yaml:"config,omitempty" json:"config,omitempty"`
}

// Values are values by the names of their fields. Numbers that come as JSON are kept as they are written.
type Values map[string]any

// UnmarshalJSON reads numbers as json.Number.
func (v *Values) UnmarshalJSON(b []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(b))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(v))
}

// specs reads the flows of a file, each with its document for the places of faults.
func (f FlowFile) specs() ([]placedSpec, error) {
	var all []placedSpec
	for doc, err := range strictyaml.Documents(f.Name, f.Data) {
		if err != nil {
			return nil, err
		}
		var spec FlowSpec
		if err := doc.Decode(&spec); err != nil {
			return nil, err
		}
		all = append(all, placedSpec{FlowSpec: spec, doc: doc})
	}
	return all, nil
}

// placedSpec is a flow with the document it came from.
type placedSpec struct {
	FlowSpec
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
	if placed.Code == sallyport.NotFound {
		placed.Code = sallyport.Invalid // a flow that names what is not there is wrong
	}
	placed.Field = strings.Join(path, ".")
	if s.doc != nil {
		placed.Field, placed.Message = s.doc.Place(steps...), placed.Field+": "+e.Message
	}
	return &placed
}

// spec writes a flow as a flow file would.
func (s *Service) spec(ctx context.Context, f *sallyport.Flow) (*FlowSpec, error) {
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
	spec := &FlowSpec{Flow: f.Name, Description: f.Description, Source: SourceSpec{
		Connector: f.Source.Connector, Credential: name, Endpoint: f.Source.Endpoint, Params: plain(f.Source.Params),
		Request: f.Source.Request, Raw: f.Source.Raw, Schedule: f.Source.Schedule, Emit: f.Source.Emit,
		Confirm: f.Source.Confirm, VanishLimit: f.Source.VanishLimit,
	}}
	for _, d := range f.Destinations {
		if name, err = names(d.Credential); err != nil {
			return nil, err
		}
		spec.Destinations = append(spec.Destinations, DestinationSpec{d.Name, d.Connector, name, plain(d.Config)})
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

// redactYAML takes keys out of all values below a node. The names of fields stay.
func redactYAML(r *secret.Redactor, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		node.Value = r.String(node.Value)
	}
	for i, child := range node.Content {
		if node.Kind != yaml.MappingNode || i%2 == 1 {
			redactYAML(r, child)
		}
	}
}

// ExportFlow writes a flow as a flow file, without keys.
func (s *Service) ExportFlow(ctx context.Context, name string) ([]byte, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return nil, err
	}
	spec, err := s.spec(ctx, &f)
	if err != nil {
		return nil, err
	}
	if err := s.LearnKeys(ctx); err != nil {
		return nil, err
	}
	var node yaml.Node
	if err := node.Encode(spec); err != nil {
		return nil, err
	}
	redactYAML(s.Shown(), &node)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&node); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
