package connector_test

import (
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestCheckKey(t *testing.T) {
	many := strings.Split("one two three four five six seven eight nine ten eleven twelve thirteen", " ")
	for _, test := range []struct {
		key, fields []string
		want        string
	}{
		{nil, nil, ""},
		{[]string{"iid"}, []string{"iid", "risk"}, ""},
		{[]string{"iid", "risk"}, []string{"risk", "iid"}, ""},
		{[]string{"iid"}, nil, `key: none of the first records has the field "iid"`},
		{[]string{"iid", "rsk"}, []string{"iid", "risk"}, `key: none of the first records has the field "rsk"; did you mean "risk"?`},
		{[]string{"IID"}, []string{"iid"}, `key: none of the first records has the field "IID"; did you mean "iid"?`},
		{[]string{"no_such_field"}, []string{"iid", "risk"}, `key: none of the first records has the field "no_such_field"; their fields are iid, risk`},
		{[]string{"no_such_field"}, many, `key: none of the first records has the field "no_such_field"; their fields are ` +
			strings.Join(many[:12], ", ") + ", …"},
	} {
		err := connector.CheckKey(test.key, test.fields)
		if got := text(err); got != test.want || err != nil && sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%v of %v: %q, want %q", test.key, test.fields, got, test.want)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
