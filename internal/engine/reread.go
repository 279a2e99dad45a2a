package engine

import (
	"context"
	"errors"
	"time"

	"github.com/sallyport-io/sallyport/internal/changes"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// A page that breaks off is asked for again so often, after pauses that grow: a long pull must not fail for one connection that was lost.
const (
	rereads    = 4
	firstPause = 500 * time.Millisecond
)

// reread reads pages with read, and the page that breaks off again, from its beginning. The tries count for one page: they begin anew when the
// run got on, to another cursor or, where the cursor says nothing, with records of finished pages. A page without records is no progress: an
// answer that is not there yet gives one every time.
func (in *ingestion) reread(ctx context.Context, read func() error) error {
	for tries := 1; ; tries++ {
		from, seen := in.cursor, in.seen()
		err := read()
		if f, ok := errors.AsType[*connector.Failure](err); !ok || !f.Cut || f.Slow || in.run.Attempts > 0 { // while its system is away, a run makes one request per attempt
			return err
		}
		if in.cursor != from || in.seen() > seen {
			tries = 1
		}
		if tries > rereads {
			return err
		}
		in.Log.InfoContext(ctx, "page is asked for again", "flow", in.flow.Name, "run", in.run.ID, "error", err)
		if err := in.takeBack(ctx); err != nil {
			return err
		}
		if err := in.Sleep(ctx, firstPause<<(tries-1)); err != nil {
			return err
		}
	}
}

// seen counts the records of the finished pages of the run.
func (in *ingestion) seen() int64 { return in.run.Seen + in.buffer.finished.seen }

// takeBack forgets the page that is being read, also what was found out about its records. The pages before it are committed.
func (in *ingestion) takeBack(ctx context.Context) error {
	in.buffer.discard()
	in.broken = true
	if err := in.commit(ctx, nil); err != nil {
		return err
	}
	in.broken = false
	in.tracker.index.Close()
	in.tracker.index = changes.Index{}
	return in.loadIndex(ctx)
}
