package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/web"
)

const (
	userName = "Ada"
	password = "correct horse battery"
)

// site is the pages on a real server, with a sandbox beside it.
type site struct {
	testing.TB
	URL     string
	setUp   string // the path of the set-up link
	app     *app.App
	sandbox *sandbox.Sandbox
	api     string // where the sandbox is
	dir     string // of the data
	root    string // the folder of files.roots
	made    int    // paths that were made up
	log     *bytes.Buffer
	mu      sync.Mutex
	secrets []string // what no answer may hold
}

// file is the path of a new file below the root.
func (s *site) file(name string) string {
	return filepath.Join(s.root, string(sallyport.NewID("dir")), name)
}

// newSite starts everything in a directory of its own. At the end it fails if any answer held one of the keys.
func newSite(t testing.TB) *site {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	s := &site{TB: t, root: t.TempDir(), log: new(bytes.Buffer)}
	var err error
	if s.sandbox, err = sandbox.New(sandbox.Options{Records: 1200}); err != nil {
		t.Fatal(err)
	}
	if s.api, _, err = s.sandbox.Serve(ctx, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s.dir = dir
	apptest.Start(t, dir)
	settings := apptest.Settings(t, dir, "error")
	settings.Files.Roots = []string{s.root}
	if s.app, err = app.Open(ctx, settings, io.Discard, new(secret.Redactor)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.app.Close() })
	log := slog.New(slog.NewTextHandler(s.log, nil))
	a := auth.New(auth.Config{Store: s.app.Service.Store, Plain: s.app.Service.CheckPlain, Values: s.app.Service.Vault, Log: log})
	if s.setUp, err = a.SetUpPath(ctx); err != nil {
		t.Fatal(err)
	}
	pages := web.New(web.Config{Service: s.app.Service, Auth: a, Tokens: s.app.Tokens, Version: "1.2.3", Data: dir, Log: log})
	server := httptest.NewServer(s.watched(pages))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// watched looks for keys in everything that is answered.
func (s *site) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding")
		record := &recorder{ResponseWriter: w}
		next.ServeHTTP(record, r)
		answer := fmt.Sprint(w.Header()) + record.body.String()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, key := range s.secrets {
			if strings.Contains(answer, key) || strings.Contains(answer, url.QueryEscape(key)) {
				s.Errorf("the answer to %s %s holds a key", r.Method, r.URL.Path)
			}
		}
	})
}

type recorder struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// Unwrap and Flush let streams of events through.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
func (r *recorder) Flush()                      { r.ResponseWriter.(http.Flusher).Flush() }

// key makes a key at the sandbox that works, and watches for it.
func (s *site) key() string {
	key := s.sandbox.CreateKey("test")
	s.watch(key)
	return key
}

func (s *site) watch(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append(s.secrets, key)
}

// addCredential stores a credential past the pages.
func (s *site) addCredential(name, description string) *sallyport.Credential {
	s.Helper()
	c, err := s.app.Service.CreateCredential(s.Context(), sallyport.Actor{Kind: "cli", Name: "test"}, service.CredentialDraft{
		Name: name, Description: description, Connector: "pulsedive",
		Public: map[string]string{"address": s.api}, Secrets: map[string]secret.Text{"key": secret.New(s.key())},
	}, service.MustTest)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

// addFlow applies a flow that uses a credential.
func (s *site) addFlow(name, credential string) {
	s.Helper()
	text := fmt.Sprintf(`flow: %s
description: Indicators of the first feed
source:
  connector: pulsedive
  credential: %s
  endpoint: feed.indicators
  params: {fid: 1}
  schedule: {every: 8h}
destinations:
  - name: lines
    connector: file
    config: {path: %q, format: ndjson}
  - name: table
    connector: sqlite
    config: {path: %q, table: indicators, key: [iid], mode: upsert}
`, name, credential, s.file(name+".ndjson"), s.file(name+".db"))
	_, err := s.app.Service.ApplyFlows(s.Context(), sallyport.Actor{Kind: "cli", Name: "test"}, []service.FlowFile{{Name: "f", Data: []byte(text)}}, false)
	if err != nil {
		s.Fatal(err)
	}
}

// client is a browser without scripts.
type client struct {
	*site
	http.Client
}

func (s *site) client() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.Fatal(err)
	}
	c := &client{site: s, Client: http.Client{Jar: jar}}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// signedUp is a client that used the set-up link.
func (s *site) signedUp() *client {
	s.Helper()
	c := s.client()
	c.post(s.setUp, url.Values{"name": {userName}, "password": {password}, "repeat": {password}}).wantLocation("/credentials")
	return c
}

// answer is an answer, read to its end.
type answer struct {
	testing.TB
	*http.Response
	text string
	doc  *html.Node
}

func (c *client) get(path string, header ...string) *answer {
	return c.send("GET", path, nil, header...)
}

func (c *client) post(path string, form url.Values, header ...string) *answer {
	return c.send("POST", path, form, header...)
}

func (c *client) send(method, path string, form url.Values, header ...string) *answer {
	c.Helper()
	r, err := http.NewRequest(method, c.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(body))
	if err != nil {
		c.Fatal(err)
	}
	return &answer{TB: c.TB, Response: response, text: string(body), doc: doc}
}

func (a *answer) want(status int) *answer {
	a.Helper()
	if a.StatusCode != status {
		a.Fatalf("%s %s: status %d, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.text)
	}
	return a
}

func (a *answer) wantLocation(path string) *answer {
	a.Helper()
	if got := a.want(http.StatusSeeOther).Header.Get("Location"); got != path {
		a.Fatalf("it leads to %q, want %q", got, path)
	}
	return a
}

// all finds the elements that have all attributes, given as name=value pairs, and the tag name.
func (a *answer) all(tag string, attributes ...string) (found []*html.Node) {
	for n := range a.doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag && hasAll(n, attributes) {
			found = append(found, n)
		}
	}
	return found
}

func hasAll(n *html.Node, attributes []string) bool {
	for _, want := range attributes {
		name, value, _ := strings.Cut(want, "=")
		if got, ok := attribute(n, name); !ok || got != value {
			return false
		}
	}
	return true
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// one finds the only element of its kind.
func (a *answer) one(tag string, attributes ...string) *html.Node {
	a.Helper()
	found := a.all(tag, attributes...)
	if len(found) != 1 {
		a.Fatalf("%d elements <%s %s>, want one\n%s", len(found), tag, attributes, a.text)
	}
	return found[0]
}

// words are the text of an element, with single spaces.
func words(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (a *answer) says(parts ...string) *answer {
	a.Helper()
	text := words(a.doc)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			a.Errorf("%s does not say %q:\n%s", a.Request.URL.Path, part, text)
		}
	}
	return a
}

var actor = sallyport.Actor{Kind: "cli", Name: "test"}

// fillUp stores credentials and flows, and works a run to its end.
func (s *site) fillUp() {
	s.Helper()
	s.addCredential("Pulsedive personal", "Ada's own account, for trying things out.")
	s.addCredential("Pulsedive team", "The team's Pro plan: feeds three times a day. Owned by the intelligence team, renewed every March.")
	s.addCredential("A name that is as long as a name may be so that the tile has to wrap it somewhere, wherever that is", "")
	s.addFlow("urlhaus", "Pulsedive team")
	s.addFlow("never-run", "Pulsedive team")
	s.work("urlhaus")
	if err := s.app.Service.SetFlowState(s.Context(), actor, "never-run", sallyport.FlowPaused); err != nil {
		s.Fatal(err)
	}
}

// work runs a flow to its end.
func (s *site) work(flow string) {
	s.Helper()
	run, _, err := s.app.Service.StartRun(s.Context(), actor, flow)
	if err != nil {
		s.Fatal(err)
	}
	if _, err := s.app.Service.Follow(s.Context(), run.ID, 0, func(service.Progress) {}); err != nil {
		s.Fatal(err)
	}
}
