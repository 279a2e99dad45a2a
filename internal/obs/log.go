// Package obs makes the logger of the process, structured and without any known secret, and numbers requests for it.
package obs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/term"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// NewLogger makes a logger that writes lines of at least the given level to w, with every secret replaced that the redactor knows when the
// line is written, wherever in it the secret stands. The format is text (key=value), json, or auto: text on a terminal, else json.
func NewLogger(w io.Writer, level slog.Leveler, format string, redactor *secret.Redactor) (*slog.Logger, error) {
	if format == "auto" {
		format = "json"
		if isTerminal(w) {
			format = "text"
		}
	}
	w = redactor.Writer(w) // for attributes that were formatted before their secret was known
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "text":
		return slog.New(&handler{slog.NewTextHandler(w, options), redactor}), nil
	case "json":
		return slog.New(&handler{slog.NewJSONHandler(w, options), redactor}), nil
	}
	return nil, sallyport.Unknown("log.format", "log format", format, []string{"auto", "text", "json"})
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// handler takes the secrets out of all that it passes on. It does so before the text is formatted, because quoting changes a secret.
type handler struct {
	next     slog.Handler
	redactor *secret.Redactor
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.redactor.String(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.next.WithAttrs(h.attrs(attrs)), h.redactor}
}

func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.next.WithGroup(h.redactor.String(name)), h.redactor}
}

func (h *handler) attrs(attrs []slog.Attr) []slog.Attr {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return clean
}

func (h *handler) attr(a slog.Attr) slog.Attr {
	return slog.Attr{Key: h.redactor.String(a.Key), Value: h.value(a.Value)}
}

// value keeps numbers, times and the like as they are, unless they hold a secret. What is left becomes text.
func (h *handler) value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		return slog.GroupValue(h.attrs(v.Group())...)
	case slog.KindAny:
		if v.Any() == nil {
			return v
		}
		return slog.StringValue(h.redactor.String(text(v.Any())))
	}
	was := v.String()
	if is := h.redactor.String(was); is != was {
		return slog.StringValue(is)
	}
	return v
}

// text writes a value of any type in a form in which the redactor finds secrets: bytes as they are, neither as numbers nor in base64.
func text(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case error, fmt.Stringer:
		return fmt.Sprint(v) // survives a nil pointer
	}
	b, err := json.Marshal(v, json.WithMarshalers(json.MarshalToFunc(plainBytes)), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Sprintf("(%T, which has no text: %v)", v, err)
	}
	return string(b)
}

func plainBytes(enc *jsontext.Encoder, b []byte) error {
	return enc.WriteToken(jsontext.String(string(b)))
}
