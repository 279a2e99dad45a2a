package connectors_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/connector"
)

var update = flag.Bool("update", false, "write each README.md anew")

// embedded is the catalogue of what is embedded. Tests share it, and so change nothing in it.
var embedded = sync.OnceValues(func() (*connector.Catalogue, error) {
	open := func(context.Context, connector.Target) (connector.Destination, error) { return nil, nil }
	return connector.NewCatalogue(connectors.FS, map[string]connector.OpenDestination{"file": open, "sqlite": open})
})

// catalogue holds every definition that is embedded.
func catalogue(t *testing.T) *connector.Catalogue {
	t.Helper()
	c, err := embedded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func definitions(t *testing.T) []*connector.Definition {
	t.Helper()
	all, err := catalogue(t).Definitions()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryFolderIsEmbedded(t *testing.T) {
	folders, err := filepath.Glob("*/connector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if all := definitions(t); len(all) != len(folders) || len(all) < 4 {
		t.Errorf("%d definitions of %d folders", len(all), len(folders))
	}
}

func TestReadmesAreUpToDate(t *testing.T) {
	for _, d := range definitions(t) {
		name := filepath.Join(d.Connector, "README.md")
		if *update {
			if err := os.WriteFile(name, d.Markdown(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(d.Markdown()), string(got)); diff != "" {
			t.Errorf("%s does not follow from its definition (write it with go test ./connectors -update):\n%s", name, diff)
		}
	}
}

// TestEveryEndpointIsTested makes sure that every endpoint, class of errors and recorded answer occurs in a test.
func TestEveryEndpointIsTested(t *testing.T) {
	c := catalogue(t)
	for _, d := range definitions(t) {
		endpoints, files := map[string]bool{}, map[string]bool{}
		for _, test := range d.Tests {
			endpoints[test.Endpoint] = true
			for _, answer := range test.Answers {
				files[answer.File] = true
			}
		}
		for _, e := range d.Endpoints {
			if !endpoints[e.ID] {
				t.Errorf("%s: no test of %s", d.Connector, e.ID)
			}
		}
		recorded, err := fs.Glob(c.Files(d.Connector), "testdata/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range recorded {
			if !files[file] {
				t.Errorf("%s: no test uses %s", d.Connector, file)
			}
		}
	}
}
