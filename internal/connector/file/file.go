// Package file is the destination that writes a dataset to a file, as JSON lines or as CSV.
//
// The state says how much of the file is committed, and how that part ends. Opening a file cuts off what follows, so that it holds every
// record once, whenever a crash happened. A file that is shorter, or that does not end like that where it was committed, was changed by
// another program: the destination leaves it alone and says how to start again. The same is checked before each commit, together with the
// name: a file that was moved away is not written any longer. Writes append, so a file that another program truncates gets no hole.
//
// Without a state, only a note beside the file can tell whether its content belongs to this destination: .NAME.sallyport holds the id of
// the destination that owns the file. The content of another owner is never overwritten; its own is replaced when the destination starts
// again at the beginning of its dataset. A lock keeps a second writer away.
//
//	file.go  the destination, record by record
//	open.go  opening a file where it was committed
//	tail.go  the end of a file, and whether it is as expected
//	note.go  who owns a file
//	csv.go   records as rows
package file

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/files"
)

// The formats of a file.
const (
	formatLines = "ndjson" // every record as it is, one a line
	formatCSV   = "csv"
)

// bufferBytes is how much is encoded before it is written. Only tests change it.
var bufferBytes = 256 << 10

type destination struct {
	path      string // as people know it
	format    string
	again     string   // the command that delivers everything again
	in        files.FS // the folder that name is in
	name      string
	file      files.File
	committed int64 // bytes
	tail      *tail // of the file, written so far
	out       *bufio.Writer
	encoder   encoder
	guarded   bool  // csv: the formula guard is on
	err       error // the first failure: nothing is written after it
}

// encoder writes records in one format. The errors of the writer below it are its errors.
type encoder interface {
	// begin looks at the records of a batch before they are encoded.
	begin(records iter.Seq[[]byte]) error
	// encode writes a record, or says why it does not fit.
	encode(record []byte) (reason string, err error)
	// columns are those of the file, if the format has any.
	columns() []string
}

// state is what one opening leaves for the next.
type state struct {
	Format  string   `json:"format"`
	Length  int64    `json:"length"`         // committed bytes
	Tail    string   `json:"tail,omitempty"` // hash of the last of them; states of older versions have none
	Columns []string `json:"columns,omitempty"`
	Plain   bool     `json:"plain,omitempty"` // csv: without the formula guard; states of older versions, which always had it, do not say so
}

// guarded tells whether the formula guard is on: as the configuration says or, where it does not, as the file was begun. New files have none.
func guarded(target connector.Target, last state) bool {
	if guard, ok := target.Config["formula_guard"].(bool); ok {
		return guard
	}
	return last.Format == formatCSV && last.Length > 0 && !last.Plain
}

// Open opens the file that the configuration names, in the format that it names: ndjson or csv. It creates the file, and the folders above
// it, if they do not exist.
func Open(ctx context.Context, target connector.Target) (connector.Destination, error) {
	d := &destination{path: target.Text("path"), format: target.Text("format"), again: target.Again()}
	var last state
	if target.State != "" {
		if err := json.Unmarshal([]byte(target.State), &last); err != nil {
			return nil, fmt.Errorf("the state of the destination %s: %w", d.path, err)
		}
	}
	d.guarded = guarded(target, last)
	columns, err := d.columnsFor(target, last)
	if err != nil {
		return nil, err
	}
	if d.in, d.name, err = target.Files(ctx, d.path); err != nil {
		return nil, d.unwritable(err)
	}
	if err := d.open(target, last); err != nil {
		return nil, errors.Join(d.unwritable(err), d.release())
	}
	d.out = bufio.NewWriterSize(d.tail, bufferBytes)
	d.encoder = lines{d.out}
	if d.format == formatCSV {
		d.encoder = newTable(d.out, columns, d.committed > 0, len(target.List("columns")) > 0, d.guarded)
	}
	return d, nil
}

// Write encodes a batch into the buffer and the file. After an error the destination cannot be used, and must be opened again.
func (d *destination) Write(ctx context.Context, batch connector.Batch) (connector.Result, error) {
	if d.err != nil {
		return connector.Result{}, d.err
	}
	result, err := d.write(batch.RecordsUntil(ctx))
	if err = errors.Join(err, ctx.Err()); err != nil {
		d.err = d.failure(err)
		return connector.Result{}, d.err
	}
	return result, nil
}

func (d *destination) write(records iter.Seq[[]byte]) (result connector.Result, err error) {
	if err := d.encoder.begin(records); err != nil {
		return result, err
	}
	index := 0
	for record := range records {
		reason, err := d.encoder.encode(record)
		switch {
		case err != nil:
			return result, err
		case reason != "":
			result.Rejected = append(result.Rejected, connector.Rejection{Index: index, Reason: reason})
		default:
			result.Accepted++
		}
		index++
	}
	return result, nil
}

// Commit brings everything to the disk, and makes sure that it is in the file of that name.
func (d *destination) Commit(ctx context.Context) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	if err := d.flush(ctx); err != nil {
		d.err = d.failure(err)
		return "", d.err
	}
	d.committed = d.tail.length
	text, err := json.Marshal(state{d.format, d.committed, d.tail.hash(), d.encoder.columns(), d.format == formatCSV && !d.guarded})
	return string(text), err
}

func (d *destination) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := d.out.Flush(); err != nil {
		return err
	}
	if err := d.file.Sync(); err != nil {
		return err
	}
	return d.check()
}

// Close takes back what was not committed, so that readers do not see it until the next delivery.
func (d *destination) Close() error { return errors.Join(d.cut(), d.release()) }

// release closes the file, which unlocks it, and its folder.
func (d *destination) release() (err error) {
	if d.file != nil {
		err = d.file.Close()
	}
	return errors.Join(err, d.in.Close())
}

// failure is the error for a write that failed.
func (d *destination) failure(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("writing %s: %w", d.path, err)
	}
	if e, ok := errors.AsType[*sallyport.Error](err); ok {
		return e
	}
	if outage := connector.LocalOutage(d.path, err); outage != nil {
		return outage
	}
	return connector.LocalOutagef("%s could not be written (%w); nothing is lost, and the delivery continues automatically", d.path, cause(err))
}

// cause is an error without the path, which the sentence around it names already.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// lines writes records as they are.
type lines struct{ out *bufio.Writer }

func (lines) begin(iter.Seq[[]byte]) error { return nil }

func (l lines) encode(record []byte) (string, error) {
	l.out.Write(record) // the error is kept, and comes with the next write
	return "", l.out.WriteByte('\n')
}

func (lines) columns() []string { return nil }
