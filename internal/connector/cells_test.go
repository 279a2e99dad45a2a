package connector_test

import (
	"encoding/csv"
	"io"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector"
)

func TestCellBound(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		ok   bool
	}{
		"many rows":           {strings.Repeat("a,b,c\n", 1_000_000), true},
		"a wide row":          {strings.Repeat(",", 900_000), true},
		"a row of commas":     {strings.Repeat(",", 40<<20), false},
		"over several lines":  {strings.Repeat(strings.Repeat(",", 1000)+"\"\n\"", 2000), false},
		"separators in a row": {`"` + strings.Repeat(",", 1_100_000) + `"`, false},
	} {
		bound := &connector.CellBound{From: strings.NewReader(test.text), Comma: ','}
		r := csv.NewReader(bound)
		r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
		var err error
		for err == nil {
			_, err = r.Read()
			bound.NextRow()
		}
		if ok := err == io.EOF; ok != test.ok || !ok && !strings.Contains(err.Error(), "more than 1000000 cells") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTooDeep(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`{"a":[`, levels/2) + strings.Repeat(`]}`, levels/2)
	}
	for text, deep := range map[string]bool{
		nested(connector.MaxDepth):                             false,
		nested(connector.MaxDepth + 2):                         true,
		`[` + strings.Repeat(`[],`, 2000) + `0]`:               false,
		`{"a":"` + strings.Repeat(`[{`, 2000) + `"}`:           false,
		`{"a":"\"` + strings.Repeat(`[{`, 2000) + `\\"}`:       false,
		`{"a":"\\",` + nested(connector.MaxDepth + 2)[1:] + ``: true,
	} {
		if connector.TooDeep([]byte(text)) != deep {
			t.Errorf("%.60s…: deep is %v", text, !deep)
		}
	}
}
