package rest

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	lookups "github.com/sallyport-io/sallyport/internal/connector/lookup"
)

// OpenEach opens an endpoint that is called once for every value of a list. The cache may be nil.
func OpenEach(c Config, list lookups.List, cache lookups.Cache) (connector.Source, error) {
	source, err := Open(c)
	if err != nil {
		return nil, err
	}
	return each(c, source, list, cache)
}

// each asks a source about the values of a list, through the same gate and over the same connections.
func each(c Config, source *Source, list lookups.List, cache lookups.Cache) (connector.Source, error) {
	spec := c.Endpoint.Each
	scope, err := scopeOf(c, source)
	if err != nil {
		return nil, err
	}
	config := lookups.Config{
		Name: spec.Name, List: list, Cache: cache, Scope: scope, Ages: spec.Cache,
		Ask:  func(value string) (connector.Source, error) { return source.with(c, spec.Name, value) },
		Done: source.gate.closeIdle,
	}
	if spec.Kind == connector.KindIndicator {
		config.Clean = indicator
	}
	if text, ok := c.Params[connector.ParamMaxAge].(string); ok {
		age, err := sallyport.ParseDuration(text)
		if err != nil {
			return nil, sallyport.FieldErrorf(connector.ParamMaxAge, "%w", err)
		}
		config.MaxAge = &age
	}
	return lookups.New(config), nil
}

// with returns the source of one value.
func (s *Source) with(c Config, name, value string) (*Source, error) {
	return s.withAll(c, map[string]any{name: value})
}

// withAll returns the source whose requests have some more values. Its connections stay open for the next.
func (s *Source) withAll(c Config, values map[string]any) (*Source, error) {
	one := *s
	one.kept = true
	var err error
	one.first, err = newCall(c.Endpoint, joined(c.Params, values), s.address, s.userAgent)
	return &one, err
}

// joined are parameters and some more.
func joined(params, more map[string]any) map[string]any {
	all := map[string]any{}
	maps.Copy(all, params)
	maps.Copy(all, more)
	return all
}

// OpenOne returns a function that opens the request for one value of a {name} in it, and one that closes the connections, which all of these
// share, when no more are made.
func OpenOne(c Config) (one func(name, value string) (connector.Source, error), done func(), err error) {
	source, err := Open(c)
	if err != nil {
		return nil, nil, err
	}
	return func(name, value string) (connector.Source, error) { return source.with(c, name, value) }, source.gate.closeIdle, nil
}

// indicator is the spelling in which an indicator is asked about, or the reason why it is not.
func indicator(text string) (value, reason string) {
	value, _, err := connector.NormaliseIndicator(text)
	if err != nil {
		return "", err.Error()
	}
	return value, ""
}

// scopeOf is what an answer depends on besides the value: the system, the endpoint, its other parameters, and whether the original is beside
// each record; never the key.
func scopeOf(c Config, s *Source) (string, error) {
	params := maps.Clone(c.Params)
	for _, name := range []string{
		c.Endpoint.Each.List, connector.ParamFile, connector.ParamDataset, connector.ParamField, connector.ParamMaxAge,
	} {
		delete(params, name)
	}
	text, err := json.Marshal([]any{c.Definition.Connector, s.address.String(), c.Endpoint.ID, params, c.Raw})
	if err != nil {
		return "", fmt.Errorf("the parameters of %s: %w", c.Endpoint.ID, err)
	}
	return string(text), nil
}
