package engine

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/connector/window"
	"github.com/sallyport-io/sallyport/internal/files"
	"github.com/sallyport-io/sallyport/internal/grant"
	"github.com/sallyport-io/sallyport/internal/quota"
)

// OpenSource opens a source to be read by a person with a credential and its keys. Its calls count in the budget of that credential, if the
// source names a stored one, and may use the reserve.
func (e *Engine) OpenSource(s sallyport.Source, c sallyport.Credential, keys Keys) (connector.Source, error) {
	return e.OpenSample(s, c, keys, nil, Watch{})
}

// Paging is the kind of paging of a source.
func (e *Engine) Paging(s sallyport.Source) (string, error) {
	_, endpoint, err := e.endpoint(s)
	if err != nil {
		return "", err
	}
	return cmp.Or(endpoint.Request.Paging.Type, sallyport.PagingSingle), nil
}

// Key names the fields that together name a record of a source.
func (e *Engine) Key(s sallyport.Source) ([]string, error) {
	_, endpoint, err := e.endpoint(s)
	if err != nil {
		return nil, err
	}
	return endpoint.Request.Key, nil
}

// Since says how runs of a source go on at the last one, and whether its requests say where a window ends. It is zero if each run is one of its own.
func (e *Engine) Since(s sallyport.Source) (since sallyport.Since, bounded bool, err error) {
	_, endpoint, err := e.endpoint(s)
	if err != nil {
		return since, false, err
	}
	return endpoint.Request.Since, endpoint.Bounded(), nil
}

// endpoint finds what a source reads: an endpoint of its connector, or a request of its own.
func (e *Engine) endpoint(s sallyport.Source) (*connector.Definition, *connector.Endpoint, error) {
	definition, err := e.Catalogue.Definition(s.Connector)
	if err != nil {
		return nil, nil, err
	}
	if s.Request != nil {
		return definition, &connector.Endpoint{Request: *s.Request}, nil
	}
	endpoint, err := definition.Endpoint(s.Endpoint)
	return definition, endpoint, err
}

// goesOn tells whether a run of a source goes on at the end of the last one. Otherwise a cursor was left by what the source read before.
func (e *Engine) goesOn(s sallyport.Source) bool {
	_, endpoint, err := e.endpoint(s)
	return err == nil && (endpoint.Request.Since != sallyport.Since{} || endpoint.Request.Paging.Type == sallyport.PagingTAXII)
}

// MaySample refuses to make a call for a sample that does more than reading.
func (e *Engine) MaySample(s sallyport.Source) error {
	_, endpoint, err := e.endpoint(s)
	if err != nil || endpoint.Effect == "" {
		return err
	}
	return sallyport.Errorf(sallyport.Conflict, "%s has no sample: a call %s. Only a run of a flow makes it", endpoint.ID, endpoint.Effect)
}

// Watch is what a person sees of a test besides its records.
type Watch struct {
	Peek     func(beginning []byte) // of every response, without any secret
	Recorder *rest.Recorder
}

// OpenSample is OpenSource with the function that opens the file of a list, and lets a person watch.
func (e *Engine) OpenSample(s sallyport.Source, c sallyport.Credential, keys Keys, open connector.OpenFiles, watch Watch) (connector.Source, error) {
	return e.openSource(s, c, keys, reading{spend: e.Quota.ForPerson, open: open, watch: watch})
}

// spending is how calls count in a budget.
type spending func(credential sallyport.ID, limits connector.Limits) *quota.Spender

// reading is how a source is read.
type reading struct {
	spend spending
	open  connector.OpenFiles // opens the file of a list; nil: nothing is read
	watch Watch
	probe *atomic.Bool
	count *atomic.Int64 // what is redacted in records
	gap   window.Bounds // that is pulled instead of what was added since the last run
}

func (e *Engine) openSource(s sallyport.Source, credential sallyport.Credential, keys Keys, r reading) (connector.Source, error) {
	definition, endpoint, err := e.endpoint(s)
	if err != nil {
		return nil, err
	}
	if credential.Connector != "" && credential.Connector != definition.Connector { // it would be sent in the way of another system
		return nil, sallyport.FieldErrorf("credential", "%q is a credential of %s, not of %s", credential.Name, credential.Connector, definition.Connector)
	}
	c := e.restConfig(definition, credential, keys)
	c.Endpoint, c.Params, c.Peek, c.Recorder, c.Probe, c.Redacted, c.Raw = endpoint, s.Params, r.watch.Peek, r.watch.Recorder, r.probe, r.count, s.Raw
	if s.Credential != "" && (endpoint.Answers == nil || !endpoint.Answers.Free) {
		c.Quota = r.spend(s.Credential, definition.Limits)
	}
	switch {
	case endpoint.Answers != nil:
		return e.openAnswers(c)
	case endpoint.Each != nil:
		return rest.OpenEach(c, e.list(endpoint.Each, s.Params, r.open), e.Store)
	case endpoint.Split != nil:
		return rest.OpenSplit(c)
	case endpoint.Timed():
		return rest.OpenSince(c, r.gap)
	}
	return rest.Open(c)
}

// restConfig is how a system is reached with a credential and its keys.
func (e *Engine) restConfig(definition *connector.Definition, c sallyport.Credential, keys Keys) rest.Config {
	config := rest.Config{
		Definition: definition,
		Public:     c.Public,
		Secrets:    keys,
		Known:      e.Redactor.Distinctive(),
		Transport:  func(address *url.URL) http.RoundTripper { return e.Egress.Transport(address, c.Local) },
		Outside:    func(address *url.URL) http.RoundTripper { return e.Egress.Transport(address, false) },
		UserAgent:  e.UserAgent,
		Sleep:      e.Sleep,
	}
	e.knowPrevious(&config, c.ID)
	return config
}

// filesOf opens the files that a flow may use.
func (e *Engine) filesOf(flow sallyport.Flow, purpose sallyport.FilePurpose) connector.OpenFiles {
	return func(ctx context.Context, path string) (files.FS, string, error) {
		return e.Files.Open(ctx, grant.Flow{ID: flow.ID, Name: flow.Name}, purpose, path)
	}
}

// openFlowSource opens the source of a flow with its credential for a run. What is redacted in records
// is counted. The keyring is nil if it has none.
func (e *Engine) openFlowSource(ctx context.Context, flow sallyport.Flow, run sallyport.Run, redacted *atomic.Int64) (connector.Source, *keyring, error) {
	r := reading{
		spend: e.Quota.ForPerson, open: e.filesOf(flow, sallyport.FileRead), probe: new(atomic.Bool), count: redacted,
		gap: window.Bounds{Since: run.From, Until: run.Until},
	}
	r.probe.Store(run.Attempts > 0) // its system was away when it was last requested
	if flow.Source.Credential == "" {
		source, err := e.openSource(flow.Source, sallyport.Credential{}, nil, r)
		return source, nil, err
	}
	c, err := e.Store.Credential(ctx, flow.Source.Credential)
	if err != nil {
		return nil, nil, err
	}
	c = e.Trusted(c)
	keys := e.keyring(sallyport.Actor{Kind: "run", Name: flow.Name}, c)
	r.spend = e.Quota.ForRun
	source, err := e.openSource(flow.Source, c, keys.get, r)
	return source, keys, err
}
