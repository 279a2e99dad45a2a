package connector_test

import (
	"context"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

const goodDestination = `connector: %
name: Heap
summary: A heap.
destination:
  fields:
    - {name: path, type: path, required: true}
    - {name: columns, type: list}
  target: [path]
`

func folders() fstest.MapFS {
	return fstest.MapFS{
		"connectors.go":            {Data: []byte("package connectors")},
		"demo/connector.yaml":      {Data: []byte(strings.ReplaceAll(good, "destination:\n  fields:\n    - {name: path, type: path, required: true}\n  target: [path]\n", ""))},
		"demo/testdata/thing.json": {Data: []byte("{}")},
		"heap/connector.yaml":      {Data: []byte(strings.Replace(goodDestination, "%", "heap", 1))},
	}
}

func opener(opened *connector.Target) map[string]connector.OpenDestination {
	return map[string]connector.OpenDestination{"heap": func(_ context.Context, target connector.Target) (connector.Destination, error) {
		*opened = target
		return nil, nil
	}}
}

func TestCatalogue(t *testing.T) {
	var opened connector.Target
	c, err := connector.NewCatalogue(folders(), opener(&opened))
	if err != nil {
		t.Fatal(err)
	}
	all, err := c.Definitions()
	if err != nil || len(all) != 2 || all[0].Connector != "demo" || all[1].Connector != "heap" {
		t.Fatalf("got %v, %v", all, err)
	}
	if again, err := c.Definition("demo"); err != nil || again != all[0] {
		t.Errorf("the definition was parsed twice: %v", err)
	}
	if _, err := fs.Stat(c.Files("demo"), "testdata/thing.json"); err != nil {
		t.Error(err)
	}
	if c.Files("no") != nil {
		t.Error("an unknown connector has files")
	}
	_, err = c.Definition("dmo")
	if err == nil || err.Error() != `connector: there is no connector "dmo"; did you mean "demo"?` || sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestCatalogueOpens(t *testing.T) {
	var opened connector.Target
	c, err := connector.NewCatalogue(folders(), opener(&opened))
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]any{"path": "x", "columns": []any{"a", "b"}}
	if _, err := c.Open(t.Context(), "heap", connector.Target{ID: "dst_1", Config: stored}); err != nil {
		t.Fatal(err)
	}
	want := connector.Target{ID: "dst_1", Config: map[string]any{"path": "x", "columns": []string{"a", "b"}}}
	if diff := cmp.Diff(want, opened); diff != "" {
		t.Error(diff)
	}
	_, err = c.Open(t.Context(), "heap", connector.Target{})
	wantError(t, err, "path: is required")
	_, err = c.Open(t.Context(), "demo", connector.Target{})
	wantError(t, err, "nothing can be delivered to Demo")
	if _, err = c.Open(t.Context(), "no", connector.Target{}); sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestCatalogueIsLazy(t *testing.T) {
	files := folders()
	files["broken/connector.yaml"] = &fstest.MapFile{Data: []byte("{")}
	files["empty/x"] = &fstest.MapFile{}
	c, err := connector.NewCatalogue(files, opener(new(connector.Target)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Definition("demo"); err != nil {
		t.Error(err)
	}
	all, err := c.Definitions()
	if len(all) != 2 || err == nil || !strings.Contains(err.Error(), "broken/connector.yaml:2:1") || !strings.Contains(err.Error(), "reading connector empty") {
		t.Errorf("got %d definitions, %v", len(all), err)
	}
}

func TestCatalogueMustBeConsistent(t *testing.T) {
	open := func(context.Context, connector.Target) (connector.Destination, error) { return nil, nil }
	for name, c := range map[string]struct {
		id           string
		destinations map[string]connector.OpenDestination
		want         string
	}{
		"other folder": {"pile", map[string]connector.OpenDestination{"heap": open, "pile": open}, `pile/connector.yaml: connector: must be "pile" like its folder`},
		"no opener":    {"heap", nil, "heap/connector.yaml: destination: must be there if, and only if, the program can deliver to heap"},
		"no spec":      {"demo", map[string]connector.OpenDestination{"demo": open}, "demo/connector.yaml: destination: must be there if, and only if, the program can deliver to demo"},
	} {
		t.Run(name, func(t *testing.T) {
			files := folders()
			files["pile/connector.yaml"] = files["heap/connector.yaml"]
			catalogue, err := connector.NewCatalogue(files, c.destinations)
			if err != nil {
				t.Fatal(err)
			}
			_, err = catalogue.Definition(c.id)
			wantError(t, err, c.want)
		})
	}
	if _, err := connector.NewCatalogue(folders(), map[string]connector.OpenDestination{"nowhere": open}); err == nil {
		t.Error("a destination without a definition was taken")
	}
}

func TestCatalogueIsConcurrent(t *testing.T) {
	c, err := connector.NewCatalogue(folders(), opener(new(connector.Target)))
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if _, err := c.Definitions(); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
}
