package service_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestNoEntryNoAct lets no entry get into the audit log: then nothing is done that needs one.
func TestNoEntryNoAct(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 1, 1, "")})
	_, err := p.Service.Store.SQL().Exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the log is full'); END")
	if err != nil {
		t.Fatal(err)
	}
	ctx, s := t.Context(), p.Service
	use, err := s.Credential(ctx, "api")
	if err != nil {
		t.Fatal(err)
	}
	renamed := use.Credential
	renamed.Description = "another"
	another := map[string]secret.Text{"value": secret.New("another-key-0123")}
	draft := service.CredentialDraft{Name: "new", Connector: "rest", Public: map[string]string{"address": p.api.address, "auth": "query", "name": "key"}, Secrets: another}
	before := p.dump()
	for what, act := range map[string]func() error{
		"create a credential": func() error { _, err := s.CreateCredential(ctx, actor, draft, service.WithoutTesting); return err },
		"rotate a credential": func() error {
			_, err := s.RotateCredential(ctx, actor, "api", another, service.WithoutTesting)
			return err
		},
		"update a credential": func() error { return s.UpdateCredential(ctx, actor, renamed) },
		"delete a credential": func() error { return s.DeleteCredential(ctx, actor, "api") },
		"set a quota": func() error {
			return s.SetQuota(ctx, actor, "api", service.QuotaChange{Limits: map[string]int64{sallyport.WindowDay: 7}})
		},
		"pause a flow":  func() error { return s.SetFlowState(ctx, actor, "f", sallyport.FlowPaused) },
		"run a flow":    func() error { _, _, err := s.StartRun(ctx, actor, "f"); return err },
		"deliver again": func() error { return s.QueueDeliveries(ctx, actor, p.flow("f")) },
		"begin anew": func() error {
			return s.DeliverAgain(ctx, actor, service.FlowDestination{Destination: p.flow("f").Destinations[0], Flow: "f", FlowID: p.flow("f").ID})
		},
		"delete a flow": func() error { return s.DeleteFlow(ctx, actor, "f", time.Time{}) },
		"test a source": func() error {
			_, err := s.TestSource(ctx, actor, service.SourceDraft{Connector: "rest", Credential: "api", Request: p.flow("f").Source.Request})
			return err
		},
		"verify keys": func() error { _, _, err := s.VerifyKeys(ctx, actor); return err },
	} {
		if err := act(); sallyport.CodeOf(err) != sallyport.Internal || err == nil {
			t.Errorf("%s: %v, want an error of the audit log", what, err)
		}
		if diff := cmp.Diff(before, p.dump()); diff != "" {
			t.Errorf("%s changed the database:\n%s", what, diff)
		}
	}
	if probe, err := s.TestCredential(ctx, actor, "api"); err == nil && probe.Verdict == sallyport.VerdictValid {
		t.Error("a credential was tested")
	}
	if len(p.api.asked) != 0 {
		t.Errorf("the system was asked %d times", len(p.api.asked))
	}
}

// dump is the content of the tables that people change.
func (p *place) dump() (all map[string][]string) {
	p.Helper()
	all = map[string][]string{}
	for table, columns := range map[string]string{
		"credential": "name, description, version", "flow": "name, state", "destination": "name, epoch, error", "run": "state", "quota": "period, allowed",
		"river_job": "kind, state",
	} {
		rows, err := p.Service.Store.SQL().Query("SELECT concat_ws(' ', " + columns + ") FROM " + table + " ORDER BY 1")
		if err != nil {
			p.Fatal(err)
		}
		for rows.Next() {
			var row string
			if err := rows.Scan(&row); err != nil {
				p.Fatal(err)
			}
			all[table] = append(all[table], row)
		}
		if err := rows.Err(); err != nil {
			p.Fatal(err)
		}
	}
	return all
}
