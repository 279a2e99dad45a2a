// Package config says how Sallyport is set up: one table of settings, and where their values come from.
//
// The first of these that has a value for a setting decides: the flag, the environment variable, config.yaml in the data directory,
// the default. An empty value is none.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// FileName is the name of the settings file in the data directory.
const FileName = "config.yaml"

// Settings are the values of all settings.
type Settings struct {
	Data      string         // absolute path of the directory of the database, master key and files
	Database  string         // sqlite:PATH or postgres://…, which may hold a password: never show it
	MasterKey string         // as package vault understands it
	Addr      string         // HOST:PORT to listen on
	Hosts     []string       // names, in lower case and perhaps with a port, by which pages and API are reached besides their own address
	Proxies   []netip.Prefix // whose word for the address of a client counts
	// RejectLimit is how many percent of a run's records a destination may reject before it stops; 0 is no limit.
	RejectLimit int
	VanishLimit int           // how many percent of a flow's known records may vanish at once before the pull is held; 0 is no limit
	Confirm     int           // how many complete pulls in a row must miss a record before it counts as vanished; 0: what fits the source
	Patience    time.Duration // how long a run waits for a system that is away
	Files       Files
	Egress      Egress
	Redact      Redact
	Log         Log
}

// Files is where pages and API may read and write files.
type Files struct {
	Roots []string // absolute paths of folders
}

// Egress is what connectors may reach.
type Egress struct {
	AllowPrivate  []netip.Prefix // networks besides the public ones
	AllowLoopback []uint16       // ports of this machine
}

// Redact is what is taken out of text.
type Redact struct {
	PreviousKeys time.Duration // how long a key is looked for after it was replaced
}

// Log is how the log is written, as package obs understands it.
type Log struct {
	Level  slog.Level
	Format string
}

// Load finds the value of every setting. The flags are those that were given, by the name of their setting; env is [os.LookupEnv],
// readFile is [os.ReadFile]. Its errors, joined, name the setting and the place of the wrong value; they never repeat the database's.
func Load(flags map[string]string, env func(string) (string, bool), readFile func(string) ([]byte, error)) (Settings, error) {
	l := &loader{flags: flags, env: env}
	l.set(dataSetting)
	if len(l.faults) > 0 {
		return Settings{}, errors.Join(l.faults...)
	}
	path := filepath.Join(l.settings.Data, FileName)
	content, err := readFile(path)
	switch {
	case err == nil:
		l.file, err = parseFile(path, content)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	default:
		err = sallyport.Errorf(sallyport.Invalid, "the settings cannot be read: %w", err)
	}
	if err != nil {
		return Settings{}, err
	}
	for _, s := range table[1:] {
		l.set(s)
	}
	return l.settings, errors.Join(l.faults...)
}

// value is the text of a setting, and where it stands.
type value struct{ text, origin string }

type loader struct {
	flags    map[string]string
	env      func(string) (string, bool)
	file     map[string]value // by the name of the setting
	settings Settings
	faults   []error
}

func (l *loader) set(s setting) {
	v, err := l.find(s)
	if err == nil {
		err = s.set(&l.settings, v.text)
	}
	if err == nil {
		return
	}
	fault := sallyport.FieldErrorf(s.Name, "%w", err)
	if v.origin != "" {
		fault.Message += fmt.Sprintf(" (set by %s)", v.origin)
	}
	l.faults = append(l.faults, fault)
}

func (l *loader) find(s setting) (value, error) {
	if text := l.flags[s.Name]; text != "" {
		return value{text, "--" + strings.NewReplacer(".", "-", "_", "-").Replace(s.Name)}, nil
	}
	if text, _ := l.env(s.Env); text != "" {
		return value{text, s.Env}, nil
	}
	if v := l.file[s.Name]; v.text != "" {
		return v, nil
	}
	if s.Name == dataSetting.Name {
		dir, err := l.userData()
		return value{text: dir}, err
	}
	return value{text: strings.ReplaceAll(s.Default, "<data>", l.settings.Data)}, nil
}

// userData is the directory of the user's data, as the XDG base directory specification says.
func (l *loader) userData() (string, error) {
	base, _ := l.env("XDG_DATA_HOME")
	if !filepath.IsAbs(base) {
		home, _ := l.env("HOME")
		if home == "" {
			return "", fmt.Errorf("there is no home directory to keep data in; name a directory with --data or %s", dataSetting.Env)
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "sallyport"), nil
}
