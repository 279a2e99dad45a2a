package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/table"
)

// Proposal is what one response suggests for the request that had it. What it suggests nothing for is empty.
type Proposal struct {
	Records string           `json:"records"`          // JSONPath to the records
	Header  string           `json:"header,omitempty"` // row if the records are arrays and the first one has the names
	Key     []string         `json:"key"`              // fields that name a record
	Paging  sallyport.Paging `json:"paging"`           // single where nothing leads to another page
	Why     string           `json:"why"`              // what in the response the paging is derived from
}

// maxLook is how many records a proposal looks at, and maxNested how many objects deep it looks for their list.
const (
	maxLook   = 200
	maxNested = 4
)

// Propose reads the first response to a request of JSON and proposes where its records are, which field names them and how the next page is
// requested, from what many public APIs have in common. It knows nothing for certain: the second page proves it. The response must be whole;
// requested may have any query. It says false if the body is not JSON.
func Propose(header http.Header, body []byte, requested *url.URL) (Proposal, bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var root any
	if decoder.Decode(&root) != nil || decoder.More() {
		return Proposal{}, false
	}
	list := likeliest(root)
	p := Proposal{Records: list.path, Key: keyFor(list.elements), Header: headerIn(list.elements)}
	h := hints{header: header, query: requested.Query(), list: list, root: root, places: placesBeside(root, list.path)}
	p.Paging, p.Why = h.paging()
	return p, true
}

// found is a list of records: its path, with [*], and its elements.
type found struct {
	path     string
	elements []any
	object   map[string]any // that holds the list; nil if the whole response is the list
}

// listNames are the usual names of lists of records.
var listNames = []string{
	"data", "results", "items", "records", "value", "values", "entries", "objects", "hits", "list", "rows", "content", "elements", "docs", "issues",
	"vulnerabilities", "resources", "members", "events", "users", "indicators",
}

// likeliest finds the list that most likely holds the records; a response without any is the record itself.
func likeliest(root any) found {
	if list, is := root.([]any); is {
		return found{path: "$[*]", elements: list}
	}
	best, most := found{path: "$"}, 0
	var look func(path string, node any, depth int)
	look = func(path string, node any, depth int) {
		object, _ := node.(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(object)) {
			at := path + memberPath(name)
			if list, is := object[name].([]any); is {
				if score := scoreOf(name, list, depth); score > most {
					best, most = found{at + "[*]", list, object}, score
				}
			} else if depth < maxNested {
				look(at, object[name], depth+1)
			}
		}
	}
	look("$", root, 0)
	return best
}

// scoreOf says how likely a list holds the records: objects before values, usual names before others, long before short, outside before inside.
func scoreOf(name string, list []any, depth int) int {
	score := min(len(list), 900) + 10 - depth
	if len(list) > 0 {
		if _, is := list[0].(map[string]any); is {
			score += 4000
		}
	}
	if slices.Contains(listNames, strings.ToLower(name)) {
		score += 1000
	}
	return score
}

// keyNames are the usual names of fields that name a record, the most usual first.
var keyNames = []string{"id", "_id", "uuid", "guid", "iid", "uid", "gid", "sys_id", "key", "doi", "cve_id", "cveid", "sha", "ip", "slug", "identifier", "objectid", "number", "name", "url"}

// keyFor proposes the key of records: a usual name of a field that each has, with another value in each, also one in an object: cve.id.
func keyFor(elements []any) []string {
	values := map[string]map[string]bool{}
	looked := elements[:min(len(elements), maxLook)]
	for _, element := range looked {
		record, _ := element.(map[string]any)
		for name, value := range record {
			noteValue(values, name, value)
			if inner, is := value.(map[string]any); is {
				for within, value := range inner {
					noteValue(values, name+"."+within, value)
				}
			}
		}
	}
	best, most := "", 0
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if score := keyScore(name); len(looked) > 0 && len(values[name]) == len(looked) && score > most {
			best, most = name, score
		}
	}
	if best == "" {
		return nil
	}
	return []string{best}
}

// headerIn is row if elements are arrays of the same length, of which the first has nothing but texts, each once.
func headerIn(elements []any) string {
	names := map[any]bool{}
	for i, element := range elements[:min(len(elements), maxLook)] {
		row, is := element.([]any)
		if !is || len(row) == 0 || i > 0 && len(row) != len(names) {
			return ""
		}
		for _, cell := range row {
			if _, text := cell.(string); i == 0 && (!text || cell == "" || names[cell]) {
				return ""
			}
			if i == 0 {
				names[cell] = true
			}
		}
	}
	if len(elements) < 2 {
		return ""
	}
	return table.HeaderRow
}

func noteValue(values map[string]map[string]bool, name string, value any) {
	switch value.(type) {
	case string, json.Number:
		if values[name] == nil {
			values[name] = map[string]bool{}
		}
		if text := fmt.Sprint(value); text != "" {
			values[name][text] = true
		}
	}
}

// keyScore says how likely a field is the key; 0: not at all.
func keyScore(name string) int {
	outer, inner, nested := strings.Cut(name, ".")
	last, penalty := strings.ToLower(outer), 0
	if nested {
		last, penalty = strings.ToLower(inner), 3
	}
	if i := slices.Index(keyNames, last); i >= 0 {
		return max(100-4*i-penalty, 1)
	}
	if strings.HasSuffix(last, "_id") || strings.HasSuffix(name, "Id") || strings.HasSuffix(name, "ID") {
		return 40 - penalty
	}
	return 0
}
