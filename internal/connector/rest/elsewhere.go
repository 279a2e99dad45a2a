package rest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/egress"
)

// withoutKey is how a redirect to another place is followed where the request allows it, for example to a pre-signed address of a store: with a
// request of its own that has neither the key nor a cookie nor any other header of the request.
type withoutKey struct {
	gate      *gate
	transport func(address *url.URL) http.RoundTripper
	header    http.Header
	address   *url.URL // of the credential
}

// fetch requests a link, and follows its redirects within bounds. The response carries the caller's request: the address of a store is as secret
// as a key.
func (w *withoutKey) fetch(ctx context.Context, request *http.Request, link string) (*http.Response, *judge, error) {
	at := request.URL
	j := &judge{known: w.gate.known, keyless: true}
	for range maxRedirects {
		to, err := w.check(at, link)
		if err != nil {
			return nil, j, err
		}
		j.host, at = to.Host, to
		response, err := w.get(ctx, to)
		if err != nil {
			return nil, j, w.gate.rebuild(ctx, err)
		}
		link = response.Header.Get("Location")
		if response.StatusCode/100 != 3 || link == "" {
			for _, name := range []string{"Location", "Link", "Content-Location", "Set-Cookie", "Refresh"} {
				response.Header.Del(name)
			}
			w.gate.redact(response)
			response.Request = request
			return response, j, nil
		}
		response.Body.Close() // its text is of no interest
	}
	return nil, j, errors.New("it redirects too often")
}

// check returns where a link leads if it may be requested without the key, and makes what is secret in it known.
func (w *withoutKey) check(from *url.URL, link string) (*url.URL, error) {
	to, err := from.Parse(link)
	if err != nil {
		return nil, errors.New("its redirect is not a URL")
	}
	to.Fragment, to.RawFragment = "", ""
	local := egress.IsLoopback(to.Hostname())
	plain, _ := url.QueryUnescape(to.String())
	switch known := w.gate.known; {
	case known.Contains(to.String()), known.Contains(to.String() + "&"), known.Contains(plain):
		return nil, errors.New("its redirect contains the key, which must not go there")
	case to.Hostname() == "" || to.User != nil || to.Opaque != "":
		return nil, fmt.Errorf("its redirect leads to %s, which is not followed", w.gate.nameOf(to))
	case w.gate.isOwn(to):
		return nil, errors.New("its redirect leads back to the system of the credential, which is not followed")
	case local && !egress.IsLoopback(w.address.Hostname()):
		return nil, errors.New("its redirect leads to this machine, which is not followed")
	case to.Scheme != "https" && (to.Scheme != "http" || !local):
		return nil, fmt.Errorf("its redirect leads to %s, which is followed with https only", w.gate.nameOf(to))
	}
	w.gate.fleeting.add(to.RawQuery)
	for pair := range strings.SplitSeq(to.RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		if len(value) >= 2*minFleeting {
			w.gate.fleeting.add(value)
		}
	}
	return to, nil
}

// get makes one request on a connection of its own.
func (w *withoutKey) get(ctx context.Context, to *url.URL) (*http.Response, error) {
	request, err := http.NewRequestWithContext(blind{ctx}, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Accept", "User-Agent"} {
		request.Header.Set(name, w.header.Get(name))
	}
	request.Close = true
	return w.transport(to).RoundTrip(request)
}

// isOwn tells whether a URL leads to a host and port that the key belongs to, whatever its scheme and path.
func (g *gate) isOwn(u *url.URL) bool {
	for _, text := range g.origins {
		if own, err := url.Parse(text); err == nil {
			_, a, _ := strings.Cut(text, "://")
			_, b, _ := strings.Cut(origin(u), "://")
			if a == b || own.Scheme == "https" && strings.EqualFold(own.Hostname(), u.Hostname()) && !egress.IsLoopback(u.Hostname()) {
				return true
			}
		}
	}
	return false
}

// permitted is the error of a redirect to another place, which names the setting that allows it.
func permitted(c call, err error) error {
	if c.method != http.MethodGet || !errors.Is(err, errElsewhere) {
		return err
	}
	return fmt.Errorf("%w; to fetch it from there without the key, declare `follow: without_key`", err)
}

// errElsewhere marks the error of a link that leads away from where the key belongs.
var errElsewhere = errors.New("where the key must not go")

// classOf is what a refusal means of a system that was not sent the key: nothing about the key.
func (j *judge) classOf(class connector.Class) connector.Class {
	if j.keyless && (class == connector.ClassCredential || class == connector.ClassPlan) {
		return connector.ClassPermanent
	}
	return class
}
