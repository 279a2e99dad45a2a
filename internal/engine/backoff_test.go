package engine

import (
	"math"
	"testing"
	"time"
)

func TestBackoff(t *testing.T) {
	for attempts, want := range map[int64]time.Duration{
		0: time.Second, 1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 6: 32 * time.Second, 7: time.Minute, 8: time.Minute,
		math.MaxInt64: time.Minute,
	} {
		if got := backoff(attempts, time.Second, time.Minute); got != want {
			t.Errorf("after %d attempts: %s, want %s", attempts, got, want)
		}
	}
}
