package service

import (
	"testing"
	"time"
)

// TestPatience looks at a run every minute that is followed by somebody who waits for two minutes at most.
func TestPatience(t *testing.T) {
	type look struct {
		progress int64
		wait     time.Duration // from then on; 0: it works
	}
	for name, c := range map[string]struct {
		looks []look
		over  bool // at the last one; before that it never is
	}{
		"short wait":                 {[]look{{1, 2 * time.Minute}}, false},
		"long wait":                  {[]look{{1, 3 * time.Minute}}, true},
		"short wait after long work": {[]look{{1, 0}, {1, 0}, {1, 0}, {1, 0}, {1, time.Minute}}, false},
		"again and again":            {[]look{{1, time.Minute}, {1, time.Minute}, {1, time.Minute}}, true},
		"again, with work between":   {[]look{{1, time.Minute}, {1, 0}, {1, time.Minute}, {1, 0}, {1, time.Minute}}, true},
		"with progress":              {[]look{{1, time.Minute}, {2, time.Minute}, {3, time.Minute}, {4, time.Minute}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			p, now := patience{most: 2 * time.Minute}, time.Now()
			for i, l := range c.looks {
				until := time.Time{}
				if l.wait > 0 {
					until = now.Add(l.wait)
				}
				if got, want := p.over(l.progress, until, now), c.over && i == len(c.looks)-1; got != want {
					t.Errorf("look %d: over %v, want %v", i, got, want)
				}
				now = now.Add(time.Minute)
			}
		})
	}
}
