package connectortest

import (
	"encoding/json"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The moments of a crash. The process that writes is another one, and really dies; on a full disk it lives, but its writes fail.
const (
	crashInWrite     = "killed during a write"
	crashAfterWrite  = "killed before the commit"
	crashAfterCommit = "killed after the commit"
	crashOnFullDisk  = "disk full"
)

// crashVariable tells a test process that it is to crash, and how.
const crashVariable = "SALLYPORT_CONNECTORTEST_CRASH"

// diskBytes is the size that no file can pass on a full disk. The records of a delivery are more.
const diskBytes = 128 << 10

type crash struct {
	Point  string
	Target connector.Target
	Seq    int64
	From   int // ids of the records
	To     int
}

// crashFirst crashes in the very first delivery, before any state was stored.
func crashFirst(p *place, point string) {
	p.crash(crash{Point: point, Seq: 1, From: 1, To: 3_000})
	p.reopen("")
	p.write(1, numbered(1, 3_000)...)
	p.commit()
	p.shows(numbered(1, 3_000)...)
	p.has(numbered(1, 3_000)...)
}

// crashLater crashes twice at the same place, after a delivery whose state was stored.
func crashLater(p *place, point string) {
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	p.target.State = p.commit()
	p.close()
	p.crash(crash{Point: point, Seq: 2, From: 11, To: 3_010})
	p.crash(crash{Point: point, Seq: 2, From: 11, To: 3_010})
	p.reopen(p.target.State)
	p.write(2, numbered(11, 3_010)...)
	p.write(3, numbered(3_011, 3_020)...)
	p.commit()
	p.shows(numbered(1, 3_020)...)
	p.has(numbered(1, 3_020)...)
}

// crash starts this test in a process of its own and waits for its end.
func (p *place) crash(c crash) {
	p.Helper()
	c.Target = p.target
	asked, err := json.Marshal(c)
	if err != nil {
		p.Fatal(err)
	}
	suite := p.Name()[:strings.LastIndex(p.Name(), "/")]
	process := exec.CommandContext(p.Context(), os.Args[0], "-test.run="+exactly(suite))
	process.Env = append(os.Environ(), crashVariable+"="+string(asked))
	output, err := process.CombinedOutput()
	if killed := process.ProcessState != nil && process.ProcessState.ExitCode() == -1; c.Point != crashOnFullDisk && !killed {
		p.Fatalf("the process was not killed: %v\n%s", err, output)
	}
	if c.Point == crashOnFullDisk && err != nil {
		p.Fatalf("the process with a full disk: %v\n%s", err, output)
	}
}

// exactly is the pattern for -test.run that finds one test.
func exactly(name string) string {
	parts := strings.Split(name, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	return strings.Join(parts, "/")
}

// crashAsked tells whether this process is one that is to crash.
func crashAsked() (c crash, ok bool) {
	asked, ok := os.LookupEnv(crashVariable)
	if !ok {
		return c, false
	}
	if err := json.Unmarshal([]byte(asked), &c); err != nil {
		panic(err)
	}
	return c, true
}

// happen writes and crashes.
func (c crash) happen(t *testing.T, h Harness) {
	if c.Point == crashOnFullDisk {
		c.fillDisk(t, h)
		return
	}
	open, err := h.Open(t.Context(), c.Target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open.Write(t.Context(), batch(c.Seq, numbered(c.From, c.To)...)); err != nil {
		t.Fatal(err)
	}
	switch c.Point {
	case crashInWrite:
		_, err = open.Write(t.Context(), deadly(c.Seq+1))
	case crashAfterWrite:
		die()
	case crashAfterCommit:
		_, err = open.Commit(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	die()
}

// deadly is a batch that ends the process in its midst.
func deadly(seq int64) connector.Batch {
	return connector.Batch{Seq: seq, Records: func(yield func([]byte) bool) {
		for record := range batch(seq, numbered(20_001, 25_000)...).Records {
			if !yield(record) {
				return
			}
		}
		die()
	}}
}

// die ends the process at once, as kill -9 does.
func die() {
	if err := syscall.Kill(os.Getpid(), syscall.SIGKILL); err != nil {
		panic(err)
	}
	select {}
}

// fillDisk writes more than the disk takes, and wants to be told so.
func (c crash) fillDisk(t *testing.T, h Harness) {
	signal.Ignore(syscall.SIGXFSZ)
	limit := syscall.Rlimit{Cur: diskBytes, Max: diskBytes}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	open, err := h.Open(t.Context(), c.Target)
	if err != nil {
		t.Fatal(err)
	}
	_, err = open.Write(t.Context(), batch(c.Seq, numbered(c.From, c.To)...))
	if err == nil {
		_, err = open.Commit(t.Context())
	}
	if sallyport.CodeOf(err) != sallyport.Upstream {
		t.Errorf("%v must be an error of the other system", err)
	}
	if cause := connector.CauseOf(err); cause != connector.CauseLocal {
		t.Errorf("the cause of %v is %s, but the delivery must be retried", err, cause)
	}
	if err := open.Close(); err != nil {
		t.Logf("close: %v", err)
	}
}
