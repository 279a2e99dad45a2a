package obs_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/secret"
)

const canary = `CANARY/key+1&<"7>\é9`

type stringer string

func (s stringer) String() string { return "stringer " + string(s) }

type valuer string

func (v valuer) LogValue() slog.Value { return slog.GroupValue(slog.String("inner", string(v))) }

type holder struct {
	Text   string
	Bytes  []byte
	hidden string
	Map    map[string]any
}

// places are all ways to put a text into a log line.
var places = map[string]func(l *slog.Logger, s string){
	"message": func(l *slog.Logger, s string) { l.Info("before " + s + " after") },
	"string":  func(l *slog.Logger, s string) { l.Info("m", "k", s) },
	"key":     func(l *slog.Logger, s string) { l.Info("m", s, "v") },
	"no key":  func(l *slog.Logger, s string) { l.Info("m", []any{s}...) },
	"error":   func(l *slog.Logger, s string) { l.Info("m", "err", errors.New("failed at "+s)) },
	"wrapped": func(l *slog.Logger, s string) {
		l.Info("m", "err", fmt.Errorf("x: %w", &url.Error{URL: s, Err: errors.New(s)}))
	},
	"stringer":     func(l *slog.Logger, s string) { l.Info("m", "k", stringer(s)) },
	"bytes":        func(l *slog.Logger, s string) { l.Info("m", "k", []byte(s)) },
	"raw json":     func(l *slog.Logger, s string) { l.Info("m", "k", json.RawMessage(quoted(s))) },
	"struct":       func(l *slog.Logger, s string) { l.Info("m", "k", holder{Text: s, hidden: s}) },
	"struct bytes": func(l *slog.Logger, s string) { l.Info("m", "k", &holder{Bytes: []byte(s)}) },
	"nested map":   func(l *slog.Logger, s string) { l.Info("m", "k", holder{Map: map[string]any{s: []any{s}}}) },
	"slice":        func(l *slog.Logger, s string) { l.Info("m", "k", []string{"a", s}) },
	"group":        func(l *slog.Logger, s string) { l.Info("m", slog.Group("g", slog.Group("h", "k", s, s, 1))) },
	"group name":   func(l *slog.Logger, s string) { l.Info("m", slog.Group(s, "k", 1)) },
	"log valuer":   func(l *slog.Logger, s string) { l.Info("m", "k", valuer(s)) },
	"With":         func(l *slog.Logger, s string) { l.With("k", s).Info("m") },
	"With group":   func(l *slog.Logger, s string) { l.With(slog.Group("g", "err", errors.New(s))).Info("m") },
	"WithGroup":    func(l *slog.Logger, s string) { l.WithGroup(s).Info("m", "k", 1) },
	"deep":         func(l *slog.Logger, s string) { l.WithGroup("a").With("k", s).WithGroup("b").Info("m", "k", []byte(s)) },
}

func TestNoSecretInALog(t *testing.T) {
	written := map[string]string{
		"raw":         canary,
		"query":       "https://h.example/?key=" + url.QueryEscape(canary) + "&x=1",
		"path":        url.PathEscape(canary),
		"base64":      base64.StdEncoding.EncodeToString([]byte("user:" + canary)),
		"url base64":  base64.RawURLEncoding.EncodeToString([]byte(canary)),
		"hexadecimal": hex.EncodeToString([]byte(canary)),
	}
	for _, format := range []string{"text", "json"} {
		for place, put := range places {
			for form, s := range written {
				t.Run(format+"/"+place+"/"+form, func(t *testing.T) {
					var control, out bytes.Buffer
					put(newLogger(t, &control, format), s)
					if !leaks(control.String()) {
						t.Fatalf("the test would not notice: %s", control.String())
					}
					put(newLogger(t, &out, format, secret.New(canary)), s)
					if leaks(out.String()) || !strings.Contains(out.String(), secret.Redacted) {
						t.Errorf("logged: %s", out.String())
					}
				})
			}
		}
	}
}

func quoted(s string) []byte {
	b, _ := json.Marshal(s) // a string always encodes
	return b
}

// leaks tells whether a piece of the canary stands in the log, in any of the forms in which the test puts it there.
func leaks(log string) bool {
	log = strings.NewReplacer(`\`, "", "\n", "").Replace(log)
	pieces := []string{"CANARY", hex.EncodeToString([]byte("CANARY"))}
	for shift := range 3 {
		pieces = append(pieces, base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + "CANARY"))[4:8])
	}
	for _, p := range pieces {
		if strings.Contains(log, p) {
			return true
		}
	}
	return false
}

func newLogger(t *testing.T, w *bytes.Buffer, format string, secrets ...secret.Text) *slog.Logger {
	t.Helper()
	l, err := obs.NewLogger(w, slog.LevelInfo, format, secret.NewRedactor(secrets...))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatIsNoSecretStays(t *testing.T) {
	var out bytes.Buffer
	l := newLogger(t, &out, "json", secret.New(canary), secret.New("1234567890"))
	var missing *url.Error
	l.With("run", 7).WithGroup("g").Warn("message", "n", 12, "pin", 1234567890, "f", 0.5, "b", true, "d", time.Second,
		"t", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), "nil", nil, "nil error", missing, "ip", netip.MustParseAddr("::1"),
		"s", holder{Text: "x"}, "secret", secret.New(canary), "boxed", struct{ S secret.Text }{secret.New(canary)},
		"actor", sallyport.Actor{Kind: "cli"})
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	boxed := got["g"].(map[string]any)["boxed"].(string)
	delete(got["g"].(map[string]any), "boxed")
	if !strings.Contains(boxed, "a secret is never encoded") {
		t.Errorf("boxed: %s", boxed)
	}
	want := map[string]any{"level": "WARN", "msg": "message", "run": 7.0, "g": map[string]any{
		"n": 12.0, "pin": secret.Redacted, "f": 0.5, "b": true, "d": 1e9, "t": "2026-01-02T03:04:05Z", "nil": nil, "nil error": "<nil>",
		"ip": "::1", "s": `{"Text":"x","Bytes":"","Map":{}}`, "secret": "[secret]", "actor": `{"kind":"cli","name":""}`,
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretsLearntLaterAreRedacted(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		redactor := new(secret.Redactor)
		l, err := obs.NewLogger(&out, slog.LevelInfo, format, redactor)
		if err != nil {
			t.Fatal(err)
		}
		l = l.With("early", `CANARY/key+1&<"7>`)
		redactor.Add(secret.New(canary), secret.New(`CANARY/key+1&<"7>`))
		l.Info("m", "late", canary)
		if leaks(out.String()) || strings.Count(out.String(), secret.Redacted) != 2 {
			t.Errorf("%s: %s", format, out.String())
		}
	}
}

func TestIsAnOrdinaryHandler(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		out.Reset()
		return newLogger(t, &out, "json", secret.New(canary)).Handler()
	}, func(t *testing.T) map[string]any {
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		return line
	})
}

func TestLevelAndFormat(t *testing.T) {
	for _, test := range []struct{ format, prefix string }{{"text", "time="}, {"json", "{"}, {"auto", "{"}} {
		var out bytes.Buffer
		l := newLogger(t, &out, test.format)
		l.Debug("too low")
		if out.Len() > 0 {
			t.Errorf("%s: a debug line was written", test.format)
		}
		l.Info("m")
		if !strings.HasPrefix(out.String(), test.prefix) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%s: %s", test.format, out.String())
		}
	}
	if _, err := obs.NewLogger(os.Stderr, slog.LevelInfo, "jsn", nil); sallyport.CodeOf(err) != sallyport.Invalid ||
		err.Error() != `log.format: there is no log format "jsn"; did you mean "json"?` {
		t.Errorf("got %v", err)
	}
}

func BenchmarkLog(b *testing.B) {
	l, err := obs.NewLogger(new(bytes.Buffer), slog.LevelInfo, "json", secret.NewRedactor(secret.New(canary)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Info("page read", "flow", "urlhaus", "records", 1000, "took", time.Second, "err", errors.ErrUnsupported)
	}
}
