package service

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// credential finds a credential by its name or id.
func (s *Service) credential(ctx context.Context, name string) (sallyport.Credential, error) {
	if strings.HasPrefix(name, "crd_") {
		if c, err := s.Store.Credential(ctx, sallyport.ID(name)); sallyport.CodeOf(err) != sallyport.NotFound {
			return c, err
		}
	}
	return s.Store.CredentialByName(ctx, name)
}

// CredentialUses lists all credentials by name, each with the flows that use it.
func (s *Service) CredentialUses(ctx context.Context) ([]CredentialUse, error) {
	credentials, err := s.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	uses, err := s.Store.Uses(ctx)
	if err != nil {
		return nil, err
	}
	users := map[sallyport.ID][]string{}
	for _, u := range uses {
		users[u.Credential] = append(users[u.Credential], u.Flow)
	}
	all := make([]CredentialUse, len(credentials))
	for i, c := range credentials {
		all[i] = CredentialUse{c, users[c.ID]}
	}
	return all, nil
}

// TestDraft makes the test call with a key that is not stored, and stores nothing. The name of the draft does not matter.
func (s *Service) TestDraft(ctx context.Context, actor sallyport.Actor, d CredentialDraft) (Probe, error) {
	if err := s.CheckPlainFields(ctx, d); err != nil {
		return Probe{}, err
	}
	definition, err := s.Catalogue.Definition(d.Connector)
	if err != nil {
		return Probe{}, err
	}
	if err := permitsAddress(actor, definition, d.Public); err != nil {
		return Probe{}, err
	}
	redactor, done := s.passing(d.Secrets)
	defer done()
	if d.Public, err = definition.CheckCredential(d.Public, d.Secrets); err != nil {
		return Probe{}, err
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialTest, Detail: map[string]string{"connector": d.Connector, "draft": "true"}}
	if err := s.audited(ctx, entry, func(*store.Tx) error { return nil }); err != nil {
		return Probe{}, err
	}
	return s.probe(ctx, definition, sallyport.Credential{Public: d.Public, Local: isLocal(actor, d.Public)}, func(context.Context) (map[string]secret.Text, error) { return d.Secrets, nil }, redactor), nil
}

// UpdateCredential changes the name and the description of a credential, unless it was changed since c was read.
func (s *Service) UpdateCredential(ctx context.Context, actor sallyport.Actor, c sallyport.Credential) error {
	c.Name = sallyport.NormalName(c.Name)
	if err := s.checkPlain(ctx, map[string]string{"name": c.Name, "description": c.Description}, c.ID); err != nil {
		return err
	}
	if err := s.CheckNewName(ctx, c.Name, c.ID); err != nil {
		return err
	}
	since := c.UpdatedAt
	c.UpdatedAt = sallyport.Now()
	return s.Store.InTx(ctx, func(tx *store.Tx) error {
		old, err := tx.Credential(ctx, c.ID)
		if err != nil {
			return err
		}
		detail := map[string]string{"name": c.Name}
		if old.Name != c.Name {
			detail["name_before"] = old.Name
		}
		if old.Description != c.Description {
			detail["description"], detail["description_before"] = c.Description, old.Description
		}
		if err := tx.InsertAudit(ctx, audit.Entry(actor, audit.CredentialUpdate, c.ID, detail)); err != nil {
			return err
		}
		return tx.DescribeCredential(ctx, c, since)
	})
}

// FlowStatus is a flow with its newest run, if it has one, and what ran of it of late.
type FlowStatus struct {
	sallyport.Flow
	Last  *sallyport.Run `json:"last,omitempty"`
	Hours []Hour         `json:"hours"` // the last 24, the present one last
}

// FlowQuery says which flows are wanted.
type FlowQuery = store.FlowQuery

// FlowStatuses lists flows by name. next is the After of the page behind this one, "" if this is the last.
func (s *Service) FlowStatuses(ctx context.Context, q FlowQuery) (page []FlowStatus, next string, err error) {
	wanted := q.Limit
	q.Limit++
	flows, err := s.Store.FindFlows(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if len(flows) > wanted {
		flows = flows[:wanted]
		next = flows[wanted-1].Name
	}
	page, err = s.statuses(ctx, flows)
	return page, next, err
}

// statuses adds to flows what ran of them.
func (s *Service) statuses(ctx context.Context, flows []sallyport.Flow) ([]FlowStatus, error) {
	ids := make([]sallyport.ID, len(flows))
	for i, f := range flows {
		ids[i] = f.ID
	}
	last, err := s.LastRuns(ctx, flows)
	if err != nil {
		return nil, err
	}
	hours, err := s.hours(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]FlowStatus, len(flows))
	for i, f := range flows {
		all[i] = FlowStatus{f, last[f.ID], hours[f.ID]}
	}
	return all, nil
}

// LastRuns finds the newest run of each flow that has one.
func (s *Service) LastRuns(ctx context.Context, flows []sallyport.Flow) (map[sallyport.ID]*sallyport.Run, error) {
	last := map[sallyport.ID]*sallyport.Run{}
	for some := range slices.Chunk(flows, 500) { // a statement takes so many ids
		ids := make([]sallyport.ID, len(some))
		for i, f := range some {
			ids[i] = f.ID
		}
		runs, err := s.Store.LastRuns(ctx, ids)
		if err != nil {
			return nil, err
		}
		if err := s.sayWaits(ctx, runs); err != nil {
			return nil, err
		}
		for i := range runs {
			last[runs[i].FlowID] = &runs[i]
		}
	}
	return last, nil
}

// FlowStatus finds a flow by its name or id, with what ran of it.
func (s *Service) FlowStatus(ctx context.Context, name string) (FlowStatus, error) {
	f, err := s.Flow(ctx, name)
	if err != nil {
		return FlowStatus{}, err
	}
	all, err := s.statuses(ctx, []sallyport.Flow{f})
	if err != nil {
		return FlowStatus{}, err
	}
	return all[0], nil
}

// Hour is what the runs of a flow came to that began within an hour.
type Hour struct {
	Begin       time.Time `json:"begin"`
	Succeeded   int64     `json:"succeeded"`
	Failed      int64     `json:"failed"`
	Unfinished  int64     `json:"unfinished"`
	Records     int64     `json:"records"`
	Quarantined int64     `json:"quarantined"`
}

// hoursShown is how far back the hours go.
const hoursShown = 24

func (s *Service) hours(ctx context.Context, ids []sallyport.ID) (map[sallyport.ID][]Hour, error) {
	first := sallyport.Now().Truncate(time.Hour).Add(-(hoursShown - 1) * time.Hour)
	found, err := s.Store.RunsByHour(ctx, ids, first)
	if err != nil {
		return nil, err
	}
	of := map[sallyport.ID][]Hour{}
	for _, id := range ids {
		of[id] = make([]Hour, hoursShown)
		for i := range of[id] {
			of[id][i].Begin = first.Add(time.Duration(i) * time.Hour)
		}
	}
	for _, h := range found {
		at := int(h.Hour.Sub(first) / time.Hour)
		if at < 0 || at >= hoursShown { // the clock went on meanwhile
			continue
		}
		hour := &of[h.FlowID][at]
		hour.Records += h.Records
		hour.Quarantined += h.Quarantined
		switch h.State {
		case sallyport.RunSucceeded:
			hour.Succeeded += h.Runs
		case sallyport.RunFailed:
			hour.Failed += h.Runs
		default:
			hour.Unfinished += h.Runs
		}
	}
	return of, nil
}

// Audit returns the newest audit entries, newest first, of one object or of all (""), of one action or of all (""): at most limit, with ids
// under before if that is not 0.
func (s *Service) Audit(ctx context.Context, object sallyport.ID, action string, limit int, before int64) ([]sallyport.AuditEntry, error) {
	return s.Store.Audit(ctx, object, action, limit, before)
}

// Users lists who may sign in, by name.
func (s *Service) Users(ctx context.Context) ([]sallyport.User, error) { return s.Store.Users(ctx) }
