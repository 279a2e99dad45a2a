// Package file is the destination that writes a dataset into a file, as JSON lines or as CSV.
//
// The state says how far the file is committed. To open it is to cut off what came after, so that every record is there once, whatever
// moment a crash came at. A file that became shorter, or that does not end there with a line, was changed by somebody else: it is left
// alone.
//
// Before there is a state, nothing but a note beside the file can tell whether what stands in it is one's own: .NAME.sallyport holds the
// id of the destination that the file belongs to. A file of somebody else is never written; one's own is written anew when the
// destination starts again at the beginning of its dataset. While it is written, the file is locked against a second writer.
package file

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"

	"github.com/gofrs/flock"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// The formats of a file.
const (
	formatLines = "ndjson" // every record as it is, one a line
	formatCSV   = "csv"
)

const bufferBytes = 256 << 10

type destination struct {
	path      string
	format    string
	lock      *flock.Flock
	file      *os.File
	committed int64 // bytes
	out       *bufio.Writer
	encoder   encoder
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

// state is what goes on from one opening to the next.
type state struct {
	Format  string   `json:"format"`
	Length  int64    `json:"length"` // committed bytes
	Columns []string `json:"columns,omitempty"`
}

// Open opens the file that the configuration names, in the format that it names: ndjson or csv. It makes the file, and the folders above
// it, if they are not there.
func Open(_ context.Context, target connector.Target) (connector.Destination, error) {
	d := &destination{path: target.Text("path"), format: target.Text("format")}
	var last state
	if target.State != "" {
		if err := json.Unmarshal([]byte(target.State), &last); err != nil {
			return nil, fmt.Errorf("the state of the destination %s: %w", d.path, err)
		}
	}
	columns, err := d.columnsFor(target, last)
	if err != nil {
		return nil, err
	}
	if err := d.open(target, last); err != nil {
		return nil, errors.Join(err, d.release())
	}
	d.out = bufio.NewWriterSize(d.file, bufferBytes)
	d.encoder = lines{d.out}
	if d.format == formatCSV {
		d.encoder = newTable(d.out, columns, d.committed > 0, len(target.List("columns")) > 0)
	}
	return d, nil
}

// Write encodes a batch into the buffer and the file. After an error the destination is of no more use, and must be opened again.
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

// Commit brings everything onto the disk.
func (d *destination) Commit(ctx context.Context) (string, error) {
	if d.err != nil {
		return "", d.err
	}
	length, err := d.flush(ctx)
	if err != nil {
		d.err = d.failure(err)
		return "", d.err
	}
	d.committed = length
	text, err := json.Marshal(state{d.format, length, d.encoder.columns()})
	return string(text), err
}

func (d *destination) flush(ctx context.Context) (length int64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if err := d.out.Flush(); err != nil {
		return 0, err
	}
	if err := d.file.Sync(); err != nil {
		return 0, err
	}
	return d.file.Seek(0, io.SeekCurrent)
}

// Close takes back what was not committed, so that readers do not see it until the next delivery.
func (d *destination) Close() error {
	return errors.Join(d.file.Truncate(d.committed), d.release())
}

// release lets go of the file and its lock.
func (d *destination) release() (err error) {
	if d.file != nil {
		err = d.file.Close()
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Unlock())
	}
	return err
}

// failure is the error for a write that went wrong on the way.
func (d *destination) failure(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("writing %s: %w", d.path, err)
	}
	return sallyport.Errorf(sallyport.Upstream, "%s could not be written (%w); nothing is lost: once the disk has room and takes it, "+
		"the next delivery goes on where this one stopped", d.path, cause(err))
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
