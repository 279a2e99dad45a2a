package connector_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// hidden is a secret that no error may repeat.
const hidden = "CANARY-0123456789"

func keyed() *connector.Definition {
	return &connector.Definition{Connector: "demo", Name: "Demo", Credential: &connector.CredentialSpec{
		Fields: []connector.Field{
			{Name: "address", Default: "https://Example.com/", Public: true},
			{Name: "region", Values: []string{"north", "south"}, Public: true},
			{Name: "key", Required: true, Pattern: "[A-Z0-9-]+"},
		},
		Auth: connector.Auth{Kind: connector.AuthQuery, Name: "key", Secret: "key"},
	}}
}

// chosen lets the credential say how it authenticates.
func chosen() *connector.Definition {
	return &connector.Definition{Connector: "any", Name: "Any", Credential: &connector.CredentialSpec{
		Fields: []connector.Field{
			{Name: "address", Required: true, Public: true, Example: "https://example.com"},
			{Name: "auth", Values: []string{"none", "query", "header", "basic", "bearer"}, Default: "none", Public: true},
			{Name: "name", Public: true}, {Name: "username", Public: true}, {Name: "value"},
		},
		Auth: connector.Auth{Kind: "{auth}", Name: "{name}", Username: "{username}", Secret: "value"},
	}}
}

type (
	public  = map[string]string
	secrets = map[string]secret.Text
)

func TestCheckCredential(t *testing.T) {
	key := secrets{"key": secret.New(hidden)}
	value := secrets{"value": secret.New(hidden)}
	for name, c := range map[string]struct {
		definition *connector.Definition
		public     public
		secrets    secrets
		want       public
		err        string
	}{
		"defaults":       {keyed(), nil, key, public{"address": "https://example.com"}, ""},
		"empty is none":  {keyed(), public{"region": "", "address": ""}, key, public{"address": "https://example.com"}, ""},
		"given":          {keyed(), public{"region": "north", "address": "http://127.0.0.1:8421/"}, key, public{"region": "north", "address": "http://127.0.0.1:8421"}, ""},
		"unknown field":  {keyed(), public{"adress": hidden}, key, nil, `adress: there is no credential field "adress"; did you mean "address"?`},
		"value":          {keyed(), public{"region": "nort"}, key, nil, `region: must be one of north, south`},
		"line break":     {keyed(), public{"region": "a\nb"}, key, nil, "region: must be one line of readable text"},
		"long":           {keyed(), public{"region": strings.Repeat("a", 10_000)}, key, nil, "region: is longer than 8192 bytes"},
		"address":        {keyed(), public{"address": "https://u:" + hidden + "@example.com"}, key, nil, "address: must not hold a user name or password; these belong into the other fields"},
		"secret public":  {keyed(), public{"key": hidden}, key, nil, "key: is a secret, and must not be given as a public field"},
		"public secret":  {keyed(), nil, secrets{"region": secret.New(hidden)}, nil, "region: is a public field, not a secret"},
		"unknown secret": {keyed(), nil, secrets{"kye": secret.New(hidden)}, nil, `kye: there is no secret field "kye"; did you mean "key"?`},
		"no secret":      {keyed(), nil, nil, nil, "key: is required"},
		"empty secret":   {keyed(), nil, secrets{"key": secret.New("")}, nil, "key: is required"},
		"pattern":        {keyed(), nil, secrets{"key": secret.New(hidden + "é")}, nil, "key: does not have the right form (the pattern is [A-Z0-9-]+)"},
		"space inside":   {keyed(), nil, secrets{"key": secret.New(hidden + " " + hidden)}, nil, "key: does not have the right form (the pattern is [A-Z0-9-]+)"},
		"zero width":     {keyed(), nil, secrets{"key": secret.New(hidden + "\u200b")}, nil, "key: must not hold line breaks, tabs, invisible characters or special spaces; copy it once more"},
		"line break key": {keyed(), nil, secrets{"key": secret.New(hidden + "\n" + hidden)}, nil, "key: must not hold line breaks, tabs, invisible characters or special spaces; copy it once more"},
		"hard space":     {keyed(), nil, secrets{"key": secret.New(hidden + "\u00a0" + hidden)}, nil, "key: must not hold line breaks, tabs, invisible characters or special spaces; copy it once more"},
		"space behind":   {keyed(), nil, secrets{"key": secret.New(hidden + " ")}, nil, "key: must not begin or end with a space; copy it once more"},
		"wants none":     {&connector.Definition{Name: "File"}, nil, key, nil, "File needs no credential"},

		"no authentication": {chosen(), public{"address": "https://h/"}, nil, public{"address": "https://h", "auth": "none"}, ""},
		"nowhere to go":     {chosen(), public{"address": "https://h"}, value, nil, "value: would be sent nowhere: say with auth where in a request it goes"},
		"bearer":            {chosen(), public{"address": "https://h", "auth": "bearer"}, value, public{"address": "https://h", "auth": "bearer"}, ""},
		"no value":          {chosen(), public{"address": "https://h", "auth": "bearer"}, nil, nil, "value: is required"},
		"no name":           {chosen(), public{"address": "https://h", "auth": "query"}, value, nil, "name: is required: which query parameter carries the key?"},
		"bad header":        {chosen(), public{"address": "https://h", "auth": "header", "name": "X Key"}, value, nil, "name: must be the name of the header that carries the key"},
		"no address":        {chosen(), nil, nil, nil, "address: is required; an example is https://example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.definition.CheckCredential(c.public, c.secrets)
			wantError(t, err, c.err)
			if diff := cmp.Diff(c.want, got); c.err == "" && diff != "" {
				t.Error(diff)
			}
		})
	}
}

// wantError checks an error's text, that it is an invalid one about the field it begins with, and that it holds no secret.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil && want == "" {
		return
	}
	if err == nil || err.Error() != want {
		t.Fatalf("got error  %v\nwant error %s", err, want)
	}
	fault, ok := errors.AsType[*sallyport.Error](err)
	if !ok || fault.Code != sallyport.Invalid || strings.Contains(err.Error(), "CANARY") {
		t.Errorf("got %#v", err)
	}
}

func TestAddress(t *testing.T) {
	for given, want := range map[string]string{
		"https://pulsedive.com":           "https://pulsedive.com",
		"HTTPS://Pulsedive.COM/":          "https://pulsedive.com",
		"https://example.com:8443/api/v1": "https://example.com:8443/api/v1",
		"https://example.com/api//":       "https://example.com/api",
		"http://localhost:8421":           "http://localhost:8421",
		"http://127.1.2.3":                "http://127.1.2.3",
		"http://[::1]:80/":                "http://[::1]:80",
		"https://192.0.2.1":               "https://192.0.2.1",
		"https://a_b.example.com":         "https://a_b.example.com",
		"http://example.com":              "",
		"http://192.168.1.1":              "",
		"http://localhost.example.com":    "",
		"ftp://example.com":               "",
		"example.com":                     "",
		"//example.com":                   "",
		"https://":                        "",
		"https:example.com":               "",
		"https://example.com:":            "",
		"https://example.com:99999":       "",
		"https://exa mple.com":            "",
		"https://exämple.com":             "",
		"https://-example.com":            "",
		"https://user@example.com":        "",
		"https://example.com?key=1":       "",
		"https://example.com?":            "",
		"https://example.com#":            "",
		"https://example.com/a/../b":      "",
		"https://example.com/a//b":        "",
		"https://example.com\r\nHost: a":  "",
	} {
		got, err := keyed().CheckCredential(public{"address": given}, secrets{"key": secret.New(hidden)})
		if got["address"] != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v", given, got["address"], err)
		}
	}
}

func TestResolve(t *testing.T) {
	got := chosen().Credential.Auth.Resolve(public{"auth": "basic", "username": "{name}"})
	if diff := cmp.Diff(connector.Auth{Kind: "basic", Username: "{name}", Secret: "value"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSecretAndPublicFields(t *testing.T) {
	d := keyed()
	if s, p := d.SecretFields(), d.PublicFields(); len(s) != 1 || s[0].Name != "key" || len(p) != 2 {
		t.Errorf("secret %v, public %v", s, p)
	}
	if (&connector.Definition{}).SecretFields() != nil {
		t.Error("a connector without a credential has secret fields")
	}
}

func endpoint() *connector.Endpoint {
	return &connector.Endpoint{ID: "thing.get", OneOf: [][]string{{"id", "name"}}, Params: []connector.Field{
		{Name: "id", Type: connector.TypeInteger, Pattern: "[1-9][0-9]*", Example: json.Number("1")},
		{Name: "name"},
		{Name: "flag", Type: connector.TypeInteger, Values: []string{"0", "1"}},
		{Name: "deep", Type: connector.TypeBoolean, Default: false},
		{Name: "tags", Type: connector.TypeList, Values: []string{"a", "b"}},
		{Name: "limit", Type: connector.TypeInteger, Default: json.Number("100")},
		{Name: "host", Format: connector.FormatIndicator},
	}}
}

type values = map[string]any

func TestCheckParams(t *testing.T) {
	for name, c := range map[string]struct {
		given, want values
		err         string
	}{
		"indicator":       {values{"name": "n", "host": "hxxp://EXAMPLE[.]com/A"}, values{"name": "n", "host": "http://example.com/A"}, ""},
		"no indicator":    {values{"name": "n", "host": "10.0.0.1"}, nil, "host: is an address that is private; nobody else knows which host it is"},
		"text":            {values{"id": "7", "deep": "true", "tags": "a, b"}, values{"id": json.Number("7"), "deep": true, "tags": []string{"a", "b"}}, ""},
		"YAML":            {values{"id": json.Number("7"), "tags": []any{"a"}}, values{"id": json.Number("7"), "tags": []string{"a"}}, ""},
		"JSON":            {values{"id": float64(9007199254740991)}, values{"id": json.Number("9007199254740991")}, ""},
		"Go":              {values{"id": 7, "limit": int64(8)}, values{"id": json.Number("7"), "limit": json.Number("8")}, ""},
		"number as text":  {values{"name": json.Number("12.50")}, values{"name": "12.50"}, ""},
		"plain digits":    {values{"id": " +07 "}, values{"id": json.Number("7")}, ""},
		"empty is none":   {values{"id": 1, "name": "", "tags": []any{}, "flag": nil}, values{"id": json.Number("1")}, ""},
		"unknown":         {values{"id": 1, "nam": "x"}, nil, `nam: there is no parameter of thing.get "nam"; did you mean "name"?`},
		"none of a group": {values{}, nil, "id: is required, or one of the others: id, name"},
		"two of a group":  {values{"id": 1, "name": "x"}, nil, "name: cannot be given together with id"},
		"no integer":      {values{"id": "x"}, nil, "id: must be a whole number"},
		"fraction":        {values{"id": 1.5}, nil, "id: must be a whole number"},
		"inexact":         {values{"id": 1e300}, nil, "id: must be a whole number"},
		"too large":       {values{"id": json.Number("9223372036854775808")}, nil, "id: must be a whole number"},
		"list as integer": {values{"id": []any{"1"}}, nil, "id: must be a whole number"},
		"pattern":         {values{"id": 0}, nil, "id: does not have the form of 1 (the pattern is [1-9][0-9]*)"},
		"value":           {values{"id": 1, "flag": 2}, nil, "flag: must be one of 0, 1"},
		"no boolean":      {values{"id": 1, "deep": "yes"}, nil, "deep: must be true or false"},
		"no list":         {values{"id": 1, "tags": 5}, nil, "tags: must be a list"},
		"list of lists":   {values{"id": 1, "tags": []any{[]any{}}}, nil, "tags: must be text"},
		"hole in a list":  {values{"id": 1, "tags": "a,,b"}, nil, "tags: must not hold an empty value"},
		"value in a list": {values{"id": 1, "tags": "a,c"}, nil, "tags: must be one of a, b"},
		"lines":           {values{"id": 1, "tags": "\n a \r\n\nb\n"}, values{"id": json.Number("1"), "tags": []string{"a", "b"}}, ""},
		"long list":       {values{"id": 1, "tags": make([]any, 10_001)}, nil, "tags: has more than 10000 values"},
		"object as text":  {values{"name": map[string]any{}}, nil, "name: must be text"},
		"no UTF-8":        {values{"name": "\xff"}, nil, "name: must be one line of readable text"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := endpoint().CheckParams(c.given)
			wantError(t, err, c.err)
			if c.err != "" {
				return
			}
			want := values{"deep": false, "limit": json.Number("100")}
			for k, v := range c.want {
				want[k] = v
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			again, err := endpoint().CheckParams(throughJSON(t, got))
			if diff := cmp.Diff(want, again); err != nil || diff != "" {
				t.Errorf("what was stored as JSON checks differently: %v\n%s", err, diff)
			}
		})
	}
}

func throughJSON(t *testing.T, v values) (back values) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil {
		t.Fatal(err)
	}
	return back
}

func TestCheckConfig(t *testing.T) {
	d := &connector.Definition{Connector: "file", Name: "File", Destination: &connector.DestinationSpec{Fields: []connector.Field{
		{Name: "path", Type: connector.TypePath, Required: true, Example: "out/x.csv"},
		{Name: "format", Values: []string{"ndjson", "csv"}, Default: "ndjson"},
		{Name: "columns", Type: connector.TypeList},
	}}}
	got, err := d.CheckConfig(values{"path": "x.csv", "columns": "a,b"})
	if diff := cmp.Diff(values{"path": "x.csv", "format": "ndjson", "columns": []string{"a", "b"}}, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	_, err = d.CheckConfig(values{"path": "x", "formt": "csv"})
	wantError(t, err, `formt: there is no setting of file "formt"; did you mean "format"?`)
	_, err = d.CheckConfig(nil)
	wantError(t, err, "path: is required; an example is out/x.csv")
	_, err = keyed().CheckConfig(nil)
	wantError(t, err, "nothing can be delivered to Demo")
}
