// Package apptest saves tests the first start of the program: with the race detector its migrations take long.
package apptest

import (
	"context"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/beacon"
	"github.com/sallyport-io/sallyport/internal/config"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// Settings are the defaults for a data directory, whatever the environment says.
func Settings(t testing.TB, dir, logLevel string) config.Settings {
	t.Helper()
	s, err := settings(dir, logLevel)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func settings(dir, logLevel string) (config.Settings, error) {
	unset := func(string) (string, bool) { return "", false }
	return config.Load(map[string]string{"data": dir, "log.level": logLevel}, unset, os.ReadFile)
}

// started are the files of a data directory after a first start: by name, with their contents.
var started = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "sallyport-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := settings(dir, "error")
	if err != nil {
		return nil, err
	}
	a, err := app.Open(context.Background(), s, io.Discard, new(secret.Redactor))
	if err != nil {
		return nil, err
	}
	if err := a.Close(); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if err == nil {
			files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name()))
		}
	}
	return files, err
})

// Start makes a data directory as a first start of the program leaves it, with the same master key each time.
func Start(t testing.TB, dir string) {
	t.Helper()
	files, err := started()
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	for name, content := range files {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), content, 0o600)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// MidMonth is a clock that shows noon in the middle of a coming month, and goes on from there. Tests give it to a quota: no day or month ends
// while they run, whatever the date.
func MidMonth() func() time.Time {
	now := time.Now()
	year, month, _ := now.UTC().Date()
	ahead := time.Date(year, month+1, 15, 12, 0, 0, 0, time.UTC).Sub(now)
	return func() time.Time { return time.Now().Add(ahead) }
}

// Reachable lets any credential reach a server of the test on this machine, as it may reach a sandbox.
func Reachable(t testing.TB, server *httptest.Server) *httptest.Server {
	t.Helper()
	putOut, err := beacon.Light(beacon.Sandbox, server.Listener.Addr().(*net.TCPAddr).AddrPort().Port())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(putOut)
	return server
}
