package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

type demoCommand struct {
	Dir     string `help:"Where the results go, and what the demo stores." default:"sallyport-demo" placeholder:"DIR"`
	Records int    `help:"How many records there are to pull." default:"2500"`
}

const (
	demoCredential = "Sandbox key"
	demoFlow       = "demo"
	demoMarker     = ".sallyport-demo" // tells a directory that a demo made from one that is somebody's
)

// demo is a demo that is being shown.
type demo struct {
	*env
	dir     string // absolute
	shown   string // dir, as it was given
	service *service.Service
	step    int
}

// Run does the main job on a sandbox.
func (c *demoCommand) Run(e *env) error {
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	d := &demo{env: e, dir: dir, shown: filepath.Clean(c.Dir)}
	if err := d.prepare(); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(e.ctx)
	defer stop()
	s, err := sandbox.New(sandbox.Options{Records: c.Records})
	if err != nil {
		return err
	}
	address, done, err := s.Serve(ctx, "127.0.0.1:0")
	if err != nil {
		return err
	}
	if err := d.show(address, s); err != nil {
		return err
	}
	stop()
	return <-done
}

// prepare makes an empty directory, of an earlier demo's or of none.
func (d *demo) prepare() error {
	entries, err := os.ReadDir(d.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return sallyport.FieldErrorf("--dir", "%w", err)
	case len(entries) > 0:
		if _, err := os.Stat(filepath.Join(d.dir, demoMarker)); err != nil {
			return sallyport.FieldErrorf("--dir", "%s is not empty, and no demo made it; choose another directory", d.dir)
		}
		for _, name := range []string{"data", "indicators.ndjson", ".indicators.ndjson.sallyport", "intel.db", "intel.db-wal", "intel.db-shm"} {
			if err := os.RemoveAll(filepath.Join(d.dir, name)); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return sallyport.FieldErrorf("--dir", "%w", err)
	}
	d.commands.Data = filepath.Join(d.dir, "data")
	return os.WriteFile(filepath.Join(d.dir, demoMarker), nil, 0o644)
}

// show does the main job, step by step.
func (d *demo) show(address string, s *sandbox.Sandbox) error {
	d.say("The sandbox, a local Pulsedive with made-up data, listens on %s", address)
	key := secret.New(s.CreateKey("Sallyport demo"))
	d.say("Its account page gave out an API key")
	var err error
	if d.service, err = d.env.service(); err != nil {
		return err
	}
	stored, err := d.service.CreateCredential(d.ctx, d.actor(), service.CredentialDraft{
		Name: demoCredential, Description: "Key of the sandbox, made by the demo", Connector: "pulsedive",
		Public: map[string]string{"address": address}, Secrets: map[string]secret.Text{"key": key},
	}, service.MustTest)
	if err != nil {
		return err
	}
	d.say("The key works (%s); it is stored sealed, as credential %q", stored.Verdict, stored.Name)
	sample, err := d.service.TestSource(d.ctx, d.actor(), service.SourceDraft{
		Connector: "pulsedive", Credential: demoCredential, Endpoint: "feed.indicators", Params: map[string]any{"fid": "1"},
	})
	if err != nil {
		return err
	}
	d.say("A test of the source fetched %s of feed 1", plural(int64(len(sample.Records)), "record"))
	file := service.FlowFile{Name: "demo.yaml", Data: d.flowFile()}
	if _, err := d.service.ApplyFlows(d.ctx, d.actor(), []service.FlowFile{file}, false); err != nil {
		return err
	}
	d.say("Flow %q pulls the linked indicators of feed 1, keeps them, and delivers them twice", demoFlow)
	run, _, err := d.service.StartRun(d.ctx, d.actor(), demoFlow)
	if err != nil {
		return err
	}
	return d.finish(run.ID)
}

// finish works the run and shows where the results are.
func (d *demo) finish(id int64) error {
	d.working = true
	view := &progressView{env: d.env}
	run, err := d.service.Follow(d.ctx, id, time.Minute, view.tell)
	view.done()
	if err != nil {
		return err
	}
	detail, err := d.service.Run(d.ctx, run.ID)
	if err != nil {
		return err
	}
	if err := d.env.show(detail, func(w io.Writer) { d.results(w, detail, view.last) }); err != nil {
		return err
	}
	return runError(run)
}

func (d *demo) results(w io.Writer, run *service.RunDetail, last service.Progress) {
	fmt.Fprintln(w)
	runSummary(w, run, last)
	fmt.Fprintf(w, `
The results:
  %[1]s/indicators.ndjson   JSON lines
  %[1]s/intel.db            SQLite, table indicators

Look around (the key is nowhere in there):
  %[5]s --data %[2]s dataset show demo
  %[5]s --data %[2]s credential show %[6]s
  head -n 3 %[3]s
  sqlite3 %[4]s 'SELECT risk, count(*) FROM indicators GROUP BY risk'

With an account of your own at pulsedive.com:
  %[5]s credential add pulsedive --name "Pulsedive personal"
  %[5]s source test --connector pulsedive --credential "Pulsedive personal" --endpoint feed.indicators --param fid=1
`, d.shown, word(d.shown+"/data"), word(d.shown+"/indicators.ndjson"), word(d.shown+"/intel.db"), program(), word(demoCredential))
}

// program is how the user called the program: it may not be installed yet.
func program() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/sallyport"
	}
	return "sallyport"
}

func (d *demo) flowFile() []byte {
	return fmt.Appendf(nil, `flow: %s
description: The linked indicators of the sandbox's first feed
source:
  connector: pulsedive
  credential: %s
  endpoint: feed.indicators
  params: {fid: 1}
destinations:
  - name: lines
    connector: file
    config: {path: %q, format: ndjson}
  - name: table
    connector: sqlite
    config: {path: %q, table: indicators, key: [iid], mode: upsert}
`, demoFlow, demoCredential, filepath.Join(d.dir, "indicators.ndjson"), filepath.Join(d.dir, "intel.db"))
}

// say tells of a step, as it is done.
func (d *demo) say(format string, args ...any) {
	d.step++
	fmt.Fprintf(d.Err, "%d. %s\n", d.step, fmt.Sprintf(format, args...))
}
