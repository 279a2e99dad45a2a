package config_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/config"
)

// given is where a test takes its settings from. Without a home it has one.
type given struct {
	flags, env map[string]string
	file       string
	readErr    error
}

func (g given) load() (config.Settings, error) {
	env := func(name string) (string, bool) {
		v, ok := g.env[name]
		if name == "HOME" && !ok {
			return "/home/ann", true
		}
		return v, ok
	}
	readFile := func(path string) ([]byte, error) {
		switch {
		case filepath.Base(path) != config.FileName:
			return nil, errors.New("asked for " + path)
		case g.readErr != nil:
			return nil, g.readErr
		case g.file == "":
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		}
		return []byte(g.file), nil
	}
	return config.Load(g.flags, env, readFile)
}

func defaults(data string) config.Settings {
	return config.Settings{
		Data:        data,
		Database:    "sqlite:" + data + "/sallyport.db",
		MasterKey:   "file:" + data + "/master.key",
		Addr:        "127.0.0.1:8420",
		RejectLimit: 50, VanishLimit: 50, Patience: 12 * time.Hour,
		Redact: config.Redact{PreviousKeys: 30 * 24 * time.Hour},
		Log:    config.Log{Level: slog.LevelInfo, Format: "auto"},
		Files:  config.Files{Roots: []string{data + "/files"}},
	}
}

const fullFile = `# settings
database: postgres://ann:hunter2hunter2@db/sallyport
master_key: file:/etc/sallyport/master.key
addr: "[::1]:80"
hosts: [Sallyport.Example.com, "intern:8443"]
trusted_proxies: [10.0.0.7, "::ffff:10.0.0.8", "fd00::/8"]
egress: {allow_private: [10.0.0.0/8, "fd00::/8"], allow_loopback: [9200]}
redact: {previous_keys: 2w}
log:
  level: debug
  format: json
`

func TestLoad(t *testing.T) {
	fromFile := config.Settings{
		Data:        "/srv",
		Database:    "postgres://ann:hunter2hunter2@db/sallyport",
		MasterKey:   "file:/etc/sallyport/master.key",
		Addr:        "[::1]:80",
		RejectLimit: 50, VanishLimit: 50, Patience: 12 * time.Hour,
		Hosts:   []string{"sallyport.example.com", "intern:8443"},
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.0.0.8/32"), netip.MustParsePrefix("fd00::/8")},
		Files:   config.Files{Roots: []string{"/srv/files"}},
		Egress: config.Egress{
			AllowPrivate:  []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")},
			AllowLoopback: []uint16{9200},
		},
		Redact: config.Redact{PreviousKeys: 14 * 24 * time.Hour},
		Log:    config.Log{Level: slog.LevelDebug, Format: "json"},
	}
	with := func(s config.Settings, change func(*config.Settings)) config.Settings {
		change(&s)
		return s
	}
	srv := map[string]string{"data": "/srv"}
	for name, test := range map[string]struct {
		given given
		want  config.Settings
	}{
		"nothing":          {given{}, defaults("/home/ann/.local/share/sallyport")},
		"XDG":              {given{env: map[string]string{"XDG_DATA_HOME": "/xdg"}}, defaults("/xdg/sallyport")},
		"relative XDG":     {given{env: map[string]string{"XDG_DATA_HOME": "xdg"}}, defaults("/home/ann/.local/share/sallyport")},
		"data by variable": {given{env: map[string]string{"SALLYPORT_DATA": "/var/x/"}}, defaults("/var/x")},
		"no home needed":   {given{env: map[string]string{"SALLYPORT_DATA": "/var/x", "HOME": ""}}, defaults("/var/x")},
		"data by flag":     {given{flags: srv, env: map[string]string{"SALLYPORT_DATA": "/var/x"}}, defaults("/srv")},
		"<data> of a person": {given{flags: map[string]string{"data": "/srv", "master_key": "file:<data>/k"}},
			with(defaults("/srv"), func(s *config.Settings) { s.MasterKey = "file:<data>/k" })},
		"file":           {given{flags: srv, file: fullFile}, fromFile},
		"commented file": {given{flags: srv, file: "# addr: x\n\n   # y\n"}, defaults("/srv")},
		"empty values":   {given{flags: srv, file: "addr:\nlog: {level: ''}\negress: {allow_private: []}\n"}, defaults("/srv")},
		"variable over file": {given{flags: srv, file: fullFile, env: map[string]string{"SALLYPORT_LOG_LEVEL": "WARN", "SALLYPORT_LOG_FORMAT": ""}},
			with(fromFile, func(s *config.Settings) { s.Log.Level = slog.LevelWarn })},
		"flag over variable": {given{
			flags: map[string]string{"data": "/srv", "addr": ":1", "egress.allow_private": " 192.168.7.1/16 ,"},
			env:   map[string]string{"SALLYPORT_ADDR": "wrong, but not used", "SALLYPORT_EGRESS_ALLOW_PRIVATE": "10.0.0.0/8"},
			file:  fullFile,
		}, with(fromFile, func(s *config.Settings) {
			s.Addr, s.Egress.AllowPrivate = ":1", []netip.Prefix{netip.MustParsePrefix("192.168.0.0/16")}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.given.load()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEverySettingHasEverySource(t *testing.T) {
	samples := map[string]string{
		"data": "/a", "database": "sqlite:/x.db", "master_key": "file:/k", "addr": "127.0.0.1:1",
		"hosts": "sallyport.example.com", "trusted_proxies": "10.0.0.7", "egress.allow_loopback": "9200",
		"files.roots": "/a,/b", "egress.allow_private": "10.0.0.0/8", "reject_limit": "10%", "vanish_limit": "10%", "confirm": "3", "patience": "1h", "log.level": "error", "log.format": "text", "redact.previous_keys": "0d",
	}
	for _, s := range config.Table() {
		t.Run(s.Name, func(t *testing.T) {
			if want := "SALLYPORT_" + strings.ToUpper(strings.ReplaceAll(s.Name, ".", "_")); s.Env != want || s.Help == "" {
				t.Errorf("%+v", s)
			}
			base, err := given{}.load()
			if err != nil {
				t.Fatal(err)
			}
			sources := map[string]given{
				"flag":     {flags: map[string]string{s.Name: samples[s.Name]}},
				"variable": {env: map[string]string{s.Env: samples[s.Name]}},
				"file":     {file: asFile(s.Name, samples[s.Name])},
			}
			if s.Name == "data" {
				delete(sources, "file") // which is in it
			}
			for source, g := range sources {
				got, err := g.load()
				if err != nil {
					t.Fatalf("%s: %v", source, err)
				}
				if cmp.Equal(base, got, cmpopts.EquateComparable(netip.Prefix{})) {
					t.Errorf("the %s has no effect", source)
				}
			}
		})
	}
}

// asFile writes a setting as YAML, whose lists are in brackets.
func asFile(name, text string) string {
	if slices.Contains([]string{"egress.allow_private", "egress.allow_loopback", "files.roots", "hosts", "trusted_proxies"}, name) {
		text = "[" + text + "]"
	}
	if outer, inner, ok := strings.Cut(name, "."); ok {
		return outer + ":\n  " + inner + ": " + text + "\n"
	}
	return name + ": " + text + "\n"
}

func TestFaults(t *testing.T) {
	flag := func(name, text string) given { return given{flags: map[string]string{"data": "/d", name: text}} }
	variable := func(name, text string) given {
		return given{env: map[string]string{"SALLYPORT_DATA": "/d", name: text}}
	}
	file := func(text string) given { return given{flags: map[string]string{"data": "/d"}, file: text} }
	for name, test := range map[string]struct {
		given given
		want  string
	}{
		"level by flag":     {flag("log.level", "loud"), `log.level: there is no level "loud"; it is one of debug, info, warn, error (set by --log-level)`},
		"level by variable": {variable("SALLYPORT_LOG_LEVEL", "warm"), `log.level: there is no level "warm"; did you mean "warn"? (set by SALLYPORT_LOG_LEVEL)`},
		"level in file":     {file("log:\n  level: loud"), `log.level: there is no level "loud"; it is one of debug, info, warn, error (set by /d/config.yaml:2:10)`},
		"format":            {flag("log.format", "jsn"), `log.format: there is no format "jsn"; did you mean "json"? (set by --log-format)`},
		"network": {file("egress: {allow_private: [10.0.0.0/8, 10.0.0.1]}"),
			`egress.allow_private: "10.0.0.1" is no network: write ADDRESS/BITS, such as 10.0.0.0/8 (set by /d/config.yaml:1:25)`},
		"network by flag": {flag("egress.allow_private", "x"),
			`egress.allow_private: "x" is no network: write ADDRESS/BITS, such as 10.0.0.0/8 (set by --egress-allow-private)`},
		"host": {file("hosts: [https://x.example]"),
			`hosts: "https://x.example" must be a host name, with a port if need be, for example sallyport.example.com (set by /d/config.yaml:1:8)`},
		"proxy": {flag("trusted_proxies", "all"),
			`trusted_proxies: "all" must be an IP address or a network, for example 10.0.0.7 or 10.0.0.0/8 (set by --trusted-proxies)`},
		"loopback port": {variable("SALLYPORT_EGRESS_ALLOW_LOOPBACK", "9200,0"),
			`egress.allow_loopback: "0" must be a port, for example 9200 (set by SALLYPORT_EGRESS_ALLOW_LOOPBACK)`},
		"address": {variable("SALLYPORT_ADDR", "8420"),
			`addr: "8420" is no address to listen on: write HOST:PORT, such as 127.0.0.1:8420 (set by SALLYPORT_ADDR)`},
		"port": {variable("SALLYPORT_ADDR", "h:65536"),
			`addr: "h:65536" is no address to listen on: write HOST:PORT, such as 127.0.0.1:8420 (set by SALLYPORT_ADDR)`},
		"database": {file("\ndatabase: mysql://ann:hunter2hunter2@db/x"),
			"database: must be sqlite:PATH or postgres://USER@HOST/NAME (set by /d/config.yaml:2:11)"},
		"database without a place": {flag("database", "sqlite:"), "database: must be sqlite:PATH or postgres://USER@HOST/NAME (set by --database)"},
		"no home": {given{env: map[string]string{"HOME": ""}},
			"data: there is no home directory to keep data in; name a directory with --data or SALLYPORT_DATA"},
		"relative root":    {flag("files.roots", "/a, out"), `files.roots: "out" must be an absolute path, for example /srv/sallyport (set by --files-roots)`},
		"no root":          {flag("files.roots", " ,"), `files.roots: must name at least one folder (set by --files-roots)`},
		"unknown key":      {file("lgo: {level: debug}"), `/d/config.yaml:1:1: unknown key "lgo"; did you mean "log"?`},
		"unknown nested":   {file("log: {levle: debug}"), `/d/config.yaml:1:7: unknown key "levle"; did you mean "level"?`},
		"data in the file": {file("data: /x"), `/d/config.yaml:1:1: unknown key "data"; the keys here are addr, confirm, database, egress, files, hosts, log, master_key, patience, redact, reject_limit, trusted_proxies, vanish_limit`},
		"two documents":    {file("addr: h:1\n---\naddr: h:2\n"), "/d/config.yaml:3:1: a second document begins here, but there may be only one"},
		"unreadable":       {given{readErr: fs.ErrPermission}, "the settings cannot be read: permission denied"},
		"two at once": {given{flags: map[string]string{"data": "/d", "addr": "x", "log.format": "x"}},
			`addr: "x" is no address to listen on: write HOST:PORT, such as 127.0.0.1:8420 (set by --addr)` + "\n" +
				`log.format: there is no format "x"; it is one of auto, text, json (set by --log-format)`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := test.given.load()
			if err == nil || err.Error() != test.want {
				t.Fatalf("got  %v\nwant %s", err, test.want)
			}
			if sallyport.CodeOf(err) != sallyport.Invalid {
				t.Errorf("code %s", sallyport.CodeOf(err))
			}
		})
	}
}

func TestLoadFromTheSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, config.FileName), []byte("addr: 127.0.0.1:9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("SALLYPORT_DATA", ".")
	got, err := config.Load(nil, os.LookupEnv, os.ReadFile)
	if err != nil || got.Addr != "127.0.0.1:9" || !filepath.IsAbs(got.Data) {
		t.Errorf("%+v, %v", got, err)
	}
}
