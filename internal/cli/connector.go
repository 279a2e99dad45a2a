package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
)

type connectorCommand struct {
	List connectorList `cmd:"" help:"List connectors."`
	Show connectorShow `cmd:"" help:"Show what a connector needs and offers."`
	Lint connectorLint `cmd:"" help:"Check a definition, and run the tests in it."`
	Docs connectorDocs `cmd:"" help:"Write the documentation of all connectors."`
}

type connectorList struct{}

// Run lists connectors.
func (connectorList) Run(e *env) error {
	catalogue, err := app.Catalogue()
	if err != nil {
		return err
	}
	definitions, err := catalogue.Definitions()
	if err != nil {
		return err
	}
	type row struct {
		Connector string `json:"connector"`
		Name      string `json:"name"`
		Role      string `json:"role"`
		Summary   string `json:"summary"`
	}
	all, rows := []row{}, [][]string{}
	for _, d := range definitions {
		r := row{d.Connector, d.Name, role(d), d.Summary}
		all, rows = append(all, r), append(rows, []string{r.Connector, r.Name, r.Role, r.Summary})
	}
	return e.show(all, func(w io.Writer) { table(w, "", []string{"CONNECTOR", "NAME", "ROLE", "SUMMARY"}, rows) })
}

func role(d *connector.Definition) string {
	var roles []string
	if d.Manual || len(d.Endpoints) > 0 {
		roles = append(roles, "source")
	}
	if d.Destination != nil {
		roles = append(roles, "destination")
	}
	return strings.Join(roles, ", ")
}

type connectorShow struct {
	ID     string `arg:"" help:"Connector, such as pulsedive."`
	Schema string `help:"The JSON Schema of this name instead, such as indicator." placeholder:"NAME"`
}

// Run shows a connector as its documentation does.
func (c *connectorShow) Run(e *env) error {
	catalogue, err := app.Catalogue()
	if err != nil {
		return err
	}
	d, err := catalogue.Definition(c.ID)
	if err != nil {
		return err
	}
	if c.Schema == "" {
		return e.show(d, func(w io.Writer) {
			_, page, _ := bytes.Cut(d.Markdown(), []byte("\n\n")) // without the line that is for who finds it as a file
			w.Write(page)
		})
	}
	form := d.Shapes[c.Schema]
	if form == nil {
		return sallyport.Unknown("--schema", "schema of "+d.Connector, c.Schema, slices.Sorted(maps.Keys(d.Shapes)))
	}
	return e.show(json.RawMessage(form.Text()), func(w io.Writer) { w.Write(form.Text()) })
}

type connectorLint struct {
	File string `arg:"" type:"existingfile" help:"The definition, a YAML file."`
}

// Run checks a definition.
func (c *connectorLint) Run(e *env) error {
	data, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	files := os.DirFS(filepath.Dir(c.File))
	d, err := connector.Parse(c.File, data, files)
	if err != nil {
		return err
	}
	if err := rest.RunTests(e.ctx, d, files); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	result := map[string]any{"connector": d.Connector, "endpoints": len(d.Endpoints), "tests": len(d.Tests)}
	return e.show(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s is right: %s, %s passed\n", c.File, plural(int64(len(d.Endpoints)), "endpoint"), plural(int64(len(d.Tests)), "test"))
	})
}

type connectorDocs struct {
	Dir string `help:"Where to write." default:"docs/connectors" placeholder:"DIR"`
}

// Run writes the documentation of all connectors.
func (c *connectorDocs) Run(e *env) error {
	catalogue, err := app.Catalogue()
	if err != nil {
		return err
	}
	definitions, err := catalogue.Definitions()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	var errs error
	for _, d := range definitions {
		errs = errors.Join(errs, os.WriteFile(filepath.Join(c.Dir, d.Connector+".md"), d.Markdown(), 0o644))
	}
	if errs != nil {
		return errs
	}
	return e.show(map[string]any{"written": len(definitions), "dir": c.Dir}, func(w io.Writer) {
		fmt.Fprintf(w, "wrote %d files to %s\n", len(definitions), c.Dir)
	})
}
