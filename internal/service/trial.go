package service

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/store"
)

// ManualConnector is the connector whose sources are requests described by hand.
const ManualConnector = "rest"

// keyNames are the usual names of query parameters that carry a key, in lower case without separators.
var keyNames = []string{
	"key", "apikey", "xapikey", "token", "accesstoken", "authtoken", "apitoken", "auth", "secret", "clientsecret", "password", "passwd", "pwd",
	"appid", "appkey", "subscriptionkey",
}

var separators = regexp.MustCompile(`[-_.]`)

// ReadAddress takes apart an address from the documentation of an API: where the system is, and what is requested there. The system is "" if the
// text is a path. An address that seems to contain a key is refused, because it would be stored and shown in plaintext.
func ReadAddress(text string) (system string, request sallyport.Request, err error) {
	u, err := url.Parse(strings.TrimSpace(text))
	switch {
	case err != nil:
		return "", request, sallyport.FieldErrorf("url", "must be an address such as https://api.example.com/v1/items?limit=100")
	case u.Scheme == "" && !strings.HasPrefix(u.Path, "/"), u.Scheme != "" && u.Host == "", u.Scheme == "" && u.Host != "":
		return "", request, sallyport.FieldErrorf("url", "must begin with https://, or with / if it is a path below the address of a credential")
	case u.User != nil:
		return "", request, sallyport.FieldErrorf("url", "must not contain a user name or password: store them with `sallyport credential add rest --set auth=basic`")
	}
	request.URL = u.EscapedPath()
	if request.URL == "" {
		request.URL = "/"
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", request, sallyport.FieldErrorf("url", "has a query that cannot be read: write %% as %%25")
	}
	for name, all := range values {
		if slices.Contains(keyNames, separators.ReplaceAllString(strings.ToLower(name), "")) && strings.Join(all, "") != "" {
			return "", request, sallyport.FieldErrorf("url", "seems to contain a key in the parameter %q: store the key with "+
				"`sallyport credential add rest --set auth=query --set name=%s --secret-stdin`, and leave the parameter out here", name, name)
		}
		if request.Query == nil {
			request.Query = map[string]sallyport.Texts{}
		}
		request.Query[name] = all
	}
	if u.Scheme != "" {
		system = u.Scheme + "://" + u.Host
	}
	return system, request, nil
}

// publicOf are the public fields of a credential for a system that needs no key.
func publicOf(system string) map[string]string {
	return map[string]string{connector.AddressField: system, "auth": connector.AuthNone}
}

// trial is the source of a test at an address. Without a credential it reads a system that needs no key.
func (r resolver) trial(ctx context.Context, d SourceDraft) (source sallyport.Source, c sallyport.Credential, err error) {
	definition, err := r.Catalogue.Definition(ManualConnector)
	if err != nil {
		return source, c, err
	}
	if err := r.actor.Needs(sallyport.ScopeWrite, "url", "a test at an address of your choice"); err != nil {
		return source, c, err
	}
	request := *d.Request
	if d.Credential == "" {
		c = sallyport.Credential{Connector: ManualConnector}
		if c.Public, err = definition.CheckCredential(publicOf(d.System), nil); err != nil {
			return source, c, err
		}
		c.Local = isLocal(r.actor, c.Public)
	} else if c, err = r.named(ctx, d.Credential); err != nil {
		return source, c, field("credential", err)
	} else if request.URL, err = below(c, d.System, request.URL); err != nil {
		return source, c, err
	}
	source = sallyport.Source{Connector: ManualConnector, Credential: c.ID, Request: &request}
	return source, c, prefix("request", definition.CheckRequest(&request))
}

// below returns the path of an address as a request with a credential needs it.
func below(c sallyport.Credential, system, path string) (string, error) {
	base, err := url.Parse(c.Public[connector.AddressField])
	if err != nil || !strings.EqualFold(base.Scheme+"://"+base.Host, system) {
		return "", sallyport.FieldErrorf("url", "is at %s, and the credential %q belongs to %s: name another credential, or none", system, c.Name, c.Public[connector.AddressField])
	}
	prefix := strings.TrimSuffix(base.EscapedPath(), "/")
	if path != prefix && !strings.HasPrefix(path, prefix+"/") {
		return "", sallyport.FieldErrorf("url", "is not below %s, which the credential %q belongs to", c.Public[connector.AddressField], c.Name)
	}
	return "/" + strings.TrimPrefix(strings.TrimPrefix(path, prefix), "/"), nil
}

// resolveTrial checks the source of a test at an address.
func (s *Service) resolveTrial(ctx context.Context, actor sallyport.Actor, d SourceDraft) (source sallyport.Source, c sallyport.Credential, err error) {
	if err := s.checkPlain(ctx, d.Request); err != nil {
		return source, c, err
	}
	err = s.Store.InTx(ctx, func(tx *store.Tx) error {
		source, c, err = resolver{Service: s, tx: tx, actor: actor, of: d.Of}.trial(ctx, d)
		return err
	})
	return source, c, err
}
