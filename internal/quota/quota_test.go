package quota_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/store"
)

// TestFreePlan asks as fast as it may, day after day, until the month is used up: the sandbox never has to refuse.
func TestFreePlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at midnight, on the first of a month
		p := newPlace(t, "free")
		q := p.quota()
		defer p.close(q)
		source := p.source(q.ForRun(credential, p.definition.Limits))
		for day := range 25 {
			for i := range 10 {
				if err := look(t.Context(), source); err != nil {
					t.Fatalf("day %d, call %d: %v", day, i, err)
				}
			}
			f := limited(t, look(t.Context(), source))
			if want := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour); day < 24 && (f.Window != sallyport.WindowDay || !f.Until.Equal(want)) {
				t.Fatalf("day %d: limited in the %s until %s, want the day until %s", day, f.Window, f.Until, want)
			}
			if day == 24 && (f.Window != sallyport.WindowMonth || f.Until.Day() != 1) {
				t.Errorf("limited in the %s until %s, want the month", f.Window, f.Until)
			}
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)))
		}
		if p.refused.Load() != 0 || p.asked.Load() != 250 {
			t.Errorf("%d of %d calls were refused, want 0 of 250", p.refused.Load(), p.asked.Load())
		}
	})
}

// calls makes calls until there are no more, and returns how many there were.
func (p *place) calls(s *quota.Spender) (n int) {
	p.Helper()
	for source := p.source(s); ; n++ {
		if err := look(p.Context(), source); err != nil {
			limited(p, err)
			return n
		}
	}
}

func TestReserveIsForPeople(t *testing.T) {
	for reserve, want := range map[string]int{"3": 7, "10%": 9, "9%": 10, "": 10} {
		t.Run(reserve, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlace(t, "free")
				q := p.quota()
				defer p.close(q)
				kept := sallyport.Reserve{}
				if reserve != "" {
					var err error
					if kept, err = sallyport.ParseReserve(reserve); err != nil {
						t.Fatal(err)
					}
				}
				p.set(quota.Change{Plan: &p.definition.Limits.Plans[0], Reserve: &kept})
				run, person := q.ForRun(credential, p.definition.Limits), q.ForPerson(credential, p.definition.Limits)
				if n := p.calls(run); n != want {
					t.Errorf("runs made %d calls, want %d", n, want)
				}
				if n := p.calls(person); n != 10-want {
					t.Errorf("then people made %d calls, want %d", n, 10-want)
				}
				if p.refused.Load() > 0 {
					t.Errorf("%d calls were refused", p.refused.Load())
				}
			})
		})
	}
}

// TestReserveOfEverything wants an error, not a wait that never ends, when the limit turns out to be below the reserve.
func TestReserveOfEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "free")
		q := p.quota()
		defer p.close(q)
		p.set(quota.Change{Reserve: &sallyport.Reserve{Calls: 10}})
		source := p.source(q.ForRun(credential, p.definition.Limits))
		if err := look(t.Context(), source); err != nil { // nothing is known yet
			t.Fatal(err)
		}
		err := look(t.Context(), source)
		if _, waits := errors.AsType[*connector.Failure](err); waits || sallyport.CodeOf(err) != sallyport.Limited || p.asked.Load() != 1 {
			t.Errorf("after %d calls: %v", p.asked.Load(), err)
		}
	})
}

// TestOthersSpendToo lets another program use the account: what answers say is believed.
func TestOthersSpendToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "free")
		q, other := p.quota(), p.source(nil)
		defer p.close(q)
		source := p.source(q.ForRun(credential, p.definition.Limits))
		for range 3 {
			for _, s := range []*rest.Source{source, other} {
				if err := look(t.Context(), s); err != nil {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Second)
			}
		}
		if n := p.calls(q.ForRun(credential, p.definition.Limits)); n < 3 || n > 4 {
			t.Errorf("%d more calls, want the rest of 10", n)
		}
		if got := p.left()["day"]; got != 0 {
			t.Errorf("%d are left, want 0", got)
		}
	})
}

// TestDiedInTheMiddle takes portions and never gives them back: too little is used, never too much, and only for this day.
func TestDiedInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "pro") // 10 a second, 10,000 a day
		p.set(quota.Change{Limits: map[string]int64{"second": 10, "day": 300, "month": 5000}})
		dead := p.quota()
		source := p.source(dead.ForRun(credential, p.definition.Limits))
		for range 25 {
			if err := look(t.Context(), source); err != nil {
				t.Fatal(err)
			}
		}
		dead.Kill()
		time.Sleep(time.Minute)
		if left := p.left(); left["day"] > 275 || left["day"] < 270 {
			t.Errorf("%d are left after 25 of 300, want the rest without the portion", left["day"])
		}
		q := p.quota()
		defer p.close(q)
		if n := p.calls(q.ForRun(credential, p.definition.Limits)); n > 275 || n < 270 {
			t.Errorf("%d more calls of 300, after 25", n)
		}
		time.Sleep(24 * time.Hour)
		if n := p.calls(q.ForRun(credential, p.definition.Limits)); n != 300 {
			t.Errorf("%d calls the next day, want 300", n)
		}
		p.never(10)
	})
}

// TestRefusedAllTheSame has a system refuse what seemed to be allowed. It is asked again, once and not at once.
func TestRefusedAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "free")
		p.definition.Limits.Headers = nil
		q := p.quota()
		defer p.close(q)
		s := q.ForRun(credential, p.definition.Limits)
		source := p.source(s)
		for range 10 {
			if err := look(t.Context(), source); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		f := limited(t, look(t.Context(), source))
		if f.Status != 429 || f.Limit != 10 || time.Until(f.Until) != time.Hour {
			t.Errorf("refused with limit %d until %s", f.Limit, f.Until)
		}
		asked := p.asked.Load()
		if f := limited(t, look(t.Context(), source)); f.Status != 0 || p.asked.Load() != asked {
			t.Errorf("asked again at once: %v", f)
		}
		time.Sleep(time.Hour)
		if f := limited(t, look(t.Context(), source)); f.Status != 429 || p.asked.Load() != asked+1 {
			t.Errorf("an hour later: %v after %d calls", f, p.asked.Load()-asked)
		}
		p.set(quota.Change{Limits: map[string]int64{sallyport.WindowSecond: 1}})
		time.Sleep(24 * time.Hour) // to a new day, of which the limit is known by now
		if n := p.calls(s); n != 10 || p.refused.Load() != 2 {
			t.Errorf("%d calls the next day, %d refused in all", n, p.refused.Load())
		}
	})
}

// TestRefusedWhileItIsSettled makes a call in the moment in which the refusal of the one before is being written down: it is refused, too.
func TestRefusedWhileItIsSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "pro")
		q := p.quota()
		defer p.close(q)
		s := q.ForRun(credential, p.definition.Limits)
		source := p.source(s)
		for range 2 { // the second call has a portion of what the first response told
			if err := look(t.Context(), source); err != nil {
				t.Fatal(err)
			}
		}
		refusal := &connector.Failure{Class: connector.ClassRate, Window: sallyport.WindowMonth}
		s.Refused(refusal)
		held, release := make(chan struct{}), make(chan struct{})
		go func() {
			if err := p.store.InTx(context.Background(), func(*store.Tx) error { close(held); <-release; return nil }); err != nil {
				t.Error(err)
			}
		}()
		<-held
		time.Sleep(1500 * time.Millisecond) // a beat settles, and waits for the database
		asked, ended := p.asked.Load(), make(chan error)
		go func() { ended <- look(t.Context(), source) }()
		synctest.Wait()
		close(release)
		if f := limited(t, <-ended); !f.Until.Equal(refusal.Until) || p.asked.Load() != asked {
			t.Errorf("%d calls were made, the next may be at %s, want %s", p.asked.Load()-asked, f.Until, refusal.Until)
		}
	})
}

// TestRefusedInTheSecond learns a limit from its sentence, and keeps to it.
func TestRefusedInTheSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "pro")
		p.definition.Limits.Headers = nil
		q := p.quota()
		defer p.close(q)
		source := p.source(q.ForRun(credential, p.definition.Limits))
		for range 40 {
			if err := look(t.Context(), source); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.left()["second"]; got != 10 || p.refused.Load() != 1 {
			t.Errorf("the second allows %d, after %d refusals", got, p.refused.Load())
		}
	})
}

// TestHandIsACap keeps to what a person set, although the system allows more.
func TestHandIsACap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "pro")
		p.set(quota.Change{Limits: map[string]int64{sallyport.WindowDay: 20}})
		q := p.quota()
		defer p.close(q)
		s := q.ForRun(credential, p.definition.Limits)
		if n := p.calls(s); n != 20 {
			t.Errorf("%d calls, want the 20 that were set", n)
		}
		p.set(quota.Change{Limits: map[string]int64{sallyport.WindowDay: 0}})
		for range 5 {
			if err := look(t.Context(), p.source(s)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
		if got := p.left()["day"]; got != 9975 {
			t.Errorf("%d are left, want what the system says: 9975", got)
		}
	})
}

// TestKeyOfACredentialToCome tests a key before its credential is stored: that call counts.
func TestKeyOfACredentialToCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "free")
		p.remove()
		q := p.quota()
		s := q.ForPerson(credential, p.definition.Limits)
		for range 2 { // the second one waits for the next second
			if err := look(t.Context(), p.source(s)); err != nil {
				t.Fatal(err)
			}
		}
		p.insert()
		p.close(q)
		if left := p.left(); left["day"] != 8 || p.refused.Load() > 0 {
			t.Errorf("%d of the day are left, want 8", left["day"])
		}
		next := p.quota()
		defer p.close(next)
		if err := look(t.Context(), p.source(next.ForRun(credential, p.definition.Limits))); err != nil || p.refused.Load() > 0 {
			t.Errorf("the next call, in the same second: %v, %d refused", err, p.refused.Load())
		}
	})
}

func TestInterruptedWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlace(t, "free")
		q := p.quota()
		defer p.close(q)
		source := p.source(q.ForRun(credential, p.definition.Limits))
		if err := look(t.Context(), source); err != nil {
			t.Fatal(err)
		}
		stopped := errors.New("the slice is over")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, stopped)
		defer cancel()
		if err := look(ctx, source); !errors.Is(err, stopped) {
			t.Errorf("got %v", err)
		}
		time.Sleep(5 * time.Second)
		if got := p.left()["day"]; got != 9 {
			t.Errorf("%d are left, want 9: the second call was not made", got)
		}
	})
}
