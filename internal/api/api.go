// Package api answers programs: JSON over HTTP, and the OpenAPI document that says so. No rule lives here: it says to package service what was
// asked, and shows what came.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/klauspost/compress/gzhttp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/service"
)

// Where the API is.
const (
	root         = "/api/v1"
	documentPath = root + "/openapi.json"
	docsPath     = "/api/docs"
)

// Bounds of one request.
const (
	maxBody = 4 << 20 // bytes
	maxTime = time.Minute
	// How long whoever asked may take to take an answer, or a part of one that lasts.
	takeWithin = time.Minute
	// A stream of events ends after this long even if there is more to tell: whoever asks again must still be allowed to.
	maxStream = 10 * time.Minute
	// A dataset takes as long as whoever reads it, up to this.
	maxExport = time.Hour
)

// Config is what the API works with.
type Config struct {
	Service *service.Service
	Tokens  *auth.Tokens
	Version string
	Log     *slog.Logger
	// Stopping is closed when the server stops: streams of events would keep it waiting. Nil: it never stops.
	Stopping <-chan struct{}
}

type server struct {
	Config
	api      huma.API
	mux      *http.ServeMux
	document []byte // in OpenAPI
	docs     []byte // the page that shows it
}

// New makes the handler of everything under /api/. It panics if the API contradicts itself.
func New(c Config) http.Handler {
	s := newServer(c)
	s.documentation()
	return obs.Identified(secured(s.recovered(gzhttp.GzipHandler(s.dispatch()))))
}

func newServer(c Config) *server {
	hookErrors()
	s := &server{Config: c, mux: http.NewServeMux()}
	s.api = humago.NewWithPrefix(s.mux, root, s.settings())
	s.api.UseMiddleware(s.permitted, s.once)
	s.routes()
	s.describe()
	return s
}

// routes are everything that a token is needed for.
func (s *server) routes() {
	s.connectors()
	s.credentials()
	s.flows()
	s.sources()
	s.datasets()
	s.destinations()
	s.runs()
	s.quarantine()
	s.administration()
}

// settings say what the document begins with, and how bodies are written: as JSON, without any secret.
func (s *server) settings() huma.Config {
	c := huma.DefaultConfig("Sallyport", s.Version)
	c.CreateHooks, c.DocsPath, c.OpenAPIPath, c.SchemasPath = nil, "", "", ""
	c.RejectUnknownQueryParameters = true
	c.Info.Description = introduction
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sallyport.Duration](), reflect.TypeFor[duration]())
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sallyport.Texts](), reflect.TypeFor[textsForm]())
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sallyport.Body](), reflect.TypeFor[bodyForm]())
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[sallyport.Scalar](), reflect.TypeFor[scalarForm]())
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token": {Type: "http", Scheme: "bearer", Description: "An API token, made on the page Settings, by `sallyport token add` or by POST /tokens."},
	}
	c.Tags = tags
	format := huma.Format{Marshal: s.marshal, Unmarshal: unmarshal}
	c.Formats = map[string]huma.Format{"application/json": format, "json": format}
	return c
}

// dispatch lets everybody read the documentation, and those with a token ask.
func (s *server) dispatch() http.Handler {
	open := http.NewServeMux()
	open.HandleFunc("GET "+documentPath, s.showDocument)
	open.HandleFunc("GET "+docsPath, s.showDocs)
	open.HandleFunc("GET "+docsPath+".css", s.showStyle)
	open.Handle("/", s.admitted(s.received(http.HandlerFunc(s.route))))
	return open
}

// route finds who answers. What nobody does is said in the form of every other error.
func (s *server) route(w http.ResponseWriter, r *http.Request) {
	if _, pattern := s.mux.Handler(r); pattern != "" && !strings.HasPrefix(pattern, "/") {
		s.mux.ServeHTTP(w, r)
		return
	}
	var allowed []string
	for _, method := range []string{http.MethodDelete, http.MethodGet, http.MethodPatch, http.MethodPost, http.MethodPut} {
		if _, pattern := s.mux.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	p := s.problem(r.Context(), sallyport.Errorf(sallyport.NotFound, "there is no %s %s; see %s", r.Method, sallyport.QuotedPath(r.URL.Path), docsPath))
	if len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		p.Status, p.Code = http.StatusMethodNotAllowed, sallyport.Invalid
		p.Detail = r.Method + " does nothing here; it can be " + strings.Join(allowed, ", ")
	}
	s.refuse(w, p)
}

type tokenKey struct{}

// tokenOf is the token that a request was sent with.
func tokenOf(ctx context.Context) sallyport.Token {
	t, _ := ctx.Value(tokenKey{}).(sallyport.Token)
	return t
}

// actorOf is whoever acts by a request.
func actorOf(ctx context.Context) sallyport.Actor {
	t := tokenOf(ctx)
	return sallyport.Actor{Kind: sallyport.ActorToken, Name: t.Name, Scopes: t.Scopes}
}

// admitted lets only those in who have a token.
func (s *server) admitted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := s.identify(r)
		if err != nil {
			p := s.problem(r.Context(), err)
			if p.Code == sallyport.Unauthenticated {
				p.Status = http.StatusUnauthorized
				w.Header().Set("WWW-Authenticate", `Bearer realm="Sallyport"`)
			}
			s.refuse(w, p)
			return
		}
		if err := s.Service.LearnKeys(r.Context()); err != nil { // what is shown could hold any of them
			s.refuse(w, s.problem(r.Context(), err))
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tokenKey{}, token)))
	})
}

// identify finds the token of a request. To show none is no attempt to get in.
func (s *server) identify(r *http.Request) (sallyport.Token, error) {
	text := bearer(r)
	if text == "" {
		return sallyport.Token{}, sallyport.Errorf(sallyport.Unauthenticated,
			"this needs an API token, in the header Authorization: Bearer TOKEN; see %s", docsPath)
	}
	return s.Tokens.Identify(r.Context(), text, auth.Address(r))
}

// bearer is the token in the header of a request, or "".
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// permitted refuses what the scopes of a token do not allow.
func (s *server) permitted(ctx huma.Context, next func(huma.Context)) {
	token := tokenOf(ctx.Context())
	for _, need := range ctx.Operation().Security {
		for _, scope := range need["token"] {
			if !token.May(sallyport.Scope(scope)) {
				p := s.problem(ctx.Context(), actorOf(ctx.Context()).Needs(sallyport.Scope(scope), "", "this operation"))
				_, w := humago.Unwrap(ctx)
				s.refuse(w, p)
				return
			}
		}
	}
	next(ctx)
}

// operation says what a route is for.
type operation struct {
	id      string
	scope   sallyport.Scope
	summary string
	about   string // more than that, if there is more to say
	status  int    // of the answer; 0: 200, or 204 for one without a body
	unkept  bool   // its answer is not kept for an Idempotency-Key: it holds what must be nowhere, or is large
	streams bool   // the answer is written once the function has returned, and bounds itself

	produces []string // media types of an answer that is no JSON
}

// add registers a route. The pattern is a method and a path below the root.
func add[I, O any](s *server, pattern string, o operation, answer func(ctx context.Context, in *I) (*O, error)) {
	method, path, _ := strings.Cut(pattern, " ")
	op := huma.Operation{
		OperationID: o.id, Method: method, Path: path, Summary: o.summary, Description: o.about, DefaultStatus: o.status,
		Tags: []string{strings.Split(path, "/")[1]}, Security: []map[string][]string{{"token": {string(o.scope)}}},
		BodyReadTimeout: -1, MaxBodyBytes: -1, // it was read already
		Metadata: map[string]any{"unkept": o.unkept},
	}
	if method == http.MethodPost {
		op.Parameters = append(op.Parameters, idempotencyKey)
	}
	if len(o.produces) > 0 {
		content := map[string]*huma.MediaType{}
		for _, kind := range o.produces {
			content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
		}
		op.Responses = map[string]*huma.Response{"200": {Description: http.StatusText(http.StatusOK), Content: content}}
	}
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*O, error) {
		if !o.streams {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, maxTime)
			defer cancel()
		}
		out, err := answer(ctx, in)
		if err != nil {
			return nil, s.problem(ctx, err)
		}
		return out, nil
	})
}

// With is a request or an answer with a body. It is exported, as is every type here that others embed: the library sees no other fields.
type With[T any] struct{ Body T }

func answer[T any](v T, err error) (*With[T], error) {
	if err != nil {
		return nil, err
	}
	return &With[T]{v}, nil
}

// Created is the answer that says where the new thing is.
type Created[T any] struct {
	Location string `header:"Location"`
	Body     T
}

// One names a thing in a path.
type One struct {
	ID string `path:"id" maxLength:"200" doc:"Its id, or its name"`
}

// Numbered names a thing in a path that has a number.
type Numbered struct {
	ID int64 `path:"id" minimum:"1" doc:"Its number"`
}

// duration is how a sallyport.Duration is documented.
type duration struct{}

// Schema says how a duration is written.
func (duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeString, Pattern: `^(\d{1,6}[smh]|\d{1,5}d|\d{1,4}w)$`, PatternDescription: "a whole number and s, m, h, d or w, such as 8h", Examples: []any{"8h"},
	}
}

// textsForm is how sallyport.Texts are documented.
type textsForm struct{}

// Schema says how values of one name are written.
func (textsForm) Schema(huma.Registry) *huma.Schema {
	one := []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}}
	list := &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{OneOf: one}}
	return &huma.Schema{OneOf: append(one[:3:3], list), Description: "One value, or a list: the name is sent once for each"}
}

// bodyForm is how a sallyport.Body is documented.
type bodyForm struct{}

// Schema says how a body is written.
func (bodyForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString}, {Type: huma.TypeObject, AdditionalProperties: true}, {Type: huma.TypeArray, Items: &huma.Schema{}}},
		Description: "Text, or a value that is sent as JSON"}
}

// scalarForm is how a sallyport.Scalar is documented.
type scalarForm struct{}

// Schema says how a value is written.
func (scalarForm) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeString, Nullable: true}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}}}
}

// schemaName names the schema of a type. What a connector's definition consists of has names that other types have, too.
func schemaName(t reflect.Type, hint string) string {
	name := strings.ReplaceAll(huma.DefaultSchemaNamer(t, hint), "View", "")
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if strings.HasSuffix(t.PkgPath(), "/internal/connector") && !strings.HasPrefix(name, "Connector") {
		return "Connector" + name
	}
	return name
}
