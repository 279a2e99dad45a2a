package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// TestWarnings: a list that may have more pages says so, any other says nothing.
func TestWarnings(t *testing.T) {
	many := func(n int) string { return strings.TrimSuffix(strings.Repeat(`{"a":1},`, n), ",") }
	single, page := sallyport.Paging{}, sallyport.Paging{Type: sallyport.PagingPage, Query: "p"}
	for name, c := range map[string]struct {
		paging       sallyport.Paging
		header, body string
		endpoint     string
		want         string
	}{
		"a round number":               {single, "", `{"r":[` + many(100) + `]}`, "", "it has exactly 100 records"},
		"any other number":             {single, "", `{"r":[` + many(99) + `]}`, "", ""},
		"a Link header":                {single, `Link: <https://h/2>; rel=next`, `{"r":[1]}`, "", `the Link header has rel="next"`},
		"a next URL":                   {single, "", `{"r":[1],"next":"https://h/2"}`, "", "the response has $.next"},
		"a token":                      {single, "", `{"nextPageToken":"x","r":[1]}`, "", "the response has $.nextPageToken"},
		"a token within":               {single, "", `{"meta":{"next_cursor":"x"},"r":[1]}`, "", "the response has $.meta.next_cursor"},
		"a token that is empty":        {single, "", `{"meta":{"next_cursor":""},"r":[1]}`, "", ""},
		"a token, but nothing follows": {single, "", `{"next_cursor":"x","has_more":false,"r":[1]}`, "", ""},
		"more":                         {single, "", `{"r":[1],"has_more":true}`, "", "more follows at $.has_more"},
		"a total":                      {single, "", `{"r":[1],"total":7}`, "", "the response says 7 at $.total, but 1 records were read"},
		"a total that is all":          {single, "", `{"r":[1],"total":1}`, "", ""},
		"a total of several pages":     {page, "", `{"r":[1],"total_count":7}`, "", "the response says 7 at $.total_count"},
		"several pages":                {page, "", `{"r":[` + many(10) + `],"next":"https://h/2"}`, "", ""},
		"an endpoint of a connector":   {single, "", `{"r":[` + many(100) + `]}`, "list", ""},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if name, value, ok := strings.Cut(c.header, ": "); ok {
					w.Header().Set(name, value)
				}
				if asked++; asked > 1 {
					c.body = strings.ReplaceAll(c.body, c.body[strings.Index(c.body, "["):strings.Index(c.body, "]")], "[")
				}
				sends(200, c.body)(w, r)
			})
			config := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.r[*]", Paging: c.paging})
			config.Endpoint.ID = c.endpoint
			var got []string
			for page, err := range mustOpen(t, config).Pages(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				for range page.Records {
					continue
				}
				got = append(got, page.Warnings...)
			}
			if text := fmt.Sprint(got); !strings.Contains(text, c.want) || (len(got) > 0) != (c.want != "") {
				t.Errorf("%s, want %q", text, c.want)
			}
		})
	}
}
