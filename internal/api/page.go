package api

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// Paging is how every list is asked for.
type Paging struct {
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"How many at most"`
	After string `query:"after" maxLength:"300" doc:"The next of the page before; absent: the first page"`
}

// page is a part of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty" doc:"The after of the page behind this one; absent: this is the last"`
}

// cut makes a page of a list, sorted by name, ignoring case.
func cut[T any](all []T, p Paging, name func(T) string) page[T] {
	slices.SortStableFunc(all, func(a, b T) int { return cmp.Compare(strings.ToLower(name(a)), strings.ToLower(name(b))) })
	from := 0
	if p.After != "" {
		for from < len(all) && strings.ToLower(name(all[from])) <= strings.ToLower(p.After) {
			from++
		}
	}
	rest := all[from:]
	if len(rest) <= p.Limit {
		return page[T]{Items: append([]T{}, rest...)}
	}
	return page[T]{Items: rest[:p.Limit], Next: name(rest[p.Limit-1])}
}

// newest makes a page of a list by numbers, newest first. It was asked for one more than the page is to have.
func newest[T any](all []T, p Paging, number func(T) int64) page[T] {
	if len(all) <= p.Limit {
		return page[T]{Items: append([]T{}, all...)}
	}
	return page[T]{Items: all[:p.Limit], Next: strconv.FormatInt(number(all[p.Limit-1]), 10)}
}

// before is the number under which a page by numbers begins; 0: at the newest.
func (p Paging) before() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || n < 1 {
		return 0, sallyport.FieldErrorf("after", "is no number; use the next of the page before")
	}
	return n, nil
}
