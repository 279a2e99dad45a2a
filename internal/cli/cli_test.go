package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sallyport-io/sallyport/internal/cli"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
)

func TestMain(m *testing.M) {
	testscript.Main(cleaner{m}, map[string]func(){
		"sallyport": func() { os.Exit(cli.Main(os.Args[1:], cli.OS())) },
	})
}

// cleaner removes the program that the tests built.
type cleaner struct{ *testing.M }

func (c cleaner) Run() int {
	code := c.M.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	return code
}

// TestScripts runs the command line as a user does. Each script finds a sandbox at $SANDBOX with the key in $KEY and the file key, another
// one of plan free at $FREE with the key in the file freekey, and
// an API with faults at $API, which takes the key that is in the file apikey. What is in the file long is too long for a key.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":  exits,
			"lines":  countLines,
			"same":   sameLines,
			"asked":  asked,
			"newkey": newKey,
		},
	})
}

const apiKey = "APIKEY-0123456789-canary"

func setup(env *testscript.Env) error {
	address, key, err := serveSandbox(env, "sandbox", sandbox.Options{Records: 1200})
	if err != nil {
		return err
	}
	free, freeKey, err := serveSandbox(env, "free", sandbox.Options{Records: 10, Plan: "free"})
	if err != nil {
		return err
	}
	api := &faultyAPI{}
	server := httptest.NewServer(api)
	env.Defer(server.Close)
	env.Values["api"] = api
	env.Setenv("SANDBOX", address)
	env.Setenv("FREE", free)
	env.Setenv("KEY", key)
	env.Setenv("API", server.URL)
	env.Setenv("SALLYPORT_DATA", env.WorkDir+"/data")
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("GORACE", "atexit_sleep_ms=0") // or every command sleeps for a second at its end
	for name, content := range map[string]string{"key": key, "freekey": freeKey, "apikey": apiKey, "long": strings.Repeat("x", secret.MaxLength+1)} {
		if err := os.WriteFile(env.WorkDir+"/"+name, []byte(content+"\n"), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serveSandbox serves a sandbox while a script runs, which has it as a value.
func serveSandbox(env *testscript.Env, name string, o sandbox.Options) (address, key string, err error) {
	s, err := sandbox.New(o)
	if err != nil {
		return "", "", err
	}
	ctx, stop := context.WithCancel(context.Background())
	address, done, err := s.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		stop()
		return "", "", err
	}
	env.Defer(func() { stop(); <-done })
	env.Values[name] = s
	return address, s.CreateKey("script"), nil
}

// exits CODE COMMAND… runs a command and wants that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// lines N FILE wants a file of so many lines, all different.
func countLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lines N FILE")
	}
	all := strings.Split(strings.TrimSuffix(ts.ReadFile(args[1]), "\n"), "\n")
	different := map[string]bool{}
	for _, line := range all {
		different[line] = true
	}
	if want := args[0]; strconv.Itoa(len(all)) != want || len(different) != len(all) {
		ts.Fatalf("%d lines, %d different ones, want %s", len(all), len(different), want)
	}
}

// same FILE FILE wants two files with the same lines, in whatever order.
func sameLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same FILE FILE")
	}
	sorted := func(file string) []string { return slices.Sorted(strings.Lines(ts.ReadFile(file))) }
	if a, b := sorted(args[0]), sorted(args[1]); len(a) == 0 || !slices.Equal(a, b) {
		ts.Fatalf("%d and %d lines, which are not the same", len(a), len(b))
	}
}

// asked N wants that the API was asked so many times since the last time.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: asked N")
	}
	if got := ts.Value("api").(*faultyAPI).requests.Swap(0); strconv.FormatInt(got, 10) != args[0] {
		ts.Fatalf("the API was asked %d times, want %s", got, args[0])
	}
}

// newkey FILE revokes the keys of the sandbox at $SANDBOX, and writes a new one.
func newKey(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: newkey FILE")
	}
	s := ts.Value("sandbox").(*sandbox.Sandbox)
	s.RevokeKeys()
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(s.CreateKey("new")+"\n"), 0o600))
}

// faultyAPI is an API with the key in the query, and one fault for each path.
type faultyAPI struct{ requests, shrunk atomic.Int64 }

func (a *faultyAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.requests.Add(1)
	w.Header().Set("Content-Type", "application/json")
	q := r.URL.Query()
	if q.Get("key") != apiKey {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"the key %s is unknown"}`, q.Get("key"))
		return
	}
	page, _ := strconv.Atoi(q.Get("page"))
	switch r.URL.Path {
	case "/list": // three pages of two
		next := strconv.Itoa(page + 1)
		if page == 2 {
			next = "null"
		}
		fmt.Fprintf(w, `{"results":[{"id":%d,"v":"a"},{"id":%d,"v":"b"}],"next":%s}`, 2*page, 2*page+1, next)
	case "/endless":
		fmt.Fprint(w, `{"results":[{"id":1}],"next":7}`)
	case "/more": // the first page of many
		fmt.Fprint(w, `{"results":[{"id":1},{"id":2}],"next_cursor":"x"}`)
	case "/same": // pages that never end and never change
		fmt.Fprint(w, `[{"id":1},{"id":2}]`)
	case "/html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Sign in</body></html>")
	case "/values":
		fmt.Fprint(w, `[1,2,3]`)
	case "/shrinks": // 40 records, and from the third request on one
		if a.shrunk.Add(1) > 2 {
			fmt.Fprint(w, `[{"id":0,"v":"b"}]`)
			return
		}
		fmt.Fprint(w, `[{"id":0}`)
		for id := range 39 {
			fmt.Fprintf(w, `,{"id":%d}`, id+1)
		}
		fmt.Fprint(w, "]")
	case "/hosts":
		fmt.Fprint(w, `[{"indicator":"a.example"},{"indicator":"b.example"}]`)
	case "/mixed":
		fmt.Fprint(w, `[{"id":1},"two",{"id":3}]`)
	case "/cut": // a good page, then one that ends in the middle
		if page == 1 {
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, `{"results":[{"id":8}`)
			return
		}
		fmt.Fprint(w, `{"results":[{"id":1}],"next":1}`)
	case "/nokey": // upserted by id, which one record lacks
		fmt.Fprint(w, `[{"id":1},{"name":"x"}]`)
	case "/echo":
		fmt.Fprintf(w, `[{"id":1,"you_sent":%q}]`, r.URL.String())
	case "/plan":
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"error":"upgrade to see this"}`)
	case "/limit":
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	case "/away": // a good page, and then it is away
		if page == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"results":[{"id":1}],"next":1}`)
	case "/elsewhere":
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(http.StatusFound)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}
