package auth

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
)

func TestLimiterOfAnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		for range addressBurst {
			wantAttempt(t, &l, "10.0.0.1", 0)
		}
		wantAttempt(t, &l, "10.0.0.1", addressRefill)
		wantAttempt(t, &l, "10.0.0.2", 0)
		time.Sleep(addressRefill - time.Second)
		wantAttempt(t, &l, "10.0.0.1", time.Second)
		time.Sleep(time.Second)
		wantAttempt(t, &l, "10.0.0.1", 0)
		wantAttempt(t, &l, "10.0.0.1", addressRefill)
		l.forgive("10.0.0.1")
		wantAttempt(t, &l, "10.0.0.1", 0)
	})
}

func TestLimiterOverall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		for i := range overallBurst {
			wantAttempt(t, &l, fmt.Sprint("10.0.0.", i), 0)
		}
		wantAttempt(t, &l, "10.0.1.1", overallRefill)
		time.Sleep(overallRefill)
		wantAttempt(t, &l, "10.0.1.1", 0)
	})
}

func TestLimiterForgetsAddresses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l limiter
		for i := range maxAddresses {
			l.take(fmt.Sprint(i), "attempts") // most are refused; they are remembered all the same
		}
		time.Sleep(time.Hour)
		wantAttempt(t, &l, "new", 0)
		if len(l.of) != 1 {
			t.Errorf("%d addresses are remembered for nothing", len(l.of)-1)
		}
	})
}

// wantAttempt makes an attempt that must be allowed (wait 0), or refused for so long.
func wantAttempt(t *testing.T, l *limiter, address string, wait time.Duration) {
	t.Helper()
	err := l.take(address, "attempts")
	if wait == 0 {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	e, ok := err.(*sallyport.Error)
	if !ok || e.Code != sallyport.Limited || time.Until(e.Until).Round(time.Millisecond) != wait {
		t.Fatalf("got %v, want a refusal for %v", err, wait)
	}
}
