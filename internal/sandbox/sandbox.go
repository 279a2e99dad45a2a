package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-io/sallyport"
)

// What [Options] mean when left out, and how much they may ask for.
const (
	defaultRecords  = 2500
	maxRecords      = 100_000_000
	defaultPageSize = 500
	defaultPlan     = "unlimited"

	defaultScanPolls = 2
)

// Options say what a sandbox is like. The zero value is a sandbox of 2,500 records without limits.
type Options struct {
	Records  int              // indicators linked to feed 1; 0 means 2,500
	Plan     string           // free, pro, team, business, feed, cut or unlimited; "" means unlimited
	Seed     uint64           // another seed makes other data
	PageSize int              // linked indicators on a page; 0 means 500
	Now      func() time.Time // nil means time.Now

	ScanPolls int           // how often a scan that is asked for is not done yet; 0 means 2, less than 0 means never
	ScanTime  time.Duration // how long it takes at least
	Oddities  []string      // of those that [Oddities] names
}

// Sandbox is a running look-alike. Its methods may be called concurrently.
type Sandbox struct {
	plan      plan
	pageSize  int
	now       func() time.Time
	world     atomic.Pointer[world] // of the generation at hand; none changes
	advancing sync.Mutex
	odd       atomic.Uint32 // an oddity
	scans     scans
	exports   exports
	keys      keyring
	account   *meter // all keys of the account share one budget
	anonymous *meter // so do all requests without a key
	cursors   cursors
	journal   journal
	faults    faults
	encoders  sync.Pool
}

// New makes a sandbox. The error is a [sallyport.Error] that names the option.
func New(o Options) (*Sandbox, error) {
	if o.Records == 0 {
		o.Records = defaultRecords
	}
	if o.PageSize == 0 {
		o.PageSize = defaultPageSize
	}
	if o.ScanPolls == 0 {
		o.ScanPolls = defaultScanPolls
	}
	if o.Plan == "" {
		o.Plan = defaultPlan
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	p := plans[slices.Index(planNames(), o.Plan)]
	s := &Sandbox{plan: p, pageSize: o.PageSize, now: o.Now, account: newMeter(p), anonymous: newMeter(anonymousPlan)}
	s.scans.polls, s.scans.time = o.ScanPolls, o.ScanTime
	s.world.Store(newWorld(o.Seed, o.Records))
	if err := s.SetOddities(o.Oddities...); err != nil {
		return nil, err
	}
	return s, nil
}

func (o Options) check() error {
	switch {
	case !slices.Contains(planNames(), o.Plan):
		return sallyport.Unknown("plan", "plan", o.Plan, planNames())
	case o.Records < 0 || o.Records > maxRecords:
		return sallyport.FieldErrorf("records", "the sandbox makes up between 1 and %d records, not %d", maxRecords, o.Records)
	case o.ScanTime < 0:
		return sallyport.FieldErrorf("scan time", "a scan of the sandbox takes 0s or longer, not %s", o.ScanTime)
	case o.PageSize < 0:
		return sallyport.FieldErrorf("page size", "a page of the sandbox has at least 1 record, not %d", o.PageSize)
	}
	return nil
}

// CreateKey adds an API key with all scopes to the account and returns it: 64 lower-case hexadecimal characters.
// The sandbox keeps only its digest.
func (s *Sandbox) CreateKey(name string) string {
	return s.keys.create(name, []string{scopeRead, scopeScan}, s.now())
}

// RevokeKeys removes all keys from the account: they are refused from now on.
func (s *Sandbox) RevokeKeys() {
	for _, k := range s.keys.list() {
		s.keys.revoke(k.id)
	}
}

// Journal returns what was asked of the sandbox last, oldest first; at most 1,000 requests are remembered.
func (s *Sandbox) Journal() []Request { return s.journal.requests() }

// Statuses returns how many answers had which status; 0 stands for a connection that ended before. It counts all requests of the journal,
// those too that are not remembered any more.
func (s *Sandbox) Statuses() map[int]int { return s.journal.statuses() }

// ClearJournal empties the journal.
func (s *Sandbox) ClearJournal() { s.journal.clear() }

// Handler returns the whole sandbox: the pages, the API and the controls.
func (s *Sandbox) Handler() http.Handler {
	mux := http.NewServeMux()
	s.addPages(mux)
	s.addAPI(mux)
	s.addControls(mux)
	return s.journaled(merged(s.faulty(mux)))
}
