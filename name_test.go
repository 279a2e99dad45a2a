package sallyport_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

func TestRepeatable(t *testing.T) {
	for name, want := range map[string]bool{
		"": true, "recrods": true, "feed.indicator": true, "indicator.lookup.by.value": true, "X-Request-Id-Of-Client": true, "ip_address_v4_list_2": true,
		"Exports of risky indicators 2026": true, "flw_gryprk7gf4fbaywxig657hsa4c": true, "alice.longname@example.com": true, "192.168.100.200": true,
		"createdAtByTheUser": true, "Übersicht der Länder 3": true, "a1b2c3d4e5f6a7b": true, // shorter than a key
		"0123456789abcdef": false, "a1b2c3d4e5f6a7b8": false, "sk_live_4eC39HqLyjWDarjtT1zdp7dc": false, "4eC39HqLyjWDarjtT1zdp7dc": false,
		"123e4567-e89b-12d3-a456-426614174000": false, "gs+abcdefghijk0123==": false, "qwertyuiopasdfghjklzxcvbnm": false, "16 characters or 123456": false,
		"words that go on and on, and on until here": false, strings.Repeat("name_", 9): false, "xxxxxxxxxxxxxxx\n": false,
	} {
		if got := sallyport.Repeatable(name); got != want {
			t.Errorf("%q: %t", name, got)
		}
	}
}

func TestUnknownDoesNotRepeatKeys(t *testing.T) {
	const key = "4eC39HqLyjWDarjtT1zdp7dc"
	for _, test := range []struct{ field, name, wantField, want string }{
		{"endpoint", "lokup", "endpoint", `there is no parameter "lokup"; did you mean "lookup"?`},
		{"lokup", "lokup", "lokup", `there is no parameter "lokup"; did you mean "lookup"?`},
		{"endpoint", key, "endpoint", "there is no parameter [not repeated: it may be a key]; it is one of lookup, scan"},
		{key, key, "", "there is no parameter [not repeated: it may be a key]; it is one of lookup, scan"},
	} {
		if e := sallyport.Unknown(test.field, "parameter", test.name, []string{"lookup", "scan"}); e.Field != test.wantField || e.Message != test.want {
			t.Errorf("%s: %q: %s", test.name, e.Field, e.Message)
		}
	}
	if got := sallyport.QuotedPath("/flows/" + key + "/runs"); got != sallyport.Unnamed {
		t.Error(got)
	}
	if got := sallyport.QuotedPath("/flows/of/mine/are/quite/deep/within/this/service"); !strings.HasPrefix(got, "/flows") {
		t.Error(got)
	}
}
