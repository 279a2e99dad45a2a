package rest

import (
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/instant"
	windows "github.com/sallyport-io/sallyport/internal/connector/window"
)

// OpenSince opens an endpoint whose requests depend on the time. The gap is what is pulled instead of what was added since the last run; zero: none.
func OpenSince(c Config, gap windows.Bounds) (connector.Source, error) {
	format, err := instant.ParseFormat(c.Endpoint.Request.Since.Format)
	if err != nil {
		return nil, sallyport.FieldErrorf("since.format", "%w", err)
	}
	at := func(b windows.Bounds) map[string]any { return times(c.Endpoint.TimeNames(), format, b) }
	now := sallyport.Now()
	first := c
	first.Params = joined(c.Params, at(windows.Bounds{Since: now, Until: now, Now: now}))
	source, err := Open(first)
	if err != nil {
		return nil, err
	}
	return windows.New(windows.Config{
		Since: c.Endpoint.Request.Since, Gap: gap, Bounded: c.Endpoint.Bounded(),
		Ask:  func(b windows.Bounds) (connector.Source, error) { return source.withAll(c, at(b)) },
		Done: source.gate.closeIdle,
	})
}

// times are the values of placeholders. That of {since} is absent as long as nothing was pulled.
func times(names []string, format instant.Format, b windows.Bounds) map[string]any {
	values := map[string]any{}
	for _, name := range names {
		before, relative := instant.Before(name)
		switch {
		case relative:
			values[name] = format.Write(b.Now.Add(-before))
		case name == connector.UntilName:
			values[name] = format.Write(b.Until)
		default:
			values[name] = inFormat(format, b.Since)
		}
	}
	return values
}

func inFormat(format instant.Format, t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return format.Write(t)
}
