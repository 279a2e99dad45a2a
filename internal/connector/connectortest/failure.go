package connectortest

import (
	"context"
	"errors"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func closedWithoutCommit(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 100)...)
	p.reopen("")
	p.write(1, numbered(1, 3)...)
	state := p.commit()
	p.write(2, numbered(4, 5000)...)
	p.has(numbered(1, 3)...)
	p.reopen(state)
	p.has(numbered(1, 3)...)
}

// stateLost is a crash between Commit and the moment when its state was stored: the same batches come again with the state before.
func stateLost(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	state := p.commit()
	p.reopen(state)
	p.write(2, numbered(11, 20)...)
	p.write(3, numbered(21, 30)...)
	p.commit()
	p.reopen(state)
	p.write(2, numbered(11, 20)...)
	p.write(3, numbered(21, 30)...)
	p.write(4, numbered(31, 40)...)
	p.commit()
	p.has(numbered(1, 40)...)
}

func firstStateLostTwice(p *place) {
	for range 3 {
		p.reopen("")
		p.write(1, numbered(1, 10)...)
		p.commit()
	}
	p.write(2, numbered(11, 20)...)
	p.commit()
	p.has(numbered(1, 20)...)
}

func cancelledBefore(p *place) {
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	p.reopen("")
	if _, err := p.open.Write(ctx, batch(1, numbered(1, 10)...)); !errors.Is(err, context.Canceled) {
		p.Errorf("write: %v, want %v", err, context.Canceled)
	}
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	p.commit()
	p.has(numbered(1, 10)...)
}

// endless is a batch that never ends, and during which the context is cancelled: only a Write that looks at the context returns.
func (p *place) endless(seq int64, cancel func()) connector.Batch {
	return connector.Batch{Seq: seq, Records: func(yield func([]byte) bool) {
		for i := range 1_000_000 {
			if i == 2_000 {
				cancel()
			}
			if !yield([]byte(`{"id":1000,"text":"too much"}`)) {
				return
			}
		}
		p.Error("the write went on long after it was cancelled")
	}}
}

func cancelledDuring(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	state := p.commit()
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	if _, err := p.open.Write(ctx, p.endless(2, cancel)); !errors.Is(err, context.Canceled) {
		p.Errorf("write: %v, want %v", err, context.Canceled)
	}
	p.reopen(state)
	p.write(2, numbered(11, 20)...)
	p.commit()
	p.has(numbered(1, 20)...)
}

func cancelledCommit(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	ctx, cancel := context.WithCancel(p.Context())
	cancel()
	if _, err := p.open.Commit(ctx); !errors.Is(err, context.Canceled) {
		p.Errorf("commit: %v, want %v", err, context.Canceled)
	}
	p.has()
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	p.commit()
	p.has(numbered(1, 10)...)
}

// usedAfterError goes on after a failed write as if nothing had happened. Whatever it is answered, the next opening finds what was
// committed before.
func usedAfterError(p *place) {
	p.reopen("")
	p.write(1, numbered(1, 10)...)
	state := p.commit()
	p.write(2, numbered(11, 20)...)
	ctx, cancel := context.WithCancel(p.Context())
	defer cancel()
	if _, err := p.open.Write(ctx, p.endless(3, cancel)); err == nil {
		p.Fatal("a cancelled write must fail")
	}
	if _, err := p.open.Write(p.Context(), batch(4, numbered(31, 40)...)); err == nil {
		p.Error("a write after a failed one must fail: what was written before it is not there")
	}
	if _, err := p.open.Commit(p.Context()); err == nil {
		p.Error("a commit after a failed write must fail: what was written before it is not there")
	}
	p.has(numbered(1, 10)...)
	p.reopen(state)
	p.write(2, numbered(11, 20)...)
	p.commit()
	p.has(numbered(1, 20)...)
}

func unwritable(p *place) {
	var name string
	p.target.Config, name = p.harness.Unwritable(p.T)
	open, err := p.harness.Open(p.Context(), p.target)
	if err == nil {
		p.open = open
		p.Fatal("it was opened")
	}
	known, ok := errors.AsType[*sallyport.Error](err)
	if !ok || known.Code == sallyport.Internal || known.Field == "" || !strings.Contains(known.Message, name) {
		p.Errorf("%#v must be an error about a field, and name %s", err, name)
	}
	if ok && !strings.Contains(known.Message, "choose another") {
		p.Errorf("%q must say what to do", known.Message)
	}
}
