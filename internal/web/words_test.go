package web

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for off, want := range map[time.Duration]string{
			-time.Hour: "now", 9 * time.Second: "now", 90*time.Second - time.Millisecond: "in 90 seconds", 8*time.Hour - time.Second: "in 8 hours",
			119*time.Minute + 59*time.Second: "in 120 minutes", 24*time.Hour + 29*time.Minute: "in 24 hours", 71 * time.Hour: "in 3 days",
			365 * 24 * time.Hour: "on 31 Dec 2000",
		} {
			if got := ahead(time.Now().Add(off)); got != want {
				t.Errorf("%s: %q, want %q", off, got, want)
			}
		}
	})
}
