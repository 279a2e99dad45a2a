package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	maxQuery = 8 << 10
	maxBody  = 64 << 10
)

// call is one request to the API that was let in.
type call struct {
	context.Context
	request *http.Request
	header  http.Header // of the answer
	form    url.Values  // of the query and the body
	plan    plan
	world   *world
	out     *encoder
}

// admission is what a request must have to be let in.
type admission struct {
	scopes []string // one of them
	keyed  bool     // a key must be there
	free   bool     // it counts against no limit
	taxii  bool     // the key may be a password
}

var (
	reading    = admission{scopes: []string{scopeRead}}
	submitting = admission{scopes: []string{scopeScan}, keyed: true}
	polling    = admission{scopes: []string{scopeRead, scopeScan}, free: true}
)

// refusal is an error that is told to whoever called.
type refusal struct {
	status   int
	sentence string
	qid      int // of a scan that is not found; 0 if it is about something else
}

func (r *refusal) Error() string { return r.sentence }

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, sentence: fmt.Sprintf(format, args...)}
}

func missing(parameter string) error {
	return refuse(http.StatusBadRequest, "Missing required parameter: %s.", parameter)
}

func (s *Sandbox) addAPI(mux *http.ServeMux) {
	mux.Handle("/api/indicator.php", s.api(reading, s.getIndicator))
	mux.Handle("/api/threat.php", s.api(reading, s.getThreat))
	mux.Handle("/api/feed.php", s.api(reading, s.getFeed))
	mux.Handle("/api/info.php", s.api(reading, s.getInfo))
	mux.Handle("/api/search.php", s.api(reading, s.search))
	mux.Handle("/api/explore.php", s.api(reading, s.explore))
	mux.Handle("/api/analyze.php", s.api(polling, s.pollScan))
	mux.Handle("POST /api/analyze.php", s.api(submitting, s.submitScan))
	mux.Handle("/premium/{$}", s.api(exporting, s.exportCSV))
	s.addTAXII(mux)
}

// api answers with what answer writes. An error that comes after the first byte can only cut the answer off.
func (s *Sandbox) api(need admission, answer func(*call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		setHeaders(w.Header())
		out := s.encoder(w)
		defer s.release(out)
		err := s.call(w, r, out, need, answer)
		if refused, ok := errors.AsType[*refusal](err); ok {
			if refused.status == http.StatusTooManyRequests {
				hideRemaining(w.Header())
			}
			writeError(w, r, out, refused)
		}
		out.flush()
	})
}

// call lets a request in, or not, and answers it.
func (s *Sandbox) call(w http.ResponseWriter, r *http.Request, out *encoder, need admission, answer func(*call) error) error {
	if need.taxii {
		r = withSemicolons(r)
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	if form.Get("pretty") == "1" {
		out.w = &indenter{w: w}
	}
	key := form.Get("key")
	if user, password, ok := r.BasicAuth(); ok && need.taxii && user == taxiiUser {
		key = password
	}
	p, err := s.admit(w.Header(), key, need)
	if err != nil {
		return err
	}
	return answer(&call{r.Context(), r, w.Header(), form, p, s.world.Load(), out})
}

// encoder returns an empty encoder that writes to w, used before or new.
func (s *Sandbox) encoder(w http.ResponseWriter) *encoder {
	e, ok := s.encoders.Get().(*encoder)
	if !ok {
		e = new(encoder)
	}
	e.w, e.odd = w, oddity(s.odd.Load())
	return e
}

func (s *Sandbox) release(e *encoder) {
	*e = encoder{b: e.b[:0], scratch: e.scratch}
	s.encoders.Put(e)
}

// setHeaders sets what Pulsedive's server sends with every answer.
func setHeaders(h http.Header) {
	h.Set("Server", "Apache")
	h.Set("Set-Cookie", "PHPSESSID="+strings.ToLower(rand.Text())+"; path=/")
	h.Set("Cache-Control", "no-store, no-cache, must-revalidate")
	h.Set("X-Request-Id", "0")
	h.Set("Content-Type", "application/json")
}

// readForm returns the parameters of a GET, HEAD or POST. Like PHP it takes what it can read of them.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	switch {
	case !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, r.Method):
		w.Header().Set("Allow", "GET, HEAD, POST")
		return nil, refuse(http.StatusMethodNotAllowed, "Method not allowed.")
	case len(r.URL.RawQuery) > maxQuery:
		return nil, refuse(http.StatusRequestURITooLong, "Request too long.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	if _, tooLarge := errors.AsType[*http.MaxBytesError](r.ParseForm()); tooLarge {
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request too long.")
	}
	return r.Form, nil
}

// admit tells under which plan a request goes, counts it, and says in the headers what is left.
func (s *Sandbox) admit(h http.Header, key string, need admission) (plan, error) {
	p, spent := anonymousPlan, s.anonymous
	if key == "" && need.keyed {
		return p, refuse(http.StatusUnauthorized, "API key required.")
	}
	if key != "" {
		scopes, ok := s.keys.use(key, s.now())
		switch {
		case !ok:
			return p, refuse(http.StatusUnauthorized, "Invalid API key.")
		case !slices.ContainsFunc(scopes, func(scope string) bool { return slices.Contains(need.scopes, scope) }):
			return p, refuse(http.StatusUnauthorized, "API key does not have permission for this request.")
		}
		p, spent = s.plan, s.account
	}
	left, exceeded := spent.take(s.now(), !need.free)
	if exceeded != nil {
		return p, refuse(http.StatusTooManyRequests, "%s", rateSentence(exceeded.max, exceeded.period))
	}
	for _, w := range left {
		h.Set(remainingHeader(w.period), strconv.Itoa(w.left()))
	}
	return p, nil
}

func remainingHeader(period string) string {
	return http.CanonicalHeaderKey("X-Requests-Remaining-" + period)
}

// hideRemaining takes back what is left, of which a 429 says nothing.
func hideRemaining(h http.Header) {
	for _, period := range []string{"month", "day", "second"} {
		h.Del(remainingHeader(period))
	}
}

func rateSentence(most int, period string) string {
	return fmt.Sprintf("API rate limit exceeded: %d requests per %s. Visit pulsedive.com/api to view limits and upgrade your plan.",
		most, period)
}

// writeError writes the error envelope of the API, or that of TAXII.
func writeError(w http.ResponseWriter, r *http.Request, out *encoder, e *refusal) {
	taxii := strings.HasPrefix(r.URL.Path, taxiiRoot)
	if taxii {
		w.Header().Set("Content-Type", taxiiType)
		if e.status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Basic realm="taxii2"`)
		}
	}
	if out.odd.has(errorsUnder200) && !taxii {
		e.status = http.StatusOK
	}
	w.WriteHeader(e.status)
	out.begin('{')
	if taxii {
		out.stringField("title", http.StatusText(e.status))
		out.stringField("description", e.sentence)
		out.stringField("http_status", strconv.Itoa(e.status))
	} else {
		if e.qid != 0 {
			out.intField("qid", e.qid)
			out.stringField("status", "not found")
		}
		out.stringField("error", e.sentence)
	}
	out.end('}')
}

// number returns a parameter that must be a whole number, or what stands for an absent one.
func (c *call) number(name string, absent int) (int, error) {
	text := c.form.Get(name)
	if text == "" {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "Invalid parameter: %s must be a number.", name)
	}
	return n, nil
}

// set tells whether a switch is on.
func (c *call) set(name string) bool { return c.form.Get(name) == "1" }
