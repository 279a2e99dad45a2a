package service_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// kind is a kind of endpoint, and a source of it against a sandbox that lists 60 indicators in feed 1, 20 of them on a page.
type kind struct {
	source  string   // CELL stands for what no two flows share
	key     []string // of its records
	records int
	match   string // the requests that fail,
	after   int    // from this one on
	calls   int    // that a run makes of them
	free    bool   // the quota does not know of them
}

var kinds = map[string]kind{
	"single": {source: "endpoint: indicator.get, params: {indicator: pulsedive.com}", key: []string{"iid"}, records: 1, match: "GET /api/indicator.php", calls: 1},
	"pages":  {source: "endpoint: feed.indicators, params: {fid: 1}", key: []string{"iid"}, records: 60, match: "GET /api/feed.php", after: 1, calls: 3},
	"explore": {
		source: "endpoint: explore.search, params: {q: 'risk=critical', limit: 100}", key: []string{"iid"}, records: 246,
		match: "GET /api/explore.php", after: 2, calls: 22,
	},
	"lookup": {
		source: "endpoint: indicator.lookup, emit: changes, params: {indicators: [pulsedive.com, a.example, b.example], max_age: 0s}",
		key:    []string{"asked"}, records: 3, match: "GET /api/indicator.php", after: 1, calls: 3,
	},
	"csv": {source: "endpoint: csv.export, params: {period: CELL, types: [ipv6], risk: [critical]}", key: []string{"id"}, records: 38, match: "GET /premium/", calls: 1},
	"taxii": {
		source: "endpoint: taxii.objects, params: {limit: 20, collection: 981c4916-ebb2-4567-aece-54ae970c4230}", key: []string{"id"}, records: 52,
		match: "GET /taxii2/", after: 1, calls: 3,
	},
	"scan": {source: "endpoint: scan.indicator, params: {value: pulsedive.com}", key: []string{"indicator"}, records: 1, match: "POST /api/analyze.php", calls: 1},
	"poll": {
		source: "endpoint: scan.indicator, params: {value: pulsedive.com}", key: []string{"indicator"}, records: 1,
		match: "GET /api/analyze.php", after: 1, calls: 3, free: true,
	},
}

// end is how a run ends that met a fault.
type end struct {
	state  sallyport.RunState
	code   sallyport.Code
	failed int    // requests that met the fault, and got no true answer
	says   string // in the run's error
}

// What several faults come to.
var (
	well     = end{state: sallyport.RunSucceeded}
	overcome = end{state: sallyport.RunSucceeded, failed: 1}
	rejected = end{sallyport.RunWaiting, sallyport.Unauthenticated, 1, "the key is not accepted"}
	plan     = end{sallyport.RunFailed, sallyport.Forbidden, 1, "its plan or permissions do not allow this call"}
	unclear  = end{sallyport.RunFailed, sallyport.Upstream, 1, "It is not known whether"}
)

func broken(attempts int, says string) end {
	return end{sallyport.RunFailed, sallyport.Upstream, attempts, says}
}

func missing(says string) end { return end{sallyport.RunFailed, sallyport.NotFound, 1, says} }

func away(attempts int, says string) end {
	return end{sallyport.RunWaiting, sallyport.Upstream, attempts, says}
}

func waits(attempts int, says string) end {
	return end{sallyport.RunWaiting, sallyport.Limited, attempts, says}
}

// cells are what goes wrong, and what comes of it: everywhere, but for the kinds that are named.
var cells = map[string]struct {
	fault sandbox.Fault
	end
	but map[string]end
}{
	"401":      {sandbox.Fault{Status: 401}, rejected, nil},
	"403 key":  {sandbox.Fault{Status: 403, Sentence: "Invalid API key."}, rejected, nil},
	"200 key":  {sandbox.Fault{Status: 200, Sentence: "Invalid API key."}, rejected, nil},
	"403 plan": {sandbox.Fault{Status: 403}, plan, nil},
	"429 plan": {sandbox.Fault{Status: 429, Sentence: "Explore limit exceeded: 100 results per request.", Bare: true}, plan, nil},
	"404": {sandbox.Fault{Status: 404}, missing("Indicator not found."), map[string]end{
		"lookup":  well, // a result
		"csv":     missing("HTTP 404"),
		"explore": {}, // a query is always answered
		"pages":   broken(1, `"Indicator not found." of a page that the one before it led to`),
		"taxii":   broken(1, `"Indicator not found." of a page that the one before it led to`),
		"poll":    broken(1, "does not know request"),
	}},
	"404 unknown": {sandbox.Fault{Status: 404, Sentence: "No such page."}, missing(`(HTTP 404, "No such page.")`), map[string]end{
		"pages": broken(1, `(HTTP 404, "No such page.")`), "taxii": broken(1, `(HTTP 404, "No such page.")`), "poll": broken(1, `(HTTP 404, "No such page.")`),
		"lookup": broken(1, `(HTTP 404, "No such page.")`),
	}},
	"429 second": {sandbox.Fault{Status: 429, Times: 1, Sentence: "API rate limit exceeded: 900 requests per second.", Bare: true}, overcome, map[string]end{
		"scan": waits(1, "the quota for this second"), // nothing is sent twice within one execution
	}},
	"429 day":  {sandbox.Fault{Status: 429, Window: "day"}, waits(1, "the quota for this day is used up"), nil},
	"429 bare": {sandbox.Fault{Status: 429, Window: "month", Bare: true}, waits(1, "the quota for this month is used up"), nil},
	"429 html": {sandbox.Fault{Kind: "html", Status: 429}, waits(5, "too many calls, try again later"), map[string]end{
		"scan": waits(1, "too many calls, try again later"),
	}},
	"500":       {sandbox.Fault{Status: 500}, away(5, "failed (HTTP 500"), map[string]end{"scan": unclear}},
	"500 once":  {sandbox.Fault{Status: 500, Times: 1}, overcome, map[string]end{"scan": unclear}},
	"502":       {sandbox.Fault{Status: 502}, away(5, "502 Bad Gateway"), map[string]end{"scan": unclear}},
	"slow":      {sandbox.Fault{Kind: "slow", Delay: time.Millisecond}, well, nil},
	"stall":     {sandbox.Fault{Kind: "stall", Delay: time.Millisecond}, well, nil},
	"cut":       {sandbox.Fault{Kind: "cut"}, away(5, "it breaks off before its end"), map[string]end{"scan": unclear}},
	"cut once":  {sandbox.Fault{Kind: "cut", Times: 1}, overcome, map[string]end{"scan": unclear, "poll": well}},
	"half":      {sandbox.Fault{Kind: "half"}, away(5, "it breaks off before its end"), map[string]end{"scan": unclear}},
	"half once": {sandbox.Fault{Kind: "half", Times: 1}, overcome, map[string]end{"scan": unclear, "poll": well}},
	"drop":      {sandbox.Fault{Kind: "drop"}, away(5, "cannot be reached"), map[string]end{"scan": unclear}},
	"html":      {sandbox.Fault{Kind: "html"}, broken(1, "it is an HTML or XML page, not JSON"), map[string]end{"csv": broken(1, "it is HTML, not CSV"), "scan": unclear}},
	"notjson":   {sandbox.Fault{Kind: "notjson"}, broken(1, "it is an HTML or XML page, not JSON"), map[string]end{"csv": broken(1, "it is HTML, not CSV"), "scan": unclear}},
	"empty":     {sandbox.Fault{Kind: "empty"}, broken(1, "it is empty"), map[string]end{"scan": unclear}},
	"headers":   {sandbox.Fault{Kind: "headers"}, well, nil},
	"redirect": {sandbox.Fault{Kind: "redirect"}, broken(1, "its redirect leads to https://elsewhere.invalid, where the key must not go"), map[string]end{
		"scan": broken(1, "it redirects a POST, which is not followed"),
	}},
	"200 error": {sandbox.Fault{Status: 200}, broken(1, "Something went wrong."), nil},
}

// TestFaults lets everything go wrong that can, with every kind of endpoint: what was pulled before is kept, and when the fault is over the
// same run or the next one has every record once. Under the race detector a kind meets every fourth fault.
func TestFaults(t *testing.T) {
	for i, of := range slices.Sorted(maps.Keys(kinds)) {
		k := kinds[of]
		t.Run(of, func(t *testing.T) {
			t.Parallel()
			f := newFaulty(t, sandbox.Options{Records: 60, PageSize: 20})
			for j, name := range slices.Sorted(maps.Keys(cells)) {
				c := cells[name]
				if raced && (i+j)%4 != 0 {
					continue
				}
				t.Run(name, func(t *testing.T) {
					want, ok := c.but[of]
					if !ok {
						want = c.end
					} else if want.state == "" {
						return
					}
					fault := c.fault
					fault.Match, fault.After = k.match, k.after
					f.with(t).meets(k, fault, want)
				})
			}
		})
	}
}

// flowOf makes a flow of a kind, named after the subtest, with a key of its own.
func (f faulty) flowOf(k kind) (cell string) {
	f.Helper()
	cell = f.cell()
	f.keyed(cell)
	err := f.applyFile("flow: %[1]s\nsource: {connector: pulsedive, credential: %[1]s, %[2]s}\n", cell, strings.ReplaceAll(k.source, "CELL", cell))
	if err != nil {
		f.Fatal(err)
	}
	return cell
}

// meets runs a flow of a kind into a fault, and then without it.
func (f faulty) meets(k kind, fault sandbox.Fault, want end) {
	f.Helper()
	cell := f.flowOf(k)
	if err := f.sandbox.Fault(fault); err != nil {
		f.Fatal(err)
	}
	f.sandbox.ClearJournal()
	run := f.runOf(cell)
	f.sandbox.ClearFaults()
	f.ended(k, fault, want, run)
	if run.State == sallyport.RunSucceeded {
		return
	}
	if before := f.once(cell, k.key...); int64(before) != run.Records {
		f.Errorf("%d records are kept, and the run counts %d", before, run.Records)
	}
	switch want.code {
	case sallyport.Limited:
		f.allowMore(cell, !k.free && fault.Window != "")
	case sallyport.Unauthenticated:
		f.rotate(cell)
	}
	again := f.runOf(cell)
	if same := again.ID == run.ID; again.State != sallyport.RunSucceeded || same != (run.State == sallyport.RunWaiting) {
		f.Errorf("then run %d, after %d, %s: %s", again.ID, run.ID, again.State, again.Error)
	}
	if n := f.asked(k.match); run.State == sallyport.RunWaiting && n != k.calls-k.after && !(k.free && n < k.calls-k.after) { // an answer that broke off counted there
		f.Errorf("%d requests after it waited, want %d", n, k.calls-k.after)
	}
	if kept := f.once(cell, k.key...); kept != k.records {
		f.Errorf("%d records are kept, want %d", kept, k.records)
	}
}

// ended wants a run to have ended as it should, with no request too many, and the key to be judged by what it showed.
func (f faulty) ended(k kind, fault sandbox.Fault, want end, run sallyport.Run) {
	f.Helper()
	if run.State != want.state || run.Code != want.code || !strings.Contains(run.Error, want.says) || (want.says == "") != (run.Error == "") {
		f.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	asked, most := k.after+want.failed, k.after+want.failed
	if want.state == sallyport.RunSucceeded {
		asked, most = k.calls+want.failed, k.calls+want.failed
	}
	if fault.Kind == "drop" && !strings.HasPrefix(k.match, "POST") { // Go's client asks again by itself where a connection was used before
		most++
	}
	if n := f.asked(k.match); n < asked || n > most {
		f.Errorf("%d requests, want %d", n, asked)
	}
	verdict := sallyport.VerdictUnknown
	switch {
	case want.code == sallyport.Unauthenticated:
		verdict = sallyport.VerdictRejected
	case want.state == sallyport.RunSucceeded:
		verdict = sallyport.VerdictValid
	}
	if c, err := f.Service.Credential(f.Context(), run.Flow); err != nil || c.Verdict != verdict {
		f.Errorf("the key is %s: %v", c.Verdict, err)
	}
}
