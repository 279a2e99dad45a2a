package connector

import (
	"maps"
	"slices"

	"github.com/sallyport-io/sallyport"
)

// pagingParts says which parts a type of paging has. It needs one of value, header and last if it has any of them, and query if it has that;
// the others are free to choose.
type pagingParts struct{ value, header, last, query, numbers, list bool }

func pagingTypes() map[string]pagingParts {
	return map[string]pagingParts{
		sallyport.PagingSingle:     {},
		sallyport.PagingPage:       {query: true, numbers: true, list: true},
		sallyport.PagingOffset:     {query: true, numbers: true, list: true},
		sallyport.PagingNextValue:  {value: true, header: true, last: true, query: true, list: true},
		sallyport.PagingNextURL:    {value: true, header: true, list: true},
		sallyport.PagingLinkHeader: {list: true},
		sallyport.PagingTAXII:      {},
	}
}

func checkPaging(r *sallyport.Request) error {
	p := &r.Paging
	if p.Type == "" {
		p.Type = sallyport.PagingSingle
	}
	types := pagingTypes()
	has, ok := types[p.Type]
	if !ok {
		return sallyport.Unknown("paging.type", "type of paging", p.Type, slices.Sorted(maps.Keys(types)))
	}
	elsewhere := p.Header != "" || p.Last != ""
	for _, part := range []struct {
		name       string
		given, has bool
		optional   bool
	}{
		{name: "value", given: p.Value != "", has: has.value, optional: elsewhere},
		{name: "header", given: p.Header != "", has: has.header, optional: true},
		{name: "last", given: p.Last != "", has: has.last, optional: true},
		{name: "query", given: p.Query != "", has: has.query, optional: true}, // see checkCursor
		{name: "start", given: p.Start != nil, has: has.numbers, optional: true},
		{name: "size", given: p.Size != 0, has: has.numbers || p.Last != "", optional: true},
		{name: "more", given: p.More != "", has: has.list, optional: true},
		{name: "total", given: p.Total != "", has: has.list, optional: true},
		{name: "pages", given: p.Pages != "", has: has.list, optional: true},
		{name: "until", given: p.Until != sallyport.Until{}, has: has.list, optional: true},
	} {
		switch {
		case part.given && !part.has:
			return sallyport.FieldErrorf("paging."+part.name, "does not belong to paging of type %s", p.Type)
		case part.has && !part.given && !part.optional:
			return sallyport.FieldErrorf("paging."+part.name, "is required for paging of type %s", p.Type)
		}
	}
	return checkPagingValues(p)
}

func checkPagingValues(p *sallyport.Paging) error {
	for _, path := range []struct{ name, text string }{
		{"value", p.Value}, {"last", p.Last}, {"more", p.More}, {"total", p.Total}, {"pages", p.Pages}, {"until.path", p.Until.Path},
	} {
		if path.text != "" && !isNamePath(path.text) {
			return sallyport.FieldErrorf("paging."+path.name, "must be a path of names such as $.paging.next")
		}
	}
	switch {
	case p.Value != "" && p.Header != "":
		return sallyport.FieldErrorf("paging.header", "does not go with paging.value: the next page is found in one place")
	case p.Last != "" && (p.Value != "" || p.Header != ""):
		return sallyport.FieldErrorf("paging.last", "does not go with paging.value or paging.header: the next page is found in one place")
	case p.Header != "" && !headerName.MatchString(p.Header):
		return sallyport.FieldErrorf("paging.header", "%s must be the name of a header", sallyport.Quoted(p.Header))
	case p.Start != nil && *p.Start < 0:
		return sallyport.FieldErrorf("paging.start", "must not be negative")
	case p.Size < 0:
		return sallyport.FieldErrorf("paging.size", "must not be negative")
	case p.Until.Path == "" && p.Until.Equals != "":
		return sallyport.FieldErrorf("paging.until.path", "is required: the path to what must equal %q", p.Until.Equals)
	case len(p.Until.Equals) > maxText:
		return sallyport.FieldErrorf("paging.until.equals", "is longer than %d bytes", maxText)
	}
	return nil
}

// inJSON is the first part of a paging that looks for something in a response of JSON, "" if none does.
func inJSON(p sallyport.Paging) string {
	for _, part := range []struct{ name, text string }{
		{"value", p.Value}, {"more", p.More}, {"total", p.Total}, {"pages", p.Pages}, {"until", p.Until.Path},
	} {
		if part.text != "" {
			return part.name
		}
	}
	return ""
}
