package service_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
)

// user adds somebody who may have drafts.
func (p *place) user(name string) sallyport.ID {
	p.Helper()
	u := sallyport.User{ID: sallyport.NewID("usr"), Name: name, Password: "x", CreatedAt: sallyport.Now()}
	if err := p.Service.Store.InTx(p.Context(), func(tx *store.Tx) error { return tx.InsertUser(p.Context(), u) }); err != nil {
		p.Fatal(err)
	}
	return u.ID
}

// draft is a draft of a user that has all but a name.
func (p *place) draft(user sallyport.ID) *service.Draft {
	p.Helper()
	d, err := p.Service.CreateDraft("rest")
	if err != nil {
		p.Fatal(err)
	}
	if err := p.Service.SaveDraft(p.Context(), user, d, service.StepReview); err != nil {
		p.Fatal(err)
	}
	c, err := p.Service.Credential(p.Context(), "api")
	if err != nil {
		p.Fatal(err)
	}
	d.Credential = c.ID
	d.Request = &sallyport.Request{URL: "/", Query: map[string]sallyport.Texts{"page": {"0"}}, Records: "$.results[*]", Key: []string{"id"}}
	d.Destinations = []service.DraftDestination{{Name: "lines", Connector: "file", Config: map[string]any{"path": filepath.Join(p.dir, "draft.ndjson")}}}
	d.Schedule = &sallyport.Schedule{Every: sallyport.Duration(8 * time.Hour)}
	return d
}

func wantField(t *testing.T, err error, code sallyport.Code, field string) {
	t.Helper()
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || e.Code != code || e.Field != field {
		t.Errorf("got %v, want %s at %q", err, code, field)
	}
}

func TestDraftBecomesFlow(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 30, 1, "")})
	ctx, ada := t.Context(), p.user("Ada")
	d := p.draft(ada)
	for _, step := range []service.Step{service.StepAuthenticate, service.StepConfigure, service.StepDestinations, service.StepSchedule} {
		if err := p.Service.SaveDraft(ctx, ada, d, step); err != nil {
			t.Fatal(step, err)
		}
	}
	again, err := p.Service.Draft(ctx, ada, string(d.ID))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d, again); diff != "" {
		t.Errorf("kept (-), read (+):\n%s", diff)
	}
	sample, err := p.Service.SampleDraft(ctx, ada, actor, d)
	if err != nil || len(sample.Records) != service.SampleSize || !sample.More || sample.Pages != 1 {
		t.Errorf("sample %+v, %v", sample, err)
	}
	if again, err = p.Service.Draft(ctx, ada, string(d.ID)); err != nil || again.Sample == nil || len(again.Sample.Schema.Fields) != 2 || again.Version != d.Version {
		t.Errorf("the draft keeps %+v of it, %v", again.Sample, err)
	}
	d.Name = "F"
	wantField(t, p.Service.FinishDraft(ctx, ada, actor, d, true), sallyport.Conflict, "flow")
	d.Name = " "
	wantField(t, p.Service.FinishDraft(ctx, ada, actor, d, true), sallyport.Invalid, "flow")
	d.Name = "drawn"
	if err := p.Service.FinishDraft(ctx, ada, actor, d, true); err != nil {
		t.Fatal(err)
	}
	if err := p.Service.FinishDraft(ctx, ada, actor, d, true); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Errorf("a second time: %v", err)
	}
	f, err := p.Service.FlowOfDraft(ctx, string(d.ID))
	if err != nil {
		t.Fatal(err)
	}
	if until := time.Until(f.Source.NextRunAt); f.State != sallyport.FlowActive || until < 7*time.Hour {
		t.Errorf("it is %s and due in %s; its first run is begun already", f.State, until)
	}
	runs, err := p.Service.Runs(ctx, "drawn", "", 10, 0)
	if err != nil || len(runs) != 1 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	run, err := p.Service.Follow(ctx, runs[0].ID, time.Second, func(service.Progress) {})
	if err != nil || run.State != sallyport.RunSucceeded || run.Records != 30 {
		t.Errorf("run %+v, %v", run, err)
	}
}

func TestDraftFaultsHaveTheirPaths(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada := t.Context(), p.user("Ada")
	for _, test := range []struct {
		step   service.Step
		field  string
		change func(d *service.Draft)
	}{
		{service.StepAuthenticate, "source.credential", func(d *service.Draft) { d.Credential = "" }},
		{service.StepAuthenticate, "source.credential", func(d *service.Draft) { d.Credential = "crd_gone" }},
		{service.StepConfigure, "source.credential", func(d *service.Draft) { d.Credential = "" }},
		{service.StepConfigure, "source.request.url", func(d *service.Draft) { d.Request.URL = "https://evil.example/" }},
		{service.StepConfigure, "source.request.paging.type", func(d *service.Draft) { d.Request.Paging.Type = "x" }},
		{service.StepConfigure, "source.request", func(d *service.Draft) { d.Request = nil }},
		{service.StepDestinations, "destinations.0.config.path", func(d *service.Draft) { d.Destinations[0].Config = nil }},
		{service.StepDestinations, "destinations.0.name", func(d *service.Draft) { d.Destinations[0].Name = "" }},
		{service.StepDestinations, "destinations.0.config", func(d *service.Draft) { d.Destinations[0].Config["path"] = filepath.Join(p.dir, "out.ndjson") }},
		{service.StepDestinations, "destinations.1.name", func(d *service.Draft) { d.Destinations = append(d.Destinations, d.Destinations[0]) }},
		{service.StepSchedule, "source.schedule.every", func(d *service.Draft) { d.Schedule.Every = 1 }},
		{service.StepSchedule, "source.schedule.cron", func(d *service.Draft) { d.Schedule = &sallyport.Schedule{Cron: "61 * * * *"} }},
		{service.StepSchedule, "source.schedule.zone", func(d *service.Draft) { d.Schedule = &sallyport.Schedule{Cron: "0 8 * * *", Zone: "Mars"} }},
	} {
		d := p.draft(ada)
		test.change(d)
		wantField(t, p.Service.SaveDraft(ctx, ada, d, test.step), sallyport.Invalid, test.field)
		wantField(t, p.Service.CheckDraft(ctx, d), sallyport.Invalid, test.field)
		d.Name = "whole"
		wantField(t, p.Service.FinishDraft(ctx, ada, actor, d, false), sallyport.Invalid, test.field)
		kept, err := p.Service.Draft(ctx, ada, string(d.ID))
		if err != nil || kept.Version != 2 || kept.Name != "" {
			t.Errorf("%s: a faulty step was kept: %+v, %v", test.field, kept, err)
		}
		if err := p.Service.DiscardDraft(ctx, ada, service.DraftVersion{ID: d.ID, Version: 2}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDraftInTwoWindows(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada, eve := t.Context(), p.user("Ada"), p.user("Eve")
	mine := p.draft(ada)
	other := *mine
	if err := p.Service.SaveDraft(ctx, ada, mine, service.StepConfigure); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"save":    p.Service.SaveDraft(ctx, ada, &other, service.StepSchedule),
		"finish":  p.Service.FinishDraft(ctx, ada, actor, &other, false),
		"discard": p.Service.DiscardDraft(ctx, ada, service.DraftVersion{ID: other.ID, Version: other.Version}),
	} {
		if sallyport.CodeOf(err) != sallyport.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.Service.SaveDraft(ctx, eve, mine, service.StepSchedule); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Errorf("somebody else saves: %v", err)
	}
	if drafts, err := p.Service.Drafts(ctx, eve); err != nil || len(drafts) != 0 {
		t.Errorf("somebody else sees %d drafts, %v", len(drafts), err)
	}
}

// TestDraftIsStoredAtTheFirstInput looks at beginnings of every kind, which stores nothing, and then saves one from two windows.
func TestDraftIsStoredAtTheFirstInput(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada := t.Context(), p.user("Ada")
	fresh, err := p.Service.CreateDraft("rest")
	if err != nil {
		t.Fatal(err)
	}
	change, err := p.Service.ChangeFlow(ctx, ada, "f")
	if err != nil {
		t.Fatal(err)
	}
	copied, err := p.Service.CopyFlow(ctx, "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []*service.Draft{fresh, change, copied} {
		mine, err := p.Service.Draft(ctx, ada, d.Handle())
		if err != nil || mine.ID != d.ID || mine.FlowID() != d.FlowID() {
			t.Fatalf("%s is %+v, %v", d.Handle(), mine, err)
		}
		other := *mine
		if drafts, err := p.Service.Drafts(ctx, ada); err != nil || len(drafts) != 0 {
			t.Fatalf("a look at %s stores %d drafts, %v", d.Handle(), len(drafts), err)
		}
		mine.Description = "mine"
		if err := p.Service.SaveDraft(ctx, ada, mine, service.StepReview); err != nil {
			t.Fatal(err)
		}
		again, err := p.Service.Draft(ctx, ada, d.Handle())
		if err != nil || again.Description != "mine" || again.Version != 2 || again.Handle() != string(d.ID) {
			t.Errorf("it is stored as %+v, %v", again, err)
		}
		stale, err := p.Service.Draft(ctx, ada, d.Handle())
		if err != nil {
			t.Fatal(err)
		}
		stale.Version = other.Version // as the form of the second window says
		for name, err := range map[string]error{
			"save": p.Service.SaveDraft(ctx, ada, stale, service.StepReview), "finish": p.Service.FinishDraft(ctx, ada, actor, stale, false),
		} {
			if sallyport.CodeOf(err) != sallyport.Conflict {
				t.Errorf("another window: %s: %v", name, err)
			}
		}
		if err := p.Service.DiscardDraft(ctx, ada, service.DraftVersion{ID: d.ID, Version: 2}); err != nil {
			t.Fatal(err)
		}
	}
	for _, handle := range []string{"drf_x", "drf_12345678~", "drf_12345678~odd~x", "drf_12345678~new~none", "drf_12345678~new~file", "x~new~rest", "drf_~new~rest", "drf_12345678~copy~none", "drf_12345678~change~none~x"} {
		if d, err := p.Service.Draft(ctx, ada, handle); err == nil {
			t.Errorf("%s is %+v", handle, d)
		}
	}
}

// TestOvertakenDraftIsNotStored changes a flow between a look at its form and the first input.
func TestOvertakenDraftIsNotStored(t *testing.T) {
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
	if mine.ID == theirs.ID {
		t.Error("two users share a draft")
	}
	theirs.Description = "Hers"
	if err := p.Service.FinishDraft(ctx, eve, actor, theirs, false); err != nil {
		t.Fatal(err)
	}
	late, err := p.Service.Draft(ctx, ada, mine.Handle())
	if err != nil || !late.Overtaken {
		t.Fatalf("it is %+v, %v", late, err)
	}
	late.Description = "Mine"
	for name, err := range map[string]error{
		"save": p.Service.SaveDraft(ctx, ada, late, service.StepReview), "finish": p.Service.FinishDraft(ctx, ada, actor, late, false),
	} {
		if sallyport.CodeOf(err) != sallyport.Conflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := p.flow("f").Description; got != "Hers" {
		t.Errorf("the description is %q", got)
	}
}

func TestDraftsAreBounded(t *testing.T) {
	p := newPlace(t, nil)
	ctx, ada := t.Context(), p.user("Ada")
	var first, last *service.Draft
	for range 25 {
		last = p.draft(ada)
		if first == nil {
			first = last
		}
	}
	drafts, err := p.Service.Drafts(ctx, ada)
	if err != nil || len(drafts) != 20 {
		t.Fatalf("%d drafts are kept, %v", len(drafts), err)
	}
	if _, err := p.Service.Draft(ctx, ada, string(first.ID)); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Errorf("the oldest is still there: %v", err)
	}
	if drafts[0].ID != last.ID {
		t.Error("the newest is not kept")
	}
	changed := []service.DraftVersion{{ID: drafts[0].ID, Version: 2}, {ID: drafts[1].ID, Version: 9}}
	if err := p.Service.DiscardDrafts(ctx, ada, changed); sallyport.CodeOf(err) != sallyport.Conflict {
		t.Errorf("one that was changed meanwhile is discarded: %v", err)
	}
	changed[1] = service.DraftVersion{ID: "drf_gone", Version: 1}
	if err := p.Service.DiscardDrafts(ctx, ada, changed); err != nil {
		t.Error(err)
	}
	if drafts, err = p.Service.Drafts(ctx, ada); err != nil || len(drafts) != 19 {
		t.Errorf("%d drafts are left, %v", len(drafts), err)
	}
	_, err = p.Service.CreateDraft("file")
	wantField(t, err, sallyport.Invalid, "connector")
}

func TestNextTimes(t *testing.T) {
	p := newPlace(t, nil)
	times, err := p.Service.NextTimes(&sallyport.Schedule{Cron: "0 8 * * *", Zone: "Europe/Vienna"}, 5)
	if err != nil || len(times) != 5 {
		t.Fatalf("%v, %v", times, err)
	}
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	for i, at := range times {
		if at.In(zone).Format("15:04") != "08:00" || i > 0 && !at.After(times[i-1]) {
			t.Errorf("time %d is %s", i, at)
		}
	}
	times, err = p.Service.NextTimes(&sallyport.Schedule{Every: sallyport.Duration(time.Hour)}, 2)
	if err != nil || len(times) != 2 || times[1].Sub(times[0]) != time.Hour {
		t.Errorf("%v, %v", times, err)
	}
	_, err = p.Service.NextTimes(&sallyport.Schedule{Cron: "0 0 30 2 *"}, 5)
	wantField(t, err, sallyport.Invalid, "source.schedule.cron")
}
