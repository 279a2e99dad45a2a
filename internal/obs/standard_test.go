package obs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/secret"
)

func redacting(t *testing.T, level slog.Level) (*slog.Logger, *bytes.Buffer) {
	t.Helper()
	out := new(bytes.Buffer)
	logger, err := obs.NewLogger(out, level, "json", secret.NewRedactor(secret.New(canary)))
	if err != nil {
		t.Fatal(err)
	}
	return logger, out
}

// TestAdopt shows that what libraries log on their own is redacted, in the form of the log, and without what a system sent unasked.
func TestAdopt(t *testing.T) {
	before, flags, writer := slog.Default(), log.Flags(), log.Writer()
	defer func() {
		slog.SetDefault(before)
		log.SetFlags(flags)
		log.SetOutput(writer)
	}()
	logger, out := redacting(t, slog.LevelWarn)
	obs.Adopt(logger)
	log.Printf("a library says %s", canary)
	log.Printf("a library quotes %q", canary)
	slog.Error("another one", "header", canary)
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q; err=%v", "HTTP/1.1 200 "+canary[:12], errors.New("x"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 || strings.Contains(out.String(), "CANARY") || strings.Count(out.String(), "redacted") != 3 {
		t.Errorf("logged:\n%s", out)
	}
	if !strings.Contains(lines[3], `"level":"WARN","msg":"Unsolicited response received on idle HTTP channel"`) {
		t.Errorf("logged: %s", lines[3])
	}
}

func TestCaughtRedactsAPanic(t *testing.T) {
	logger, out := redacting(t, slog.LevelInfo)
	if err := obs.Caught(context.Background(), logger, func() error { return nil }); err != nil {
		t.Error(err)
	}
	err := obs.Caught(context.Background(), logger, func() error { panic(fmt.Errorf("with %s", canary)) })
	if err == nil || strings.Contains(out.String(), "CANARY") || !strings.Contains(out.String(), "standard_test.go") {
		t.Errorf("%v, logged: %s", err, out)
	}
}

// TestServerMessagesAreRedacted panics in a handler that nothing recovers: the server of net/http then logs value and stack itself.
func TestServerMessagesAreRedacted(t *testing.T) {
	logger, out := redacting(t, slog.LevelInfo)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("with " + canary) }))
	server.Config.ErrorLog = slog.NewLogLogger(logger.Handler(), slog.LevelWarn)
	server.Start()
	if response, err := http.Get(server.URL); err == nil {
		response.Body.Close()
		t.Errorf("status %s", response.Status)
	}
	server.Close()
	if text := out.String(); !strings.Contains(text, "redacted") || strings.Contains(text, "CANARY") {
		t.Errorf("logged: %s", text)
	}
}
