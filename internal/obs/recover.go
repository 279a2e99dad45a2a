package obs

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Caught runs work and turns a panic into an error. What it panicked with may hold anything: value and stack go to the log, which redacts
// them. A goroutine that the program starts begins with Caught, because the runtime prints a panic that nothing recovers to standard error
// unredacted.
func Caught(ctx context.Context, log *slog.Logger, work func() error) (err error) {
	defer func() {
		if what := recover(); what != nil {
			log.ErrorContext(ctx, "a part of the program panicked", "panic", what, "stack", string(debug.Stack()))
			err = fmt.Errorf("a fault in the program (%v), please report it; the log has more", what)
		}
	}()
	return work()
}

// Recovered answers a request whose handler panicked with answer, or cuts the response off if it has begun. What it panicked with may hold
// anything: value and stack go to the log alone, which redacts them.
func Recovered(log *slog.Logger, next http.Handler, answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &begun{ResponseWriter: w}
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			if what == http.ErrAbortHandler {
				panic(what)
			}
			log.ErrorContext(r.Context(), "a request panicked", "request", RequestID(r.Context()), "path", r.URL.Path,
				"panic", what, "stack", string(debug.Stack()))
			if out.yes {
				panic(http.ErrAbortHandler)
			}
			answer(w, r)
		}()
		next.ServeHTTP(out, r)
	})
}

// begun knows whether a response has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(text []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(text)
}

// Flush lets streams through: what compresses responses requires it.
func (b *begun) Flush() {
	b.yes = true
	http.NewResponseController(b.ResponseWriter).Flush() // an error shows at the next write
}

// Unwrap lets deadlines through.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
