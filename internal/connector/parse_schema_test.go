package connector_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sallyport-io/sallyport/internal/connector"
)

const withSchema = `
connector: demo
name: Demo
summary: A demo.
credential:
  fields: [{name: address, public: true, required: true}, {name: key, required: true}]
  auth: {kind: query, name: key, secret: key}
endpoints:
  - id: row.list
    name: Rows
    summary: Rows.
    schema: SCHEMA
    params: [{name: of, type: integer, required: true}]
    request: {url: /rows, records: '$[*][*]', names: [NAMES], with: {of: '{of}'}, key: [of, id]}
`

func TestSchemaOfAnEndpoint(t *testing.T) {
	const rows = `{"type":"object","properties":{"of":{"type":"integer"},"group":{"type":"string"},"id":{"type":"integer"}}}`
	files := fstest.MapFS{
		"schema/row.json": {Data: []byte(rows)}, "schema/bad.json": {Data: []byte(`{"type":"object","required":[]}`)},
		"schema/other.json": {Data: []byte(strings.Replace(rows, `"id"`, `"number"`, 1))},
	}
	for _, c := range []struct{ schema, names, want string }{
		{"row", "group", ""},
		{"raw", "group", "demo.yaml:12:13: schema: open schema/raw.json: file does not exist"},
		{"Row", "group", "demo.yaml:12:13: schema: must be of lower-case letters"},
		{"bad", "group", "demo.yaml:12:13: schema: the schema cannot be read"},
		{"other", "group", "demo.yaml:12:13: schema: other does not declare id"},
		{"row", "kind", "schema: row does not declare kind"},
		{"row", "group, group", "names: must hold names of fields, each once"},
		{"row", "group, of", "names: must hold names of fields, each once, and none that with holds"},
		{"row", "a, b, c", "names: must be no more than the wildcards"},
	} {
		d, err := connector.Parse("demo.yaml", []byte(strings.NewReplacer("SCHEMA", c.schema, "NAMES", c.names).Replace(withSchema)), files)
		switch {
		case c.want == "" && (err != nil || d.Shape(&d.Endpoints[0]) == nil || !d.Shape(&d.Endpoints[0]).Has("group")):
			t.Errorf("%s, %s: %v", c.schema, c.names, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s, %s: %v, want %s", c.schema, c.names, err, c.want)
		}
	}
}
