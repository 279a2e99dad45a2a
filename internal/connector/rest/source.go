// Package rest reads any HTTP API that a definition describes.
//
// A [Source] turns pages: it asks for one (request.go, paging.go), as often as it takes (retry.go), through the gate that puts the key on
// (gate.go), reads the answer record by record (body.go, decode.go), and says what went wrong if something did (classify.go).
package rest

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// Config is what a source is opened with. Definition, Endpoint and Transport are needed.
type Config struct {
	Definition *connector.Definition
	Endpoint   *connector.Endpoint // of the definition, or one that holds nothing but a request described by hand; checked
	Params     map[string]any      // of the endpoint, as [connector.Endpoint.CheckParams] returns them
	Public     map[string]string   // the credential's public fields, as [connector.Definition.CheckCredential] returns them
	// Secrets returns the credential's secret fields. It is asked before each request, so that a new key is used at once. Nil: no credential.
	Secrets func(ctx context.Context) (map[string]secret.Text, error)
	// Known knows the secrets that are taken out of every response besides the credential's own. Nil: none.
	Known *secret.Redactor
	// Quota is what the credential may spend. Nil: nothing is counted.
	Quota Quota
	// Transport makes the connections to the system at address. It sees the key.
	Transport func(address *url.URL) http.RoundTripper
	// Outside makes connections without the key, to where a redirect leads. Nil: such redirects are not followed.
	Outside   func(address *url.URL) http.RoundTripper
	UserAgent string
	// Sleep waits before a call is made again, or a result is asked for. Nil: [Sleep].
	Sleep func(ctx context.Context, d time.Duration) error
	// Probe says that the system was away: each request is made once until one is answered, which makes it false. Nil: it is not known to be away.
	Probe *atomic.Bool
	// Redacted counts the places in records where a secret was. Nil: nobody wants to know.
	Redacted *atomic.Int64
	Raw      bool // each record also has the original, as _raw
	Limits   Limits
	// Peek is given the beginning of every answer, at most MaxPeek bytes, as it came but without any secret. Nil: nobody wants to see it.
	Peek func(beginning []byte)
	// Recorder keeps the requests of a test and their responses. Nil: nobody wants to see them.
	Recorder *Recorder
}

// Quota counts requests: each one that is sent, those of retries and redirects too.
type Quota interface {
	// Take waits until a request may be sent. What takes longer than the longest wait, or never comes, is an error: a
	// [connector.Failure] of class rate that says until when. After a nil error Answered is called once.
	Take(ctx context.Context, longest time.Duration) error
	// Answered is told the answer as soon as it is there, nil if none came.
	Answered(response *http.Response)
	// Refused is told a failure of class rate. It may say in it until when to wait.
	Refused(failure *connector.Failure)
}

// Limits bound what a source does. What is zero has its default.
type Limits struct {
	Pages   int           // of one call of Pages; 100,000
	Records int64         // of one call of Pages; 1,000,000,000
	Record  int64         // bytes of one record; 16 MiB
	Body    int64         // bytes of one answer, after decompression; what the definition says, else 1 GiB
	Pause   time.Duration // the longest wait for the system within a call; 30 s. What takes longer is a failure that says until when
}

func (l Limits) withDefaults(d *connector.Definition) Limits {
	l.Pages = cmp.Or(l.Pages, 100_000)
	l.Records = cmp.Or(l.Records, 1_000_000_000)
	l.Record = cmp.Or(l.Record, 16<<20)
	l.Body = cmp.Or(l.Body, d.Limits.MaxBody, 1<<30)
	l.Pause = cmp.Or(l.Pause, 30*time.Second)
	return l
}

// Source reads the records of one endpoint. It may be used concurrently.
type Source struct {
	first     call // for the first page
	turner    turner
	cut       *connector.Cut // nil: a list that ends is whole
	shape     *shape
	key       []string // the fields that name a record
	manual    bool     // the request was described by hand
	form      *form
	judge     judge
	gate      *gate
	quota     Quota // may be nil
	limits    Limits
	again     bool // its requests only read, so that they may be sent again
	waits     bool // it waits for a response that is still being prepared
	retry     failsafe.Executor[*answer]
	once      failsafe.Executor[*answer] // while probe is true
	probe     *atomic.Bool               // may be nil
	redacted  *atomic.Int64              // may be nil
	address   *url.URL
	userAgent string
	encoding  string // of the text of responses, if it is declared
	peek      func(beginning []byte)
	recorder  *Recorder
	cookies   bool        // they are kept for a run
	elsewhere *withoutKey // how redirects to other places are followed; nil: they are not
	sleep     func(ctx context.Context, d time.Duration) error
	kept      bool // its connections are for others, too
	job       *job // nil: the request itself gives the records
}

// Open opens a source. It asks nothing of the system.
func Open(c Config) (*Source, error) { return open(c, attempts) }

func open(c Config, attempts int) (*Source, error) {
	address, err := addressOf(c)
	if err != nil {
		return nil, err
	}
	g := newGate(c, address)
	userAgent := cmp.Or(c.UserAgent, "sallyport")
	first, err := newCall(c.Endpoint, c.Params, address, userAgent)
	if err != nil {
		return nil, err
	}
	request := c.Endpoint.Request
	if err := g.checkRoom(first, request.Paging); err != nil {
		return nil, err
	}
	shape, err := shapeOf(c)
	if err != nil {
		return nil, err
	}
	form, err := newForm(c)
	if err != nil {
		return nil, err
	}
	rules, err := compileRules(c.Definition.Errors)
	if err != nil {
		return nil, err
	}
	limits := c.Limits.withDefaults(c.Definition)
	again := first.method == http.MethodGet || request.Repeatable
	s := &Source{
		again:     again,
		waits:     again,
		first:     first,
		turner:    turner{Paging: request.Paging, gate: g, placed: first.at != nil},
		cut:       c.Definition.Limits.Cut,
		shape:     shape,
		key:       request.Key,
		manual:    c.Endpoint.ID == "",
		form:      form,
		judge:     judge{host: address.Host, rules: rules, windows: c.Definition.Limits.Headers, known: g.known, quota: c.Quota},
		gate:      g,
		quota:     c.Quota,
		limits:    limits,
		retry:     retries(again, attempts, limits.Pause),
		once:      retries(again, 1, limits.Pause),
		probe:     c.Probe,
		redacted:  c.Redacted,
		address:   address,
		userAgent: userAgent,
		encoding:  request.Encoding,
		peek:      c.Peek,
		recorder:  c.Recorder,
		sleep:     c.Sleep,
	}
	s.cookies = request.Cookies
	if request.Follow == sallyport.FollowWithoutKey && c.Outside != nil {
		s.elsewhere = &withoutKey{transport: c.Outside, header: first.header, address: address}
	}
	if s.sleep == nil {
		s.sleep = Sleep
	}
	if c.Endpoint.Poll != nil {
		err = newJob(c, s, address, attempts)
	}
	return s, err
}

// forRun is the source as one run uses it: with cookies and other passing secrets of its own.
func (s *Source) forRun() *Source {
	if !s.cookies && s.elsewhere == nil {
		return s
	}
	own, g := *s, *s.gate
	g.fleeting = &fleeting{known: g.known}
	if own.gate = &g; s.cookies {
		g.jar = newJar()
	}
	if s.elsewhere != nil {
		elsewhere := *s.elsewhere
		elsewhere.gate = &g
		own.elsewhere = &elsewhere
	}
	return &own
}

// shapeOf says where everything stands in the answers of an endpoint.
func shapeOf(c Config) (*shape, error) {
	request := c.Endpoint.Request
	of := paths{atRecords: cmp.Or(request.Records, "$"), atNext: request.Paging.Value, atSentence: c.Definition.Sentence}
	for i, rule := range request.Fail {
		of[atFail+2*i], of[atFail+2*i+1] = rule.Path, rule.Message
	}
	of[atMore], of[atTotal], of[atPages], of[atUntil] = request.Paging.More, request.Paging.Total, request.Paging.Pages, request.Paging.Until.Path
	if request.Paging.Type == sallyport.PagingTAXII {
		of[atNext], of[atMore], of[atSentence] = "$.next", "$.more", "$.description" // as the standard has them
	}
	if _, err := dotted("paging.last", request.Paging.Last); err != nil {
		return nil, err
	}
	s, err := newShape(of)
	if err != nil {
		return nil, err
	}
	if s.named = len(request.Names) > 0; s.named && s.query != nil {
		return nil, sallyport.FieldErrorf("names", "goes with a path of names and [*] only, not with %s", request.Records)
	}
	s.schema = c.Definition.Shape(c.Endpoint) != nil
	s.fail = request.Fail
	s.optional = request.Absent == sallyport.AbsentEmpty
	s.taxii = request.Format == sallyport.FormatTAXII
	switch request.Format {
	case sallyport.FormatJSONL, sallyport.FormatLines:
		s.lines = request.Format
	case sallyport.FormatCSV:
		s.rows = true
	}
	s.table = connector.TableOf(request)
	s.table.Columns = params{c.Endpoint.Params, c.Params}.columns(request.Columns)
	return s, nil
}

// HostOf is the host, with its port, that requests with these public fields of a credential go to; "" if they name none.
func HostOf(d *connector.Definition, public map[string]string) string {
	address, err := addressOf(Config{Definition: d, Public: public})
	if err != nil {
		return ""
	}
	_, host, _ := strings.Cut(origin(address), "://")
	return host
}

// addressOf finds where the system is: at the credential's address, else at the connector's own.
func addressOf(c Config) (*url.URL, error) {
	address := c.Public[connector.AddressField]
	if spec := c.Definition.Credential; address == "" && spec != nil {
		for _, field := range spec.Fields {
			if text, ok := field.Default.(string); ok && field.Name == connector.AddressField {
				address = text
			}
		}
		if address == "" && len(spec.Hosts) > 0 {
			address = "https://" + spec.Hosts[0]
		}
	}
	return checkAddress(address)
}

func newGate(c Config, address *url.URL) *gate {
	g := &gate{secrets: c.Secrets, known: c.Known.With(), next: c.Transport(address)}
	var hosts []string
	if spec := c.Definition.Credential; spec != nil {
		g.auth, hosts = c.Definition.AuthOf(c.Endpoint).Resolve(c.Public), spec.Hosts
	}
	g.origins, g.base = originsOf(address, hosts), address.EscapedPath()
	return g
}

// checkRoom makes sure that the place of the key is free: what a request puts there would be overwritten, or a key in the open.
func (g *gate) checkRoom(c call, paging sallyport.Paging) error {
	for _, place := range g.auth.Places() {
		form, name := place.Kind == connector.AuthForm, place.Name
		switch {
		case place.Queried() && (c.url.Query().Has(name) || paging.Query == name):
			return sallyport.FieldErrorf("query", "must not hold %s: the key comes from the credential", name)
		case form && withoutPair(c.body, name) != withoutPair(c.body, ""):
			return sallyport.FieldErrorf("body", "must not hold %s: the key comes from the credential", name)
		case form && c.method == http.MethodPost && c.header.Get("Content-Type") != formType && c.body != "":
			return sallyport.FieldErrorf("body", "must be a form, such as name=value&other=value: the key is added to it")
		case place.Kind == connector.AuthHeader && c.header.Get(name) != "":
			return sallyport.FieldErrorf("headers", "must not hold %s: the key comes from the credential", name)
		}
	}
	return nil
}

var errUnread = errors.New("a page must be read to its end before the next one is asked for")

// Pages reads page after page.
func (s *Source) Pages(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	if s.job != nil {
		return s.result(ctx, cursor)
	}
	return func(yield func(*connector.Page, error) bool) {
		r := newReading(s, cursor)
		if !s.kept {
			defer s.gate.closeIdle()
		}
		for {
			page, err := r.open(ctx)
			if err != nil {
				yield(nil, err)
				return
			}
			more := yield(&page.Page, nil)
			page.close()
			if !more || page.err == nil && page.Next == "" {
				return
			}
			if page.err != nil {
				yield(nil, page.err)
				return
			}
			r.cursor, _ = s.turner.unmark(page.Next)
		}
	}
}
