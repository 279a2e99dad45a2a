package connector_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestTracking(t *testing.T) {
	d := &connector.Definition{Connector: "demo", Endpoints: []connector.Endpoint{
		{ID: "whole", Request: sallyport.Request{Key: []string{"id"}}, Whole: true, Ignore: []string{"stamp"}},
		{ID: "part", Request: sallyport.Request{Key: []string{"id"}}},
		{ID: "keyless"},
	}}
	keyed, keyless := &sallyport.Request{Key: []string{"id"}}, &sallyport.Request{}
	for _, c := range []struct {
		source sallyport.Source
		want   string // on, all, whole; or what the error says
	}{
		{sallyport.Source{Endpoint: "whole"}, "on whole"},
		{sallyport.Source{Endpoint: "whole", Emit: "all"}, "on all whole"},
		{sallyport.Source{Endpoint: "part"}, ""},
		{sallyport.Source{Endpoint: "part", Emit: "changes"}, "on"},
		{sallyport.Source{Endpoint: "part", Emit: "all"}, "on all"},
		{sallyport.Source{Endpoint: "keyless"}, ""},
		{sallyport.Source{Endpoint: "keyless", Emit: "all"}, ""},
		{sallyport.Source{Endpoint: "keyless", Emit: "changes"}, "the records of keyless have none"},
		{sallyport.Source{Request: keyed}, ""},
		{sallyport.Source{Request: keyed, Emit: "changes"}, "on whole"},
		{sallyport.Source{Request: keyed, Emit: "all"}, "on all whole"},
		{sallyport.Source{Request: keyless, Emit: "all"}, ""},
		{sallyport.Source{Request: keyless, Emit: "changes"}, "name its fields under request.key"},
		{sallyport.Source{Endpoint: "whole", Emit: "change"}, `did you mean "changes"?`},
		{sallyport.Source{Endpoint: "other"}, "there is no endpoint"},
	} {
		got, err := d.Tracking(c.source)
		if err != nil {
			if c.want == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", c.source, err, c.want)
			}
			continue
		}
		if words := inWords(got); words != c.want {
			t.Errorf("%+v: %q, want %q", c.source, words, c.want)
		}
	}
	if got, _ := d.Tracking(sallyport.Source{Endpoint: "whole"}); got.Key[0] != "id" || got.Ignore[0] != "stamp" {
		t.Errorf("key %v, ignored %v", got.Key, got.Ignore)
	}
}

func inWords(t connector.Tracking) (words string) {
	if !t.On {
		return ""
	}
	words = "on"
	if t.All {
		words += " all"
	}
	if t.Whole {
		words += " whole"
	}
	return words
}
