package connector_test

import (
	"testing"

	"github.com/sallyport-io/sallyport/connectors"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/secret"
)

func restDefinition(t *testing.T) *connector.Definition {
	t.Helper()
	catalogue, err := connector.NewCatalogue(connectors.FS, nil)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := catalogue.Definition("rest")
	if err != nil {
		t.Fatal(err)
	}
	return rest
}

// TestPlacesOfKeys checks credentials of APIs that want their keys in different ways.
func TestPlacesOfKeys(t *testing.T) {
	rest := restDefinition(t)
	const value, user, second = "value", "username_secret", "second_value"
	for name, c := range map[string]struct {
		public  public
		secrets []string
		err     string
	}{
		"word before":           {public{"auth": "header", "name": "Authorization", "prefix": "Token "}, []string{value}, ""},
		"user name":             {public{"auth": "basic"}, []string{user}, ""},
		"user and password":     {public{"auth": "basic"}, []string{user, value}, ""},
		"public user":           {public{"auth": "basic", "username": "me@x.com/token"}, []string{value}, ""},
		"public password":       {public{"auth": "basic", "suffix": "api_token"}, []string{user}, ""},
		"two headers":           {public{"auth": "header", "name": "DD-API-KEY", "second_auth": "header", "second_name": "DD-APPLICATION-KEY"}, []string{value, second}, ""},
		"key and token":         {public{"auth": "query", "name": "key", "second_auth": "query", "second_name": "token"}, []string{value, second}, ""},
		"bearer and header":     {public{"auth": "bearer", "second_auth": "header", "second_name": "Client-Id"}, []string{value, second}, ""},
		"only a second":         {public{"second_auth": "header", "second_name": "X-Key"}, []string{second}, ""},
		"none":                  {nil, nil, ""},
		"no part of basic":      {public{"auth": "basic"}, nil, "value: is required"},
		"two user names":        {public{"auth": "basic", "username": "me"}, []string{user, value}, "username: cannot be given together with username_secret"},
		"user without basic":    {public{"auth": "bearer"}, []string{user, value}, "username_secret: would be sent nowhere: a user name goes with basic"},
		"second nowhere":        {public{"auth": "bearer"}, []string{value, second}, "second_value: would be sent nowhere: say with second_auth where in a request it goes"},
		"second missing":        {public{"auth": "bearer", "second_auth": "header", "second_name": "X-Key"}, []string{value}, "second_value: is required"},
		"second without a name": {public{"auth": "bearer", "second_auth": "query"}, []string{value, second}, "second_name: is required: which query parameter carries the key?"},
		"second without a kind": {public{"auth": "bearer", "second_name": "X"}, []string{value}, "second_name: goes with second_auth, which says where the key goes"},
		"second in transport":   {public{"auth": "bearer", "second_auth": "header", "second_name": "Host"}, []string{value, second}, "second_name: must not be Host: the HTTP transport sets this header itself"},
		"same header": {public{"auth": "bearer", "second_auth": "header", "second_name": "authorization"}, []string{value, second},
			"second_name: must not be the header Authorization once more: another key goes there"},
		"same parameter": {public{"auth": "query", "name": "k", "second_auth": "query", "second_name": "k"}, []string{value, second},
			"second_name: must not be the parameter k once more: another key goes there"},
		"line in a prefix": {public{"auth": "header", "name": "A", "prefix": "a\r\nHost: b"}, []string{value}, "prefix: must be one line of readable text"},
		"prefix of none":   {public{"prefix": "Token"}, nil, "prefix: goes with a key: say with auth where in a request that goes"},
		"prefix of bearer": {public{"auth": "bearer", "prefix": "Token"}, []string{value},
			"prefix: does not go with bearer, which sends Bearer and the key; for anything else choose header and the name Authorization"},
	} {
		t.Run(name, func(t *testing.T) {
			given := public{"address": "https://api.example.com"}
			for field, text := range c.public {
				given[field] = text
			}
			sealed := secrets{}
			for _, field := range c.secrets {
				sealed[field] = secret.New(hidden)
			}
			_, err := rest.CheckCredential(given, sealed)
			wantError(t, err, c.err)
		})
	}
}

// TestPastedKeys has values that were copied with what stands before the key.
func TestPastedKeys(t *testing.T) {
	rest := restDefinition(t)
	header := public{"address": "https://h", "auth": "header", "name": "Authorization"}
	token := public{"address": "https://h", "auth": "header", "name": "Authorization", "prefix": "Token"}
	bearer := public{"address": "https://h", "auth": "bearer"}
	for name, c := range map[string]struct {
		public     public
		value, err string
	}{
		"whole header":  {header, "Token " + hidden, ""},
		"bearer":        {header, "Bearer " + hidden, ""},
		"twice":         {bearer, "bearer " + hidden, "value: must not begin with Bearer, which is added before it"},
		"prefix twice":  {token, "Token " + hidden, "value: must not begin with Token, which is added before it"},
		"word alike":    {token, "Tokens " + hidden, ""},
		"passphrase":    {bearer, "correct horse", ""},
		"line at end":   {header, hidden + "\n", "value: must not hold line breaks, tabs, invisible characters or special spaces; copy it once more"},
		"another field": {header, hidden + "\r\nHost: x", "value: must not hold line breaks, tabs, invisible characters or special spaces; copy it once more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := rest.CheckCredential(c.public, secrets{"value": secret.New(c.value)})
			wantError(t, err, c.err)
		})
	}
}

// TestOldCredentialsHaveOnePlace resolves what was stored before there were prefixes and second keys.
func TestOldCredentialsHaveOnePlace(t *testing.T) {
	auth := restDefinition(t).Credential.Auth
	for kind, stored := range map[string]public{
		"header": {"auth": "header", "name": "X-Key"}, "query": {"auth": "query", "name": "key"}, "bearer": {"auth": "bearer"}, "basic": {"auth": "basic", "username": "u"},
	} {
		places := auth.Resolve(stored).Places()
		if len(places) != 1 || places[0].Kind != kind || places[0].Prefix+places[0].Suffix != "" || places[0].Secret != "value" {
			t.Errorf("%s: %+v", kind, places)
		}
	}
	if places := auth.Resolve(public{"auth": "none"}).Places(); len(places) != 0 {
		t.Errorf("none: %+v", places)
	}
}
