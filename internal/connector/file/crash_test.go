package file_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/file"
	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/files/filestest"
)

const out = "new/deeper/out"

// groups are the batches of a dataset as they are committed; "close" ends a delivery. One is larger than a small buffer, so that a part of it is
// written before its commit.
func groups() [][]string {
	large := strings.Repeat("0123456789abcdef", 550)
	record := func(id int, text string) string { return `{"id":` + strconv.Itoa(id) + `,"text":"` + text + `"}` }
	return [][]string{
		{record(1, "one"), record(2, "two")},
		{record(3, large), record(4, large), record(5, "five")},
		{},
		{"close"},
		{record(6, "six"), record(7, "seven"), record(8, "eight")},
		{record(9, "nine")},
	}
}

// stored is what the database knows of a destination.
type stored struct {
	state    string
	position int // in groups
}

// delivery delivers to a disk, as the engine does.
type delivery struct {
	disk   *filestest.Disk
	format string
	now    stored
	before stored // the last commit
	at     int    // how many operations there were when that commit was complete
}

func (d *delivery) open(ctx context.Context) (connector.Destination, error) {
	return file.Open(ctx, connector.Target{
		ID: "dst_one", Dataset: "set_one", State: d.now.state, Config: map[string]any{"path": "/" + out, "format": d.format},
		Files: func(_ context.Context, path string) (files.FS, string, error) { return d.disk, path[1:], nil },
	})
}

// run delivers what is left. It ends at the first error, and closes what is open.
func (d *delivery) run(ctx context.Context) (err error) {
	var open connector.Destination
	closing := func() error {
		if open == nil {
			return nil
		}
		closed := open
		open = nil
		return closed.Close()
	}
	defer func() { err = errors.Join(err, closing()) }()
	for all := groups(); d.now.position < len(all); {
		group := all[d.now.position]
		if len(group) == 1 && group[0] == "close" {
			d.now.position++
			if err := closing(); err != nil {
				return err
			}
			continue
		}
		if open == nil {
			if open, err = d.open(ctx); err != nil {
				return err
			}
		}
		if _, err := open.Write(ctx, batch(group...)); err != nil {
			return err
		}
		state, err := open.Commit(ctx)
		if err != nil {
			return err
		}
		d.before, d.now, d.at = d.now, stored{state, d.now.position + 1}, len(d.disk.Ops())
	}
	return nil
}

// finish delivers what is left on a disk, which must succeed, and compares the file: as it is, and after a power failure. It returns the disk
// after that.
func finish(t *testing.T, when string, disk *filestest.Disk, format string, from stored, want string) *filestest.Disk {
	t.Helper()
	complete(t, when, disk, format, from, want)
	crashed := disk.Crash(lose)
	same(t, when+", and a power failure at the end", crashed, want)
	return crashed
}

// again is finish, and then delivers everything again.
func again(t *testing.T, when string, disk *filestest.Disk, format string, from stored, want string) {
	t.Helper()
	complete(t, when+", and everything again", finish(t, when, disk, format, from, want), format, stored{}, want)
}

// complete delivers what is left, without faults.
func complete(t *testing.T, when string, disk *filestest.Disk, format string, from stored, want string) {
	t.Helper()
	if err := (&delivery{disk: disk, format: format, now: from}).run(t.Context()); err != nil {
		t.Errorf("%s: the next delivery failed: %v", when, err)
	}
	same(t, when, disk, want)
}

func same(t *testing.T, when string, disk *filestest.Disk, want string) {
	t.Helper()
	if content, exists := disk.Content(out); content != want {
		t.Errorf("%s: the file (%t) is not what was delivered (-want +got):\n%.1000s", when, exists, cmp.Diff(short(want), short(content)))
	}
}

func lose(filestest.Change) filestest.Outcome { return filestest.Lost }

// short makes long texts readable.
func short(content string) []string {
	var lines []string
	for line := range strings.Lines(content) {
		lines = append(lines, fmt.Sprintf("%d bytes: %.40q", len(line), line))
	}
	return lines
}

// expected is what the file holds in the end.
func expected(format string) string {
	var lines strings.Builder
	if format == "csv" {
		lines.WriteString("id,text\n")
	}
	for _, group := range groups() {
		for _, record := range group {
			if format == "csv" {
				record = strings.NewReplacer(`{"id":`, "", `"text":`, "", `"`, "", "}", "").Replace(record)
			}
			if record != "close" {
				lines.WriteString(record + "\n")
			}
		}
	}
	return lines.String()
}

// everyOperation calls f for each operation of a delivery without faults, until f fails.
func everyOperation(t *testing.T, f func(t *testing.T, format, want string, n int, op filestest.Op)) {
	file.SmallBuffer(t)
	for _, format := range []string{"ndjson", "csv"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			disk := filestest.New()
			want := expected(format)
			finish(t, "without faults", disk, format, stored{}, want)
			ops := disk.Ops()
			for n := 0; n < len(ops) && !t.Failed(); n++ {
				f(t, format, want, n, ops[n])
			}
		})
	}
}

// interrupted delivers until the disk has done n operations, and returns the states that the database may have then.
func interrupted(t *testing.T, disk *filestest.Disk, format string, from stored, n int) []stored {
	t.Helper()
	disk.StopAfter(n)
	d := &delivery{disk: disk, format: format, now: from, before: from}
	if err := d.run(t.Context()); err == nil {
		return []stored{d.now}
	}
	if d.at == n {
		return []stored{d.now, d.before} // the commit was complete, but not stored
	}
	return []stored{d.now}
}

// TestPowerFailureAtEveryOperation cuts the power after each operation, and once more during the delivery that follows. Whatever of the
// unsynced changes is on the disk, the file holds every record once in the end.
func TestPowerFailureAtEveryOperation(t *testing.T) {
	everyOperation(t, func(t *testing.T, format, want string, n int, op filestest.Op) {
		disk := filestest.New()
		states := interrupted(t, disk, format, stored{}, n)
		if ops := disk.Ops(); len(states) == 1 && n > 0 && !ops[n-1].Changes() {
			return // the disk and the database are as they were one operation before
		}
		for _, from := range states {
			for state, crashed := range disk.Crashes(uint64(n)) {
				when := fmt.Sprintf("power failure before operation %d (%s), %s", n, op, state)
				second := crashed.Crash(lose)
				if state == "all lost" { // once for each operation
					again(t, when, crashed, format, from, want)
				} else {
					finish(t, when, crashed, format, from, want)
				}
				dice := rand.New(rand.NewPCG(uint64(n), 1))
				for _, from := range interrupted(t, second, format, from, dice.IntN(40)) {
					twice := second.Crash(func(filestest.Change) filestest.Outcome { return filestest.Outcome(dice.IntN(4)) })
					finish(t, when+", and again", twice, format, from, want)
				}
			}
		}
	})
}

// TestKillAtEveryOperation kills the process after each operation. What it left unsynced is still so when the power fails in the end.
func TestKillAtEveryOperation(t *testing.T) {
	everyOperation(t, func(t *testing.T, format, want string, n int, op filestest.Op) {
		for i := range 2 {
			disk := filestest.New()
			if from := interrupted(t, disk, format, stored{}, n); i < len(from) {
				disk.Restart()
				again(t, fmt.Sprintf("killed before operation %d (%s)", n, op), disk, format, from[i], want)
			}
		}
	})
}

// TestFailureOfEveryOperation lets each operation fail, with an error that may pass. The next delivery completes the file.
func TestFailureOfEveryOperation(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.ENOSPC} {
		everyOperation(t, func(t *testing.T, format, want string, n int, op filestest.Op) {
			d := &delivery{disk: filestest.New(), format: format}
			d.disk.Fail(func(_ filestest.Op, before int) error {
				if before == n {
					return cause
				}
				return nil
			})
			when := fmt.Sprintf("operation %d (%s) failed", n, op)
			if err := d.run(t.Context()); err == nil {
				t.Errorf("%s: nobody noticed", when)
			} else if connector.CauseOf(err) != connector.CauseLocal && op != filestest.Close && op != filestest.Truncate && op != filestest.Stat {
				t.Errorf("%s: %v must be an error that is retried", when, err)
			}
			d.disk.Restart()
			again(t, when, d.disk, format, d.now, want)
		})
	}
}
