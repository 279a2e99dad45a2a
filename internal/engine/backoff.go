package engine

import "time"

// backoff is how long to wait after so many failed attempts in a row, of which there is at least one: first, then twice as long each time,
// but no longer than most.
func backoff(attempts int64, first, most time.Duration) time.Duration {
	wait := first
	for ; attempts > 1 && wait < most; attempts-- {
		wait *= 2
	}
	return min(wait, most)
}
