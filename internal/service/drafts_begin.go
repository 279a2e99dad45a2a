package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// How a draft begins. Looking at one stores nothing: a draft is stored at the first input. Until then its handle, which is its id, says how it
// begins: behind a ~ stands one of these words, and behind another ~ what it begins with.
const (
	beginsNew    = "new"    // ~CONNECTOR
	beginsCopy   = "copy"   // ~FLOW
	beginsChange = "change" // ~FLOW~BASE: the flow as it was, see print
)

var draftID = regexp.MustCompile(`^drf_[a-z0-9]{8,40}$`)

// Handle finds the draft again, also if nothing of it is stored yet.
func (d *Draft) Handle() string {
	if d.Begins == "" {
		return string(d.ID)
	}
	return string(d.ID) + "~" + d.Begins
}

// Draft finds an unfinished flow of a user by its handle. One that nobody stored yet is as it begins.
func (s *Service) Draft(ctx context.Context, user sallyport.ID, handle string) (*Draft, error) {
	id, begins, _ := strings.Cut(handle, "~")
	row, err := s.Store.Draft(ctx, user, sallyport.ID(id))
	if err == nil {
		return readDraft(row)
	}
	if begins == "" || sallyport.CodeOf(err) != sallyport.NotFound || !draftID.MatchString(id) {
		return nil, err
	}
	return s.begin(ctx, sallyport.ID(id), begins)
}

func (s *Service) begin(ctx context.Context, id sallyport.ID, begins string) (d *Draft, err error) {
	kind, of, _ := strings.Cut(begins, "~")
	if kind != beginsChange {
		if _, err := s.FlowOfDraft(ctx, string(id)); err == nil {
			return nil, sallyport.Errorf(sallyport.NotFound, "draft %s is finished", sallyport.Quoted(string(id)))
		}
	}
	switch kind {
	case beginsNew:
		d, err = s.CreateDraft(of)
	case beginsCopy:
		d, err = s.CopyFlow(ctx, of)
	case beginsChange:
		flow, base, _ := strings.Cut(of, "~")
		if d, err = s.changeOf(ctx, flow); err == nil {
			d.Overtaken = d.Base != base
		}
	default:
		return nil, sallyport.Errorf(sallyport.NotFound, "there is no draft %s", sallyport.Quoted(string(id)))
	}
	if err != nil {
		return nil, err
	}
	d.ID, d.Begins = id, begins
	return d, nil
}

// CreateDraft begins a flow that pulls from a connector.
func (s *Service) CreateDraft(connectorID string) (*Draft, error) {
	definition, err := s.Catalogue.Definition(connectorID)
	switch {
	case err != nil:
		return nil, field("connector", err)
	case !IsSource(definition):
		return nil, sallyport.FieldErrorf("connector", "%s has nothing to read from; it is for destinations", definition.Name)
	}
	d := newDraft(connectorID)
	d.Begins = beginsNew + "~" + connectorID
	return d, nil
}

// ChangeFlow begins to change a flow, or returns the draft in which its user began to, unless the flow has changed since.
func (s *Service) ChangeFlow(ctx context.Context, user sallyport.ID, flowName string) (*Draft, error) {
	d, err := s.changeOf(ctx, flowName)
	if err != nil {
		return nil, err
	}
	// Two windows in which the same flow is changed have the same draft, so that neither overwrites what the other saved.
	sum := sha256.Sum256([]byte(string(user) + "~" + string(d.Changes) + "~" + d.Base))
	d.ID = sallyport.ID("drf_" + hex.EncodeToString(sum[:13]))
	d.Begins = strings.Join([]string{beginsChange, string(d.Changes), d.Base}, "~")
	return s.Draft(ctx, user, d.Handle())
}

// changeOf is a draft that changes a flow, which is as it is now.
func (s *Service) changeOf(ctx context.Context, flowName string) (*Draft, error) {
	f, err := s.Flow(ctx, flowName)
	if err != nil {
		return nil, err
	}
	d := draftOf(&f)
	d.Changes = f.ID
	d.Base, err = print(&f)
	return d, err
}

// CopyFlow begins a new flow that is like another one.
func (s *Service) CopyFlow(ctx context.Context, flowName string) (*Draft, error) {
	f, err := s.Flow(ctx, flowName)
	if err != nil {
		return nil, err
	}
	d := draftOf(&f)
	d.Begins = beginsCopy + "~" + string(f.ID)
	for i := range d.Destinations {
		s.moveAside(&d.Destinations[i])
	}
	return d, s.Store.InTx(ctx, func(tx *store.Tx) error {
		d.Name, err = copyName(ctx, tx, f.Name)
		return err
	})
}

func newDraft(connectorID string) *Draft {
	return &Draft{ID: sallyport.NewID("drf"), Version: 1, Connector: connectorID, UpdatedAt: sallyport.Now()}
}

// keepBeginning stores a draft of which nothing is stored yet, as its first version. It makes room for it: the oldest drafts of its user go, those
// that nobody touched for long, and those that change the same flow as it was before.
func keepBeginning(ctx context.Context, tx *store.Tx, user sallyport.ID, d *Draft) error {
	if d.Begins == "" {
		return nil
	}
	if d.Overtaken {
		return overtaken()
	}
	row, err := d.row(user)
	if err != nil {
		return err
	}
	others, err := readDrafts(tx.Drafts(ctx, user, maxDrafts))
	if err != nil {
		return err
	}
	for _, other := range others {
		if d.Changes != "" && other.Changes == d.Changes && other.Base != d.Base {
			if err := tx.DeleteDraft(ctx, store.Draft{ID: other.ID, UserID: user, Version: other.Version}); err != nil {
				return err
			}
		}
	}
	if err := tx.DeleteDraftsBefore(ctx, user, d.UpdatedAt.Add(-draftLifetime)); err != nil {
		return err
	}
	row.Version = 1
	if err := tx.InsertDraft(ctx, row); err != nil {
		return err
	}
	return tx.DeleteOldestDrafts(ctx, user, maxDrafts)
}
