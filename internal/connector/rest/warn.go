package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// warnings are the doubts about a list that has ended, for a request that was described by hand: whoever declares an endpoint knows its paging.
func (p *page) warnings() (all []string) {
	if !p.manual || p.taxii != nil || p.shape.whole() {
		return nil
	}
	h := hints{header: p.answer.response.Header, query: p.first.url.Query(), list: found{elements: make([]any, min(p.count, 1))}, places: spotsOf(p.answer.beside())}
	if p.turner.Type == "" || p.turner.Type == sallyport.PagingSingle {
		if why := h.leadsOn(); why != "" {
			all = append(all, "the response may have more pages: "+why+", and no paging is declared")
		} else if isRound(p.sent()) {
			all = append(all, fmt.Sprintf("the response may have more pages: it has exactly %d records, and no paging is declared", p.sent()))
		}
	}
	if !p.began || p.turner.Total != "" || len(all) > 0 {
		return all
	}
	if path := h.total(); path != "" && h.numberAt(path) > p.extent.records {
		all = append(all, fmt.Sprintf("the response says %d at %s, but %d records were read: there may be more pages", h.numberAt(path), path, p.extent.records))
	}
	return all
}

// leadsOn says what in a response leads to another page, "" if nothing does.
func (h hints) leadsOn() string {
	more := h.more()
	for _, at := range h.places {
		if at.path == more && at.value == false {
			return ""
		}
	}
	if p, why := h.byHeader(); p.Type != "" {
		return why
	}
	for _, propose := range []func() (sallyport.Paging, string){h.byValue, h.byURL} {
		p, why := propose()
		if i := slices.IndexFunc(h.places, func(at spot) bool { return at.path == p.Value }); i >= 0 && isScalar(h.places[i].value) {
			return why
		}
	}
	if more != "" {
		return "the response says that more follows at " + more
	}
	return ""
}

func (h hints) numberAt(path string) int64 {
	i := slices.IndexFunc(h.places, func(at spot) bool { return at.path == path })
	n, _ := whole(h.places[i].value)
	return n
}

// spotsOf are the values beside the records of a response, and those within them.
func spotsOf(values beside) (all []spot) {
	object := map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(values)) {
		var value any
		decoder := json.NewDecoder(strings.NewReader(string(values[path])))
		decoder.UseNumber()
		if decoder.Decode(&value) != nil {
			continue // a list, or too large
		}
		name := strings.Trim(path[strings.LastIndexAny(path, ".[")+1:], "']")
		object[name] = value
		all = append(all, spot{path: path, name: name, plain: bareName(name), value: value, object: object})
		for _, within := range placesBeside(value, "") {
			within.path = path + strings.TrimPrefix(within.path, "$")
			if within.above == "" {
				within.above = bareName(name)
			}
			all = append(all, within)
		}
	}
	return all
}

// isRound tells whether a number is one to which systems cut their lists: 10, 20, 25 or 50, or these times 10, 100 and so on.
func isRound(n int64) bool {
	if n < 10 {
		return false
	}
	for n%10 == 0 {
		n /= 10
	}
	return n == 1 || n == 2 || n == 5 || n == 25
}
