package connector_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// good is a small definition without a fault. Its tests name a file.
const good = `connector: demo
name: Demo
summary: A demonstration.
links: {website: https://example.com}
credential:
  fields:
    - {name: key, required: true}
    - {name: address, default: https://example.com, public: true}
  hosts: [example.com]
  auth: {kind: query, name: key, secret: key}
  test: {endpoint: thing.get, params: {id: 1}}
limits:
  headers: {day: X-Left}
sentence: $.error
errors:
  - {status: [404], match: none, class: empty}
  - {class: rate, window: day}
endpoints:
  - id: thing.get
    name: Get Thing
    summary: One thing.
    params:
      - {name: id, type: integer, example: 1}
      - {name: name, pattern: '[a-z]+', default: ~}
    one_of: [[id, name]]
    request:
      url: /things
      query: {id: '{id}', name: '{name}'}
      records: $.things[*]
      paging: {type: next_value, value: $.next, query: page}
      key: [id]
destination:
  fields:
    - {name: path, type: path, required: true}
  target: [path]
tests:
  - name: a thing
    endpoint: thing.get
    params: {id: 1}
    answers: [{file: testdata/thing.json}]
    expect: {requests: [/things?id=1], records: 1}
`

var goodFiles = fstest.MapFS{"testdata/thing.json": {Data: []byte("{}")}}

func TestParse(t *testing.T) {
	d, err := connector.Parse("demo.yaml", []byte(good), goodFiles)
	if err != nil {
		t.Fatal(err)
	}
	if r := d.Endpoints[0].Request; r.Method != "GET" || r.Paging.Type != sallyport.PagingNextValue || r.Records != "$.things[*]" {
		t.Errorf("the request is not complete: %+v", r)
	}
}

// change is one change to the good definition, and the fault that it makes.
type change struct{ old, new, want string }

func TestParseFaults(t *testing.T) {
	checkFaults(t, map[string]change{
		"unknown key":            {"summary:", "sumary:", `demo.yaml:3:1: unknown key "sumary"; did you mean "summary"?`},
		"id":                     {"connector: demo", "connector: De-mo", "demo.yaml:1:12: connector: the id must be of lower-case letters and digits"},
		"no name":                {"name: Demo", "name:", "demo.yaml:1:1: name and summary are required"},
		"link":                   {"website: https://", "website: http://", "demo.yaml:4:18: links.website: must be a link that begins with https://"},
		"field name":             {"name: id, type", "name: ID, type", "demo.yaml:23:16: name: must be of lower-case letters, digits and _"},
		"format":                 {"{name: name, pattern: '[a-z]+', default: ~}", "{name: name, format: mail}", "demo.yaml:24:30: format: is indicator, of a string or list, or absent"},
		"field twice":            {"{name: name, pattern: '[a-z]+', default: ~}", "{name: id}", `demo.yaml:24:16: there are two fields named "id"`},
		"field type":             {"type: integer", "type: intger", `demo.yaml:23:26: there is no type of field "intger"; did you mean "integer"?`},
		"pattern":                {"'[a-z]+'", "'[a-z'", "demo.yaml:24:31: the pattern of this field is no regular expression: error parsing regexp: missing closing ]: `[a-z)$`"},
		"default":                {"default: ~", "example: 'A 1'", "demo.yaml:24:50: name: does not have the form of A 1 (the pattern is [a-z]+)"},
		"example":                {"example: 1", "example: one", "demo.yaml:23:44: id: must be a whole number"},
		"no address":             {"name: address,", "name: adress,", "demo.yaml:7:5: a public field named address is required: it says where the system is"},
		"bad address":            {"default: https://example.com", "default: http://example.com", "demo.yaml:7:5: default of address: must begin with https://; only an address of this machine itself may begin with http://"},
		"address may be missing": {"default: https://example.com, public", "public", "demo.yaml:7:5: address must be required or have a default"},
		"secret with default":    {"{name: key, required: true}", "{name: key, default: x}", "demo.yaml:7:7: key is a secret: it has neither a default nor values to choose from"},
		"credential type":        {"{name: key, required: true}", "{name: key, type: integer}", "demo.yaml:7:25: type: the fields of a credential are strings"},
		"host":                   {"[example.com]", "['https://example.com']", `demo.yaml:9:11: "https://example.com" is no host name: write it in lower case, without scheme and port`},
		"auth kind":              {"kind: query", "kind: quarry", `demo.yaml:10:16: there is no kind of authentication "quarry"; did you mean "query"?`},
		"auth placeholder":       {"kind: query", "kind: '{adress}'", `demo.yaml:10:16: there is no public credential field "adress"; did you mean "address"?`},
		"auth name":              {"name: key, secret", "secret", "demo.yaml:10:9: name is required: of the query that carries the key"},
		"auth secret":            {"secret: key", "secret: address", `demo.yaml:10:42: there is no secret credential field "address"; it is one of key`},
		"auth optional":          {"secret: key}", "secret: key, optional: true}", "demo.yaml:10:57: optional: goes with a kind of authentication whose secret is not required"},
		"test call":              {"test: {endpoint: thing.get", "test: {endpoint: thing.got", `demo.yaml:11:20: endpoint: there is no endpoint of demo "thing.got"; did you mean "thing.get"?`},
		"test call params":       {"params: {id: 1}}", "params: {id: x}}", "demo.yaml:11:44: id: must be a whole number"},
		"window":                 {"{day: X-Left}", "{dya: X-Left}", `demo.yaml:13:18: there is no window "dya"; did you mean "day"?`},
		"limit header":           {"X-Left", "X Left", `demo.yaml:13:18: "X Left" is no name of a header`},
		"sentence":               {"sentence: $.error", "sentence: $.errors[*]", "demo.yaml:14:11: sentence: must be a path of names such as $.error"},
		"class":                  {"class: empty", "class: emtpy", `demo.yaml:16:41: there is no class "emtpy"; did you mean "empty"?`},
		"no class":               {", class: empty", "", `demo.yaml:16:5: there is no class ""; it is one of empty, not_found, credential, plan, rate, transient, permanent`},
		"match":                  {"match: none", "match: '('", "demo.yaml:16:28: match: error parsing regexp: missing closing ): `(`"},
		"status":                 {"[404]", "[4040]", "demo.yaml:16:15: 4040 is no HTTP status"},
		"limit without window":   {"match: none, class: empty", "match: '(?P<limit>[0-9]+)', class: rate", "demo.yaml:16:28: match: a group named limit goes with a window"},
		"plan without a limit":   {"{day: X-Left}", "{day: X-Left}\n  plans: [{name: free, windows: {day: 0}}]", "demo.yaml:14:39: windows.day: must be a number of calls above 0"},
		"plan of a window":       {"{day: X-Left}", "{day: X-Left}\n  plans: [{name: free, windows: {dya: 1}}]", `demo.yaml:14:39: there is no window "dya"; did you mean "day"?`},
		"plan named twice":       {"{day: X-Left}", "{day: X-Left}\n  plans: [{name: a, windows: {}}, {name: a, windows: {}}]", "demo.yaml:14:42: name: must be of lower-case letters and digits, and no other plan's"},
		"cut after nothing":      {"{day: X-Left}", "{day: X-Left}\n  cut: {after: [1, 0]}", "demo.yaml:14:8: cut: after must hold numbers of pages above 0"},
		"oddity without help":    {"name: Demo\n", "name: Demo\noddities: [{what: It is odd.}]\n", "demo.yaml:3:12: what and handled are required"},
		"window without rate":    {"{class: rate,", "{class: plan,", "demo.yaml:17:27: window: goes with class rate only"},
	})
}

func TestParseEndpointFaults(t *testing.T) {
	checkFaults(t, map[string]change{
		"endpoint id":               {"id: thing.get\n", "id: Thing\n", "demo.yaml:19:9: id: must be lower-case words"},
		"endpoint without a name":   {"name: Get Thing", "name:", "demo.yaml:19:5: name and summary are required"},
		"one of unknown":            {"[[id, name]]", "[[id, nam]]", `demo.yaml:25:19: there is no parameter "nam"; did you mean "name"?`},
		"ignored key":               {"      key: [id]\n", "      key: [id]\n    ignore: [id]\n", "demo.yaml:32:13: ignore: id is a part of the key"},
		"ignored twice":             {"      key: [id]\n", "      key: [id]\n    ignore: [a, a]\n", "demo.yaml:32:13: ignore: must hold names of fields, each once"},
		"whole without a key":       {"      key: [id]\n", "    whole: true\n", "demo.yaml:31:12: whole: needs a key of the records, as what is missing is found by it"},
		"one of one":                {"[[id, name]]", "[[id]]", "demo.yaml:25:14: one_of: a group has at least two parameters"},
		"one of required":           {"example: 1}", "required: true}", "demo.yaml:25:15: id is one of several, so it can neither be required nor have a default"},
		"url":                       {"url: /things", "url: https://example.com/things", "demo.yaml:27:12: url: must be a path such as /api/list; the host is that of the credential's address"},
		"placeholder":               {"'{id}'", "'{idd}'", `demo.yaml:28:19: there is no parameter "idd"; did you mean "id"?`},
		"unused parameter":          {", name: '{name}'", "", "demo.yaml:27:7: the parameter name is not used"},
		"optional in url":           {"/things\n", "/things/{name}\n", "demo.yaml:27:12: {name} is always sent, so the parameter must be required or have a default"},
		"optional in part of query": {"'{name}'", "'x{name}'", "demo.yaml:28:33: {name} is always sent, so the parameter must be required or have a default"},
		"records":                   {"$.things[*]", "$.things[", "demo.yaml:29:16: records: is no JSONPath such as $.results[*]: jsonpath: unexpected eof at position 10"},
		"paging type":               {"next_value", "next_vlaue", `demo.yaml:30:22: paging.type: there is no type of paging "next_vlaue"; did you mean "next_value"?`},
		"paging value":              {", value: $.next", "", "demo.yaml:30:15: paging.value: is required for paging of type next_value"},
		"key twice":                 {"key: [id]", "key: [id, id]", "demo.yaml:31:12: key: must hold names of fields, each once"},
	})
}

// TestParseCallFaults is about where the key of an endpoint goes, what its answers are, and how a result is asked for.
func TestParseCallFaults(t *testing.T) {
	const paging = "      paging: {type: next_value, value: $.next, query: page}\n"
	const poll = "    effect: begins it\n    poll: {ticket: $.id, url: /r, query: {id: '{ticket}'}, status: $.s, going: [a], done: [b], every: 1s, deadline: 1m}\n"
	with := func(old, new string) string { return strings.Replace(poll, old, new, 1) + "    request:\n" }
	checkFaults(t, map[string]change{
		"format":               {"key: [id]\n", "format: jsno\n", `demo.yaml:31:15: format: there is no format of answers "jsno"; did you mean "json"?`},
		"columns":              {"key: [id]\n", "columns: [id]\n", "demo.yaml:31:16: columns: goes with format csv only"},
		"csv with records":     {"key: [id]\n", "format: csv\n", "demo.yaml:29:16: records: does not go with format csv: its rows are the records"},
		"csv with a value":     {"records: $.things[*]", "format: csv", "demo.yaml:30:41: paging.value: does not go with format csv: it looks for a value in JSON"},
		"taxii paging":         {paging, "      paging: {type: taxii}\n", "demo.yaml:30:22: paging.type: taxii goes with format taxii only"},
		"sent":                 {"type: integer, example: 1", "type: integer, sent: comma", `demo.yaml:23:41: there is no way to send a value "comma"; did you mean "commas"?`},
		"sent, type":           {"type: integer, example: 1", "type: integer, sent: digit", "demo.yaml:23:41: sent: digit is for fields of type boolean"},
		"auth":                 {"    request:\n", "    auth: {kind: basic, secret: kee}\n    request:\n", `demo.yaml:26:33: there is no secret credential field "kee"; did you mean "key"?`},
		"auth, form":           {"    request:\n", "    auth: {kind: form, secret: key}\n    request:\n", "demo.yaml:26:11: name is required: of the form that carries the key"},
		"effect of a test":     {"    request:\n", "    effect: does it\n    request:\n", "demo.yaml:11:20: a call of thing.get has an effect: it cannot be a test"},
		"poll without effect":  {"    request:\n", with("    effect: begins it\n", ""), "demo.yaml:19:5: effect is required: what it begins is more than reading"},
		"poll, ticket":         {"    request:\n", with("$.id", "'$.id[*]'"), "demo.yaml:27:20: ticket: must be a path of names such as $.id"},
		"poll without ticket":  {"    request:\n", with("'{ticket}'", "'1'"), "demo.yaml:27:11: the call must say what it asks for, with {ticket}"},
		"poll, unknown value":  {"    request:\n", with("'{ticket}'", "'{ticket}{x}'"), `demo.yaml:27:47: there is no value "x"; it is one of id, name, ticket`},
		"poll without going":   {"    request:\n", with("going: [a], ", ""), "demo.yaml:27:11: going and done are required: the statuses that say so"},
		"poll, two meanings":   {"    request:\n", with("done: [b]", "done: [a]"), "demo.yaml:27:11: a status can have one meaning only"},
		"poll, too often":      {"    request:\n", with("every: 1s", "every: 0s"), "demo.yaml:27:11: every must be at least 1s, and deadline more than that"},
		"poll with more pages": {"    request:\n", poll + "    request:\n", "demo.yaml:27:11: a result that is fetched is JSON, on a single page"},
	})
}

func TestParseDestinationAndTestFaults(t *testing.T) {
	checkFaults(t, map[string]change{
		"target":               {"target: [path]", "target: [pth]", `demo.yaml:35:12: there is no field of the destination "pth"; did you mean "path"?`},
		"no target":            {"  target: [path]\n", "", "demo.yaml:33:3: target is required: the fields that together name the place"},
		"test name":            {"name: a thing", "name:", "demo.yaml:37:10: name: must be given, and differ from those of the other tests"},
		"test params":          {"params: {id: 1}\n", "params: {id: 1, name: a}\n", "demo.yaml:39:27: name: cannot be given together with id"},
		"test file":            {"thing.json", "things.json", "demo.yaml:40:22: there is no such file beside the definition: open testdata/things.json: file does not exist"},
		"test file outside":    {"testdata/thing.json", "../thing.json", "demo.yaml:40:22: there is no such file beside the definition"},
		"test without answers": {"[{file: testdata/thing.json}]", "[]", "demo.yaml:37:5: answers are required"},
		"file and body":        {"testdata/thing.json}", "testdata/thing.json, body: x}", "demo.yaml:40:15: an answer has a file or a body, not both"},
		"answer status":        {"{file:", "{status: 99, file:", "demo.yaml:40:24: 99 is no HTTP status"},
		"answer header":        {"{file:", "{headers: {'a b': c}, file:", `demo.yaml:40:33: "a b" is no name of a header`},
		"expected class":       {"records: 1}", "class: none}", `demo.yaml:41:47: there is no class "none"; it is one of empty, not_found, credential, plan, rate, transient, permanent`},
		"expected request":     {"[/things", "[things", "demo.yaml:41:25: must be a path with its query, such as /api/list?page=2"},
	})
}

func checkFaults(t *testing.T, changes map[string]change) {
	t.Helper()
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			if text == good {
				t.Fatal("nothing was changed")
			}
			_, err := connector.Parse("demo.yaml", []byte(text), goodFiles)
			if err == nil || !strings.Contains("\n"+err.Error(), "\n"+c.want) {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if fault, ok := errors.AsType[*sallyport.Error](err); !ok || fault.Code != sallyport.Invalid {
				t.Errorf("got %#v", fault)
			}
		})
	}
}

func TestParseTellsAllFaults(t *testing.T) {
	text := strings.NewReplacer("connector: demo", "connector: De", "X-Left", "X Left", "[404]", "[1]").Replace(good)
	_, err := connector.Parse("demo.yaml", []byte(text), nil)
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v", err)
	}
}

func TestParseOffersNothing(t *testing.T) {
	_, err := connector.Parse("d.yaml", []byte("connector: d\nname: D\nsummary: S.\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "there is nothing to read from and nothing to deliver to") {
		t.Errorf("got %v", err)
	}
	_, err = connector.Parse("d.yaml", []byte("connector: d\nname: D\nsummary: S.\nmanual: true\n"), nil)
	if err == nil || !strings.Contains(err.Error(), "credential is required") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(good)
	definitions, err := fs.Glob(os.DirFS("../../connectors"), "*/connector.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range definitions {
		text, err := os.ReadFile("../../connectors/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := connector.Parse("f.yaml", []byte(text), nil)
		if err != nil {
			return
		}
		d.Markdown()
		if _, err := connector.Parse("f.yaml", []byte(text), nil); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}

// TestDatesOfASplit wants each term that bounds a date to have its places, and to be one term.
func TestDatesOfASplit(t *testing.T) {
	const form = `
connector: demo
name: Demo
summary: A demo.
credential:
  fields: [{name: address, public: true, required: true}, {name: key, required: true}]
  auth: {kind: query, name: key, secret: key}
endpoints:
  - id: row.search
    name: Rows
    summary: Rows.
    params:
      - {name: q, required: true}
      - {name: limit, type: integer, default: 10}
      - {name: split, type: boolean, default: true}
      - {name: date_field}
    split: {query: q, limit: limit, by: [{field: kind, values: [a]}], dates: {since: 'SINCE', range: 'RANGE'}}
    request: {url: /rows, query: {q: '{q}', limit: '{limit}'}, records: '$.results[*]'}
`
	for _, c := range []struct{ since, within, want string }{
		{"{field}={from}+", "{field}={from}-{to}", ""},
		{"{field}>={from}", "{field}:[{from},{to}]", ""},
		{"", "{field}={from}-{to}", "since: must be one term with {field}, {from}"},
		{"{field}={day}+", "{field}={from}-{to}", "since: must be one term with {field}, {from}"},
		{"{field}={from}+", "{field}={to}-{from}", "range: must be one term with {field}, {from}, {to}"},
		{"{field}={from}+", "{field}>={from} and {field}<{to}", "range: must be one term"},
	} {
		text := strings.NewReplacer("SINCE", c.since, "RANGE", c.within).Replace(form)
		_, err := connector.Parse("demo.yaml", []byte(text), nil)
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s, %s: %v, want %q", c.since, c.within, err, c.want)
		}
	}
}
