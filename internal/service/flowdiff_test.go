package service_test

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestDraftDiff changes a flow that keeps records in every way, and reads what would change and what would happen.
func TestDraftDiff(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 1200, 5, "")})
	ctx, ada := t.Context(), p.user("Ada")
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	old := p.flow("f").Destinations[0]
	place := old.Config["path"].(string)
	elsewhere := filepath.Join(p.dir, "elsewhere.ndjson")
	for _, test := range []struct {
		name    string
		change  func(d *service.Draft)
		changes []service.FieldChange
		effects []string
	}{
		{"nothing", func(d *service.Draft) {}, nil, nil},
		{"description", func(d *service.Draft) { d.Description = "For tests" }, []service.FieldChange{{Field: "Description", New: "For tests"}}, nil},
		{"schedule", func(d *service.Draft) { d.Schedule = &sallyport.Schedule{Every: sallyport.Duration(2 * time.Hour)} },
			[]service.FieldChange{{Part: "source", Field: "Schedule", Old: "on demand", New: "every 2h"}}, nil},
		{"query", func(d *service.Draft) { d.Request.Query = map[string]sallyport.Texts{"page": {"1"}} },
			[]service.FieldChange{{Part: "source", Field: "query.page", Old: "0", New: "1"}},
			[]string{"starts at the beginning", "is added to the 1,200 records"}},
		{"query twice", func(d *service.Draft) { d.Request.Query = map[string]sallyport.Texts{"page": {"0", "1, 2"}} },
			[]service.FieldChange{{Part: "source", Field: "query.page", Old: "0", New: `"0", "1, 2"`}},
			[]string{"starts at the beginning", "is added to the 1,200 records"}},
		{"rule", func(d *service.Draft) { d.Request.Fail = []sallyport.FailRule{{Path: "$.ok", Equals: "false"}} },
			[]service.FieldChange{{Part: "source", Field: "fail.0.equals", New: "false"}, {Part: "source", Field: "fail.0.path", New: "$.ok"}},
			[]string{"starts at the beginning", "is added to the 1,200 records"}},
		{"move", func(d *service.Draft) { d.Destinations[0].Config["path"] = elsewhere },
			[]service.FieldChange{{Part: old.Name, Field: "Path", Old: place, New: elsewhere}},
			[]string{"receives everything that is kept now: 1,200 records, in " + elsewhere, place + " is left behind"}},
		{"remove", func(d *service.Draft) { d.Destinations = nil },
			[]service.FieldChange{{Part: old.Name, Field: "Destination", Old: place}}, []string{"is removed. What was delivered stays in " + place}},
		{"rename", func(d *service.Draft) { d.Destinations[0].Name = "renamed" }, []service.FieldChange{{Part: "renamed", Field: "Name", Old: old.Name, New: "renamed"}}, nil},
	} {
		d, err := p.Service.ChangeFlow(ctx, ada, "f")
		if err != nil {
			t.Fatal(err)
		}
		test.change(d)
		diff, err := p.Service.DraftDiff(ctx, d)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if !slices.Equal(diff.Changes, test.changes) {
			t.Errorf("%s changes %+v, want %+v", test.name, diff.Changes, test.changes)
		}
		wantEffects(t, test.name, diff.Effects, test.effects)
	}
}

func wantEffects(t *testing.T, name string, got, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has the effects %q, want %q", name, got, want)
		return
	}
	for i, part := range want {
		if !strings.Contains(got[i], part) {
			t.Errorf("%s has the effect %q, want %q", name, got[i], part)
		}
	}
}

// TestDiffSaysWhatVanishes narrows a source whose records are compared with the last pull.
func TestDiffSaysWhatVanishes(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 30, 5, "")})
	ctx, ada := t.Context(), p.user("Ada")
	d, err := p.Service.ChangeFlow(ctx, ada, "f")
	if err != nil {
		t.Fatal(err)
	}
	d.Emit, d.Request.Key = sallyport.EmitChanges, []string{"id"}
	if err := p.Service.FinishDraft(ctx, ada, actor, d, false); err != nil {
		t.Fatal(err)
	}
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatalf("run %+v", run)
	}
	for name, test := range map[string]struct {
		change func(d *service.Draft)
		effect string
	}{
		"narrowed":    {func(d *service.Draft) { d.Request.Query = map[string]sallyport.Texts{"page": {"0"}, "few": {"1"}} }, "are marked as vanished in the next run, and delivered as vanished. 30 records are kept now"},
		"another key": {func(d *service.Draft) { d.Request.Key = []string{"n"} }, "The comparison starts again"},
		"all kept":    {func(d *service.Draft) { d.Emit = sallyport.EmitAll }, ""},
	} {
		if d, err = p.Service.ChangeFlow(ctx, ada, "f"); err != nil {
			t.Fatal(err)
		}
		test.change(d)
		diff, err := p.Service.DraftDiff(ctx, d)
		if err != nil {
			t.Fatal(name, err)
		}
		want := []string{"starts at the beginning"}
		if test.effect != "" {
			want = append(want, test.effect)
		}
		wantEffects(t, name, diff.Effects, want)
	}
}
