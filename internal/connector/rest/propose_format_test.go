package rest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-io/sallyport"
)

func TestProposeFormat(t *testing.T) {
	const none = "text/plain"
	for name, test := range map[string]struct {
		media, text string
		want        FormatProposal
	}{
		"commas":                  {"text/csv", "id,name\n1,a\n2,b\n", FormatProposal{Format: "csv", Key: []string{"id"}}},
		"semicolons":              {none, "id;price\n1;2,50\n2;3,50\n", FormatProposal{Format: "csv", Separator: ";", Key: []string{"id"}}},
		"semicolons, some commas": {none, "id;name, first\n1;a\n2;b\n", FormatProposal{Format: "csv", Separator: ";", Key: []string{"id"}}},
		"tabs":                    {"", "name\tscore\na\t1\na\t2\n", FormatProposal{Format: "csv", Separator: "tab"}},
		"abuse.ch": {none, "#####\n# Example #\n#\n# \"first_seen\",\"ioc_id\"\n\"2026-01-08\", \"1693325\"\n\"2026-01-08\", \"1693316\"\n# Number: 2\n",
			FormatProposal{Format: "csv", Comment: "#", Header: "comment", Key: []string{"ioc_id"}}},
		"no header":               {none, "203.0.113.1,80\n203.0.113.2,443\n", FormatProposal{Format: "csv", Header: "none"}},
		"addresses":               {none, "# list\n203.0.113.1\n203.0.113.2\n", FormatProposal{Format: "lines", Comment: "#", Key: []string{"value"}}},
		"the same address twice":  {none, "203.0.113.1\n203.0.113.1\n", FormatProposal{Format: "lines"}},
		"JSON lines":              {"", "{\"id\":1}\n{\"id\":2}\n", FormatProposal{Format: "jsonl", Key: []string{"id"}}},
		"one JSON line":           {"application/x-ndjson", `{"a":1}`, FormatProposal{Format: "jsonl"}},
		"JSON in lines":           {"", "{\n\"id\":1\n}", FormatProposal{}},
		"a list":                  {"", "[1,\n2]", FormatProposal{}},
		"markup":                  {"text/html", "<html>\na,b\n", FormatProposal{}},
		"prose":                   {none, "The service is not available.\nTry again later, or call us.\n", FormatProposal{}},
		"a word":                  {none, "OK\n", FormatProposal{}},
		"nothing":                 {"text/csv", "\n", FormatProposal{}},
		"rows of several lengths": {"text/csv", "a,b\n1,2,3\n", FormatProposal{}},
		"TAXII":                   {"application/taxii+json;version=2.1", `{"more":false,"objects":[]}`, FormatProposal{Format: "taxii"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := ProposeFormat(http.Header{"Content-Type": {test.media}}, []byte(test.text), true, sallyport.Request{})
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(FormatProposal{}, "Why")); diff != "" || ok != (test.want.Format != "") || ok != strings.HasSuffix(got.Why, ".") {
				t.Errorf("%v %s %s", ok, got.Why, diff)
			}
		})
	}
}

// TestProposeFormatOfABeginning cuts a text within its last row, and declares a part.
func TestProposeFormatOfABeginning(t *testing.T) {
	got, ok := ProposeFormat(nil, []byte("id|\"name\"\n1|a\n2|\"b"), false, sallyport.Request{})
	if !ok || got.Separator != "|" || len(got.Key) != 0 && got.Key[0] != "id" {
		t.Errorf("%+v", got)
	}
	got, ok = ProposeFormat(nil, []byte("1;2\n3;4\n"), true, sallyport.Request{Separator: ";", Header: "row"})
	if !ok || got.Header != "row" {
		t.Errorf("%+v", got)
	}
}

// TestHeaderIn: the first of several arrays may have the names.
func TestHeaderIn(t *testing.T) {
	for text, want := range map[string]string{
		`[["NAME","POP"],["Alpha","10"]]`: "row", `[["a","b"]]`: "", `[[1,2],[3,4]]`: "", `[["a","a"],[1,2]]`: "", `[["a"],[1,2]]`: "", `[{"a":1},{"a":2}]`: "", `[]`: "",
	} {
		root, err := exact([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := headerIn(root.([]any)); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
