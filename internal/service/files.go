package service

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/store"
)

// paths makes the paths among some values absolute, and refuses those that the actor may not name. Fields of errors are those of the values.
// The advice is early: whether a file may be used is decided when it is opened.
func (r resolver) paths(ctx context.Context, fields []connector.Field, values map[string]any, purpose sallyport.FilePurpose) error {
	for _, f := range fields {
		path, ok := values[f.Name].(string)
		if !ok || f.Type != connector.TypePath {
			continue
		}
		path, err := r.path(ctx, f.Name, path, purpose)
		if err != nil {
			return err
		}
		values[f.Name] = path
	}
	return nil
}

func (r resolver) path(ctx context.Context, name, path string, purpose sallyport.FilePurpose) (string, error) {
	if err := r.actor.Needs(sallyport.ScopeFiles, name, "a file of the server"); err != nil {
		return "", err
	}
	if r.actor.IsOwner() {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		return absolute, r.foreign(name, absolute)
	}
	path = r.Files.Absolute(path)
	if err := r.foreign(name, path); err != nil {
		return "", err
	}
	return path, field(name, r.Files.Permits(ctx, r.tx, r.of, purpose, path))
}

// MakeAbsolute makes the paths among some values absolute as pages mean them, so that a person sees where a file is before it is saved.
func (s *Service) MakeAbsolute(fields []connector.Field, values map[string]any) {
	for _, f := range fields {
		if path, ok := values[f.Name].(string); ok && f.Type == connector.TypePath && path != "" {
			values[f.Name] = s.Files.Absolute(path)
		}
	}
}

// foreign refuses a file of the program itself.
func (s *Service) foreign(name, path string) error {
	if s.Files.IsOwn(path) {
		return sallyport.FieldErrorf(name, "%s is a file of Sallyport itself; choose another", path)
	}
	return nil
}

// known finds the flow that a spec changes, for the grants that it has.
func (r resolver) known(ctx context.Context, name string) (grant.Flow, error) {
	f, err := r.tx.FlowByName(ctx, name)
	if sallyport.CodeOf(err) == sallyport.NotFound {
		return grant.Flow{}, nil
	}
	return grant.Flow{ID: f.ID, Name: f.Name}, err
}

// filesOf lists the files that a flow names.
func (s *Service) filesOf(f *sallyport.Flow) (all []sallyport.FileUse) {
	if d, err := s.Catalogue.Definition(f.Source.Connector); err == nil {
		if e, err := d.Endpoint(f.Source.Endpoint); err == nil {
			all = appendUses(all, e.Params, f.Source.Params, sallyport.FileRead, func(field string) string { return "parameter " + field })
		}
	}
	for _, to := range f.Destinations {
		if d, err := s.Catalogue.Definition(to.Connector); err == nil && d.Destination != nil {
			all = appendUses(all, d.Destination.Fields, to.Config, sallyport.FileWrite, func(string) string { return "destination " + to.Name })
		}
	}
	return all
}

func appendUses(all []sallyport.FileUse, fields []connector.Field, values map[string]any, purpose sallyport.FilePurpose, place func(field string) string) []sallyport.FileUse {
	for _, f := range fields {
		if path, ok := values[f.Name].(string); ok && f.Type == connector.TypePath {
			all = append(all, sallyport.FileUse{Place: place(f.Name), Path: path, Purpose: purpose})
		}
	}
	return all
}

// recordFiles records which files a flow uses from now on: as grants if the local owner says so, in the audit log if anyone else does. Grants
// for files that it does not use any more end.
func (s *Service) recordFiles(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow) error {
	uses := s.filesOf(f)
	granted, err := s.Files.Of(ctx, tx, f.ID)
	if err != nil {
		return err
	}
	for _, g := range granted {
		if !slices.ContainsFunc(uses, func(u sallyport.FileUse) bool { return u.Path == g.Path && u.Purpose == g.Purpose }) {
			if err := tx.DeleteFileGrant(ctx, g); err != nil {
				return err
			}
		}
	}
	for _, use := range uses {
		if !actor.IsOwner() {
			err = tx.InsertAudit(ctx, audit.Entry(actor, audit.FileUse, f.ID, fileDetail(f.Name, use)))
		} else if !slices.ContainsFunc(granted, func(g sallyport.FileGrant) bool { return g.FileUse == use }) {
			err = s.grantFile(ctx, tx, actor, f, use)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// keepsToGrants refuses a change by which a granted file would be written in another way: by another connector, or in another table. The person
// who granted it has seen what is written there.
func (s *Service) keepsToGrants(ctx context.Context, tx *store.Tx, actor sallyport.Actor, old, f *sallyport.Flow) error {
	if actor.IsOwner() {
		return nil
	}
	granted, err := s.Files.Of(ctx, tx, old.ID)
	if err != nil {
		return err
	}
	for i, d := range f.Destinations {
		for _, use := range s.filesOf(&sallyport.Flow{Destinations: []sallyport.Destination{d}}) {
			isGranted := slices.ContainsFunc(granted, func(g sallyport.FileGrant) bool { return g.Path == use.Path && g.Purpose == use.Purpose })
			asBefore := slices.ContainsFunc(old.Destinations, func(o sallyport.Destination) bool { return s.target(o) == s.target(d) })
			if isGranted && !asBefore {
				return sallyport.FieldErrorf(fmt.Sprintf("destinations.%d.config", i), "%s was granted to this flow for what it writes there now; "+
					"to write there with another connector or to another table, apply the flow file at the command line of this machine", use.Path)
			}
		}
	}
	return nil
}

func (s *Service) grantFile(ctx context.Context, tx *store.Tx, actor sallyport.Actor, f *sallyport.Flow, use sallyport.FileUse) error {
	if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.FileGrant, f.ID, fileDetail(f.Name, use))); err != nil {
		return err
	}
	g, err := s.Files.New(f.ID, use, actor.Name)
	if err != nil {
		return err
	}
	return tx.PutFileGrant(ctx, g)
}

func fileDetail(flow string, use sallyport.FileUse) map[string]string {
	return map[string]string{"flow": flow, "path": use.Path, "purpose": string(use.Purpose)}
}

// FileGrants lists the files that a flow may use although they may lie outside files.roots.
func (s *Service) FileGrants(ctx context.Context, flow sallyport.ID) ([]sallyport.FileGrant, error) {
	return s.Files.Of(ctx, s.Store, flow)
}

// GrantFile permits a flow a file that it names. Only the local owner may.
func (s *Service) GrantFile(ctx context.Context, actor sallyport.Actor, flowName, path string) ([]sallyport.FileGrant, error) {
	f, err := s.Flow(ctx, flowName)
	if err != nil {
		return nil, err
	}
	if !actor.IsOwner() {
		return nil, sallyport.Errorf(sallyport.Forbidden, "only the local owner grants files, at the command line: sallyport flow grant %q %q", f.Name, path)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if err := s.foreign("path", path); err != nil {
		return nil, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		uses := slices.DeleteFunc(s.filesOf(&f), func(u sallyport.FileUse) bool { return u.Path != path })
		if len(uses) == 0 {
			return sallyport.FieldErrorf("path", "the flow %q does not name %s; apply a flow file that does, which grants it too", f.Name, path)
		}
		for _, use := range uses {
			if err := s.grantFile(ctx, tx, actor, &f, use); err != nil {
				return err
			}
		}
		return s.Engine.EnqueueDeliveries(ctx, tx, f.ID)
	})
	if err != nil {
		return nil, err
	}
	return s.FileGrants(ctx, f.ID)
}

// RevokeFile ends the grants of a file. A delivery that is writing to it commits no more.
func (s *Service) RevokeFile(ctx context.Context, actor sallyport.Actor, flowName, path string) error {
	if err := actor.Needs(sallyport.ScopeFiles, "path", "a file of the server"); err != nil {
		return err
	}
	f, err := s.Flow(ctx, flowName)
	if err != nil {
		return err
	}
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		all, err := tx.FileGrants(ctx, f.ID)
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(g sallyport.FileGrant) bool { return g.Path != path })
		if len(all) == 0 {
			return sallyport.Errorf(sallyport.NotFound, "the flow %q has no grant for %s", f.Name, sallyport.QuotedPath(path))
		}
		for _, g := range all {
			if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.FileRevoke, f.ID, fileDetail(f.Name, g.FileUse))); err != nil {
				return err
			}
			if err := tx.DeleteFileGrant(ctx, g); err != nil {
				return err
			}
		}
		for _, d := range f.Destinations {
			if _, err := tx.ClaimDestination(ctx, d.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// GrantExisting grants the files of all flows in a database from before there were grants, once: they go on working.
func (s *Service) GrantExisting(ctx context.Context) error {
	if !s.Vault.Unattested() {
		return nil
	}
	actor := sallyport.Actor{Kind: sallyport.ActorCLI, Name: "upgrade"}
	granted := 0
	err := s.Store.InTx(ctx, func(tx *store.Tx) error {
		granted = 0
		flows, err := tx.Flows(ctx)
		if err != nil {
			return err
		}
		for _, f := range flows {
			if err := s.recordFiles(ctx, tx, actor, &f); err != nil {
				return err
			}
			granted += len(s.filesOf(&f))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if granted > 0 {
		s.Log.WarnContext(ctx, "the files that flows use already were granted to them; `sallyport flow show NAME` lists them, `sallyport flow revoke NAME PATH` "+
			"revokes one", "files", granted)
	}
	return nil
}
