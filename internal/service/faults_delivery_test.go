package service_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

const keyRefused = "the key is not accepted"

// delivered is how a delivery of five indicators to Pulsedive ends, of which all but the first meet a fault.
type delivered struct {
	state   sallyport.RunState
	failed  int    // calls that met the fault, and got no true answer
	unclear int    // of these it is not known what they did
	says    string // in the run's error
}

// TestFaultsOfDeliveries lets everything go wrong with submissions: none is made twice, and those that were certainly not made are made when
// the fault is over.
func TestFaultsOfDeliveries(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.lists("a.example", "b.example", "c.example", "d.example", "e.example")
	refused := func(says string) delivered { return delivered{sallyport.RunFailed, 1, 0, says} }
	unclear := func(says string) delivered { return delivered{sallyport.RunFailed, 3, 3, says} }
	well := delivered{state: sallyport.RunSucceeded}
	for name, c := range map[string]struct {
		fault sandbox.Fault
		delivered
	}{
		"401":         {sandbox.Fault{Status: 401}, refused(keyRefused)},
		"403 key":     {sandbox.Fault{Status: 403, Sentence: "Invalid API key."}, refused(keyRefused)},
		"200 key":     {sandbox.Fault{Status: 200, Sentence: "Invalid API key."}, refused(keyRefused)},
		"403 plan":    {sandbox.Fault{Status: 403}, refused("its plan or permissions do not allow this call")},
		"404 unknown": {sandbox.Fault{Status: 404, Sentence: "No such page."}, refused("No such page.")},
		"redirect":    {sandbox.Fault{Kind: "redirect"}, refused("it redirects a POST, which is not followed")},
		"500":         {sandbox.Fault{Status: 500}, unclear("HTTP 500")},
		"500 once":    {sandbox.Fault{Status: 500, Times: 1}, delivered{sallyport.RunSucceeded, 1, 1, ""}},
		"502":         {sandbox.Fault{Status: 502}, unclear("HTTP 502")},
		"200 error":   {sandbox.Fault{Status: 200}, unclear("Something went wrong.")},
		"cut":         {sandbox.Fault{Kind: "cut"}, unclear("it breaks off before its end")},
		"half":        {sandbox.Fault{Kind: "half"}, unclear("it breaks off before its end")},
		"drop":        {sandbox.Fault{Kind: "drop"}, unclear("cannot be reached")},
		"html":        {sandbox.Fault{Kind: "html"}, unclear("it is an HTML or XML page, not JSON")},
		"notjson":     {sandbox.Fault{Kind: "notjson"}, unclear("it is an HTML or XML page, not JSON")},
		"empty":       {sandbox.Fault{Kind: "empty"}, unclear("it is empty")},
		"slow":        {sandbox.Fault{Kind: "slow", Delay: time.Millisecond}, well},
		"stall":       {sandbox.Fault{Kind: "stall", Delay: time.Millisecond}, well},
		"headers":     {sandbox.Fault{Kind: "headers"}, well},
	} {
		t.Run(name, func(t *testing.T) {
			fault := c.fault
			fault.Match, fault.After = "POST /api/analyze.php", 1
			f.with(t).submits(fault, c.delivered)
		})
	}
}

// submits runs a flow whose destination meets a fault, and then without it.
func (f faulty) submits(fault sandbox.Fault, want delivered) {
	f.Helper()
	cell := f.submitting()
	if err := f.sandbox.Fault(fault); err != nil {
		f.Fatal(err)
	}
	f.sandbox.ClearJournal()
	run := f.runOf(cell)
	f.sandbox.ClearFaults()
	if run.State != want.state || !strings.Contains(run.Error, want.says) {
		f.Errorf("run %s (%s): %s", run.State, run.Code, run.Error)
	}
	made := 1 + want.failed
	if want.state == sallyport.RunSucceeded {
		made = 5
	}
	if n := f.asked(fault.Match); n != made {
		f.Errorf("%d submissions, want %d", n, made)
	}
	if want.says == keyRefused {
		f.replaced(cell, fault.Match)
	}
	if run := f.runOf(cell); run.State != sallyport.RunSucceeded {
		f.Errorf("then run %s: %s", run.State, run.Error)
	}
	if n := f.asked(fault.Match); n != 5-made+want.failed-want.unclear && want.state == sallyport.RunFailed {
		f.Errorf("%d submissions more", n)
	}
	held, err := f.Service.Quarantine(f.Context(), cell, "", 10, 0)
	if err != nil || len(held) != want.unclear {
		f.Errorf("%d records are in quarantine, want %d: %v", len(held), want.unclear, err)
	}
	for _, q := range held {
		if !strings.Contains(q.Reason, "not known whether") {
			f.Errorf("in quarantine because %s", q.Reason)
		}
	}
}

// TestUnclearInEveryExecution lets a delivery sleep between submissions that are answered with a fault: after three it has failed all the
// same, and each run after that risks one record only.
func TestUnclearInEveryExecution(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.lists("a.example", "b.example", "c.example", "d.example", "e.example", "f.example")
	cell := f.submitting()
	if err := f.sandbox.Fault(sandbox.Fault{Status: 500, Match: "POST /api/analyze.php"}); err != nil {
		t.Fatal(err)
	}
	f.allowOf(cell, 2)
	if run := f.runOf(cell); run.State != sallyport.RunDelivering || f.asked("POST") != 2 {
		t.Fatalf("run %s: %s", run.State, run.Error)
	}
	f.allowOf(cell, 100)
	for _, want := range []string{"of 3 submissions in a row", "of 4 submissions in a row"} {
		if run := f.runOf(cell); run.State != sallyport.RunFailed || !strings.Contains(run.Error, want) {
			t.Errorf("run %s: %s", run.State, run.Error)
		}
		if n := f.asked("POST"); n != 1 {
			t.Errorf("%d submissions more", n)
		}
	}
	f.sandbox.ClearFaults()
	run := f.runOf(cell)
	if n := f.asked("POST"); n != 2 || run.State != sallyport.RunSucceeded {
		t.Errorf("%d submissions more, run %s: %s", n, run.State, run.Error)
	}
	if held, err := f.Service.Quarantine(t.Context(), cell, "", 10, 0); err != nil || len(held) != 4 {
		t.Errorf("%d records are in quarantine, want 4: %v", len(held), err)
	}
}

// TestUnclearProvesNoKey delivers one record, which is answered with a fault: whether the key is good is not known then. Once one is taken it is.
func TestUnclearProvesNoKey(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60})
	f.lists("a.example")
	cell := f.submitting()
	if err := f.sandbox.Fault(sandbox.Fault{Status: 500, Match: "POST /api/analyze.php", Times: 1}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []sallyport.Verdict{sallyport.VerdictUnknown, sallyport.VerdictValid} {
		if run := f.runOf(cell); run.State != sallyport.RunSucceeded || f.asked("POST") != 1 {
			t.Errorf("run %s: %s", run.State, run.Error)
		}
		if c, err := f.Service.Credential(t.Context(), cell); err != nil || c.Verdict != want {
			t.Errorf("the key is %s, want %s: %v", c.Verdict, want, err)
		}
		f.lists("b.example")
	}
}

// replaced wants no call with a refused key, and puts another one in.
func (f faulty) replaced(cell, match string) {
	f.Helper()
	if c, err := f.Service.Credential(f.Context(), cell); err != nil || c.Verdict != sallyport.VerdictRejected {
		f.Errorf("the key is %s: %v", c.Verdict, err)
	}
	run := f.runOf(cell)
	says := "is not asked with again (if it is good after all, credential test \"" + cell + "\" shows it)"
	if n := f.asked(match); n != 0 || run.State != sallyport.RunFailed || !strings.Contains(run.Error, says) {
		f.Errorf("%d calls with a refused key, run %s: %s", n, run.State, run.Error)
	}
	f.rotate(cell)
}

// lists lets the API list indicators.
func (f faulty) lists(indicators ...string) {
	records := make([]string, len(indicators))
	for i, indicator := range indicators {
		records[i] = fmt.Sprintf(`{"indicator":%q}`, indicator)
	}
	f.api.pages = map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"results":[%s],"next":null}`, strings.Join(records, ","))
	}}
}

// submitting makes a flow that submits what the API lists, named after the subtest, with a key of its own.
func (f faulty) submitting() (cell string) {
	f.Helper()
	cell = f.cell()
	f.keyed(cell)
	err := f.applyFile(`flow: %[1]s
source: {connector: rest, credential: api, request: {url: /, query: {page: "0"}, records: "$.results[*]"}}
destinations: [{name: scan, connector: pulsedive, credential: %[1]s}]
`, cell)
	if err != nil {
		f.Fatal(err)
	}
	return cell
}

// TestBadAnswers are those that a system gives when it is itself at fault: each ends the run with what is wrong, as a failure or as incomplete,
// what was there is kept, and the next run has every record once.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	f := newFaulty(t, sandbox.Options{Records: 60, PageSize: 20})
	for oddity, c := range map[string]struct{ kind, says string }{
		"stuck-page":     {"pages", "the second page is the first one again"},
		"stuck-next":     {"taxii", "its next leads to objects that were read before"},
		"missing-column": {"csv", "has no column"},
		"endless-scan":   {"poll", "was not done with request"},
		"lost-scan":      {"poll", "does not know request"},
	} {
		t.Run(oddity, func(t *testing.T) { f.with(t).odd(kinds[c.kind], oddity, c.says) })
	}
}

// odd runs a flow of a kind against a sandbox with an oddity, and then without it.
func (f faulty) odd(k kind, oddity, says string) {
	f.Helper()
	cell := f.flowOf(k)
	endOddity := f.oddity(oddity)
	run := f.runOf(cell)
	endOddity()
	failed := run.State == sallyport.RunFailed && run.Code == sallyport.Upstream && strings.Contains(run.Error, says)
	if !failed && !strings.Contains(run.Incomplete, says) {
		f.Errorf("run %s (%s): %s, incomplete: %s", run.State, run.Code, run.Error, run.Incomplete)
	}
	if kept := f.once(cell, k.key...); int64(kept) != run.Records {
		f.Errorf("%d records are kept, and the run counts %d", kept, run.Records)
	}
	if run := f.runOf(cell); run.State != sallyport.RunSucceeded {
		f.Errorf("then run %s: %s", run.State, run.Error)
	}
	if kept := f.once(cell, k.key...); kept != k.records {
		f.Errorf("%d records are kept, want %d", kept, k.records)
	}
}

// oddity begins something odd, and returns what ends it.
func (f faulty) oddity(name string) (end func()) {
	f.Helper()
	definition, err := f.Service.Catalogue.Definition("pulsedive")
	if err != nil {
		f.Fatal(err)
	}
	scan, err := definition.Endpoint("scan.indicator")
	if err != nil {
		f.Fatal(err)
	}
	poll := *scan.Poll
	switch name {
	case "lost-scan": // the sandbox is asked for another one than it took
		scan.Poll.Query = map[string]sallyport.Texts{"qid": {"999999999"}}
	case "endless-scan":
		scan.Poll.Deadline = 1
		fallthrough
	default:
		if err := f.sandbox.SetOddities(name); err != nil {
			f.Fatal(err)
		}
	}
	return func() {
		*scan.Poll = poll
		if err := f.sandbox.SetOddities(); err != nil {
			f.Fatal(err)
		}
	}
}
