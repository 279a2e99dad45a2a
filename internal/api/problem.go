package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/service"
)

// Problem is why a request was not answered (RFC 9457). It never holds a value that was sent.
type Problem struct {
	Title     string         `json:"title" doc:"The status in words"`
	Status    int            `json:"status" doc:"The status of the answer"`
	Code      sallyport.Code `json:"code" enum:"invalid,not_found,conflict,unauthenticated,forbidden,limited,upstream,internal" doc:"What kind of thing went wrong. With status 422, unauthenticated and forbidden are about the credential that the request names: its system refused the key, or its plan does not allow the call"`
	Detail    string         `json:"detail" doc:"What happened, to which thing, and what to do next"`
	Field     string         `json:"field,omitempty" doc:"What it is about: the path of a value in the body, a parameter, or a place in a flow file"`
	Until     time.Time      `json:"until,omitzero" doc:"Of code limited: when to try again"`
	Faults    []Fault        `json:"faults,omitempty" doc:"Everything that is wrong with the request, if that is more than one thing"`
	RequestID string         `json:"request_id" doc:"Under this the log of the server has more"`
}

// Fault is one of several things that are wrong with a request.
type Fault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType makes the answer one that says what it is.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// statuses are the HTTP status of each code of an error. A token that is refused, or may not do something, is another thing than a credential
// of which the same is said: 401 and 403 are about the token only.
var statuses = map[sallyport.Code]int{
	sallyport.Invalid: http.StatusUnprocessableEntity, sallyport.NotFound: http.StatusNotFound, sallyport.Conflict: http.StatusConflict,
	sallyport.Unauthenticated: http.StatusUnprocessableEntity, sallyport.Forbidden: http.StatusUnprocessableEntity,
	sallyport.Limited: http.StatusTooManyRequests, sallyport.Upstream: http.StatusBadGateway, sallyport.Internal: http.StatusInternalServerError,
}

// problem makes a problem of an error. What is not meant for those who ask is logged, and not told. Like everything that is sent, it is redacted
// by marshal.
func (s *server) problem(ctx context.Context, err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	p := newProblem(ctx, sallyport.CodeOf(err))
	e, ok := errors.AsType[*sallyport.Error](err)
	switch {
	case p.Code == sallyport.Internal && errors.Is(ctx.Err(), context.DeadlineExceeded):
		p.Status, p.Detail = http.StatusGatewayTimeout, "this took longer than a request may; look what became of it before you ask again"
	case p.Code == sallyport.Internal && errors.Is(ctx.Err(), context.Canceled):
		s.Log.InfoContext(ctx, "whoever sent a request to the API hung up before it was done", "request", p.RequestID, "error", err)
		p.Detail = "the request was broken off"
	case p.Code == sallyport.Internal || !ok:
		s.Log.ErrorContext(ctx, "a request of the API failed", "request", p.RequestID, "error", err)
		p.Detail = "something went wrong inside Sallyport; the log of the server has more under this request_id"
	default:
		p.Detail, p.Field, p.Until = e.Error(), e.Field, e.Until
	}
	if errors.Is(err, sallyport.ErrScope) {
		p.Status, p.Title = http.StatusForbidden, http.StatusText(http.StatusForbidden)
	}
	if unproved, ok := errors.AsType[*service.Unproved](err); ok {
		p.Detail = unproved.Error()
	}
	return p
}

func newProblem(ctx context.Context, code sallyport.Code) *Problem {
	status := statuses[code]
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, RequestID: obs.RequestID(ctx)}
}

// within says where in the body a thing stands that an error is about.
func within(path string, err error) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || e.Field == "" {
		return err
	}
	placed := *e
	placed.Field = path + "." + e.Field
	return &placed
}

// refuse answers with a problem where there is nothing else to answer with.
func (s *server) refuse(w http.ResponseWriter, p *Problem) {
	p.Title = http.StatusText(p.Status)
	h := w.Header()
	h.Set("Content-Type", p.ContentType(""))
	if !p.Until.IsZero() {
		h.Set("Retry-After", retryAfter(p.Until))
	}
	w.WriteHeader(p.Status)
	if err := s.marshal(w, p); err != nil {
		s.Log.Warn("an answer of the API was not written to its end", "request", p.RequestID, "error", err)
	}
}

// GetHeaders says when to try again.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if !p.Until.IsZero() {
		h.Set("Retry-After", retryAfter(p.Until))
	}
	return h
}

// retryAfter is a time as whole seconds from now.
func retryAfter(until time.Time) string {
	return strconv.FormatInt(int64(max(time.Second, time.Until(until)+time.Second-1)/time.Second), 10)
}

// marshal writes a body. Of its values, no text holds a key; names, numbers and layout are ours.
func (s *server) marshal(w io.Writer, v any) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(append(s.Service.Shown().JSON(bytes.TrimRight(text.Bytes(), "\n")), '\n'))
	return err
}

// unmarshal reads a body. Where a value has the right type and yet does not fit, encoding/json would repeat it.
func unmarshal(text []byte, v any) error {
	if err := unambiguous(text); err != nil {
		return err
	}
	err := huma.DefaultJSONFormat.Unmarshal(text, v)
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return errors.New(strings.TrimPrefix(e.Field+": ", ": ") + "a number is out of range")
	}
	return err
}

// unambiguous refuses a body with an object that has the same member twice: readers disagree about which of them counts.
func unambiguous(text []byte) error {
	_, err := jsontext.NewDecoder(bytes.NewReader(text)).ReadValue()
	if fault, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("the member at %s appears twice in its object", sallyport.QuotedPath(string(fault.JSONPointer)))
	}
	return nil // whatever else is wrong with it, decoding it tells
}

// hookErrors makes what the library finds wrong with a request a [Problem], too. Its own kind of error would repeat the values that were sent.
var hookErrors = sync.OnceFunc(func() {
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, detail string, errs ...error) huma.StatusError {
		return refused(context.Background(), status, detail, errs)
	}
	huma.NewErrorWithContext = func(ctx huma.Context, status int, detail string, errs ...error) huma.StatusError {
		return refused(ctx.Context(), status, detail, errs)
	}
})

// refused makes a problem of what the library found. It tells where and what, never the value.
func refused(ctx context.Context, status int, detail string, errs []error) *Problem {
	p := newProblem(ctx, sallyport.Invalid)
	p.Detail = detail
	if status >= http.StatusInternalServerError {
		p.Code, p.Detail = sallyport.Internal, "something went wrong inside Sallyport"
	}
	if status != 0 && status != http.StatusUnprocessableEntity {
		p.Status, p.Title = status, http.StatusText(status)
	}
	if status == http.StatusUnsupportedMediaType {
		p.Detail, errs = "send the body as JSON, with Content-Type: application/json", nil
	}
	for _, err := range errs {
		found, ok := errors.AsType[*huma.ErrorDetail](err)
		switch {
		case ok && status == http.StatusBadRequest:
			p.Faults = append(p.Faults, Fault{Detail: "the body is not valid JSON: " + found.Message})
		case ok:
			p.Faults = append(p.Faults, fault(found))
		}
	}
	if len(p.Faults) > 0 {
		p.Field, p.Detail = p.Faults[0].Field, strings.TrimPrefix(p.Faults[0].Field+": "+p.Faults[0].Detail, ": ")
	}
	if len(p.Faults) == 1 {
		p.Faults = nil
	}
	return p
}

// fault is what the library found at one place. What is missing it finds at the object around it: here that has a place of its own.
func fault(found *huma.ErrorDetail) Fault {
	f := Fault{Field: known(found), Detail: found.Message}
	var name string
	if n, _ := fmt.Sscanf(found.Message, validation.MsgExpectedRequiredProperty, &name); n == 1 {
		f = Fault{Field: strings.TrimPrefix(f.Field+"."+name, "."), Detail: "is missing"}
	}
	return f
}

// known is the place of what the library found, without a last part that is an unexpected name and should not be repeated.
func known(found *huma.ErrorDetail) string {
	place := field(found.Location)
	if found.Message == validation.MsgUnexpectedProperty {
		if object, ok := found.Value.(map[string]any); ok {
			for name := range object {
				if around, ends := strings.CutSuffix(place, name); ends && !sallyport.Repeatable(name) {
					return strings.TrimSuffix(around, ".")
				}
			}
		}
		return place
	}
	if strings.HasPrefix(found.Location, "query.") {
		return sallyport.Member("", place)
	}
	return place
}

// field is the path of a value as the document of the API has it.
func field(location string) string {
	for _, kind := range []string{"body", "query", "path", "header"} {
		if rest, ok := strings.CutPrefix(location, kind); ok {
			return strings.TrimPrefix(rest, ".")
		}
	}
	return location
}

// missing makes the error about a path that names what is not there one of that kind.
func missing(err error) error { return recoded(err, sallyport.Invalid, sallyport.NotFound) }

// misnamed makes the error about a body that names what is not there one about the body. What another system does not have is not one.
func misnamed(err error) error {
	if _, theirs := errors.AsType[*connector.Failure](err); theirs {
		return err
	}
	return recoded(err, sallyport.NotFound, sallyport.Invalid)
}

func recoded(err error, from, to sallyport.Code) error {
	e, ok := errors.AsType[*sallyport.Error](err)
	if !ok || e.Code != from {
		return err
	}
	other := *e
	other.Code = to
	if to == sallyport.NotFound {
		other.Field = ""
	}
	return &other
}
