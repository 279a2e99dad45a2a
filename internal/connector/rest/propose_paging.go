package rest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// hints are what a response and its request say about paging.
type hints struct {
	header http.Header
	query  url.Values // of the request
	list   found
	root   any
	places []spot
}

// spot is a value beside the records.
type spot struct {
	path   string
	name   string // of the member, as it is written
	plain  string // the same, in small letters and without separators
	above  string // that of the object that it is in
	value  any
	object map[string]any // that it is in
}

// placesBeside are the values outside of lists, the outermost first.
func placesBeside(root any, records string) (all []spot) {
	type level struct {
		path, above string
		node        any
		depth       int
	}
	for queue := []level{{path: "$", node: root}}; len(queue) > 0; queue = queue[1:] {
		of := queue[0]
		object, _ := of.node.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			at := spot{of.path + memberPath(name), name, bareName(name), of.above, object[name], object}
			if at.path+"[*]" == records {
				continue
			}
			all = append(all, at)
			if of.depth < maxNested {
				queue = append(queue, level{at.path, at.plain, object[name], of.depth + 1})
			}
		}
	}
	return all
}

// bareName is a name in small letters, without separators.
func bareName(name string) string {
	return strings.NewReplacer("_", "", "-", "", ".", "", "@", "", "$", "").Replace(strings.ToLower(name))
}

// paging proposes how the next page is requested, and says what that is derived from.
func (h hints) paging() (sallyport.Paging, string) {
	for _, propose := range []func() (sallyport.Paging, string){h.byHeader, h.byValue, h.byURL, h.byOffset, h.byPage, h.byLast, h.byQuery} {
		if p, why := propose(); p.Type != "" {
			h.about(&p)
			return p, why
		}
	}
	return sallyport.Paging{Type: sallyport.PagingSingle}, ""
}

// byHeader reads the Link header, and those that GitLab and others have.
func (h hints) byHeader() (sallyport.Paging, string) {
	if target, err := nextLink(h.header.Values("Link")); err == nil && target != "" {
		return sallyport.Paging{Type: sallyport.PagingLinkHeader}, `the Link header has rel="next"`
	}
	for _, name := range []string{"X-Next-Page", "X-Next-Cursor", "X-Next-Token", "X-Next", "X-Ms-Continuation", "X-Continuation-Token"} {
		value := h.header.Get(name)
		switch {
		case looksLikeURL(value):
			return sallyport.Paging{Type: sallyport.PagingNextURL, Header: name}, "the header " + name
		case value != "":
			query := map[string]string{"X-Next-Page": "page", "X-Next-Cursor": "cursor", "X-Next-Token": "token"}[name]
			return sallyport.Paging{Type: sallyport.PagingNextValue, Header: name, Query: h.given(cmp.Or(query, "continuation"))}, "the header " + name
		}
	}
	return sallyport.Paging{}, ""
}

// nextValues are the usual names of a value for the next page, with the parameter that usually carries it.
var nextValues = map[string]string{
	"nextpagetoken": "pageToken", "nextcursor": "cursor", "nexttoken": "next_token", "nextpage": "page", "nextoffset": "offset", "nextid": "id",
	"continuationtoken": "continuationToken", "nextcontinuationtoken": "continuation-token", "endcursor": "after", "nextmarker": "marker", "pagenext": "page",
	"nextpagecursor": "cursor", "aftercursor": "after", "cursornext": "cursor", "nextkey": "key", "nextpageid": "page_id", "offsetnext": "offset",
	"bookmark": "bookmark", "next": "cursor", "cursor": "cursor", "nextrecordkey": "key", "lastevaluatedkey": "lastEvaluatedKey",
}

// byValue finds a value for the next page.
func (h hints) byValue() (sallyport.Paging, string) {
	for _, at := range h.places {
		if at.plain == "after" && slices.Contains([]string{"next", "cursors", "pagination"}, at.above) && isScalar(at.value) {
			return sallyport.Paging{Type: sallyport.PagingNextValue, Value: at.path, Query: h.given("after")}, "the response has " + at.path
		}
	}
	for _, at := range h.places {
		query, usual := nextValues[at.plain]
		empty := at.value == nil || at.value == ""
		switch {
		case !usual || !isScalar(at.value) && !empty || looksLikeURL(at.value):
			continue
		case (at.plain == "next" || at.plain == "nextpage") && empty: // what it would be cannot be seen
			continue
		}
		return sallyport.Paging{Type: sallyport.PagingNextValue, Value: at.path, Query: h.given(h.named(at, query))}, "the response has " + at.path
	}
	return sallyport.Paging{}, ""
}

// named is the parameter for a value, where one API or another has its own.
func (h hints) named(at spot, query string) string {
	switch {
	case at.name == "next_page_token" || at.name == "NextToken" || at.name == "nextToken" || at.name == "next_token":
		return at.name
	case at.name == "next_cursor" && h.has("has_more") && at.object["object"] == "list":
		return "start_cursor" // Notion
	}
	if _, number := at.value.(json.Number); number && query == "cursor" {
		return "page"
	}
	return query
}

// byURL finds the URL of the next page.
func (h hints) byURL() (sallyport.Paging, string) {
	for _, at := range h.places {
		next := slices.Contains([]string{"next", "nextlink", "odatanextlink", "nexturl", "nextpage", "nextpageurl", "nexthref", "nextpagelink", "nextrecordsurl", "nexturi", "nextpageuri"}, at.plain) ||
			at.above == "next" && slices.Contains([]string{"href", "url", "link", "uri"}, at.plain)
		if next && (looksLikeURL(at.value) || at.value == nil && h.linksAround(at)) {
			return sallyport.Paging{Type: sallyport.PagingNextURL, Value: at.path}, "the response has " + at.path
		}
	}
	return sallyport.Paging{}, ""
}

// linksAround tells whether an empty next is among links: the only page of a list shows no other sign.
func (h hints) linksAround(at spot) bool {
	_, previous := at.object["previous"]
	_, prev := at.object["prev"]
	return at.above == "links" || previous || prev || strings.Contains(at.plain, "url") || strings.Contains(at.plain, "link")
}

// byOffset finds a record offset beside the number of records of a page.
func (h hints) byOffset() (sallyport.Paging, string) {
	sizes := []string{"limit", "resultsperpage", "maxresults", "itemsperpage", "size", "rows", "count", "pagesize", "perpage", "returned"}
	for _, at := range h.places {
		offset, is := whole(at.value)
		if !is || !slices.Contains([]string{"startindex", "startat", "offset", "skip", "from", "start", "startrow", "firstresult"}, at.plain) {
			continue
		}
		p := sallyport.Paging{Type: sallyport.PagingOffset, Query: h.given(at.name)}
		if offset == 1 && len(h.query[p.Query]) == 0 {
			p.Start = &offset
		}
		for _, beside := range slices.Sorted(maps.Keys(at.object)) {
			if n, is := whole(at.object[beside]); is && n > 0 && slices.Contains(sizes, bareName(beside)) && n >= int64(len(h.list.elements)) {
				p.Size = n
				return p, fmt.Sprintf("the response has %s and %s", at.path, beside)
			}
		}
		if h.total() != "" {
			return p, "the response has " + at.path + " and a total"
		}
	}
	if total := h.number("hits", "total"); total != nil { // Elasticsearch
		return sallyport.Paging{Type: sallyport.PagingOffset, Query: h.given("from")}, "the response has " + total.path
	}
	return sallyport.Paging{}, ""
}

// byPage finds a page number beside the number of pages.
func (h hints) byPage() (sallyport.Paging, string) {
	for _, at := range h.places {
		number, is := whole(at.value)
		if !is || !slices.Contains([]string{"page", "currentpage", "pagenumber", "pageindex", "number", "pagecurrent", "currentpagenumber"}, at.plain) {
			continue
		}
		query := at.name
		if at.plain != "pagenumber" && at.plain != "pageindex" {
			query = "page"
		}
		p := sallyport.Paging{Type: sallyport.PagingPage, Query: h.given(query)}
		if number == 0 {
			p.Start = &number
		}
		if h.pages() != "" || h.total() != "" || h.more() != "" {
			return p, "the response has " + at.path
		}
	}
	return sallyport.Paging{}, ""
}

// byLast proposes the id of the last record where the response says only that more follows, as Stripe does.
func (h hints) byLast() (sallyport.Paging, string) {
	key := keyFor(h.list.elements)
	if h.more() == "" || len(key) == 0 || strings.Contains(key[0], ".") || h.hasQuery() {
		return sallyport.Paging{}, ""
	}
	return sallyport.Paging{Type: sallyport.PagingNextValue, Last: "$" + memberPath(key[0]), Query: "starting_after"}, "the response has " + h.more() + ", and its records an id"
}

// counters are the parameters by which requests count.
var counters = map[string]string{
	"page": sallyport.PagingPage, "p": sallyport.PagingPage, "pagenumber": sallyport.PagingPage, "pagenum": sallyport.PagingPage, "offset": sallyport.PagingOffset,
	"skip": sallyport.PagingOffset, "startindex": sallyport.PagingOffset, "startat": sallyport.PagingOffset, "start": sallyport.PagingOffset, "from": sallyport.PagingOffset,
}

// byQuery proposes to count by a parameter that the request already has.
func (h hints) byQuery() (sallyport.Paging, string) {
	for _, name := range slices.Sorted(maps.Keys(h.query)) {
		kind := counters[bareName(name)]
		number, is := whole(json.Number(h.query.Get(name)))
		if kind == "" || !is {
			continue
		}
		p := sallyport.Paging{Type: kind, Query: name}
		if kind == sallyport.PagingPage && number != 1 || kind == sallyport.PagingOffset && number != 0 {
			p.Start = &number
		}
		return p, "the request has the parameter " + name
	}
	return sallyport.Paging{}, ""
}

func (h hints) hasQuery() bool { p, _ := h.byQuery(); return p.Type != "" }

// about adds what the response says about the list.
func (h hints) about(p *sallyport.Paging) {
	p.More, p.Total = h.more(), h.total()
	if p.Type == sallyport.PagingPage {
		p.Pages = h.pages()
	}
}

// more is the path to what says whether more follows.
func (h hints) more() string {
	for _, at := range h.places {
		if slices.Contains([]string{"hasmore", "more", "hasnext", "hasnextpage", "morerecords", "hasmoreresults", "hasmoreitems", "moreresultsavailable"}, at.plain) {
			if _, is := at.value.(bool); is {
				return at.path
			}
		}
	}
	return ""
}

// total is the path to the number of records of the whole list. A count, which may be that of this page, must be larger than the page; one that
// says that it is the total may be as large.
func (h hints) total() string {
	here := int64(len(h.list.elements))
	for _, at := range h.places {
		n, is := whole(at.value)
		sure := strings.Contains(at.plain, "total") && !strings.Contains(at.plain, "page") || at.plain == "odatacount" || at.plain == "numfound" || at.above == "total" && at.plain == "value"
		if is && at.above != "shards" && (sure && n >= here || at.plain == "count" && n > here) {
			return at.path
		}
	}
	return ""
}

// pages is the path to the number of pages of the whole list.
func (h hints) pages() string {
	for _, at := range h.places {
		n, is := whole(at.value)
		if is && n > 0 && slices.Contains([]string{"totalpages", "pages", "pagecount", "numpages", "lastpage", "pagetotal", "totalpagecount", "maxpage"}, at.plain) {
			return at.path
		}
	}
	return ""
}

// given is a parameter, as the request spells it if it has it.
func (h hints) given(query string) string {
	for name := range h.query {
		if bareName(name) == bareName(query) {
			return name
		}
	}
	return query
}

// has tells whether there is a member with a name beside the records.
func (h hints) has(name string) bool {
	return slices.ContainsFunc(h.places, func(at spot) bool { return at.name == name })
}

// number finds a number by the plain names of its object and of itself; it may be the member value of the latter.
func (h hints) number(above, plain string) *spot {
	for i, at := range h.places {
		if _, is := whole(at.value); is && (at.above == above && at.plain == plain || at.above == plain && at.plain == "value") {
			return &h.places[i]
		}
	}
	return nil
}

func isScalar(value any) bool {
	switch value := value.(type) {
	case string:
		return value != ""
	case json.Number:
		return true
	}
	return false
}

func looksLikeURL(value any) bool {
	text, _ := value.(string)
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "/") && len(text) > 1 || strings.HasPrefix(text, "?")
}

func whole(value any) (int64, bool) {
	number, is := value.(json.Number)
	n, err := number.Int64()
	return n, is && err == nil && n >= 0
}
