package connector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

func TestCheckSince(t *testing.T) {
	day := sallyport.Duration(24 * time.Hour)
	window := map[string]sallyport.Texts{"from": {"{since}"}, "to": {"{until}"}}
	from := map[string]sallyport.Texts{"from": {"{since}"}}
	for name, c := range map[string]struct {
		request sallyport.Request
		want    string
	}{
		"whole":           {sallyport.Request{Query: window, Since: sallyport.Since{Field: "meta.at", Start: "now-365d", Overlap: day, Step: 7 * day, Format: "unix"}}, ""},
		"no start":        {sallyport.Request{Query: from, Since: sallyport.Since{Field: "at"}}, ""},
		"now alone":       {sallyport.Request{Query: map[string]sallyport.Texts{"from": {"{now-5d}"}, "to": {"{now}"}}}, ""},
		"no since":        {sallyport.Request{Query: from}, "query.from: {since} needs since: for example"},
		"until, no since": {sallyport.Request{URL: "/to/{until}"}, "url: {until} needs since"},
		"escaped":         {sallyport.Request{Query: map[string]sallyport.Texts{"a": {"{{since}}"}}}, ""},
		"no placeholder":  {sallyport.Request{Since: sallyport.Since{Start: "now-1d"}}, "since: needs a placeholder"},
		"step, no until":  {sallyport.Request{Query: from, Since: sallyport.Since{Start: "now-9d", Step: day}}, "since.step: needs {until}"},
		"step, no since":  {sallyport.Request{Query: map[string]sallyport.Texts{"to": {"{until}"}}, Since: sallyport.Since{Start: "now-9d", Step: day}}, "since.step: needs {since}"},
		"step, no start":  {sallyport.Request{Query: window, Since: sallyport.Since{Step: day}}, "since.start: is required with since.step"},
		"long overlap":    {sallyport.Request{Query: window, Since: sallyport.Since{Start: "now-9d", Step: day, Overlap: day}}, "since.overlap: must be shorter than since.step (1d)"},
		"start":           {sallyport.Request{Query: from, Since: sallyport.Since{Start: "last week"}}, `since.start: "last week" is not a time`},
		"format":          {sallyport.Request{Query: from, Since: sallyport.Since{Start: "now-1d", Format: "unix_sm"}}, `since.format: there is no format of times "unix_sm"; did you mean "unix_ms"?`},
		"layout":          {sallyport.Request{Query: from, Since: sallyport.Since{Start: "now-1d", Format: "%H:%M"}}, `since.format: "%H:%M" does not say which day`},
		"part of a value": {sallyport.Request{Query: map[string]sallyport.Texts{"q": {"at>{since}"}}, Since: sallyport.Since{Field: "at"}}, "query.q: {since} needs since.start, or must be a whole value"},
		"in the path":     {sallyport.Request{URL: "/x{since}", Since: sallyport.Since{Field: "at"}}, "url: {since} needs since.start"},
		"taxii":           {sallyport.Request{Query: from, Format: "taxii", Paging: sallyport.Paging{Type: "taxii"}, Since: sallyport.Since{Start: "now-1d"}}, "since: does not go with paging of type taxii"},
		"typing error":    {sallyport.Request{Query: map[string]sallyport.Texts{"from": {"{sinse}"}}, Since: sallyport.Since{Start: "now-1d"}}, "since: needs a placeholder"},
		"another":         {sallyport.Request{URL: "/{untill}", Query: from, Since: sallyport.Since{Start: "now-1d"}}, "url: there is no placeholder {untill}: did you mean {until}?"},
	} {
		d := chosen()
		d.Manual = true
		if c.request.URL == "" {
			c.request.URL = "/x"
		}
		err := d.CheckRequest(&c.request)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

func TestNothingVanishesFromAPullByTime(t *testing.T) {
	for text, whole := range map[string]bool{"x": true, "{now}": true, "{now-5d}": false, "{since}": false} {
		source := sallyport.Source{Connector: "rest", Emit: sallyport.EmitChanges, Request: &sallyport.Request{
			URL: "/x", Key: []string{"id"}, Query: map[string]sallyport.Texts{"a": {text}},
		}}
		if text == "{since}" {
			source.Request.Since.Start = "now-1d"
		}
		got, err := chosen().Tracking(source)
		if err != nil || got.Whole != whole {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
}
