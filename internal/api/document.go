package api

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// introduction is what the document says of the API as a whole.
const introduction = "Everything that Sallyport does at the command line and at its pages, for programs. " +
	"Each request needs an API token with the scope that is named: `Authorization: Bearer TOKEN`. " +
	"Lists come in pages: `limit` says how long, `after` takes the `next` of the page before. " +
	"A POST with an `Idempotency-Key` is done once, however often it is sent within a day. " +
	"Errors are `application/problem+json`. A secret is only ever written: what is read says whether it is set, and since when."

// tags are the things that the API is about, in the order of the document.
var tags = []*huma.Tag{
	{Name: "connectors", Description: "Kinds of systems: what a credential for them consists of, what can be pulled from them and delivered to them."},
	{Name: "credentials", Description: "How to get into an account of a connector."},
	{Name: "sources", Description: "What a flow would pull."},
	{Name: "flows", Description: "A source, its dataset and its destinations."},
	{Name: "runs", Description: "Executions of a source."},
	{Name: "datasets", Description: "The kept records of a source."},
	{Name: "destinations", Description: "Where datasets go."},
	{Name: "quarantine", Description: "Records that could not be taken, each with its reason."},
	{Name: "usage", Description: "What ran of late."},
	{Name: "audit", Description: "Who used or changed what."},
	{Name: "users", Description: "Who may sign in to the pages."},
	{Name: "tokens", Description: "Which programs may use this API."},
}

func (s *server) showDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(s.document) // whoever asked is gone if it fails
}

//go:embed docs.css
var docsStyle []byte

// documentation writes the document, and makes the page from it, once: everybody may ask for them.
func (s *server) documentation() {
	var err error
	if s.document, err = json.MarshalIndent(s.api.OpenAPI(), "", "  "); err != nil {
		panic(err)
	}
	var page bytes.Buffer
	if err := docs(docsReader{s.api.OpenAPI()}).Render(context.Background(), &page); err != nil {
		panic(err)
	}
	s.docs = page.Bytes()
}

func (s *server) showDocs(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write(s.docs) // whoever asked is gone if it fails
}

func (s *server) showStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Write(docsStyle) // whoever asked is gone if it fails
}
