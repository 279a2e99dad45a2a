// Package window pulls what was added to a list since the last run, in windows of time.
//
// A source that goes on from run to run has a cursor: the instant up to which everything was pulled. It moves when a window was read to its end,
// in the transaction that commits the window's last page. Records that come again, because windows overlap, are left out.
package window

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/instant"
)

// Bounds are the times that a request is made with. A zero Since is that of a first pull without a start: everything is asked for.
type Bounds struct{ Since, Until, Now time.Time }

// Config is what a source is opened with. Ask is needed.
type Config struct {
	Since sallyport.Since // checked; zero: the request holds the time, but every pull is one of its own
	// Gap is what a run pulls by itself, without moving the cursor. A zero Since: the run goes on at the cursor.
	Gap     Bounds
	Bounded bool // the system leaves out what comes after {until}
	Ask     func(Bounds) (connector.Source, error)
	Done    func()           // is called behind the last page; may be nil
	Now     func() time.Time // nil: the time
}

// Source pulls a list in windows of time.
type Source struct {
	Config
	format instant.Format
}

// New opens a source. It asks nothing of the system.
func New(c Config) (*Source, error) {
	format, err := instant.ParseFormat(c.Since.Format)
	if err != nil {
		return nil, sallyport.FieldErrorf("since.format", "%w", err)
	}
	if c.Now == nil {
		c.Now = sallyport.Now
	}
	return &Source{Config: c, format: format}, nil
}

// Pages reads the pages of one window after another.
func (s *Source) Pages(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	return func(yield func(*connector.Page, error) bool) {
		if s.Done != nil {
			defer s.Done()
		}
		p := &pull{Source: s, state: parse(cursor)}
		if err := p.begin(); err != nil {
			yield(nil, err)
			return
		}
		for more := true; more && !p.over; {
			more = p.window(ctx, yield)
		}
	}
}

// pull is one pass over the windows of a source.
type pull struct {
	*Source
	state
	members connector.Members
	hashing hashing
	over    bool   // the last window was read
	untimed int    // records so far, while none had a time at the field
	unread  string // why the time of one of them could not be read
}

// begin finds the first window of a pull, unless the state is in the middle of one.
func (p *pull) begin() error {
	if !p.Now.IsZero() {
		return nil
	}
	p.Now = p.Config.Now().UTC().Truncate(time.Microsecond)
	p.Goal = p.Now
	switch {
	case !p.Gap.Since.IsZero():
		p.Begin, p.Goal = p.Gap.Since, p.Gap.Until
		if p.Goal.IsZero() {
			p.Goal = p.Now
		}
	case p.Upto.IsZero(), p.From.After(p.Now): // the clock was wrong for more than a pull
		if err := p.start(); err != nil {
			return err
		}
	case p.Fresh:
		p.Begin = p.Upto
	case p.Upto.After(p.Now): // the clock was set back: from where the last pull began
		p.Begin = p.before(p.From)
	default:
		p.Begin = p.before(p.Upto)
	}
	p.First = p.Begin
	p.bound()
	return nil
}

// start begins the first pull of all.
func (p *pull) start() error {
	if p.Since.Start == "" {
		return nil
	}
	start, err := instant.Resolve(p.Since.Start, p.Now)
	switch {
	case err != nil:
		return sallyport.FieldErrorf("since.start", "%w", err)
	case start.After(p.Now):
		return sallyport.FieldErrorf("since.start", "%s is in the future: nothing can have been added since then", start.Format(time.RFC3339))
	}
	p.Begin, p.Upto, p.From, p.Fresh = start, start, start, true
	return nil
}

// before is where a window begins whose records up to a time were pulled; the beginning of all stays that.
func (p *pull) before(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(-time.Duration(p.Since.Overlap))
}

// bound finds the end of the window that begins at Begin.
func (p *pull) bound() {
	p.End = p.Goal
	if step := time.Duration(p.Since.Step); step > 0 && !p.Begin.IsZero() {
		p.End = earlier(p.Begin.Add(step), p.Goal)
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// window reads what is left of a window. It returns false once there is nothing more to yield.
func (p *pull) window(ctx context.Context, yield func(*connector.Page, error) bool) bool {
	source, err := p.Ask(Bounds{p.Begin, p.End, p.Now})
	if err != nil {
		yield(nil, err)
		return false
	}
	for page, err := range source.Pages(ctx, p.Page) {
		if err != nil {
			yield(nil, err)
			return false
		}
		if !yield(p.wrap(page), nil) {
			return false
		}
	}
	return true
}

// wrap is a page of a window without the records that were read before.
func (p *pull) wrap(inner *connector.Page) *connector.Page {
	page := *inner
	page.Records = func(yield func([]byte, error) bool) {
		for record, err := range inner.Records {
			page.Flaw, page.Refused = inner.Flaw, ""
			if err != nil {
				yield(nil, err)
				return
			}
			wanted := true
			if inner.Flaw == "" {
				wanted, page.Refused, err = p.see(record)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if wanted && !yield(record, nil) {
				return
			}
		}
		if err := p.checkField(); err != nil {
			yield(nil, err)
			return
		}
		page.Incomplete, page.Barren = inner.Incomplete, inner.Barren
		p.turn(inner.Next, &page)
	}
	return &page
}

// turn says where the page behind a page is, and where the next run begins.
func (p *pull) turn(next string, page *connector.Page) {
	p.Cut = p.Cut || page.Incomplete != ""
	switch p.Page = next; {
	case next != "":
	case p.Cut:
		if page.Incomplete != "" {
			page.Incomplete += p.stays()
		}
		p.over = true
	case p.End.Before(p.Goal):
		p.move(p.End)
		p.Begin = p.before(p.End)
		p.bound()
	default:
		p.arrive()
		p.over = true
	}
	page.Next = ""
	if !p.over {
		page.Next = p.state.cursor()
	}
	page.Resume = ""
	if p.tracks() {
		page.Resume = p.state.between().cursor()
	}
}

// tracks tells whether the cursor of the flow moves with this pull.
func (p *pull) tracks() bool { return p.Since != sallyport.Since{} && p.Gap.Since.IsZero() }

// stays says what an incomplete window means.
func (p *pull) stays() string {
	switch {
	case !p.tracks():
		return ""
	case p.Begin.IsZero():
		return "; the next run begins at the beginning again"
	}
	return fmt.Sprintf("; the next run begins at %s again, and a shorter since.step may help", p.Begin.UTC().Format(time.RFC3339))
}

// move moves the cursor to the end of a window that was read. What cannot come again is forgotten.
func (p *pull) move(to time.Time) {
	if p.tracks() {
		p.Upto, p.From, p.Fresh = to, p.First, false
	}
	p.forget(to)
}

// arrive moves the cursor behind the last window: to the newest record, or to when the pull began where records have no time.
func (p *pull) arrive() {
	to := p.Goal
	if p.Since.Field != "" {
		to = earlier(p.Newest, p.Goal)
		if !p.Upto.After(p.Goal) && p.Upto.After(to) { // a clock that was set back is no reason to stay
			to = p.Upto
		}
		if to.IsZero() {
			to = p.Begin
		}
	}
	if to.IsZero() || p.Fresh && to.Equal(p.Upto) { // nothing was read so far
		return
	}
	p.move(to)
}

// forget forgets the records that the window behind a time does not have.
func (p *pull) forget(to time.Time) {
	if p.Since.Field == "" {
		to = p.Begin // records go by the window that had them
		p.Seen.prune(stamp(to))
		return
	}
	p.Seen.prune(stamp(p.format.Floor(p.before(to))))
}
