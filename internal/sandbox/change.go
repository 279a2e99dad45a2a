package sandbox

// The data changes when the sandbox is told to, from one generation to the next. What an indicator is in a generation is computed like all
// else: of a hundred in feed 1, one vanishes and comes back by turns, one retires, one has another risk each time, and of one the time of
// the last update moves and nothing else. They begin in the first, second or third generation; all others stay as they are, and so do those
// that are new.
const (
	unchanging = iota
	vanishing
	retiring
	reassessed
	touched
)

const (
	changeStarts      = 3
	slotChange   slot = 1 << 16 // far from those that feeds and threats add to
	slotBegin    slot = slotChange + 1
	lastGrowth        = 1000 // generations
)

// Changes says how many indicators of feed 1 changed in which way from one generation to the next.
type Changes struct {
	Generation int `json:"generation"`
	New        int `json:"new"`
	Changed    int `json:"changed"` // another risk
	Retired    int `json:"retired"`
	Vanished   int `json:"vanished"`
	Returned   int `json:"returned"` // had vanished before
	Touched    int `json:"touched"`  // nothing but stamp_updated, which rows of a feed do not show
}

// Advance changes the data: some indicators are new, retire, vanish, come back or have another risk. Requests at hand are not affected.
func (s *Sandbox) Advance() Changes {
	s.advancing.Lock()
	defer s.advancing.Unlock()
	before := s.world.Load()
	after := before.next()
	s.world.Store(after)
	return before.compare(after)
}

// next returns the world of the next generation.
func (w *world) next() *world {
	after := *w
	after.generation++
	if after.generation <= lastGrowth {
		growth := max(w.feeds[0].count/100, 1)
		after.feeds = makeFeeds(w.feeds[0].count + growth)
		after.size += growth
	}
	return &after
}

// compare counts what happened to the indicators of feed 1.
func (w *world) compare(after *world) Changes {
	c := Changes{Generation: after.generation}
	for n := range after.feeds[0].count {
		old, now := w.indicator(n), after.indicator(n)
		was, is := old.there() && w.feeds[0].contains(n), now.there()
		switch {
		case !was && !is:
		case !is:
			c.Vanished++
		case !was && w.feeds[0].contains(n):
			c.Returned++
		case !was:
			c.New++
		case old.retired() != now.retired():
			c.Retired++
		case old.risk() != now.risk():
			c.Changed++
		case old.updated() != now.updated():
			c.Touched++
		}
	}
	return c
}

// change tells in which way an indicator changes, and for how many generations it has.
func (i indicator) change() (way, age int) {
	if i.w.generation == 0 || i.out != nil || i.n >= i.w.records {
		return unchanging, 0
	}
	way = i.pick(slotChange, 100) + 1
	age = i.w.generation - 1 - i.pick(slotBegin, changeStarts)
	switch {
	case way > touched || age < 0:
		return unchanging, 0
	case way > vanishing && i.retiredFromTheStart():
		return touched, age
	}
	return way, age
}

// there tells whether an indicator has not vanished.
func (i indicator) there() bool {
	way, age := i.change()
	return way != vanishing || age%2 == 1
}

// changed returns when an indicator changed last, or 0.
func (i indicator) changed() int64 {
	switch way, age := i.change(); way {
	case reassessed, touched:
		return epoch + int64(600+i.w.generation)*day
	case retiring:
		return epoch + int64(600+i.w.generation-age)*day
	}
	return 0
}
