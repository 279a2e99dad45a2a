package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

const (
	idempotencyHeader = "Idempotency-Key"
	maxKept           = 1 << 20 // bytes of an answer that is kept
)

// idempotencyKey documents the header that every POST takes.
var idempotencyKey = &huma.Param{
	Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
	Description: "Of your choice, such as a UUID, up to 200 characters: a request that comes again with it within a day is not done again, and gets the answer of the first. A request that failed is done anew.",
}

var keyForm = regexp.MustCompile(`^[!-~]{1,200}$`)

// once lets a POST with a key be done once, however often it is sent: a program that got no answer can send it again.
func (s *server) once(ctx huma.Context, next func(huma.Context)) {
	key := ctx.Header(idempotencyHeader)
	if ctx.Method() != http.MethodPost || key == "" {
		next(ctx)
		return
	}
	r, w := humago.Unwrap(ctx)
	keyed, err := s.keyed(r, key)
	if err == nil {
		var known *service.Answer
		if known, err = s.Service.BeginRequest(r.Context(), keyed); known != nil {
			s.repeat(w, known)
			return
		}
	}
	if err != nil {
		s.refuse(w, s.problem(r.Context(), err))
		return
	}
	kept := &keeper{ResponseWriter: w, status: http.StatusOK}
	next(humago.NewContext(ctx.Operation(), r, kept)) // if it panics, nobody knows what was done: the key stays taken
	if kept.status == http.StatusGatewayTimeout {
		return // as then
	}
	unkept, _ := ctx.Operation().Metadata["unkept"].(bool)
	if err := s.Service.FinishRequest(context.WithoutCancel(r.Context()), keyed, kept.answer(unkept)); err != nil {
		s.Log.ErrorContext(r.Context(), "the answer of a request could not be kept for its idempotency key", "path", r.URL.Path, "error", err)
	}
}

// keyed names a request. The key is one of its token, and what the request asks is hashed with the token's own text, which is kept nowhere:
// it may hold a secret.
func (s *server) keyed(r *http.Request, key string) (service.KeyedRequest, error) {
	if !keyForm.MatchString(key) {
		return service.KeyedRequest{}, sallyport.FieldErrorf(idempotencyHeader, "must be up to 200 characters of plain text without spaces")
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return service.KeyedRequest{}, err
	}
	r.Body = io.NopCloser(bytes.NewReader(text))
	name := sha256.Sum256([]byte(string(tokenOf(r.Context()).ID) + "\n" + key))
	what := hmac.New(sha256.New, []byte(bearer(r)))
	io.WriteString(what, r.Method+" "+r.URL.RequestURI()+"\n") // a hash takes everything
	what.Write(text)
	return service.KeyedRequest{Key: hex.EncodeToString(name[:]), Fingerprint: hex.EncodeToString(what.Sum(nil))}, nil
}

// repeat gives the answer that a request got before.
func (s *server) repeat(w http.ResponseWriter, a *service.Answer) {
	h := w.Header()
	h.Set("Idempotency-Replayed", "true")
	if a.Location != "" {
		h.Set("Location", a.Location)
	}
	if len(a.Body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.Status)
	w.Write(s.Service.Shown().JSON(a.Body)) // nobody is there anymore if it fails
}

// keeper keeps an answer while it is sent.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (k *keeper) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

func (k *keeper) Write(b []byte) (int, error) {
	if k.body.Len() <= maxKept {
		k.body.Write(b)
	}
	return k.ResponseWriter.Write(b)
}

// answer is what is kept: nil if nothing was done.
func (k *keeper) answer(unkept bool) *service.Answer {
	if k.status >= http.StatusBadRequest {
		return nil
	}
	a := &service.Answer{Status: k.status, Location: k.Header().Get("Location"), Body: k.body.Bytes()}
	if unkept || len(a.Body) > maxKept {
		a.Body = nil
	}
	return a
}
