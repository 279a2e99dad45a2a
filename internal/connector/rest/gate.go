package rest

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/egress"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// gate is the last RoundTripper and the only place where a key meets a request. Everything before it sees requests without the key, and
// so does everything after it: the request with the key is a clone that never leaves RoundTrip, not in the response, not in an error.
type gate struct {
	origins  []string       // where the key may go; see origin
	base     string         // the path that it may go below, as it is written in a URL
	auth     connector.Auth // resolved
	secrets  func(context.Context) (map[string]secret.Text, error)
	known    *secret.Redactor // learns every secret before it is used
	next     http.RoundTripper
	jar      *jar      // of one run; nil: cookies are not kept
	fleeting *fleeting // of one run; nil: it has none
}

// RoundTrip sends a copy of the request that carries the key, if the request goes to where the key belongs.
func (g *gate) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := g.admit(request.URL); err != nil {
		return nil, err
	}
	secrets, err := g.keys(request.Context())
	if err != nil {
		return nil, err
	}
	keyed := request.Clone(blind{request.Context()})
	keyed.Host = ""
	if err := g.sign(keyed, secrets); err != nil {
		return nil, err
	}
	if g.jar != nil {
		g.jar.put(keyed)
	}
	response, err := g.next.RoundTrip(keyed)
	if err != nil {
		return nil, g.rebuild(request.Context(), err)
	}
	if g.jar != nil {
		g.jar.take(request.URL, response, g.fleeting)
	}
	g.redact(response)
	response.Request = request
	return response, nil
}

// links are headers with a URL. They are redacted by [gate.follow], which first takes out the key's own parameter.
var links = []string{"Location", "Link"}

// redact takes secrets out of what a response says before its body, so that nothing that reads it, or repeats it in an error, can show one.
func (g *gate) redact(response *http.Response) {
	response.Status = g.known.String(response.Status)
	for name, values := range response.Header {
		if slices.Contains(links, name) {
			continue
		}
		for i, value := range values {
			values[i] = g.known.String(value)
		}
	}
}

// admit refuses every place but those that the key belongs to. It decides for first requests, links to next pages and redirects alike.
func (g *gate) admit(u *url.URL) error {
	if u.User == nil && u.Opaque == "" && slices.Contains(g.origins, origin(u)) && connector.Within(g.base, u.EscapedPath()) {
		return nil
	}
	return sallyport.Errorf(sallyport.Invalid, "%s is not a place that this credential may be sent to; it belongs to %s",
		g.nameOf(u), strings.Join(g.origins, ", ")+g.base)
}

// nameOf names a place that a system wants the key to go to. Of its path it says only that it is the wrong one: it may hold anything.
func (g *gate) nameOf(u *url.URL) string {
	if u.Scheme != "http" && u.Scheme != "https" { // parsing has folded its case, so that a key in it would not be recognized
		return "an address that is neither http nor https"
	}
	name := line(g.known, u.Scheme+"://"+u.Host)
	if slices.Contains(g.origins, origin(u)) {
		name += " outside of " + cmp.Or(g.base, "/")
	}
	return name
}

// keys asks for the secrets as they are now, so that a new key is used at once.
func (g *gate) keys(ctx context.Context) (map[string]secret.Text, error) {
	places := g.auth.Places()
	if g.secrets == nil || len(places) == 0 {
		return nil, nil
	}
	secrets, err := g.secrets(ctx)
	if err != nil {
		return nil, err
	}
	for _, text := range secrets {
		g.known.Add(text)
	}
	for _, place := range places {
		if !place.IsGiven(secrets) && !place.Optional {
			return nil, sallyport.Errorf(sallyport.Unauthenticated,
				"the credential has no %s; put one in with `sallyport credential rotate`", place.Secret)
		}
	}
	return secrets, nil
}

// sign puts every key where the connector wants it.
func (g *gate) sign(keyed *http.Request, secrets map[string]secret.Text) error {
	for _, place := range g.auth.Places() {
		if !place.IsGiven(secrets) {
			continue
		}
		if err := put(keyed, place, secrets); err != nil {
			return err
		}
	}
	return nil
}

// put puts one key in its place, with what belongs around it.
func put(keyed *http.Request, place connector.Auth, secrets map[string]secret.Text) error {
	key := place.Before() + secrets[place.Secret].Reveal() + place.Suffix
	switch kind := place.Kind; {
	case kind == connector.AuthForm && keyed.Method == http.MethodPost:
		return fillIn(keyed, place.Name, key)
	case place.Queried():
		keyed.URL.RawQuery = withKey(keyed.URL.RawQuery, place.Name, key)
	case kind == connector.AuthHeader && connector.IsTransportHeader(place.Name):
		return sallyport.FieldErrorf("name", "must not be %s: the HTTP transport sets this header itself", place.Name)
	case kind == connector.AuthBasic:
		keyed.SetBasicAuth(place.Username+secrets[place.UserSecret].Reveal(), key) // one of the two is empty
	case place.Header() != "":
		keyed.Header.Set(place.Header(), key)
	}
	return nil
}

// withKey adds a key to a query, or to a form, which is written as one.
func withKey(query, name, key string) string {
	pair := encodeQuery(url.Values{name: {key}})
	return strings.TrimPrefix(withoutPair(query, name)+"&"+pair, "&")
}

// fillIn puts a key into the form that is the body of a request.
func fillIn(keyed *http.Request, name, key string) error {
	form := []byte{}
	if keyed.Body != nil {
		var err error
		if form, err = io.ReadAll(keyed.Body); err != nil { // it is ours, and as long as a definition's body
			return err
		}
	}
	filled := withKey(string(form), name, key)
	keyed.ContentLength = int64(len(filled))
	keyed.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(filled)), nil }
	keyed.Body, _ = keyed.GetBody() // it does not fail
	keyed.Header.Set("Content-Type", formType)
	return nil
}

// keyless returns a URL that a system gave, without the key that it may have repeated there.
func (g *gate) keyless(u *url.URL) *url.URL {
	clean := *u
	clean.Fragment, clean.RawFragment = "", ""
	clean.RawQuery = withoutKeys(u.RawQuery, g.auth)
	return &clean
}

// follow returns where a link of a system leads, without the key. A link that leads away from where the key belongs, or holds the key anywhere
// but in its own parameter, is an error. One that names the other scheme of the same host leads to the key's own; see [gate.own].
func (g *gate) follow(from *url.URL, link string) (*url.URL, error) {
	to, err := from.Parse(link)
	if err != nil {
		return nil, errors.New("is not a URL")
	}
	to = g.own(g.keyless(to))
	switch {
	case g.admit(to) != nil:
		return nil, fmt.Errorf("leads to %s, %w", g.nameOf(to), errElsewhere)
	case g.known.Contains(to.String()), g.known.Contains(to.String() + "&"): // which ends a parameter, and may end a key
		return nil, errors.New("contains the key, which would be stored in plaintext")
	}
	return to, nil
}

// own returns a URL with the scheme and port of the key's own place if it differs from that in its scheme only: systems behind a proxy name the
// scheme and port that they see. So nothing is ever sent with another scheme than the credential's.
func (g *gate) own(u *url.URL) *url.URL {
	for _, text := range g.origins {
		own, err := url.Parse(text)
		if err != nil || slices.Contains(g.origins, origin(u)) || !strings.EqualFold(own.Hostname(), u.Hostname()) {
			continue
		}
		other := u.Scheme == "http" && own.Scheme == "https" || u.Scheme == "https" && own.Scheme == "http"
		if port := u.Port(); other && (port == "" || port == defaultPorts[u.Scheme] || port == own.Port()) {
			moved := *u
			moved.Scheme, moved.Host = own.Scheme, own.Host
			if own.Port() == defaultPorts[own.Scheme] {
				moved.Host = strings.TrimSuffix(own.Host, ":"+own.Port())
			}
			return &moved
		}
	}
	return u
}

// rebuild makes a new error of one that knew the request with the key. Nothing of the old one is kept.
func (g *gate) rebuild(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	dial, dialing := errors.AsType[*net.OpError](err)
	_, untrusted := errors.AsType[*tls.CertificateVerificationError](err)
	_, refused := errors.AsType[*sallyport.Error](err)
	return &fault{
		text:    g.known.String(err.Error()),
		unsent:  dialing && dial.Op == "dial",
		lasting: untrusted || refused,
	}
}

// closeIdle lets go of the connections that are not in use.
func (g *gate) closeIdle() {
	if idler, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		idler.CloseIdleConnections()
	}
}

// fault is a request that got no answer.
type fault struct {
	text    string // redacted
	unsent  bool   // nothing of the request went out
	lasting bool   // trying again would not help
}

// Error returns the redacted text.
func (f *fault) Error() string { return f.text }

// blind is a context that tells nothing but when to stop: what traces requests through a context must not see the one with the key.
type blind struct{ context.Context }

// Value knows nothing.
func (blind) Value(any) any { return nil }

var defaultPorts = map[string]string{"http": "80", "https": "443"}

// origin is the scheme, host and port of a URL.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// originsOf lists where the key of a credential with this address may go. An address that the connector does not name, such as that of a
// private instance or the sandbox, gets its own key only, and the connector's hosts never do.
func originsOf(address *url.URL, hosts []string) []string {
	own := origin(address)
	var official []string
	for _, host := range hosts {
		official = append(official, origin(&url.URL{Scheme: "https", Host: host}))
	}
	if slices.Contains(official, own) {
		return official
	}
	return []string{own}
}

// checkAddress takes an address that a key may be sent to.
func checkAddress(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, sallyport.FieldErrorf(connector.AddressField, "must be an address such as https://api.example.com")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !egress.IsLoopback(u.Hostname())) {
		return nil, sallyport.FieldErrorf(connector.AddressField,
			"must begin with https://; only an address of this machine itself may begin with http://")
	}
	return u, nil
}

// withoutKeys takes the pairs that carry keys out of a query.
func withoutKeys(query string, auth connector.Auth) string {
	for _, place := range auth.Places() {
		if place.Queried() {
			query = withoutPair(query, place.Name)
		}
	}
	return query
}

// withoutPair takes the pairs of one name out of a query and leaves all others as they are written.
func withoutPair(query, name string) string {
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		written, _, _ := strings.Cut(pair, "=")
		decoded, err := url.QueryUnescape(written)
		return pair == "" || err == nil && decoded == name
	})
	return strings.Join(pairs, "&")
}
