package api

import "github.com/danielgtaylor/huma/v2"

// Document is the document of the API as it is, however it is configured.
func Document() *huma.OpenAPI { return newServer(Config{Version: "dev"}).api.OpenAPI() }
