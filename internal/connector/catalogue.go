package connector

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"

	"github.com/sallyport-io/sallyport"
)

// definitionFile is the name of the definition in the folder of a connector.
const definitionFile = "connector.yaml"

// Catalogue is all connectors there are. It may be used concurrently; its definitions must not be changed.
type Catalogue struct {
	entries map[string]entry // by id
}

type entry struct {
	files      fs.FS
	definition func() (*Definition, error) // parses at the first call
	open       OpenDestination             // nil: it is no destination
}

// NewCatalogue makes a catalogue of the folders in files, each named by the connector whose connector.yaml it holds, and the functions
// that open the destinations among them. A definition is read when it is asked for.
func NewCatalogue(files fs.FS, destinations map[string]OpenDestination) (*Catalogue, error) {
	folders, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("reading the connectors: %w", err)
	}
	c := &Catalogue{entries: map[string]entry{}}
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		id := folder.Name()
		own, err := fs.Sub(files, id)
		if err != nil {
			return nil, fmt.Errorf("reading connector %s: %w", id, err)
		}
		open := destinations[id]
		c.entries[id] = entry{own, sync.OnceValues(func() (*Definition, error) { return read(id, own, open) }), open}
	}
	for id := range destinations {
		if _, ok := c.entries[id]; !ok {
			return nil, sallyport.Errorf(sallyport.Internal, "the destination %s has no definition", id)
		}
	}
	return c, nil
}

// read parses the definition in the folder of a connector.
func read(id string, files fs.FS, open OpenDestination) (*Definition, error) {
	data, err := fs.ReadFile(files, definitionFile)
	if err != nil {
		return nil, fmt.Errorf("reading connector %s: %w", id, err)
	}
	name := id + "/" + definitionFile
	d, err := Parse(name, data, files)
	switch {
	case err != nil:
		return nil, err
	case d.Connector != id:
		return nil, sallyport.FieldErrorf(name, "connector: must be %q like its folder", id)
	case (d.Destination != nil && d.Destination.Submit == nil) != (open != nil):
		return nil, sallyport.FieldErrorf(name, "destination: must be there if, and only if, the program can deliver to %s", id)
	}
	return d, nil
}

// Definition returns the definition of a connector. The error for an id that is none names the nearest.
func (c *Catalogue) Definition(id string) (*Definition, error) {
	entry, err := c.entry(id)
	if err != nil {
		return nil, err
	}
	return entry.definition()
}

func (c *Catalogue) entry(id string) (entry, error) {
	if found, ok := c.entries[id]; ok {
		return found, nil
	}
	return entry{}, sallyport.Unknown("connector", "connector", id, slices.Sorted(maps.Keys(c.entries)))
}

// Definitions returns all definitions by id. The error tells of all that cannot be read; the others are returned nevertheless.
func (c *Catalogue) Definitions() ([]*Definition, error) {
	var all []*Definition
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(c.entries)) {
		if d, err := c.entries[id].definition(); err != nil {
			errs = append(errs, err)
		} else {
			all = append(all, d)
		}
	}
	return all, errors.Join(errs...)
}

// Files are those in the folder of a connector; nil if there is no such connector.
func (c *Catalogue) Files(id string) fs.FS { return c.entries[id].files }

// Open opens a destination, whose configuration is checked once more: what was kept as JSON comes back in other types.
func (c *Catalogue) Open(ctx context.Context, id string, target Target) (Destination, error) {
	entry, err := c.entry(id)
	if err != nil {
		return nil, err
	}
	d, err := entry.definition()
	if err != nil {
		return nil, err
	}
	if target.Config, err = d.CheckConfig(target.Config); err != nil {
		return nil, err
	}
	if entry.open == nil {
		return nil, sallyport.Errorf(sallyport.Internal, "%s has no destination of its own", id)
	}
	return entry.open(ctx, target)
}
