package engine

import (
	"context"
	"net/http"
	"net/url"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/store"
)

// Keys gives the secrets of a credential when a request needs them.
type Keys func(ctx context.Context) (map[string]secret.Text, error)

// Keys resolves a credential at each use, by reference: a rotation is seen by the next request. Only a version that was not opened
// yet is opened, and audited.
func (e *Engine) Keys(actor sallyport.Actor, credential sallyport.ID) Keys {
	var version int64
	var opened map[string]secret.Text
	return func(ctx context.Context) (map[string]secret.Text, error) {
		current, err := e.Store.CredentialVersion(ctx, credential)
		if err != nil || (opened != nil && current == version) {
			return opened, err
		}
		c, err := e.Store.Credential(ctx, credential)
		if err != nil {
			return nil, err
		}
		if opened, err = e.Vault.Open(ctx, actor, c); err != nil {
			return nil, err
		}
		version = c.Version
		return opened, e.Store.InTx(ctx, func(tx *store.Tx) error { return tx.TouchCredential(ctx, c.ID, sallyport.Now()) })
	}
}

// OpenSource opens a source to be read with the given public fields and keys of its credential.
func (e *Engine) OpenSource(s sallyport.Source, public map[string]string, keys Keys) (connector.Source, error) {
	definition, err := e.Catalogue.Definition(s.Connector)
	if err != nil {
		return nil, err
	}
	endpoint := &connector.Endpoint{}
	if s.Request != nil {
		endpoint.Request = *s.Request
	} else if endpoint, err = definition.Endpoint(s.Endpoint); err != nil {
		return nil, err
	}
	return rest.Open(rest.Config{
		Definition: definition,
		Endpoint:   endpoint,
		Params:     s.Params,
		Public:     public,
		Secrets:    keys,
		Transport:  func(address *url.URL) http.RoundTripper { return e.Egress.Transport(address) },
		UserAgent:  e.UserAgent,
	})
}

// openFlowSource opens the source of a flow with its credential, if it has one.
func (e *Engine) openFlowSource(ctx context.Context, flow sallyport.Flow) (connector.Source, error) {
	if flow.Source.Credential == "" {
		return e.OpenSource(flow.Source, nil, nil)
	}
	c, err := e.Store.Credential(ctx, flow.Source.Credential)
	if err != nil {
		return nil, err
	}
	actor := sallyport.Actor{Kind: "run", Name: flow.Name}
	return e.OpenSource(flow.Source, c.Public, e.Keys(actor, c.ID))
}
