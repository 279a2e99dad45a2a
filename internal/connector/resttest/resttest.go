// Package resttest plays HTTP exchanges that are written down as text, so that a page of documentation and the test of an odd API are the same thing.
package resttest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding/htmlindex"
)

// These stand for the address of the server in what is written down: as it is, and with the scheme that it does not have.
const (
	Address     = "https://api.example.com"
	OtherScheme = "https://same-host.example.com"
)

// Exchange is a request with the response to it.
type Exchange struct {
	Method  string
	Path    string
	Query   []string    // pairs as they are sent, such as page=2: a request must have them, and may have others
	Headers http.Header // that a request must have
	Body    string      // "": any
	Status  int
	Header  http.Header
	Text    string // of the response body, before it is encoded
}

// Parse reads an exchange: the request line, headers, an empty line and a body, if it has one; then the status line of the response and the same
// for the response. Lines end with \n. The last line end of a body is not part of it if the body is JSON.
func Parse(text string) (x Exchange, err error) {
	request, response, ok := strings.Cut("\n"+text, "\nHTTP/1.1 ")
	if !ok {
		return x, fmt.Errorf("there is no line that begins with HTTP/1.1")
	}
	line, rest, _ := strings.Cut(strings.TrimPrefix(request, "\n"), "\n")
	method, target, ok := strings.Cut(line, " ")
	if !ok || !strings.HasPrefix(target, "/") {
		return x, fmt.Errorf("%q must be a method and a path", line)
	}
	path, query, asks := strings.Cut(target, "?")
	x = Exchange{Method: method, Path: path}
	if asks {
		x.Query = strings.Split(query, "&")
	}
	if x.Headers, x.Body, err = message(rest); err != nil {
		return x, err
	}
	x.Body = strings.TrimSpace(x.Body)
	line, rest, _ = strings.Cut(response, "\n")
	code, _, _ := strings.Cut(line, " ")
	if x.Status, err = strconv.Atoi(code); err != nil {
		return x, fmt.Errorf("%q must begin with a status", line)
	}
	x.Header, x.Text, err = message(rest)
	return x, err
}

// message reads headers and, behind an empty line, a body.
func message(text string) (http.Header, string, error) {
	if !strings.Contains(text, "\n\n") && !strings.HasPrefix(text, "\n") {
		text += "\n\n"
	}
	from := bufio.NewReader(strings.NewReader(text))
	header, err := textproto.NewReader(from).ReadMIMEHeader()
	if err != nil {
		return nil, "", err
	}
	body, err := io.ReadAll(from)
	return http.Header(header), string(body), err
}

// Server plays exchanges. A request that fits none fails the test.
type Server struct {
	URL string

	t         testing.TB
	mu        sync.Mutex
	exchanges []Exchange
	played    []int // how often, by exchange
	requests  int
}

// Serve starts a server that plays exchanges until the test ends.
func Serve(t testing.TB, exchanges ...Exchange) *Server {
	s := &Server{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.URL = server.URL
	s.Play(exchanges...)
	return s
}

// Play replaces the exchanges.
func (s *Server) Play(exchanges ...Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exchanges, s.played, s.requests = exchanges, make([]int, len(exchanges)), 0
}

// Requests returns how many requests came since the exchanges were set.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// ServeHTTP plays the exchange that says the most about a request. Of several that say as much, each is played once, the last one again and again.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	x, ok := s.choose(r, string(body))
	if err != nil || !ok {
		s.t.Errorf("unexpected request: %s %s %s", r.Method, r.URL, body)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	header := w.Header()
	address := strings.NewReplacer(Address, s.URL, OtherScheme, strings.Replace(s.URL, "http:", "https:", 1))
	for name, values := range x.Header {
		for _, value := range values {
			header.Add(name, address.Replace(value))
		}
	}
	encoded, err := encode(x.Header, address.Replace(x.Text))
	if err != nil {
		s.t.Errorf("the response to %s %s cannot be encoded: %v", r.Method, r.URL, err)
	}
	w.WriteHeader(x.Status)
	w.Write(encoded)
}

func (s *Server) choose(r *http.Request, body string) (Exchange, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	best, score := -1, -1
	for i, x := range s.exchanges {
		says, fits := x.fits(r, body)
		if !fits || says < score {
			continue
		}
		if best < 0 || says > score || s.played[best] > 0 {
			best, score = i, says
		}
	}
	if best < 0 {
		return Exchange{}, false
	}
	s.played[best]++
	return s.exchanges[best], true
}

// fits tells whether an exchange is about a request, and how much it says about it.
func (x Exchange) fits(r *http.Request, body string) (says int, ok bool) {
	if x.Method != r.Method || x.Path != r.URL.EscapedPath() {
		return 0, false
	}
	sent := strings.Split(r.URL.RawQuery, "&")
	for _, pair := range x.Query {
		if !slices.Contains(sent, pair) {
			return 0, false
		}
	}
	for name := range x.Headers {
		if r.Header.Get(name) != x.Headers.Get(name) {
			return 0, false
		}
	}
	if x.Body != "" && !same(x.Body, body) {
		return 0, false
	}
	says = len(x.Query) + len(x.Headers)
	if x.Body != "" {
		says++
	}
	return says, true
}

// same tells whether two texts are the same, or the same JSON.
func same(want, got string) bool {
	var a, b any
	if json.Unmarshal([]byte(want), &a) == nil && json.Unmarshal([]byte(got), &b) == nil {
		return reflect.DeepEqual(a, b)
	}
	return want == strings.TrimSpace(got)
}

// encode writes a body in the charset and compression that its headers name.
func encode(header http.Header, text string) (body []byte, err error) {
	kind, params, _ := mime.ParseMediaType(header.Get("Content-Type"))
	if strings.HasSuffix(kind, "json") {
		text = strings.TrimSuffix(text, "\n")
	}
	body = []byte(text)
	if name := params["charset"]; name != "" && !strings.EqualFold(name, "utf-8") {
		charset, err := htmlindex.Get(name)
		if err != nil {
			return nil, err
		}
		if body, err = charset.NewEncoder().Bytes(body); err != nil {
			return nil, err
		}
	}
	codings := strings.FieldsFunc(header.Get("Content-Encoding"), func(r rune) bool { return r == ',' || r == ' ' })
	if kind == "application/gzip" {
		codings = append([]string{"gzip"}, codings...)
	}
	for _, coding := range codings {
		if body, err = compress(coding, body); err != nil {
			return nil, err
		}
	}
	return body, nil
}

func compress(coding string, body []byte) ([]byte, error) {
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "deflate":
		w = zlib.NewWriter(&b)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		err = fmt.Errorf("the coding %q is not known", coding)
	}
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
