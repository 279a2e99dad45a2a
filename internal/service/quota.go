package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/audit"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Quota tells what is left of a credential's budget, a window each of second, day and month of which something is known.
func (s *Service) Quota(ctx context.Context, credential string) ([]quota.Window, error) {
	c, err := s.credential(ctx, credential)
	if err != nil {
		return nil, err
	}
	return quota.Read(ctx, s.Store, c.ID, s.Engine.Quota.Now())
}

// Quotas is Quota for all credentials. One of which nothing is known is missing.
func (s *Service) Quotas(ctx context.Context) (map[sallyport.ID][]quota.Window, error) {
	return quota.ReadAll(ctx, s.Store, s.Engine.Quota.Now())
}

// QuotaChange is what a person says about a credential's budget.
type QuotaChange struct {
	Plan    string           // of the connector's definition; "": as it was
	Limits  map[string]int64 // by window: second, day, month; 0: as the system says
	Reserve *sallyport.Reserve
}

// SetQuota changes what a credential may spend. What uses it knows within a second, and what sleeps for it looks whether it may go on.
func (s *Service) SetQuota(ctx context.Context, actor sallyport.Actor, credential string, c QuotaChange) error {
	of, err := s.credential(ctx, credential)
	if err != nil {
		return err
	}
	change := quota.Change{Limits: c.Limits, Reserve: c.Reserve}
	detail := map[string]string{"name": of.Name}
	if c.Plan != "" {
		definition, err := s.Catalogue.Definition(of.Connector)
		if err != nil {
			return err
		}
		if change.Plan, err = definition.Plan(c.Plan); err != nil {
			return err
		}
		detail["plan"] = c.Plan
	}
	for _, window := range slices.Sorted(maps.Keys(c.Limits)) {
		if c.Limits[window] < 0 {
			return sallyport.FieldErrorf(window, "must be a number of calls above 0")
		}
		detail[window] = strconv.FormatInt(c.Limits[window], 10)
	}
	if c.Reserve != nil {
		detail["reserve"] = c.Reserve.String()
	}
	entry := sallyport.AuditEntry{Actor: actor, Action: audit.CredentialQuota, Object: of.ID, Detail: detail}
	return s.audited(ctx, entry, func(tx *store.Tx) error {
		if err := quota.Set(ctx, tx, of.ID, change); err != nil {
			return err
		}
		return s.Engine.QuotaChanged(ctx, tx, of.ID)
	})
}

// Cost is what a flow is expected to spend of its credential's budget.
type Cost struct {
	Flow       string  `json:"flow,omitempty"`
	Credential string  `json:"credential,omitempty"` // by name; empty where the connector wants none
	PerRun     int64   `json:"calls_per_run"`
	AtLeast    bool    `json:"at_least"` // of PerRun: how many pages there are is not known
	Basis      string  `json:"basis"`    // of PerRun, in words
	RunsPerDay float64 `json:"runs_per_day"`
	PerDay     int64   `json:"calls_per_day"`
	Others     int64   `json:"calls_per_day_of_others"` // of active flows with the same credential
	Warning    string  `json:"warning,omitempty"`       // why this does not fit the budget; empty if it does, or nothing is known
}

// String says in one line what a flow costs.
func (c Cost) String() string {
	about := "about "
	if c.AtLeast {
		about = "at least "
	}
	text := about + calls(c.PerRun) + " a run (" + c.Basis + ")"
	if c.RunsPerDay > 0 {
		text += ", " + about + calls(c.PerDay) + " a day"
	}
	return text
}

func calls(n int64) string {
	if n == 1 {
		return "1 call"
	}
	return fmt.Sprintf("%d calls", n)
}
