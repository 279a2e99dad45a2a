package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/app/apptest"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

var actor = sallyport.Actor{Kind: "cli", Name: "test"}

// host is the API on a real server, with a sandbox beside it.
type host struct {
	testing.TB
	URL     string
	app     *app.App
	dir     string // of the data
	sandbox *sandbox.Sandbox
	system  string // where the sandbox is
	root    string // the folder of files.roots
	log     *safeBuffer
	stop    chan struct{} // closed when the server stops
	close   func()        // ends the server, once it has answered
	mu      sync.Mutex
	secrets []string        // what no answer may hold
	seen    map[string]bool // operations that were done
}

// newHost starts everything in a directory of its own. It fails if any answer holds a secret, or is not as the document says.
func newHost(t testing.TB, options sandbox.Options) *host {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	h := &host{TB: t, root: t.TempDir(), log: new(safeBuffer), stop: make(chan struct{}), seen: map[string]bool{}}
	var err error
	if h.sandbox, err = sandbox.New(options); err != nil {
		t.Fatal(err)
	}
	if h.system, _, err = h.sandbox.Serve(ctx, "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h.dir = dir
	apptest.Start(t, dir)
	settings := apptest.Settings(t, dir, "error")
	settings.Files.Roots = []string{h.root}
	if h.app, err = app.Open(ctx, settings, io.Discard, new(secret.Redactor)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.app.Close() })
	h.app.Service.Engine.Quota.Now = apptest.MidMonth()
	server := httptest.NewServer(api.New(api.Config{
		Service: h.app.Service, Tokens: h.app.Tokens, Version: "1.2.3", Log: slog.New(slog.NewTextHandler(h.log, nil)), Stopping: h.stop,
	}))
	t.Cleanup(server.Close)
	h.URL, h.close = server.URL, server.Close
	return h
}

type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.String()
}

// file is the path of a new file below the root.
func (h *host) file(name string) string {
	return filepath.Join(h.root, string(sallyport.NewID("dir")), name)
}

func (h *host) watch(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, key)
}

// key makes a key at the sandbox that works, and watches for it.
func (h *host) key() string {
	key := h.sandbox.CreateKey("test")
	h.watch(key)
	return key
}

// client is a program with a token.
type client struct {
	*host
	token string
}

// client makes a token with the given scopes; with all of them if none is given.
func (h *host) client(scopes ...sallyport.Scope) client {
	h.Helper()
	if len(scopes) == 0 {
		scopes = sallyport.Scopes
	}
	_, text, err := h.app.Tokens.Create(context.Background(), actor, string(sallyport.NewID("test")), scopes, time.Time{})
	if err != nil {
		h.Fatal(err)
	}
	return client{h, text}
}

// reply is an answer, read to its end.
type reply struct {
	testing.TB
	*http.Response
	text string
}

// do sends a request: "GET /flows?limit=1". The body is sent as JSON, unless it is a string, which is sent as it is.
func (c client) do(request string, body any, header ...string) *reply {
	c.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequest(method, c.URL+"/api/v1"+path, encoded(c, body))
	if err != nil {
		c.Fatal(err)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return c.send(r)
}

func (c client) get(path string) *reply { c.Helper(); return c.do("GET "+path, nil) }

func encoded(t testing.TB, body any) io.Reader {
	t.Helper()
	switch body := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	}
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(text)
}

func (h *host) send(r *http.Request) *reply {
	h.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.Fatal(err)
	}
	a := &reply{TB: h.TB, Response: response, text: string(text)}
	h.inspect(a)
	return a
}

// inspect looks for secrets in an answer, and holds it against the document.
func (h *host) inspect(a *reply) {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	whole := fmt.Sprint(a.Header) + a.text
	for _, key := range h.secrets {
		if strings.Contains(whole, key) {
			h.Errorf("the answer to %s %s holds a key: %s", a.Request.Method, a.Request.URL, a.text)
		}
	}
	path := strings.TrimPrefix(a.Request.URL.Path, "/api/v1")
	op := find(a.Request.Method, path)
	if op == nil {
		return
	}
	if a.StatusCode < 300 {
		h.seen[op.OperationID] = true
	}
	for _, fault := range wrong(op, a) {
		h.Errorf("%s %s: the answer is not as the document says: %s\n%s", a.Request.Method, path, fault, a.short())
	}
}

var document = sync.OnceValue(api.Document)

// operations are those of the document, by method and path.
func operations() map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range document().Paths {
		for method, op := range map[string]*huma.Operation{
			"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
		} {
			if op != nil {
				all[method+" "+path] = op
			}
		}
	}
	return all
}

// find finds the operation of a request: the one with the fewest parameters in its path.
func find(method, path string) (found *huma.Operation) {
	best := 100
	for pattern, op := range operations() {
		if of, form, _ := strings.Cut(pattern, " "); of == method && fits(form, path) && strings.Count(form, "{") < best {
			found, best = op, strings.Count(form, "{")
		}
	}
	return found
}

func fits(form, path string) bool {
	forms, parts := strings.Split(form, "/"), strings.Split(path, "/")
	if len(forms) != len(parts) {
		return false
	}
	for i := range forms {
		if forms[i] != parts[i] && !strings.HasPrefix(forms[i], "{") {
			return false
		}
	}
	return true
}

// wrong is what in an answer is not as the document says.
func wrong(op *huma.Operation, a *reply) (faults []string) {
	said := op.Responses[fmt.Sprint(a.StatusCode)]
	if said == nil {
		said = op.Responses["default"]
	}
	if a.StatusCode >= 300 {
		said = operations()["GET /flows"].Responses["default"]
	}
	if said == nil {
		return []string{fmt.Sprintf("it does not know status %d", a.StatusCode)}
	}
	kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";")
	if len(said.Content) == 0 && a.text == "" {
		return nil
	}
	media := said.Content[kind]
	if media == nil {
		return []string{"it does not know " + kind}
	}
	if !strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "x-ndjson") {
		return nil
	}
	var value any
	if err := json.Unmarshal([]byte(a.text), &value); err != nil {
		return []string{err.Error()}
	}
	result := new(huma.ValidateResult)
	huma.Validate(document().Components.Schemas, media.Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, value, result)
	for _, err := range result.Errors {
		faults = append(faults, err.Error())
	}
	return faults
}

// short is the beginning of an answer.
func (a *reply) short() string { return a.text[:min(len(a.text), 700)] }

func (a *reply) want(status int) *reply {
	a.Helper()
	if a.StatusCode != status {
		a.Fatalf("%s %s: status %d, want %d\n%s", a.Request.Method, a.Request.URL, a.StatusCode, status, a.short())
	}
	return a
}

// read decodes an answer.
func read[T any](a *reply) (v T) {
	a.Helper()
	if err := json.Unmarshal([]byte(a.text), &v); err != nil {
		a.Fatalf("%v\n%s", err, a.text)
	}
	return v
}

// at is a value within an answer, by the names and indexes that lead to it.
func (a *reply) at(steps ...any) any {
	a.Helper()
	v := read[any](a)
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[step]
		case int:
			list, _ := v.([]any)
			if step >= len(list) {
				a.Fatalf("there is no %v in %s", steps, a.text)
			}
			v = list[step]
		}
	}
	return v
}

func (a *reply) wantAt(want any, steps ...any) *reply {
	a.Helper()
	if got := a.at(steps...); got != want {
		a.Errorf("%s %s: %v is %v, want %v\n%s", a.Request.Method, a.Request.URL, steps, got, want, a.short())
	}
	return a
}

// problem is what an answer says went wrong.
func (a *reply) problem(status int, code sallyport.Code) api.Problem {
	a.Helper()
	p := read[api.Problem](a.want(status))
	if p.Code != code || p.Status != status || p.Detail == "" || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") {
		a.Errorf("%s %s: want code %s\n%s", a.Request.Method, a.Request.URL, code, a.text)
	}
	return p
}

// object is JSON that is sent.
type object = map[string]any

// addCredential stores a credential for the sandbox.
func (c client) addCredential(name string) *reply {
	c.Helper()
	return c.do("POST /credentials", object{
		"name": name, "connector": "pulsedive", "public": object{"address": c.system}, "secrets": object{"key": c.key()},
	}).want(http.StatusCreated)
}

// feed is a flow that reads the indicators of a feed, and delivers them to a file.
func (c client) feed(name, credential string) object {
	return object{
		"flow": name, "source": object{"connector": "pulsedive", "credential": credential, "endpoint": "feed.indicators", "params": object{"fid": 1}},
		"destinations": []object{{"name": "lines", "connector": "file", "config": object{"path": c.file("out.ndjson")}}},
	}
}

// work works a run to its end, as a server does.
func (h *host) work(run int64) sallyport.Run {
	h.Helper()
	r, err := h.app.Service.Follow(context.Background(), run, time.Millisecond, func(service.Progress) {})
	if err != nil {
		h.Fatal(err)
	}
	return r
}

// startMixed starts an API whose list holds a record, and three things that are none.
func startMixed(t testing.TB) (address string) {
	system := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"list": [{"a": 0}, 1, [2], "three"]}`)
	})))
	t.Cleanup(system.Close)
	return system.URL
}

// startList starts an API that gives a list.
func startList(t testing.TB, list func() []string) (address string) {
	system := apptest.Reachable(t, httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "["+strings.Join(list(), ",")+"]")
	})))
	t.Cleanup(system.Close)
	return system.URL
}

type param = huma.Param
