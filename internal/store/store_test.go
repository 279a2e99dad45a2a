package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// databases are what every test of the suite runs on; each gives the DSN of a new, empty database.
var databases = []struct {
	name  string
	fresh func(t testing.TB) (dsn string)
}{
	{"SQLite", freshSQLite},
	{"PostgreSQL", freshPostgres},
}

func freshSQLite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "sallyport.db") }

// freshPostgres makes a schema of its own, and drops it after the test.
func freshPostgres(t testing.TB) string {
	t.Helper()
	base := os.Getenv("SALLYPORT_TEST_POSTGRES")
	if base == "" {
		t.Skip("SALLYPORT_TEST_POSTGRES is not set: it is the postgres:// address of a database in which tests may make schemas")
	}
	admin, err := sql.Open("pgx", base)
	if err != nil {
		t.Fatal(err)
	}
	schema := "sallyport_test_" + strings.ToLower(rand.Text())
	if _, err := admin.Exec("CREATE SCHEMA " + schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := admin.Exec("DROP SCHEMA " + schema + " CASCADE"); err != nil {
			t.Error(err)
		}
		admin.Close()
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("search_path", schema)
	query.Set("synchronous_commit", "off") // what a test writes need not survive the machine
	u.RawQuery = query.Encode()
	return u.String()
}

func open(t testing.TB, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestStore runs one suite on every database.
func TestStore(t *testing.T) {
	suite := []struct {
		name string
		test func(t *testing.T, s *store.Store)
	}{
		{"Meta", testMeta},
		{"Rollback", testRollback},
		{"CredentialRoundTrip", testCredentialRoundTrip},
		{"CredentialNames", testCredentialNames},
		{"CredentialUpdate", testCredentialUpdate},
		{"PreviousSecrets", testPreviousSecrets},
		{"CredentialReseal", testCredentialReseal},
		{"CredentialVerdict", testCredentialVerdict},
		{"CredentialInUse", testCredentialInUse},
		{"Drafts", testDrafts},
		{"Quota", testQuota},
		{"QuotaLock", testQuotaLock},
		{"FlowRoundTrip", testFlowRoundTrip},
		{"FlowNames", testFlowNames},
		{"FlowUpdate", testFlowUpdate},
		{"FlowRewind", testFlowRewind},
		{"FlowState", testFlowState},
		{"ScheduledFlows", testScheduledFlows},
		{"FlowDelete", testFlowDelete},
		{"FlowWithoutCredential", testFlowWithoutCredential},
		{"RunOneAtATime", testRunOneAtATime},
		{"RunUpdate", testRunUpdate},
		{"RunList", testRunList},
		{"Page", testPage},
		{"PageStaged", testPageStaged},
		{"Held", testHeld},
		{"Resume", testResume},
		{"Pulled", testPulled},
		{"PageFenced", testPageFenced},
		{"PageOfFinishedRun", testPageOfFinishedRun},
		{"ChangeParts", testChangeParts},
		{"ChangeIndexEnds", testChangeIndexEnds},
		{"ChangePartsFenced", testChangePartsFenced},
		{"RunCounts", testRunCounts},
		{"BatchesBefore", testBatchesBefore},
		{"SetDue", testSetDue},
		{"RunDeliveries", testRunDeliveries},
		{"BatchesBounded", testBatchesBounded},
		{"ReadersDuringCommits", testReadersDuringCommits},
		{"Delivery", testDelivery},
		{"DeliveryFenced", testDeliveryFenced},
		{"DeliveryWaits", testDeliveryWaits},
		{"DeliveryAfterCrash", testDeliveryAfterCrash},
		{"Rewind", testRewind},
		{"Return", testReturn},
		{"Attempts", testAttempts},
		{"History", testHistory},
		{"DeliveryList", testDeliveryList},
		{"CaughtUpWaitsForPage", testCaughtUpWaitsForPage},
		{"Settle", testSettle},
		{"SettleOnlyDelivering", testSettleOnlyDelivering},
		{"SettleWhenDue", testSettleWhenDue},
		{"SettleByTheLastOfTwo", testSettleByTheLastOfTwo},
		{"Quarantine", testQuarantine},
		{"QuarantineEdit", testQuarantineEdit},
		{"QuarantineAfter", testQuarantineAfter},
		{"Replay", testReplay},
		{"ReplayForOne", testReplayForOne},
		{"ReplayCountsInItsRun", testReplayCountsInItsRun},
		{"Audit", testAudit},
		{"Users", testUsers},
		{"SetupLink", testSetupLink},
		{"Sessions", testSessions},
		{"Passwords", testPasswords},
		{"Tokens", testTokens},
		{"TokenUse", testTokenUse},
		{"Requests", testRequests},
		{"LastRuns", testLastRuns},
		{"FindFlows", testFindFlows},
		{"RunsByHour", testRunsByHour},
		{"DescribeCredential", testDescribeCredential},
		{"Lookups", testLookups},
		{"ExpiredLookups", testExpiredLookups},
		{"Submissions", testSubmissions},
	}
	for _, db := range databases {
		t.Run(db.name, func(t *testing.T) {
			for _, c := range suite {
				t.Run(c.name, func(t *testing.T) { c.test(t, open(t, db.fresh(t))) })
			}
		})
	}
}

// do commits what f writes.
func do(t testing.TB, s *store.Store, f func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := try(t, s, f); err != nil {
		t.Fatal(err)
	}
}

func try(t testing.TB, s *store.Store, f func(ctx context.Context, tx *store.Tx) error) error {
	ctx := context.WithoutCancel(t.Context())
	return s.InTx(ctx, func(tx *store.Tx) error { return f(ctx, tx) })
}

// get returns what a read method returned, which must not have failed: get(s.Run(ctx, 1))(t).
func get[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// wantError checks an error's code and that its sentence has all the parts.
func wantError(t testing.TB, err error, code sallyport.Code, parts ...string) {
	t.Helper()
	if got := sallyport.CodeOf(err); got != code {
		t.Fatalf("error %v has code %q, want %q", err, got, code)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func testMeta(t *testing.T, s *store.Store) {
	ctx := t.Context()
	_, err := s.Meta(ctx, "keys")
	wantError(t, err, sallyport.NotFound, `"keys"`)
	for _, value := range []string{"\x00one\xff", "two", ""} {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.SetMeta(ctx, "keys", []byte(value)) })
		if got := get(s.Meta(ctx, "keys"))(t); string(got) != value {
			t.Errorf("got %q, want %q", got, value)
		}
	}
}

func testRollback(t *testing.T, s *store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	broken := errors.New("broken")
	write := func(tx *store.Tx) {
		if err := tx.SetMeta(t.Context(), "a", []byte("1")); err != nil {
			t.Error(err)
		}
		if got, err := tx.Meta(t.Context(), "a"); err != nil || string(got) != "1" {
			t.Errorf("the transaction reads %q, %v of what it wrote", got, err)
		}
	}
	if err := s.InTx(ctx, func(tx *store.Tx) error { write(tx); return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of f", err)
	}
	func() {
		defer func() {
			if recover() != broken {
				t.Error("the panic was swallowed")
			}
		}()
		_ = s.InTx(ctx, func(tx *store.Tx) error { write(tx); panic(broken) })
	}()
	if err := s.InTx(ctx, func(tx *store.Tx) error { write(tx); cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context", err)
	}
	_, err := s.Meta(t.Context(), "a")
	wantError(t, err, sallyport.NotFound)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { write(tx); return nil }) // the pool is not stuck
}

func testAudit(t *testing.T, s *store.Store) {
	want := []sallyport.AuditEntry{
		{At: at(3), Actor: sallyport.Actor{Kind: "run", Name: "urlhaus"}, Action: "credential.open", Object: "crd_1"},
		{At: at(2), Actor: sallyport.Actor{Kind: "cli", Name: "ada"}, Action: "credential.rotate", Object: "crd_1",
			Detail: map[string]string{"version": "2", "why": "it's <old>"}},
		{At: at(1), Actor: sallyport.Actor{Kind: "cli", Name: "ada"}, Action: "credential.create", Object: "crd_1"},
	}
	for i := len(want) - 1; i >= 0; i-- {
		do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertAudit(ctx, want[i]) })
	}
	all := get(s.Audit(t.Context(), "", "", 0, 0))(t)
	for i := range all {
		if i < len(want) {
			want[i].ID = all[i].ID
		}
	}
	diff(t, all, want)
	diff(t, get(s.Audit(t.Context(), "", "", 1, all[0].ID))(t), want[1:2])
	diff(t, get(s.Audit(t.Context(), "", "credential.rotate", 0, 0))(t), want[1:2])
	diff(t, get(s.Audit(t.Context(), "crd_1", "credential.create", 0, 0))(t), want[2:])
	diff(t, get(s.Audit(t.Context(), "crd_2", "", 0, 0))(t), []sallyport.AuditEntry{})
}
