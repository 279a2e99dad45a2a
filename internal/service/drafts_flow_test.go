package service_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

func (p *place) flow(name string) sallyport.Flow {
	p.Helper()
	f, err := p.Service.Flow(p.Context(), name)
	if err != nil {
		p.Fatal(err)
	}
	return f
}

func TestChangeFlow(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 5, "")})
	ctx, ada := t.Context(), p.user("Ada")
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	before := p.flow("f")
	d, err := p.Service.ChangeFlow(ctx, ada, "f")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Service.CheckDraft(ctx, d); err != nil {
		t.Errorf("the flow as it is has a fault: %v", err)
	}
	if again, err := p.Service.ChangeFlow(ctx, ada, "f"); err != nil || again.ID != d.ID {
		t.Errorf("a second click makes another draft: %+v, %v", again, err)
	}
	d.Schedule = &sallyport.Schedule{Every: sallyport.Duration(time.Hour)}
	second := filepath.Join(p.dir, "second.ndjson")
	d.Destinations = append(d.Destinations, service.DraftDestination{Name: "second", Connector: "file", Config: map[string]any{"path": second}})
	for _, step := range []service.Step{service.StepDestinations, service.StepSchedule} {
		if err := p.Service.SaveDraft(ctx, ada, d, step); err != nil {
			t.Fatal(step, err)
		}
	}
	if err := p.Service.FinishDraft(ctx, ada, actor, d, false); err != nil {
		t.Fatal(err)
	}
	after := p.flow("f")
	if after.ID != before.ID || after.State != sallyport.FlowActive || len(after.Destinations) != len(before.Destinations)+1 || after.Source.NextRunAt.IsZero() {
		t.Errorf("the flow is %+v", after)
	}
	if after.Destinations[0].Position != before.Destinations[0].Position {
		t.Error("a destination that was not changed does not go on where it was")
	}
	if _, err := p.Service.Deliver(ctx, actor, "f", func(service.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if got := p.flow("f").Destinations[len(before.Destinations)].Records; got != before.Dataset.Records {
		t.Errorf("the new destination has %d records of %d", got, before.Dataset.Records)
	}
}

func TestChangeFlowOverwritesNothing(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada, eve := t.Context(), p.user("Ada"), p.user("Eve")
	mine, err := p.Service.ChangeFlow(ctx, ada, "f")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := p.Service.ChangeFlow(ctx, eve, "f")
	if err != nil {
		t.Fatal(err)
	}
	theirs.Description = "Hers"
	if err := p.Service.FinishDraft(ctx, eve, actor, theirs, false); err != nil {
		t.Fatal(err)
	}
	mine.Description = "Mine"
	wantField(t, p.Service.FinishDraft(ctx, ada, actor, mine, false), sallyport.Conflict, "")
	if got := p.flow("f").Description; got != "Hers" {
		t.Errorf("the description is %q", got)
	}
	again, err := p.Service.ChangeFlow(ctx, ada, "f")
	if err != nil || again.ID == mine.ID || again.Description != "Hers" {
		t.Errorf("a draft of what was overtaken is gone on with: %+v, %v", again, err)
	}
}

func TestCopyFlow(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada := t.Context(), p.user("Ada")
	d, err := p.Service.CopyFlow(ctx, "f")
	if err != nil || d.Name != "f copy" || d.Changes != "" {
		t.Fatalf("%+v, %v", d, err)
	}
	path := d.Destinations[0].Config["path"].(string)
	if filepath.Base(path) != "out-copy.ndjson" {
		t.Errorf("the copy writes to %s", path)
	}
	d.Destinations[0].Config["path"] = filepath.Join(p.dir, "out.ndjson")
	wantField(t, p.Service.FinishDraft(ctx, ada, actor, d, false), sallyport.Invalid, "destinations.0.config")
	wantField(t, p.Service.SaveDraftDestination(ctx, ada, d, 0), sallyport.Invalid, "destinations.0.config")
	d.Destinations = append(d.Destinations, service.DraftDestination{Name: "lines", Connector: "file", Config: map[string]any{"path": path}})
	wantField(t, p.Service.SaveDraftDestination(ctx, ada, d, 1), sallyport.Invalid, "destinations.1.name")
	d.Destinations[1].Name = "second"
	if err := p.Service.SaveDraftDestination(ctx, ada, d, 1); err != nil {
		t.Errorf("a destination that is right cannot be kept, as another is not: %v", err)
	}
	d.Destinations = d.Destinations[1:]
	if err := p.Service.FinishDraft(ctx, ada, actor, d, false); err != nil {
		t.Fatal(err)
	}
	if f := p.flow("f copy"); f.State != sallyport.FlowPaused || f.Dataset.Records != 0 {
		t.Errorf("the copy is %+v", f)
	}
	if d, err = p.Service.CopyFlow(ctx, "f"); err != nil || d.Name != "f copy 2" {
		t.Errorf("%+v, %v", d, err)
	}
	if got := p.flow("f").Name; !strings.EqualFold(got, "f") {
		t.Errorf("the flow is now %q", got)
	}
}

// TestCredentialByItsID makes a flow that names its credential by id: it is exported by name. An id of none is an error.
func TestCredentialByItsID(t *testing.T) {
	p := newPlace(t, nil)
	c, err := p.Service.Credential(t.Context(), "api")
	if err != nil {
		t.Fatal(err)
	}
	spec := service.FlowSpec{Flow: "by id", Source: service.SourceSpec{Connector: "rest", Credential: string(c.ID), Request: &sallyport.Request{URL: "/"}}}
	f, err := p.Service.CreateFlow(t.Context(), actor, spec)
	if err != nil || f.Source.Credential != c.ID {
		t.Fatalf("it has the credential %q, %v", f.Source.Credential, err)
	}
	if spec, err = p.Service.FlowSpec(t.Context(), "by id"); err != nil || spec.Source.Credential != "api" {
		t.Errorf("it is written as %+v, %v", spec, err)
	}
	spec.Flow, spec.Source.Credential = "none", "crd_none"
	_, err = p.Service.CreateFlow(t.Context(), actor, spec)
	wantField(t, err, sallyport.Invalid, "source.credential")
}
