package quota

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Window is what is left of a budget in one window, for people to see.
type Window struct {
	Window       string                `json:"window"`
	Limit        int64                 `json:"limit"`              // 0: unknown; the system may still say what is left, which no total follows from
	Left         int64                 `json:"left"`               // as far as is known; of a second, all of it, or at least so many where the limit is unknown
	Reserved     int64                 `json:"reserved,omitempty"` // of Limit: what runs leave to people
	Reserve      string                `json:"-"`                  // Reserved as a person wrote it
	Origin       sallyport.QuotaOrigin `json:"origin,omitempty"`   // of Limit
	RenewsAt     time.Time             `json:"renews_at,omitzero"`
	RefusedUntil time.Time             `json:"refused_until,omitzero"` // the system refused a call: none is made before this
	UpdatedAt    time.Time             `json:"updated_at,omitzero"`    // what is known is as of then
}

// IsTold says that the system told what is left, and not the limit.
func (w Window) IsTold() bool {
	return w.Limit == 0 && (w.Window == sallyport.WindowOther || w.Origin == sallyport.QuotaHeader)
}

// IsSpent says that nothing is left, or that the system refused a call.
func (w Window) IsSpent() bool {
	return !w.RefusedUntil.IsZero() || w.Left == 0 && (w.Limit > 0 || w.IsTold())
}

// ForRuns is what is left for runs.
func (w Window) ForRuns() int64 { return max(0, w.Left-w.Reserved) }

// order is how people read the windows.
var order = map[string]int{sallyport.WindowSecond: 0, sallyport.WindowDay: 1, sallyport.WindowMonth: 2, sallyport.WindowOther: 3}

// reader is a store or a transaction.
type reader interface {
	Quota(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaWindow, error)
	QuotaPortions(ctx context.Context, id sallyport.ID) ([]sallyport.QuotaPortion, error)
}

// Read tells what is left of a credential's budget, in the windows of which something is known.
func Read(ctx context.Context, r reader, credential sallyport.ID, now time.Time) ([]Window, error) {
	rows, err := r.Quota(ctx, credential)
	if err != nil {
		return nil, err
	}
	portions, err := r.QuotaPortions(ctx, credential)
	if err != nil {
		return nil, err
	}
	return views(rows, portions, now), nil
}

// ReadAll is Read for every credential, with one look at the database. A credential of which nothing is known is missing.
func ReadAll(ctx context.Context, s *store.Store, now time.Time) (map[sallyport.ID][]Window, error) {
	rows, err := s.AllQuota(ctx)
	if err != nil {
		return nil, err
	}
	taken, err := s.AllQuotaPortions(ctx)
	if err != nil {
		return nil, err
	}
	portions := map[sallyport.ID][]sallyport.QuotaPortion{}
	for _, p := range taken {
		portions[p.CredentialID] = append(portions[p.CredentialID], p)
	}
	of := map[sallyport.ID][]sallyport.QuotaWindow{}
	for _, row := range rows {
		of[row.CredentialID] = append(of[row.CredentialID], row)
	}
	all := map[sallyport.ID][]Window{}
	for id, rows := range of {
		all[id] = views(rows, portions[id], now)
	}
	return all, nil
}

func views(rows []sallyport.QuotaWindow, portions []sallyport.QuotaPortion, now time.Time) []Window {
	all := []Window{}
	for _, row := range rows {
		switch {
		case row.Window == sallyport.WindowOther && otherStands(row, now):
			all = append(all, viewOther(row, now))
		case row.Window == sallyport.WindowOther:
		case row.Limit > 0 || row.RefusedUntil.After(now) || row.Reserve != (sallyport.Reserve{}):
			all = append(all, view(row, portions, now))
		}
	}
	slices.SortFunc(all, func(a, b Window) int { return cmp.Compare(order[a.Window], order[b.Window]) })
	return all
}

func view(row sallyport.QuotaWindow, portions []sallyport.QuotaPortion, now time.Time) Window {
	w := Window{Window: row.Window, Limit: row.Limit, Left: row.Limit, Origin: row.Origin, UpdatedAt: row.UpdatedAt}
	told := row.Origin == sallyport.QuotaHeader // what was left, and not the limit: the row has the least that fits it
	if told {
		w.Limit = 0
	}
	if w.Window == sallyport.WindowSecond {
		return w
	}
	w.RenewsAt, w.Reserved, w.Reserve = end(w.Window, now), row.Reserve.Of(row.Limit), row.Reserve.String()
	if row.RefusedUntil.After(now) {
		w.Left, w.RefusedUntil = 0, row.RefusedUntil
		return w
	}
	if begin(w.Window, now).After(row.BeganAt) {
		if told { // and nothing was told of this period
			w.Left, w.Origin = 0, ""
		}
		return w
	}
	w.Left -= row.Used
	for _, p := range portions {
		if p.Window == w.Window && !p.ExpiresAt.After(now) { // left by a process that died
			w.Left -= p.Calls
		}
	}
	w.Left = max(0, w.Left)
	return w
}

// Change is what a person says about a budget.
type Change struct {
	Plan    *connector.PlanProfile // what the windows allow that no limit is set for; nil: as it was
	Limits  map[string]int64       // by window; 0: as the system says
	Reserve *sallyport.Reserve     // of the day and of the month; nil: as it was
}

// Set changes a budget. What was spent stays spent.
func Set(ctx context.Context, tx *store.Tx, credential sallyport.ID, c Change) error {
	if err := tx.LockQuota(ctx, credential); err != nil {
		return err
	}
	rows, err := tx.Quota(ctx, credential)
	if err != nil {
		return err
	}
	for window := range order {
		w := sallyport.QuotaWindow{CredentialID: credential, Window: window}
		if i := slices.IndexFunc(rows, func(row sallyport.QuotaWindow) bool { return row.Window == window }); i >= 0 {
			w = rows[i]
		}
		before := w
		c.apply(&w)
		if reserved := w.Reserve.Of(w.Limit); w.Limit > 0 && reserved >= w.Limit {
			return sallyport.FieldErrorf("reserve", "a reserve of %d calls leaves runs nothing of the %d of a %s: write fewer, or a percentage such as 10%%",
				reserved, w.Limit, window)
		}
		if w == before {
			continue
		}
		w.UpdatedAt = sallyport.Now()
		if err := tx.PutQuota(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// apply changes a window.
func (c Change) apply(w *sallyport.QuotaWindow) {
	if w.Window == sallyport.WindowOther {
		w.RefusedUntil = time.Time{} // whoever changes a quota knows better
		return
	}
	if c.Plan != nil {
		w.Limit, w.Origin, w.RefusedUntil = c.Plan.Windows[w.Window], "", time.Time{}
		if w.Limit > 0 {
			w.Origin = sallyport.QuotaPlan
		}
	}
	if limit, given := c.Limits[w.Window]; given {
		w.Limit, w.Origin, w.RefusedUntil = limit, "", time.Time{}
		if limit > 0 {
			w.Origin = sallyport.QuotaHand
		}
	}
	if c.Reserve != nil && w.Window != sallyport.WindowSecond {
		w.Reserve = *c.Reserve
	}
}
