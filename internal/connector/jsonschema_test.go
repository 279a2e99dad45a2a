package connector_test

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/invopop/jsonschema"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

//go:generate go test -run TestSchemaIsUpToDate . -update

var update = flag.Bool("update", false, "write the JSON Schema of definitions anew")

const schemaFile = "../../connectors/connector.schema.json"

// TestSchemaIsUpToDate keeps the JSON Schema that editors use equal to the Go types, whose comments become its descriptions.
func TestSchemaIsUpToDate(t *testing.T) {
	want := schema(t)
	if *update {
		if err := os.WriteFile(schemaFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s does not follow from the Go types (write it with go generate ./internal/connector):\n%s", schemaFile, diff)
	}
}

func schema(t *testing.T) []byte {
	t.Helper()
	r := &jsonschema.Reflector{FieldNameTag: "yaml", RequiredFromJSONSchemaTags: true, Anonymous: true, Mapper: written}
	for _, file := range []string{"definition.go", "../../flow.go"} {
		if err := r.AddGoComments("github.com/sallyport-io/sallyport/internal/connector", file, jsonschema.WithFullComment()); err != nil {
			t.Fatal(err)
		}
	}
	s := r.Reflect(new(connector.Definition))
	s.Title = "Definition of a connector of Sallyport"
	for _, fact := range schemaFacts() {
		fact.add(t, s.Definitions)
	}
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

// written is the schema of types that people write in another form than Go does.
func written(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[sallyport.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^\d{1,6}[smhdw]$`}
	case reflect.TypeFor[sallyport.Body]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "object"}, {Type: "array"}}}
	case reflect.TypeFor[sallyport.Scalar]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}, {Type: "null"}}}
	case reflect.TypeFor[sallyport.Texts]():
		one := []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}
		return &jsonschema.Schema{OneOf: append(one[:3:3], &jsonschema.Schema{Type: "array", Items: &jsonschema.Schema{OneOf: one}})}
	}
	return nil
}

// schemaFact is what Go types do not say: which keys are required, and which values there are to choose from.
type schemaFact struct {
	of       string
	required []string
	key      string
	values   []any
}

func schemaFacts() []schemaFact {
	classes := []any{
		connector.ClassEmpty, connector.ClassNotFound, connector.ClassCredential, connector.ClassPlan, connector.ClassRate, connector.ClassTransient, connector.ClassPermanent,
	}
	types := []any{connector.TypeString, connector.TypePath, connector.TypeInteger, connector.TypeBoolean, connector.TypeList}
	pagings := []any{
		sallyport.PagingSingle, sallyport.PagingPage, sallyport.PagingOffset, sallyport.PagingNextValue, sallyport.PagingNextURL,
		sallyport.PagingLinkHeader, sallyport.PagingTAXII,
	}
	return []schemaFact{
		{of: "Definition", required: []string{"connector", "name", "summary"}},
		{of: "CredentialSpec", required: []string{"fields", "auth"}},
		{of: "Auth", required: []string{"kind"}},
		{of: "Field", required: []string{"name"}, key: "type", values: types},
		{of: "Field", key: "sent", values: []any{connector.SentCommas, connector.SentDigit}},
		{of: "Field", key: "format", values: []any{connector.FormatIndicator}},
		{of: "ErrorRule", required: []string{"class"}, key: "class", values: classes},
		{of: "ErrorRule", key: "window", values: []any{"second", "day", "month"}},
		{of: "Endpoint", required: []string{"id", "name", "summary", "request"}},
		{of: "Poll", required: []string{"ticket", "url", "status", "going", "done", "every", "deadline"}},
		{of: "Request", required: []string{"url"}, key: "method", values: []any{"GET", "POST"}},
		{of: "Request", key: "format", values: []any{sallyport.FormatJSON, sallyport.FormatCSV, sallyport.FormatTAXII}},
		{of: "FailRule", required: []string{"path"}, key: "class", values: classes},
		{of: "Paging", required: []string{"type"}, key: "type", values: pagings},
		{of: "DestinationSpec", required: []string{"fields", "target"}},
		{of: "Test", required: []string{"name", "endpoint", "answers", "expect"}},
		{of: "PlanProfile", required: []string{"name", "windows"}},
		{of: "Oddity", required: []string{"what", "handled"}},
		{of: "Cut", required: []string{"after"}},
		{of: "Expect", key: "class", values: classes},
	}
}

func (f schemaFact) add(t *testing.T, all jsonschema.Definitions) {
	t.Helper()
	s := all[f.of]
	if s == nil {
		t.Fatalf("the schema has no %s", f.of)
	}
	s.Required = append(s.Required, f.required...)
	if f.key == "" {
		return
	}
	property, ok := s.Properties.Get(f.key)
	if !ok {
		t.Fatalf("%s has no %s in the schema", f.of, f.key)
	}
	property.Enum = f.values
}
