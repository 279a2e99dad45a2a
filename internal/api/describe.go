package api

import (
	_ "embed"
	"encoding/json"
)

// comments are what the Go types say of their fields: by schema and property.
//
//go:embed comments.json
var comments []byte

// describe puts the comments of fields into the document, where nothing else describes them.
func (s *server) describe() {
	var of map[string]map[string]string
	if err := json.Unmarshal(comments, &of); err != nil {
		panic(err)
	}
	for name, schema := range s.api.OpenAPI().Components.Schemas.Map() {
		for property, form := range schema.Properties {
			if form.Description == "" {
				form.Description = of[name][property]
			}
		}
	}
}
