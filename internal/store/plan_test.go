package store

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// recorder notes what a reader asks.
type recorder struct {
	querier
	asked []question
}

type question struct {
	query string
	args  []any
}

func (r *recorder) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	r.asked = append(r.asked, question{query, args})
	return r.querier.QueryContext(ctx, query, args...)
}

func (r *recorder) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	r.asked = append(r.asked, question{query, args})
	return r.querier.QueryRowContext(ctx, query, args...)
}

// TestLookupsUseIndexes proves that nothing that grows is read as a whole to find a part, or sorted.
func TestLookupsUseIndexes(t *testing.T) {
	ctx := t.Context()
	s, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	asked := &recorder{querier: s.read}
	r := reader{asked}
	for _, lookup := range []func(){
		func() { r.Meta(ctx, "x") },
		func() { r.Credential(ctx, "x") },
		func() { r.CredentialByName(ctx, "x") },
		func() { r.CredentialVersion(ctx, "x") },
		func() { r.CredentialUsers(ctx, "x") },
		func() { r.Flow(ctx, "x") },
		func() { r.FlowByName(ctx, "x") },
		func() { r.FlowOfSource(ctx, "x") },
		func() { r.Dataset(ctx, "x") },
		func() { r.Destination(ctx, "x") },
		func() { r.Run(ctx, 1) },
		func() { r.Runs(ctx, "", "", 1, 0) },
		func() { r.Runs(ctx, "x", "failed", 1, 0) },
		func() { r.KeyedRequest(ctx, "x") },
		func() { r.UnfinishedRun(ctx, "x") },
		func() { r.Deliveries(ctx, "", 1, 0) },
		func() { r.Deliveries(ctx, "x", 1, 0) },
		func() { r.WaitingDeliveries(ctx, "x", "y") },
		func() { r.CaughtUp(ctx, "x") },
		func() { r.Batches(ctx, "x", 1, 1) },
		func() { r.Pulled(ctx, "x", "x") },
		func() { r.BatchesBefore(ctx, "x", 1) },
		func() { r.ChangeBytes(ctx, "x", 1) },
		func() {
			for range r.ChangeParts(ctx, "x", 1) {
			}
		},
		func() { r.Quarantine(ctx, "", "", 1, 0) },
		func() { r.Quarantine(ctx, "x", "", 1, 0) },
		func() { r.Quarantine(ctx, "x", "y", 1, 0) },
		func() { r.Quarantined(ctx, 1) },
		func() { r.BatchesTo(ctx, "x", "x", 1, 1) },
		func() { r.QuarantineAfter(ctx, "x", "", 1, 1) },
		func() { r.QuarantineAfter(ctx, "x", "x", 1, 1) },
		func() { r.Audit(ctx, "", "", 1, 0) },
		func() { r.Audit(ctx, "x", "y", 1, 0) },
		func() { r.Draft(ctx, "x", "x") },
		func() { r.Drafts(ctx, "x", 1) },
		func() { r.FindFlows(ctx, FlowQuery{After: "x", Limit: 50}) },
		func() { r.Spends(ctx, "x") },
		func() { r.LastRuns(ctx, []sallyport.ID{"x", "y"}) },
		func() { r.RunsByHour(ctx, []sallyport.ID{"x", "y"}, sallyport.Now()) },
		func() { r.Quota(ctx, "x") },
		func() { r.QuotaPortions(ctx, "x") },
		func() { r.Lookup(ctx, "x") },
		func() { r.Submission(ctx, "x", "x") },
		func() { r.Submissions(ctx, "x", "x", 1) },
		func() { r.UnclearSubmissions(ctx, "x") },
	} {
		before := len(asked.asked)
		lookup()
		if len(asked.asked) == before {
			t.Error("a lookup asked nothing")
		}
	}
	for _, q := range asked.asked {
		for _, step := range plan(t, s.read, q) {
			if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "INDEX") {
				t.Errorf("%s\n  %s", q.query, step)
			}
			if strings.Contains(q.query, "LIMIT") && strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s\n  %s", q.query, step)
			}
		}
	}
}

func plan(t *testing.T, db *sql.DB, q question) []string {
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+q.query, q.args...)
	if err != nil {
		t.Fatalf("%s: %v", q.query, err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, other int
		var step string
		if err := rows.Scan(&id, &parent, &other, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

func TestReadPoolCannotWrite(t *testing.T) {
	s, err := Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.read.ExecContext(t.Context(), "INSERT INTO meta (key, value) VALUES ('a', x'00')")
	if err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("got %v, want a refusal", err)
	}
}
