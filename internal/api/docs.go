package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sallyport-io/sallyport"
)

// docsCode is what the code of a problem means.
type docsCode struct {
	code   sallyport.Code
	status string // first the one that every such error has, then those that say more
	means  string
}

// docsCodes are the codes of [Problem], in its order.
var docsCodes = []docsCode{
	{sallyport.Invalid, "422, 400, 405, 413, 415", "The request is wrong in itself: `field` says where, `detail` how. 400: its body is no JSON. 405: the method does nothing there. 413: the body is too large. 415: its `Content-Type` is none that is taken there."},
	{sallyport.NotFound, "404", "It names something that is not there."},
	{sallyport.Conflict, "409, 412", "It is right in itself, but not with what is there; or the request with its `Idempotency-Key` is not answered yet. 412: it is not as its `If-Match` says any more."},
	{sallyport.Unauthenticated, "422, 401", "A system refused the key of the credential. 401: the token is missing, unknown, revoked or expired."},
	{sallyport.Forbidden, "422, 403", "A system took the key, but its plan does not allow the call. 403: the token has not the scope."},
	{sallyport.Limited, "429", "A quota is used up. `until`, and the header `Retry-After` in seconds, say when to try again, if that is known."},
	{sallyport.Upstream, "502", "Another system is broken, or cannot be reached."},
	{sallyport.Internal, "500, 504", "A fault of Sallyport, or of what it stands on: the log of the server has more under the `request_id`. 504: it took too long."},
}

// docsReader finds in the document what the page shows.
type docsReader struct{ *huma.OpenAPI }

// about returns the operations with a tag, by path.
func (d docsReader) about(tag string) (all []*huma.Operation) {
	for _, path := range sortedKeys(d.Paths) {
		item := d.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && slices.Contains(op.Tags, tag) {
				all = append(all, op)
			}
		}
	}
	return all
}

// schemas are those with a name.
func (d docsReader) schemas() map[string]*huma.Schema { return d.Components.Schemas.Map() }

// resolved is what a schema stands for.
func (d docsReader) resolved(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return d.schemas()[shapeOf(s)]
	}
	return s
}

// fields are those of a body.
func (d docsReader) fields(b docsBody) []docsField { return fieldsOf(d.resolved(b.schema)) }

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// scopesOf are what a token needs for an operation.
func scopesOf(op *huma.Operation) (all []string) {
	for _, need := range op.Security {
		all = append(all, need["token"]...)
	}
	return all
}

// docsBody is what a request or an answer consists of.
type docsBody struct {
	status  string       // of an answer
	media   []string     // none: there is no body
	schema  *huma.Schema // the same for all media types
	headers []string
}

func bodyOf(content map[string]*huma.MediaType) docsBody {
	b := docsBody{media: sortedKeys(content), schema: new(huma.Schema)}
	for _, m := range content {
		b.schema = m.Schema
	}
	return b
}

// answersOf are the answers of an operation that are no errors.
func answersOf(op *huma.Operation) (all []docsBody) {
	for _, status := range sortedKeys(op.Responses) {
		if code, err := strconv.Atoi(status); err == nil {
			b := bodyOf(op.Responses[status].Content)
			b.status, b.headers = status+" "+http.StatusText(code), sortedKeys(op.Responses[status].Headers)
			all = append(all, b)
		}
	}
	return all
}

// docsField is a parameter, or a field of a body or a shape.
type docsField struct {
	name     string
	where    string // "path", "query", "header"; "" in a body
	required bool
	schema   *huma.Schema
	about    string
}

// paramsOf are the parameters of an operation, those in headers last.
func paramsOf(op *huma.Operation) (all []docsField) {
	for _, header := range []bool{false, true} {
		for _, p := range op.Parameters {
			if (p.In == "header") == header {
				all = append(all, docsField{p.Name, p.In, p.Required, p.Schema, p.Description})
			}
		}
	}
	return all
}

// fieldsOf are the fields of a schema: first those that must be there, as they were declared, then the others by name.
func fieldsOf(s *huma.Schema) (all []docsField) {
	others := slices.DeleteFunc(sortedKeys(s.Properties), func(name string) bool { return slices.Contains(s.Required, name) })
	for i, name := range slices.Concat(s.Required, others) {
		p := s.Properties[name]
		all = append(all, docsField{name, "", i < len(s.Required), p, p.Description})
	}
	return all
}

// element is what a list or a map consists of; nil for anything else.
func element(s *huma.Schema) *huma.Schema {
	if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
		return more
	}
	return s.Items
}

// shapeOf is the name of the schema that a schema is, or consists of; "" if that has no name.
func shapeOf(s *huma.Schema) string {
	if inner := element(s); inner != nil {
		return shapeOf(inner)
	}
	return strings.TrimPrefix(s.Ref, "#/components/schemas/")
}

// kindWords are a type in words, without the name of a shape.
func kindWords(s *huma.Schema) string {
	inner := element(s)
	switch {
	case s.Ref != "":
		return ""
	case inner != nil && s.Type == huma.TypeArray:
		return "list of " + kindWords(inner)
	case inner != nil:
		return "map of " + kindWords(inner)
	case s.Type == "":
		return "any JSON"
	case s.Format == "date-time" || s.Format == "password":
		return s.Type + " (" + s.Format + ")"
	}
	return s.Type
}

// boundsOf says what a value must be like.
func boundsOf(s *huma.Schema) (all []string) {
	var values []string
	for _, v := range s.Enum {
		values = append(values, fmt.Sprintf("`%v`", v))
	}
	if len(values) > 0 {
		all = append(all, "one of "+strings.Join(values, ", "))
	}
	all = append(all, bound("at least %v", s.Minimum), bound("at most %v", s.Maximum), bound("at least %v characters", s.MinLength),
		bound("up to %v characters", s.MaxLength), bound("at least %v items", s.MinItems), bound("up to %v items", s.MaxItems), s.PatternDescription)
	if s.Pattern != "" && s.PatternDescription == "" {
		all = append(all, "matches `"+s.Pattern+"`")
	}
	if s.Default != nil {
		all = append(all, fmt.Sprintf("default `%v`", s.Default))
	}
	if s.WriteOnly {
		all = append(all, "only ever written")
	}
	if inner := element(s); inner != nil {
		for _, b := range boundsOf(inner) {
			all = append(all, "each "+b)
		}
	}
	return slices.DeleteFunc(all, func(b string) bool { return b == "" })
}

// bound is a bound in words; "" if there is none.
func bound[T any](format string, limit *T) string {
	if limit == nil {
		return ""
	}
	return fmt.Sprintf(format, *limit)
}

// capital makes a name the beginning of a heading.
func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }
