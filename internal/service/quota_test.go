package service_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestRunWaitsForTheBudget lets a run spend what the day allows: it waits without a call, and goes on at the very page.
func TestRunWaitsForTheBudget(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 10, 10, "1"), "1": list(10, 10, 10, "2"), "2": list(20, 10, 10, "")})
	p.allow(2)
	run := p.run()
	if run.State != sallyport.RunWaiting || run.Code != sallyport.Limited || run.Records != 20 || run.WaitUntil.Format("15:04:05") != "00:00:00" {
		t.Fatalf("run %s (%s) with %d records until %s: %s", run.State, run.Code, run.Records, run.WaitUntil, run.Error)
	}
	if diff := cmp.Diff([]string{"0", "1"}, p.api.asked); diff != "" {
		t.Fatal(diff)
	}
	p.allow(3) // which wakes it
	p.api.asked = nil
	if again := p.run(); again.ID != run.ID || again.State != sallyport.RunSucceeded || again.Records != 30 {
		t.Errorf("run %d, then run %d %s with %d records: %s", run.ID, again.ID, again.State, again.Records, again.Error)
	}
	if diff := cmp.Diff([]string{"2"}, p.api.asked); diff != "" {
		t.Error(diff)
	}
	p.kept()
}

// allow sets what a day allows.
func (p *place) allow(calls int64) {
	p.Helper()
	err := p.Service.SetQuota(p.Context(), actor, "api", service.QuotaChange{Limits: map[string]int64{sallyport.WindowDay: calls}})
	if err != nil {
		p.Fatal(err)
	}
}

// TestRetriesCountAndRefusalsOfTheKeyAreOne counts every request that is sent: three for a page that failed twice, one for a refused key.
func TestRetriesCountAndRefusalsOfTheKeyAreOne(t *testing.T) {
	p := newPlace(t, nil)
	failures := 2
	p.api.pages = map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		if failures--; failures >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		list(0, 10, 10, "")(w)
	}}
	p.allow(10)
	if run := p.run(); run.State != sallyport.RunSucceeded {
		t.Fatalf("run %s: %s", run.State, run.Error)
	}
	p.api.key = "another-key-than-the-stored-one"
	p.run()
	p.settled(10 - int64(len(p.api.asked)))
	if len(p.api.asked) != 4 {
		t.Errorf("%d requests, want 3 and 1", len(p.api.asked))
	}
	entries, err := p.Service.Audit(p.Context(), "", "", 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Action == "credential.quota" && e.Detail["day"] == "10" && e.Actor.Name == actor.Name {
			return
		}
	}
	t.Error("the audit log does not tell who set the budget")
}

// settled waits until what was spent is reported, and wants so many left of the day.
func (p *place) settled(want int64) {
	p.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		windows, err := p.Service.Quota(p.Context(), "api")
		if err != nil {
			p.Fatal(err)
		}
		if len(windows) == 1 && windows[0].Left == want {
			return
		}
		if time.Now().After(deadline) {
			p.Fatalf("the budget is %+v, want %d left of the day", windows, want)
		}
		<-time.After(10 * time.Millisecond)
	}
}

func TestCost(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 1, 1, "1"), "1": list(1, 1, 1, "2"), "2": list(2, 1, 1, "")})
	cost := func(change func(*sallyport.Source)) service.Cost {
		t.Helper()
		f, err := p.Service.Flow(t.Context(), "f")
		if err != nil {
			t.Fatal(err)
		}
		change(&f.Source)
		c, err := p.Service.DraftCost(t.Context(), &service.Draft{
			Connector: f.Source.Connector, Credential: f.Source.Credential, Request: f.Source.Request, Schedule: f.Source.Schedule,
			Sample: &service.DraftSample{Pages: 5, More: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	hourly := func(s *sallyport.Source) { s.Schedule = &sallyport.Schedule{Every: sallyport.Duration(time.Hour)} }
	daily := func(s *sallyport.Source) { s.Schedule = &sallyport.Schedule{Cron: "30 6 * * *", Zone: "Europe/Vienna"} }
	if c := cost(hourly); c.String() != "at least 5 calls a run (by the test), at least 120 calls a day" || c.Warning != "" {
		t.Errorf("hourly: %s; %s", c, c.Warning)
	}
	if c := cost(daily); c.PerDay != 5 || c.RunsPerDay != 1 {
		t.Errorf("daily: %+v", c)
	}
	if c := cost(func(*sallyport.Source) {}); c.String() != "at least 5 calls a run (by the test)" {
		t.Errorf("on demand: %s", c)
	}
	p.run()
	c, err := p.Service.FlowCost(t.Context(), "f")
	if err != nil || c.String() != "about 3 calls a run (by the last run)" {
		t.Errorf("after a run: %s, %v", c, err)
	}
	p.allow(4)
	if c := cost(hourly); !strings.Contains(c.Warning, `the budget of credential "api" is too small for this: a run makes about 5 calls, and runs may make 4 calls a day`) {
		t.Errorf("warned: %s", c.Warning)
	}
	p.allow(119)
	if c := cost(hourly); !strings.Contains(c.Warning, "it would make about 120 calls a day, and runs may make 119 calls a day") {
		t.Errorf("warned: %s", c.Warning)
	}
	p.allow(120)
	if c := cost(hourly); c.Warning != "" {
		t.Errorf("warned: %s", c.Warning)
	}
}
