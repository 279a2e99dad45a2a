package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport-io/sallyport"
)

const (
	maxFaults    = 100
	maxDelay     = 10 * time.Minute
	defaultDelay = 5 * time.Second
)

// Fault is something that goes wrong with requests to the API, the export and TAXII. Of several faults, a request gets the first that
// is meant for it. It counts against no limit, unless the true answer stands behind it.
type Fault struct {
	Kind     string        // one of [FaultKinds]; "" means error
	Status   int           // of the answer; 0 means what is usual for the kind
	Sentence string        // of the error; "" means what is usual for the status
	Times    int           // so many requests get it; 0 means all, until it is cleared
	After    int           // so many requests that it is meant for pass unharmed first
	Match    string        // meant only for requests with this in "METHOD path?query", where the query has no key and is sorted by name
	Window   string        // of a 429: second, day or month; "" means second
	Bare     bool          // a 429 does not say what remains
	Delay    time.Duration // before the answer, or within it
	Location string        // of a redirect; "" means the same path at a host that does not exist
}

// faultKind is a way to fail.
type faultKind struct {
	name, help string
	run        func(s *Sandbox, w http.ResponseWriter, r *http.Request, f Fault, next http.Handler)
}

// faultKinds lists all ways to fail. A function, because the ways to fail refer to it.
func faultKinds() []faultKind {
	return []faultKind{
		{"error", "the error envelope with its status; from 502 on the HTML page of a proxy", (*Sandbox).failError},
		{"html", "a page in place of JSON, under 200 or `status`", (*Sandbox).failHTML},
		{"notjson", "a warning of PHP that says it is JSON", (*Sandbox).failNotJSON},
		{"empty", "no body, under 200", (*Sandbox).failEmpty},
		{"redirect", "302 (or `status`) to another host", (*Sandbox).failRedirect},
		{"drop", "the connection ends before the answer begins (Go's client may ask again by itself)", (*Sandbox).failDrop},
		{"slow", "the true answer, after `delay` (5s)", (*Sandbox).failSlow},
		{"stall", "the true answer, with `delay` (5s) in its middle", (*Sandbox).failStall},
		{"cut", "the connection ends in the middle of the answer", (*Sandbox).failCut},
		{"half", "the answer ends in its middle as if it were whole", (*Sandbox).failHalf},
		{"headers", "the true answer with the content type of a page, and limits that are no numbers", (*Sandbox).failHeaders},
	}
}

// FaultKinds returns the names of all ways to fail.
func FaultKinds() []string {
	var names []string
	for _, k := range faultKinds() {
		names = append(names, k.name)
	}
	return names
}

// Fault makes requests fail from now on. The error is a [sallyport.Error] that names the parameter.
func (s *Sandbox) Fault(f Fault) error {
	f.Kind = orElse(f.Kind, "error")
	f.Window = orElse(f.Window, "second")
	if f.Delay == 0 && (f.Kind == "slow" || f.Kind == "stall") {
		f.Delay = defaultDelay
	}
	if err := f.check(); err != nil {
		return err
	}
	return s.faults.add(f)
}

// ClearFaults ends all faults.
func (s *Sandbox) ClearFaults() { s.faults.clear() }

func (f Fault) check() error {
	windows := []string{"second", "day", "month"}
	redirect := f.Status >= 300 && f.Status < 400
	switch {
	case !slices.Contains(FaultKinds(), f.Kind):
		return sallyport.Unknown("kind", "kind of fault", f.Kind, FaultKinds())
	case !slices.Contains(windows, f.Window):
		return sallyport.Unknown("window", "window", f.Window, windows)
	case f.Status != 0 && (f.Status < 200 || f.Status > 599):
		return sallyport.FieldErrorf("status", "a fault has a status from 200 to 599, not %d", f.Status)
	case f.Status != 0 && redirect != (f.Kind == "redirect"):
		return sallyport.FieldErrorf("status", "a status from 300 to 399 goes with the kind redirect, not %d with %s", f.Status, f.Kind)
	case f.Kind == "error" && f.Status == 0:
		return sallyport.FieldErrorf("status", "an error needs a status, like 429")
	case f.Times < 0 || f.After < 0:
		return sallyport.FieldErrorf("times", "a fault cannot happen %d times after %d requests", f.Times, f.After)
	case f.Delay < 0 || f.Delay > maxDelay:
		return sallyport.FieldErrorf("delay", "a delay lies between 0s and %s, not %s", maxDelay, f.Delay)
	}
	return nil
}

// faults are those to come, oldest first. They may be used concurrently.
type faults struct {
	some atomic.Bool // spares the lock where there are none
	mu   sync.Mutex
	list []Fault
}

func (q *faults) add(f Fault) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.list) >= maxFaults {
		return sallyport.Errorf(sallyport.Conflict, "there are %d faults already; clear them first", maxFaults)
	}
	q.list = append(q.list, f)
	q.some.Store(true)
	return nil
}

func (q *faults) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = nil
	q.some.Store(false)
}

func (q *faults) all() []Fault {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.list)
}

// take returns the fault of a request, and counts it.
func (q *faults) take(r *http.Request) (Fault, bool) {
	if !q.some.Load() || !isAPI(r.URL.Path) {
		return Fault{}, false
	}
	what := fmt.Sprintf("%s %s?%s", r.Method, r.URL.Path, keyless(r.URL.Query()))
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.list {
		f := &q.list[i]
		if !strings.Contains(what, f.Match) {
			continue
		}
		if f.After > 0 {
			f.After--
			continue
		}
		taken := *f
		if f.Times == 1 {
			q.list = slices.Delete(q.list, i, i+1)
			q.some.Store(len(q.list) > 0)
		} else {
			f.Times = max(f.Times-1, 0)
		}
		return taken, true
	}
	return Fault{}, false
}

// isAPI tells the paths that programs ask from the pages.
func isAPI(path string) bool {
	return strings.HasPrefix(path, "/api/") || path == "/premium/" || strings.HasPrefix(path, taxiiRoot)
}

func orElse(s, absent string) string {
	if s == "" {
		return absent
	}
	return s
}
