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
