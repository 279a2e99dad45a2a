package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// FlowQuery says which flows are wanted, by name.
type FlowQuery struct {
	Search string              // a part of the name, ignoring case; "" fits all
	State  sallyport.FlowState // "" fits all
	Failed bool                // only those whose newest run failed, or waits for a new key
	After  string              // the name of the last one on the page before; "" begins at the first
	Limit  int                 // at most; 1,000 if it is 0 or less
}

const newestRun = "(SELECT MAX(newest.id) FROM run AS newest WHERE newest.flow_id = flow.id)"

// FindFlows returns the flows that fit, by name.
func (r reader) FindFlows(ctx context.Context, q FlowQuery) ([]sallyport.Flow, error) {
	if q.Limit <= 0 || q.Limit > maxPage {
		q.Limit = maxPage
	}
	where := []string{"name_key > $1"}
	args := []any{nameKey(q.After)}
	if q.Search != "" {
		args = append(args, "%"+strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(nameKey(q.Search))+"%")
		where = append(where, fmt.Sprintf(`name_key LIKE $%d ESCAPE '\'`, len(args)))
	}
	if q.State != "" {
		args = append(args, q.State)
		where = append(where, fmt.Sprintf("state = $%d", len(args)))
	}
	if q.Failed {
		where = append(where, "EXISTS (SELECT 1 FROM run WHERE run.id = "+newestRun+" AND (run.state IN ('failed', 'held') OR run.state = 'waiting' AND run.wait_until = 0))")
	}
	ids, err := list(ctx, r.q, single[sallyport.ID], fmt.Sprintf("SELECT id FROM flow WHERE %s ORDER BY name_key LIMIT %d",
		strings.Join(where, " AND "), q.Limit), args...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	in, args := among(ids, nil)
	return r.flows(ctx, "flow.id IN "+in, args...)
}

// CountFlows returns how many flows there are.
func (r reader) CountFlows(ctx context.Context) (int64, error) {
	return one(ctx, r.q, nil, single[int64], "SELECT COUNT(*) FROM flow")
}

// LastRuns returns the newest run of each of the given flows that has one.
func (r reader) LastRuns(ctx context.Context, flows []sallyport.ID) ([]sallyport.Run, error) {
	if len(flows) == 0 {
		return nil, nil
	}
	in, args := among(flows, nil)
	return list(ctx, r.q, scanRun, selectRuns+" WHERE flow.id IN "+in+" AND run.id = "+newestRun+" ORDER BY run.id", args...)
}

// HourRuns is how many runs of a flow began within an hour, and what became of them.
type HourRuns struct {
	FlowID      sallyport.ID
	Hour        time.Time
	State       sallyport.RunState
	Runs        int64
	Records     int64
	Quarantined int64
}

func scanHour(r row) (h HourRuns, err error) {
	var hour int64
	err = r.Scan(&h.FlowID, &hour, &h.State, &h.Runs, &h.Records, &h.Quarantined)
	h.Hour = time.Unix(hour*3600, 0).UTC()
	return h, err
}

// RunsByHour counts the runs of the given flows that began since a time, by the hours of the clock in UTC.
func (r reader) RunsByHour(ctx context.Context, flows []sallyport.ID, since time.Time) ([]HourRuns, error) {
	if len(flows) == 0 {
		return nil, nil
	}
	in, args := among(flows, []any{micros(since)})
	return list(ctx, r.q, scanHour, `SELECT flow_id, created_at / 3600000000, state, COUNT(*), CAST(SUM(records) AS BIGINT), CAST(SUM(quarantined) AS BIGINT)
		FROM run WHERE created_at >= $1 AND flow_id IN `+in+" GROUP BY flow_id, created_at / 3600000000, state", args...)
}

// among writes a list of ids for IN, and adds them to the arguments.
func among(ids []sallyport.ID, args []any) (string, []any) {
	places := make([]string, len(ids))
	for i, id := range ids {
		args = append(args, id)
		places[i] = fmt.Sprintf("$%d", len(args))
	}
	return "(" + strings.Join(places, ", ") + ")", args
}

// Spend is what an active flow's source spends of its credential's budget.
type Spend struct {
	FlowID   sallyport.ID
	Schedule *sallyport.Schedule
	Pages    int64 // of its newest run; 0 if it has none
}

func scanSpend(r row) (s Spend, err error) {
	err = r.Scan(&s.FlowID, jsonColumn{&s.Schedule}, &s.Pages)
	return s, err
}

// Spends returns what the active flows spend whose source uses a credential.
func (r reader) Spends(ctx context.Context, credential sallyport.ID) ([]Spend, error) {
	return list(ctx, r.q, scanSpend, `SELECT flow.id, source.schedule, COALESCE((SELECT run.pages FROM run WHERE run.id = `+newestRun+`), 0)
		FROM flow JOIN source ON source.flow_id = flow.id WHERE source.credential_id = $1 AND flow.state = $2`, credential, sallyport.FlowActive)
}

// DescribeCredential writes a credential's name and description, if nobody has changed it since the given time.
func (tx *Tx) DescribeCredential(ctx context.Context, c sallyport.Credential, since time.Time) error {
	n, err := tx.exec(ctx, "UPDATE credential SET name = $1, name_key = $2, description = $3, updated_at = $4 WHERE id = $5 AND updated_at = $6",
		c.Name, nameKey(c.Name), c.Description, micros(c.UpdatedAt), c.ID, micros(since))
	if err != nil {
		return nameTaken(err, "credential", c.Name)
	}
	if n == 1 {
		return nil
	}
	if _, err := tx.CredentialVersion(ctx, c.ID); err != nil {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "this credential was changed meanwhile, in another window or by somebody else; nothing was overwritten")
}
