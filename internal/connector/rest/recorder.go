package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const (
	maxRecorded  = 8 << 20         // bytes of all response bodies that a recorder keeps
	maxDrain     = 3 * time.Second // for the rest of a body that the test did not read to its end
	maxExchanges = 50
)

// told matches the headers of a response that help a person to write a request: the others only fill the page.
var told = regexp.MustCompile(`(?i)^(content-(type|encoding|length|disposition)|link|location|retry-after|.*(rate-?limit|page|total|cursor|next|count|quota|remaining).*)$`)

// Recorder keeps the requests of a test and their responses. A request that was sent before is not sent again: it gets the kept response, if its
// body is kept as a whole. So a second source with the same recorder can try other settings without spending a request. A nil Recorder keeps nothing.
type Recorder struct {
	mu        sync.Mutex
	kept      int // bytes of bodies
	exchanges []*keptExchange
}

// keptExchange is a request with the response to it.
type keptExchange struct {
	connector.Exchange
	sent     string // method, URL and body: what makes two requests the same
	response *http.Response
	body     []byte
	whole    bool
}

// Exchanges returns what was requested so far, in order, without secrets.
func (r *Recorder) Exchanges(known *secret.Redactor) []connector.Exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []connector.Exchange
	for _, x := range r.exchanges {
		shown := x.Exchange
		shown.URL = known.String(shown.URL)
		shown.Headers = slices.Clone(shown.Headers)
		for i, header := range shown.Headers {
			shown.Headers[i] = line(known, header)
		}
		all = append(all, shown)
	}
	return all
}

// First returns the response to the first request as far as its body was kept, nil if there was none. It is as the system sent it: it may hold a secret.
func (r *Recorder) First() (response *http.Response, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.exchanges) == 0 || r.exchanges[0].response == nil {
		return nil, nil
	}
	return r.exchanges[0].response, r.exchanges[0].body
}

// through sends a request, or returns the response that is kept for it.
func (r *Recorder) through(request *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	if r == nil {
		return send(request)
	}
	sent, err := identity(request)
	if err != nil {
		return nil, err
	}
	if response := r.again(request, sent); response != nil {
		return response, nil
	}
	ctx, stop := context.WithCancel(request.Context())
	x := r.begin(request, sent)
	begin := time.Now()
	response, err := send(request.WithContext(ctx))
	if err != nil {
		stop()
		r.mu.Lock()
		defer r.mu.Unlock()
		x.Milliseconds = time.Since(begin).Milliseconds()
		return nil, err
	}
	response.Request = request
	r.answered(x, response)
	response.Body = &recording{ReadCloser: response.Body, of: r, into: x, begin: begin, stop: stop}
	return response, nil
}

// identity is what makes two requests the same. The key is not part of it.
func identity(request *http.Request) (string, error) {
	if request.GetBody == nil {
		return request.Method + " " + request.URL.String(), nil
	}
	body, err := request.GetBody()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return request.Method + " " + request.URL.String() + "\n" + string(text), err
}

// again returns the response to the same request, nil if it is not kept as a whole.
func (r *Recorder) again(request *http.Request, sent string) *http.Response {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.exchanges {
		if x.sent == sent && x.whole {
			response := *x.response
			response.Header, response.Request = x.response.Header.Clone(), request
			response.Body = io.NopCloser(bytes.NewReader(x.body))
			return &response
		}
	}
	return nil
}

func (r *Recorder) begin(request *http.Request, sent string) *keptExchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := &keptExchange{sent: sent, Exchange: connector.Exchange{Method: request.Method, URL: request.URL.String()}}
	if len(r.exchanges) < maxExchanges {
		r.exchanges = append(r.exchanges, x)
	}
	return x
}

func (r *Recorder) answered(x *keptExchange, response *http.Response) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kept := *response
	kept.Header, kept.Body = response.Header.Clone(), nil
	x.response, x.Status = &kept, response.StatusCode
	for name, values := range response.Header {
		if told.MatchString(name) {
			x.Headers = append(x.Headers, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(x.Headers)
}

// recording keeps what is read through it, and the rest when it is closed.
type recording struct {
	io.ReadCloser
	of    *Recorder
	into  *keptExchange
	begin time.Time
	stop  context.CancelFunc
	full  bool // something was read that is not kept
	over  bool // closed, or read to its end
}

// Read keeps what it reads.
func (b *recording) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.over {
		return n, err
	}
	b.of.mu.Lock()
	defer b.of.mu.Unlock()
	room := maxRecorded - b.of.kept
	b.of.kept += min(n, room)
	b.into.body = append(b.into.body, p[:min(n, room)]...)
	b.full = b.full || n > room
	b.into.Bytes += int64(n)
	b.into.Milliseconds = time.Since(b.begin).Milliseconds()
	if err == io.EOF {
		b.over, b.into.whole = true, !b.full
	}
	return n, err
}

// Close reads the rest of the body, as far as it is kept and comes soon: the test may have ended at the first byte that it did not understand.
func (b *recording) Close() error {
	late := time.AfterFunc(maxDrain, b.stop)
	for part := make([]byte, 32<<10); !b.over && !b.full; {
		if _, err := b.Read(part); err != nil {
			break
		}
	}
	late.Stop()
	b.over = true
	b.stop()
	return b.ReadCloser.Close()
}
