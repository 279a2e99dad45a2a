package quota_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/store"
)

// spend makes one request, whose response has these headers.
func spend(t *testing.T, s *quota.Spender, status int, header http.Header) {
	t.Helper()
	if err := s.Take(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	s.Answered(&http.Response{StatusCode: status, Header: header})
}

// TestUndeclaredLimits holds back every request of a credential, in every process, once a response says that nothing is left, until it says that
// the window begins anew.
func TestUndeclaredLimits(t *testing.T) {
	p := newPlace(t, "free")
	now := time.Now().UTC().Truncate(time.Second)
	clock := func() time.Time { return now }
	one, two := p.quota(), p.quota()
	one.Now, two.Now = clock, clock
	defer p.close(one)
	defer p.close(two)
	first, other := one.ForRun(credential, connector.Limits{}), two.ForPerson(credential, connector.Limits{})

	spend(t, first, 200, http.Header{"X-Ratelimit-Limit": {"10"}, "X-Ratelimit-Remaining": {"1"}, "X-Ratelimit-Reset": {"600"}})
	spend(t, first, 200, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"600"}})
	reset := now.Add(10 * time.Minute)
	for name, s := range map[string]*quota.Spender{"this process": first, "another": other} {
		f := limited(t, s.Take(t.Context(), 30*time.Second))
		if f.Until.Sub(reset).Abs() > time.Second || f.Window != "" {
			t.Errorf("%s: %v, window %q", name, f.Until, f.Window)
		}
	}
	windows, err := quota.Read(t.Context(), p.store, credential, now)
	if err != nil || len(windows) != 1 || windows[0].Window != sallyport.WindowOther || windows[0].Limit != 0 || windows[0].Left != 0 || windows[0].RefusedUntil.IsZero() {
		t.Errorf("%v: %+v", err, windows)
	}

	now = now.Add(10*time.Minute + time.Second)
	spend(t, first, 200, http.Header{"X-Ratelimit-Remaining": {"9"}, "X-Ratelimit-Reset": {"600"}})
	spend(t, other, 200, nil)
}

// TestRefusalsWithoutAWindow hold back the others, too, but not for ever.
func TestRefusalsWithoutAWindow(t *testing.T) {
	for _, test := range []struct{ asked, held time.Duration }{{2 * time.Minute, 2 * time.Minute}, {20 * 24 * time.Hour, time.Hour}, {0, 0}, {-time.Hour, 0}} {
		p := newPlace(t, "free")
		q := p.quota()
		now := time.Now().UTC().Truncate(time.Second)
		q.Now = func() time.Time { return now }
		s := q.ForRun(credential, connector.Limits{})
		spend(t, s, 429, nil)
		s.Refused(&connector.Failure{Class: connector.ClassRate, Until: now.Add(test.asked)})
		err := s.Take(t.Context(), time.Second)
		if test.held > 0 {
			if f := limited(t, err); f.Until.Sub(now.Add(test.held)).Abs() > time.Second {
				t.Errorf("%s: held until %s", test.asked, f.Until.Sub(now))
			}
			now = now.Add(test.held + time.Second)
			err = s.Take(t.Context(), time.Second)
		}
		if err != nil {
			t.Errorf("%s: %v", test.asked, err)
		}
		s.Answered(nil)
		p.close(q)
	}
}

// TestAChangeByHandEndsAHold lets a person who knows better go on.
func TestAChangeByHandEndsAHold(t *testing.T) {
	p := newPlace(t, "free")
	q := p.quota()
	defer p.close(q)
	s := q.ForRun(credential, connector.Limits{})
	spend(t, s, 200, http.Header{"Ratelimit": {`"default";r=0;t=600`}})
	limited(t, s.Take(t.Context(), time.Second))
	p.do(func(ctx context.Context, tx *store.Tx) error {
		return quota.Set(ctx, tx, credential, quota.Change{Limits: map[string]int64{sallyport.WindowDay: 100}})
	})
	spend(t, p.quota().ForRun(credential, connector.Limits{}), 200, nil)
}
