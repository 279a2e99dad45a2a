package rest

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

var (
	link      = regexp.MustCompile(`<([^<>]*)>((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|'[^']*'|[^",;]*))?)*)`)
	bareLink  = regexp.MustCompile(`^\s*([^\s<>;]+)((?:\s*;\s*[^\s=;,]+\s*(?:=\s*(?:"[^"]*"|'[^']*'|[^",;]*))?)+)\s*$`) // one link without its brackets
	linkParam = regexp.MustCompile(`;\s*([^\s=;,]+)\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([^",;]*)))?`)
)

// nextLink returns the target of the first link with the relation "next", "" if there is none. A link whose parameter results says "false"
// leads to nothing, so it counts as none.
func nextLink(headers []string) (string, error) {
	for _, header := range headers {
		links := link.FindAllStringSubmatch(header, -1)
		if links == nil {
			links = bareLink.FindAllStringSubmatch(header, -1)
		}
		if links == nil && strings.TrimSpace(header) != "" {
			return "", errors.New("its Link header is not well-formed")
		}
		for _, l := range links {
			if leadsOn(l[2]) {
				return l[1], nil
			}
		}
	}
	return "", nil
}

// leadsOn tells whether the parameters of a link say that it leads to the next page.
func leadsOn(params string) bool {
	next, results := false, true
	for _, param := range linkParam.FindAllStringSubmatch(params, -1) {
		value := strings.ToLower(param[2] + param[3] + param[4])
		switch strings.ToLower(param[1]) {
		case "rel":
			next = next || slices.Contains(strings.Fields(value), "next")
		case "results":
			results = strings.TrimSpace(value) != "false"
		}
	}
	return next && results
}
