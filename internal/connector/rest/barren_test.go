package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// TestMissing: what a 404 or 410 means depends on where in a list it comes, and on what the definition says of it.
func TestMissing(t *testing.T) {
	byPage := sallyport.Paging{Type: sallyport.PagingPage, Query: "page"}
	byValue := sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.next", Query: "page"}
	rule := connector.ErrorRule{Status: []int{200, 404}, Match: "^feed not found", Class: connector.ClassNotFound}
	for _, c := range []struct {
		name   string
		paging sallyport.Paging
		status int
		body   string
		from   int // the page from which on it is not there
		code   sallyport.Code
		class  connector.Class
	}{
		{"the first page, by a rule", byPage, 404, `{"error":"Feed not found."}`, 1, sallyport.NotFound, connector.ClassNotFound},
		{"the first page, by a rule, under 200", byPage, 200, `{"error":"Feed not found."}`, 1, sallyport.NotFound, connector.ClassNotFound},
		{"the first page", byPage, 404, `<html>`, 1, sallyport.NotFound, connector.ClassPermanent},
		{"the first page is gone", byPage, 410, ``, 1, sallyport.NotFound, connector.ClassPermanent},
		{"a later page ends the list", byPage, 404, ``, 3, "", ""},
		{"a later page that was led to", byValue, 404, `{"error":"Feed not found."}`, 3, sallyport.Upstream, connector.ClassPermanent},
		{"another failure", byPage, 400, ``, 1, sallyport.Upstream, connector.ClassPermanent},
		{"another failure later", byPage, 400, ``, 3, sallyport.Upstream, connector.ClassPermanent},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				page, _ := strconv.Atoi(r.URL.Query().Get("page"))
				if page = max(page, 1); page >= c.from {
					w.WriteHeader(c.status)
					fmt.Fprint(w, c.body)
					return
				}
				fmt.Fprintf(w, `{"results":[%d],"next":%d}`, page, page+1)
			})
			config := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.results[*]", Paging: c.paging})
			config.Definition.Errors = []connector.ErrorRule{rule}
			records, _, err := pull(t.Context(), mustOpen(t, config), "")
			class, code := connector.Class(""), sallyport.Code("")
			if f, ok := err.(*connector.Failure); ok {
				class, code = f.Class, sallyport.CodeOf(err)
			}
			if len(records) != c.from-1 || code != c.code || class != c.class {
				t.Errorf("%d records, %v of class %q and code %q; want class %q and code %q", len(records), err, class, code, c.class, c.code)
			}
		})
	}
}

// TestBarrenPages: a list that gives nothing new and still leads on ends after ten pages, and is incomplete. Fewer do not end it.
func TestBarrenPages(t *testing.T) {
	for _, c := range []struct {
		name    string
		request sallyport.Request
		answer  func(w http.ResponseWriter, n int) // to request n, from 0
		asked   int
		records int
	}{
		{"next_value", sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.n", Query: "p"}},
			func(w http.ResponseWriter, n int) { fmt.Fprintf(w, `{"r":[],"n":"p%d"}`, n) }, 10, 0},
		{"next_url", sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingNextURL, Value: "$.n"}},
			func(w http.ResponseWriter, n int) { fmt.Fprintf(w, `{"r":[],"n":"/?p=%d"}`, n) }, 10, 0},
		{"link_header", sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingLinkHeader}},
			func(w http.ResponseWriter, n int) {
				w.Header().Set("Link", fmt.Sprintf("</?p=%d>; rel=next", n))
				fmt.Fprint(w, `{"r":[]}`)
			}, 10, 0},
		{"taxii", sallyport.Request{URL: "/", Records: "$.objects[*]", Format: sallyport.FormatTAXII, Paging: sallyport.Paging{Type: sallyport.PagingTAXII}},
			func(w http.ResponseWriter, n int) {
				w.Header().Set("Content-Type", taxiiType)
				fmt.Fprintf(w, `{"more":true,"next":"p%d"}`, n)
			}, 10, 0},
		{"taxii, always the same objects", sallyport.Request{URL: "/", Records: "$.objects[*]", Format: sallyport.FormatTAXII, Paging: sallyport.Paging{Type: sallyport.PagingTAXII}},
			func(w http.ResponseWriter, n int) {
				w.Header().Set("Content-Type", taxiiType)
				objects := `{"id":"a","modified":"1"},{"id":"b","modified":"1"}`
				if n%2 == 1 {
					objects = `{"id":"b","modified":"1"},{"id":"a","modified":"1"}`
				}
				fmt.Fprintf(w, `{"more":true,"next":"p%d","objects":[%s]}`, n, objects)
			}, 11, 2},
		{"the same page again and again", sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingPage, Query: "p"}},
			func(w http.ResponseWriter, _ int) { fmt.Fprint(w, `{"r":[1]}`) }, 11, 11},
		{"two pages in turn", sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.n", Query: "p"}},
			func(w http.ResponseWriter, n int) { fmt.Fprintf(w, `{"r":[%d],"n":"p%d"}`, n%2, n) }, 12, 12},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if asked > 50 {
					w.WriteHeader(http.StatusBadRequest)
					return
				}
				c.answer(w, asked)
				asked++
			})
			source, records, incomplete := mustOpen(t, testConfig(server.URL, c.request)), 0, ""
			for page, err := range source.Pages(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				for _, err := range page.Records {
					if err != nil {
						t.Fatal(err)
					}
					records++
				}
				incomplete = page.Incomplete
			}
			if asked != c.asked || records != c.records || incomplete != connector.BarrenReason {
				t.Errorf("%d requests, %d records, incomplete: %q; want %d requests and %d records", asked, records, incomplete, c.asked, c.records)
			}
		})
	}
}

// TestFewBarrenPages: nine barren pages between two others do not end a list.
func TestFewBarrenPages(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		page, _ := strconv.Atoi(r.URL.Query().Get("p"))
		switch {
		case page == 30:
			fmt.Fprint(w, `{"r":[30]}`)
		case page%10 == 0:
			fmt.Fprintf(w, `{"r":[%d],"n":%d}`, page, page+1)
		default:
			fmt.Fprintf(w, `{"r":[],"n":%d}`, page+1)
		}
	})
	request := sallyport.Request{URL: "/", Records: "$.r[*]", Paging: sallyport.Paging{Type: sallyport.PagingNextValue, Value: "$.n", Query: "p"}}
	if records, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, request)), ""); err != nil || len(records) != 4 {
		t.Errorf("%d records, %v", len(records), err)
	}
}
