// Package connectors holds the definitions of all connectors: a folder each, with connector.yaml, the JSON Schemas of its records, the
// answers that its tests use, and a README.md that is generated from the definition.
package connectors

import "embed"

// FS holds the folder of every connector, named by its id.
//
//go:embed */connector.yaml */testdata */schema
var FS embed.FS
