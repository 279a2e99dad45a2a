package sandbox

import (
	"math/bits"
	"strings"
)

// world is the made-up data. Every fact of it is computed from the seed and a number.
type world struct {
	seed       uint64
	size       int // indicators have the numbers 0 … size-1
	feeds      []feed
	threats    []threat
	records    int // of feed 1 in the first generation
	generation int
	kept       *keptIndicators // shared with the worlds before and after
}

func newWorld(seed uint64, records int) *world {
	w := &world{seed: seed, feeds: makeFeeds(records), threats: makeThreats(), records: records, kept: new(keptIndicators)}
	for _, f := range w.feeds {
		w.size = max(w.size, f.at(f.count-1)+1)
	}
	for _, t := range w.threats {
		w.size = max(w.size, t.at(t.count-1)+1)
	}
	return w
}

// feed finds a feed by its id.
func (w *world) feed(id int) (feed, bool) {
	if id < 1 || id > len(w.feeds) {
		return feed{}, false
	}
	return w.feeds[id-1], true
}

// feedNamed finds a feed by its name, and by its organization unless that is "".
func (w *world) feedNamed(name, organization string) (feed, bool) {
	for _, f := range w.feeds {
		if strings.EqualFold(f.name, name) && (organization == "" || strings.EqualFold(f.organization, organization)) {
			return f, true
		}
	}
	return feed{}, false
}

// threat finds a threat by its id.
func (w *world) threat(id int) (threat, bool) {
	if id < 1 || id > len(w.threats) {
		return threat{}, false
	}
	return w.threats[id-1], true
}

// threatNamed finds a threat by its name or another name of it.
func (w *world) threatNamed(name string) (threat, bool) {
	for _, t := range w.threats {
		if t.named(func(known string) bool { return strings.EqualFold(name, known) }) {
			return t, true
		}
	}
	return threat{}, false
}

// mix turns a number into one that looks random: the finalizer of SplitMix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below returns a number in [0, n) drawn from x.
func below(x uint64, n int) int {
	high, _ := bits.Mul64(mix(x), uint64(n))
	return int(high)
}
