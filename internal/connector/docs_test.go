package connector_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestMarkdown(t *testing.T) {
	d := keyed()
	d.Summary = "A demonstration."
	d.Credential.Fields[1].Help = "North | south,\n<b>not</b> `a<b`."
	d.Limits = connector.Limits{Note: "Few.", Headers: map[string]string{"month": "X-Month", "second": "X-Second"}}
	d.Errors = []connector.ErrorRule{{Status: []int{429}, Match: "a|b", Class: connector.ClassRate, Window: "day"}}
	d.Endpoints = []connector.Endpoint{*endpoint()}
	d.Endpoints[0].Params[0].Example = "it's 1"
	d.Destination = &connector.DestinationSpec{Target: []string{"path", "list"}, Fields: []connector.Field{
		{Name: "path", Required: true, Example: "a: b"}, {Name: "list", Type: connector.TypeList, Required: true, Example: []any{"x", "y"}},
		{Name: "columns", Type: connector.TypeList, Default: []any{"x", "y"}},
	}}
	page := string(d.Markdown())
	for _, want := range []string{
		"# Demo\n\nA demonstration.\n",
		"| `region` | `north` or `south` | North \\| south, &lt;b>not&lt;/b> `a<b`. |\n",
		"| `key` | **secret**, required, pattern `[A-Z0-9-]+` |",
		"The key is sent as the query parameter `key`, to the address only.",
		"sallyport credential add demo --name 'my demo' --secret-stdin\n",
		"| second | `X-Second` |\n| month | `X-Month` |\n",
		"| `tags` | list of `a` and `b` |  |",
		"| `deep` | boolean, default `false` |",
		"Exactly one of `id` and `name` must be given.",
		`--endpoint thing.get --param 'id=it'\''s 1'` + "\n",
		"    config: {path: \"a: b\", list: [x, y], columns: [x, y]}\n",
		"| `columns` | list, default `[x, y]` |",
		"No two destinations may have the same `path` and `list`.",
		"**Cost.** One call",
		"| **found** | The system sends a response with records,",
		"| **rejected** | The key is not accepted. | The run sends nothing more until the key is replaced.",
		"| 429 Too Many Requests | `a\\|b` | limited, for the day |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in\n%s", want, page)
		}
	}
}
