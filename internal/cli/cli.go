// Package cli is the command line: it says what was asked to package service, and shows what came.
package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/app"
	"github.com/sallyport-io/sallyport/internal/config"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// Streams is what a command line reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	Env      func(string) (string, bool)
	Terminal bool // Err is a terminal: progress may be drawn over itself
}

// OS returns the streams of the process.
func OS() Streams {
	return Streams{os.Stdin, os.Stdout, os.Stderr, os.LookupEnv, term.IsTerminal(int(os.Stderr.Fd()))}
}

// everywhere is the flags that every command has.
type everywhere struct {
	Data          string `help:"Directory of all that is kept (SALLYPORT_DATA)." placeholder:"DIR"`
	Output        string `help:"How results are shown: table or json." enum:"table,json" default:"table"`
	Database      string `help:"Where the database is (SALLYPORT_DATABASE)." placeholder:"URL"`
	MasterKey     string `help:"Where the master key is (SALLYPORT_MASTER_KEY)." placeholder:"URL"`
	FilesRoots    string `name:"files-roots" help:"Folders below which pages and API may use files (SALLYPORT_FILES_ROOTS)." placeholder:"DIR,…"`
	AllowPrivate  string `name:"egress-allow-private" help:"Private networks that connectors may reach (SALLYPORT_EGRESS_ALLOW_PRIVATE)." placeholder:"CIDR,…"`
	AllowLoopback string `name:"egress-allow-loopback" help:"Ports of this machine that any credential may reach (SALLYPORT_EGRESS_ALLOW_LOOPBACK)." placeholder:"PORT,…"`
	RejectLimit   string `help:"Share of a run's records that a destination may reject before it stops, or off (SALLYPORT_REJECT_LIMIT)." placeholder:"50%"`
	VanishLimit   string `help:"Share of a flow's known records that may vanish at once before the pull is held, or off (SALLYPORT_VANISH_LIMIT)." placeholder:"50%"`
	Confirm       string `help:"How many complete pulls in a row must miss a record before it counts as vanished: 1 to 3, or auto (SALLYPORT_CONFIRM)." placeholder:"auto"`
	Patience      string `help:"How long a run waits for a system that is away before it fails (SALLYPORT_PATIENCE)." placeholder:"12h"`
	PreviousKeys  string `name:"redact-previous-keys" help:"How long a replaced key is kept, sealed, and redacted, for example 90d (SALLYPORT_REDACT_PREVIOUS_KEYS)." placeholder:"30d"`
	LogLevel      string `help:"debug, info, warn or error (SALLYPORT_LOG_LEVEL)." placeholder:"LEVEL"`
	LogFormat     string `help:"text or json (SALLYPORT_LOG_FORMAT)." placeholder:"FORMAT"`
}

// commands is the whole command line.
type commands struct {
	everywhere `group:"Everywhere:"`

	Demo       demoCommand       `cmd:"" help:"Do the main job on a sandbox, and show what came of it."`
	Serve      serveCommand      `cmd:"" help:"Serve the pages, and work flows by their schedules."`
	Sandbox    sandboxCommand    `cmd:"" help:"Serve a local Pulsedive look-alike with made-up data."`
	Connector  connectorCommand  `cmd:"" help:"Look at the catalogue of connectors, and check a definition."`
	Credential credentialCommand `cmd:"" help:"Store, test and rotate credentials."`
	Source     sourceCommand     `cmd:"" help:"Try a source out."`
	Flow       flowCommand       `cmd:"" help:"Apply, run, pause, export and remove flows."`
	Dataset    datasetCommand    `cmd:"" help:"Look at kept records, and export them."`
	Run        runCommand        `cmd:"" help:"Look at runs."`
	Quarantine quarantineCommand `cmd:"" help:"Edit, replay and discard records that could not be taken."`
	Token      tokenCommand      `cmd:"" help:"Make and revoke tokens, by which programs use the HTTP API."`
	User       userCommand       `cmd:"" help:"Help users who cannot sign in."`
	Keys       keysCommand       `cmd:"" help:"Check the master key."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// env is what a command works with.
type env struct {
	Streams
	ctx      context.Context
	commands *commands
	redactor *secret.Redactor
	log      io.Writer // Err as it came: the log redacts, and asks whether it is a terminal, itself
	serving  bool      // not one command, but a server
	working  bool      // it pulls and delivers: what it committed stays, whatever becomes of it
	settings config.Settings
	app      *app.App
}

// Main runs one command line and returns its exit code. It owns the process: what libraries log on their own goes through its redactor, too.
func Main(args []string, streams Streams) (code int) {
	redactor := new(secret.Redactor)
	logTo := streams.Err
	streams.Out, streams.Err = redactor.Distinctive().Writer(streams.Out), redactor.Writer(streams.Err)
	log.SetOutput(streams.Err) // until there is a logger
	defer func() {
		if what := recover(); what != nil { // the runtime would print it unredacted
			fmt.Fprintf(streams.Err, "sallyport: a fault in the program (%v), please report it\n%s", what, debug.Stack())
			code = exitCodes[sallyport.Internal]
		}
	}()
	if err := withoutCore(); err != nil {
		fmt.Fprintln(streams.Err, "warning: a crash may leave a core dump with keys in it:", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the first signal asks to end, the second ends at once
	e := &env{Streams: streams, ctx: ctx, commands: new(commands), redactor: redactor, log: logTo}
	err := e.run(args)
	if e.app != nil {
		err = errors.Join(err, e.app.Close())
	}
	return e.exit(err)
}

// run parses the arguments and runs the command.
func (e *env) run(args []string) (err error) {
	var help bytes.Buffer
	parser, err := kong.New(e.commands,
		kong.Name("sallyport"),
		kong.Description("Pull records from APIs that need a key, keep them, deliver them – and let no key out."),
		kong.Writers(&help, e.Err),
		kong.Exit(func(int) { panic(helpShown{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true, NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.Bind(e),
		kong.BindToProvider(e.service),
	)
	if err != nil {
		return err
	}
	defer func() {
		switch r := recover(); r.(type) {
		case nil:
		case helpShown:
			err = e.print(help.Bytes())
		default:
			panic(r)
		}
	}()
	parsed, err := parser.Parse(args)
	if err != nil {
		return usage(err, parser, args)
	}
	return parsed.Run()
}

// helpShown unwinds the parser once help was shown: it expects that exiting does not return.
type helpShown struct{}

// usage makes an error of wrong use, with where to read about the right one. An argument that may be a key is not repeated.
func usage(err error, parser *kong.Kong, args []string) error {
	path, ofSecret := parser.Model.Name, false
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		for _, part := range parse.Context.Path { // flags and arguments stand in it too
			if node := part.Node(); node != nil {
				path = node.FullPath()
				ofSecret = ofSecret || slices.ContainsFunc(node.Flags, func(f *kong.Flag) bool { return f.Name == "secret-stdin" })
			}
		}
	}
	message := err.Error()
	if clean := maybeKeys(args, ofSecret).String(message); clean != message {
		message = clean + "\na key is never an argument: give it with --secret-stdin or --secret-file FILE. " +
			"If that was a key, replace it, because shells and logs of jobs keep arguments"
	}
	return sallyport.Errorf(sallyport.Invalid, "%s\nsee `%s --help`", message, path)
}

// maybeKeys knows the arguments that may be keys by their look, alone or behind a "=". Of a command that takes a secret, those are all that
// are neither flags nor words.
func maybeKeys(args []string, ofSecret bool) *secret.Redactor {
	known := new(secret.Redactor)
	for _, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		for _, text := range []string{strings.TrimLeft(arg, "-"), value} {
			if key := secret.New(text); key.Distinctive() || ofSecret && !plainWord.MatchString(text) {
				known.Add(key)
			}
		}
	}
	return known
}

// plainWord is the name of a command or a flag, perhaps misspelled.
var plainWord = regexp.MustCompile(`^-*[a-z-]+$`)

// load finds the settings, once.
func (e *env) load() error {
	if e.settings.Data != "" {
		return nil
	}
	c := e.commands
	flags := map[string]string{}
	for name, value := range map[string]string{
		"data": c.Data, "database": c.Database, "master_key": c.MasterKey, "files.roots": c.FilesRoots, "egress.allow_private": c.AllowPrivate, "egress.allow_loopback": c.AllowLoopback,
		"hosts": c.Serve.Hosts, "trusted_proxies": c.Serve.TrustedProxies,
		"reject_limit": c.RejectLimit, "vanish_limit": c.VanishLimit, "confirm": c.Confirm, "patience": c.Patience, "redact.previous_keys": c.PreviousKeys,
		"log.level": c.LogLevel, "log.format": c.LogFormat, "addr": c.Serve.Addr,
	} {
		if value != "" {
			flags[name] = value
		}
	}
	settings, err := config.Load(flags, e.Env, os.ReadFile)
	if err != nil {
		return err
	}
	e.settings = settings
	if e.settings.Log.Level == slog.LevelInfo && c.LogLevel == "" && !e.serving {
		e.settings.Log.Level = slog.LevelWarn // what a server logs of its work, a command says itself
	}
	return nil
}

// open opens the data directory, once, and makes the redactor know the keys in it.
func (e *env) open() (*app.App, error) {
	if e.app != nil {
		return e.app, nil
	}
	if err := e.load(); err != nil {
		return nil, err
	}
	var err error
	if e.app, err = app.Open(e.ctx, e.settings, e.log, e.redactor); err != nil {
		return nil, err
	}
	obs.Adopt(e.app.Service.Log)
	// Progress, errors and log lines name what is stored, too. A server starts anyway: its pages and API learn the keys again, or fail.
	if err := e.app.Service.LearnKeys(context.WithoutCancel(e.ctx)); err != nil && e.serving {
		e.app.Service.Log.Warn("the keys are unknown, so they would not be redacted", "error", err)
	} else if err != nil {
		return nil, err
	}
	return e.app, nil
}

// service is what commands ask, with the data directory open. A command that names it among the arguments of its Run is given it.
func (e *env) service() (*service.Service, error) {
	a, err := e.open()
	if err != nil {
		return nil, err
	}
	return a.Service, nil
}

// finding ends a command that did its work with an exit code of its own.
type finding int

func (f finding) Error() string { return fmt.Sprintf("exit code %d", int(f)) }

// The exit codes, part of the interface.
const (
	exitQuarantine  = 8
	exitInterrupted = 130
)

var exitCodes = map[sallyport.Code]int{
	sallyport.Internal: 1, sallyport.Invalid: 2, sallyport.Conflict: 2, sallyport.NotFound: 3,
	sallyport.Unauthenticated: 4, sallyport.Forbidden: 5, sallyport.Limited: 6, sallyport.Upstream: 7,
}

// exit shows an error and returns the exit code for it.
func (e *env) exit(err error) int {
	if err == nil {
		return 0
	}
	if code, ok := errors.AsType[finding](err); ok {
		return int(code)
	}
	switch stopped := e.ctx.Err() != nil; {
	case stopped && e.serving && errors.Is(err, context.Canceled):
		return 0 // a server that is stopped while it starts has nothing to report
	case stopped && !e.serving:
		fmt.Fprintln(e.Err, e.interrupted())
		return exitInterrupted
	}
	fmt.Fprintln(e.Err, "sallyport:", strings.TrimSpace(err.Error()))
	return exitCodes[sallyport.CodeOf(err)]
}

func (e *env) interrupted() string {
	if e.working {
		return "interrupted; what was committed is kept, and the next run goes on from there"
	}
	return "interrupted"
}

// actor is the person at the command line.
func (e *env) actor() sallyport.Actor {
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if v, ok := e.Env(name); ok && v != "" {
			return sallyport.Actor{Kind: "cli", Name: v}
		}
	}
	return sallyport.Actor{Kind: "cli", Name: fmt.Sprintf("uid %d", os.Getuid())}
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(e *env) error {
	return e.show(map[string]string{"version": app.Version()}, func(w io.Writer) { fmt.Fprintln(w, "sallyport", app.Version()) })
}
