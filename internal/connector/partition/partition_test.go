package partition_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/partition"
	"github.com/sallyport-io/sallyport/internal/connector/rest"
)

// library is a system with a query language and an end to its answers.
type library struct {
	books   []map[string]string
	last    bool // the last day of a range is in it
	calls   int
	queries []string
}

func (l *library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.calls++
	q := r.URL.Query()
	l.queries = append(l.queries, q.Get("q"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	found := []map[string]string{}
	for _, b := range l.books {
		if len(found) < limit && l.matches(b, q.Get("q")) {
			found = append(found, b)
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"results": found}) // the client would notice
}

var (
	term  = regexp.MustCompile(`^(not )?([a-z]+)=(\S+)$`)
	since = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)\+$`)
	days  = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)-(\d{4}-\d\d-\d\d)$`)
)

// fits tells whether a value is the wanted one, or lies in the wanted time.
func (l *library) fits(value, wanted string) bool {
	if m := since.FindStringSubmatch(wanted); m != nil {
		return value >= m[1]
	}
	if m := days.FindStringSubmatch(wanted); m != nil {
		return value >= m[1] && (value < m[2] || l.last && strings.HasPrefix(value, m[2]))
	}
	return value == wanted || wanted == "*"
}

// matches understands terms that are joined by and, as far as these tests need it.
func (l *library) matches(book map[string]string, q string) bool {
	for t := range strings.SplitSeq(q, " and ") {
		m := term.FindStringSubmatch(t)
		if m == nil {
			panic(t)
		}
		value, there := book[m[2]]
		if is := there && l.fits(value, m[3]); is == (m[1] != "") {
			return false
		}
	}
	return true
}

// shelf makes books, not all of which have a date or a value that anyone knows.
func shelf(n int, seed uint64) (books []map[string]string) {
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range n {
		b := map[string]string{
			"id": strconv.Itoa(i), "kind": []string{"a", "a", "a", "b", "c", "unheard"}[r.IntN(6)], "size": []string{"s", "m", "m", "m", "xl"}[r.IntN(5)],
		}
		if r.IntN(50) > 0 {
			b["added"] = time.Now().AddDate(0, 0, -r.IntN(5000)).UTC().Format("2006-01-02 15:04:05")
		}
		books = append(books, b)
	}
	return books
}

func open(t *testing.T, l *library, params map[string]any) connector.Source {
	t.Helper()
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	e := &connector.Endpoint{ID: "book.search",
		Params: []connector.Field{
			{Name: "q", Required: true}, {Name: "limit", Type: connector.TypeInteger, Default: 10},
			{Name: "split", Type: connector.TypeBoolean, Default: true}, {Name: "date_field"},
		},
		Split: &connector.Split{Query: "q", Limit: "limit", By: []connector.Dimension{
			{Field: "kind", Values: []string{"a", "b", "c"}}, {Field: "size", Values: []string{"s", "m"}},
		}, Dates: connector.Dates{Since: "{field}={from}+", Range: "{field}={from}-{to}"}},
		Request: sallyport.Request{URL: "/", Query: map[string]sallyport.Texts{"q": {"{q}"}, "limit": {"{limit}"}}, Records: "$.results[*]"},
	}
	checked, err := e.CheckParams(params)
	if err != nil {
		t.Fatal(err)
	}
	source, err := rest.OpenSplit(rest.Config{Definition: &connector.Definition{Connector: "library"}, Endpoint: e, Params: checked,
		Public: map[string]string{"address": server.URL}, Transport: func(*url.URL) http.RoundTripper { return server.Client().Transport }})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// read reads all pages from a cursor on.
func read(t *testing.T, source connector.Source, cursor string) (ids []int, cursors, incomplete []string) {
	t.Helper()
	for page, err := range source.Pages(t.Context(), cursor) {
		if err != nil {
			t.Fatal(err)
		}
		cursors = append(cursors, cursor)
		for record, err := range page.Records {
			var b struct{ ID string }
			if err = cmp.Or(err, json.Unmarshal(record, &b)); err != nil {
				t.Fatal(err)
			}
			id, err := strconv.Atoi(b.ID)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		if page.Incomplete != "" {
			incomplete = append(incomplete, page.Incomplete)
		}
		cursor = page.Next
	}
	return ids, cursors, incomplete
}

// once checks that some ids are 0 … n-1, each once.
func once(t *testing.T, n int, ids []int) {
	t.Helper()
	slices.Sort(ids)
	if len(ids) != n || len(slices.Compact(ids)) != n {
		t.Errorf("there are %d records, %d different ones, of %d", len(ids), len(slices.Compact(ids)), n)
	}
}

func TestWholeIsOneCall(t *testing.T) {
	l := &library{books: shelf(9, 1)}
	ids, _, incomplete := read(t, open(t, l, map[string]any{"q": "id=*"}), "")
	once(t, 9, ids)
	if l.calls != 1 || incomplete != nil || l.queries[0] != "id=*" {
		t.Errorf("%d calls, %q, %q", l.calls, incomplete, l.queries)
	}
}

// TestEveryRecordOnce divides libraries of all sizes, by days at last: every record comes once, and goes on from every cursor as it was.
func TestEveryRecordOnce(t *testing.T) {
	for seed, n := range []int{0, 10, 11, 100, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			l := &library{books: shelf(n, uint64(seed)), last: seed%2 == 0}
			source := open(t, l, map[string]any{"q": "id=*", "date_field": "added", "limit": 30})
			ids, cursors, incomplete := read(t, source, "")
			all := slices.Clone(ids)
			once(t, n, ids)
			if incomplete != nil || len(cursors) != l.calls {
				t.Errorf("%d pages, %d calls, %q", len(cursors), l.calls, incomplete)
			}
			for i := 0; i < len(cursors); i += 1 + len(cursors)/10 {
				rest, left, _ := read(t, source, cursors[i])
				if !slices.Equal(rest, all[len(all)-len(rest):]) || len(left) != len(cursors)-i || len(cursors[i]) > 2000 {
					t.Errorf("%d records on %d pages from %q", len(rest), len(left), cursors[i])
				}
			}
		})
	}
}

// TestIncomplete cannot divide as far as it takes: what there is comes, and it is said what is missing.
func TestIncomplete(t *testing.T) {
	var books []map[string]string
	for i := range 50 {
		b := map[string]string{"id": strconv.Itoa(i), "kind": "a", "size": "xl", "added": "2024-02-03 04:05:06"}
		if i > 30 {
			b["size"] = "m"
		}
		if i > 45 {
			b["kind"], b["size"] = "unheard", "s"
		}
		books = append(books, b)
	}
	for name, c := range map[string]struct {
		params  map[string]any
		records int
		want    []string
	}{
		"not divided": {map[string]any{"split": false}, 10, []string{"the query has more than 10 results"}},
		"by fields":   {nil, 24, []string{"kind=a and size=m has more than 10 results", "kind=a and not size=s and not size=m has more than 10 results"}},
		"by days": {map[string]any{"date_field": "added"}, 24, []string{
			"kind=a and size=m and added=2024-02-03-2024-02-04 and not added=2024-02-04+ has more than 10 results",
			"kind=a and not size=s and not size=m and added=2024-02-03-2024-02-04 and not added=2024-02-04+ has more than 10 results",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			params := map[string]any{"q": "id=*"}
			for name, value := range c.params {
				params[name] = value
			}
			ids, _, incomplete := read(t, open(t, &library{books: books}, params), "")
			if !slices.Equal(incomplete, c.want) || len(ids) != c.records {
				t.Errorf("%d records, %q", len(ids), incomplete)
			}
		})
	}
}

// TestQueries finds those to which nothing can be added, which are refused before a call is spent.
func TestQueries(t *testing.T) {
	for q, ok := range map[string]bool{
		"a=1": true, "a=1|b&&(c)": true, `(a=1 or b="(")`: true, "a=1) or (b=2": false, "(a=1": false, `a="x`: false, `a=")"`: true,
	} {
		_, err := partition.New(partition.Config{Query: q, Limit: 1})
		if (err == nil) != ok || err != nil && sallyport.CodeOf(err) != sallyport.Invalid {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// FuzzCursor reads what is no cursor: an error, and never a call for what is no part.
func FuzzCursor(f *testing.F) {
	for _, cursor := range []string{"", "0. 1.", "3.2.@14610-20000+", "9.", "@", "0.0.0.", "0.@5-1", " ", "-1."} {
		f.Add(cursor)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		s, err := partition.New(partition.Config{Query: "q=1", Limit: 1, DateField: "d", By: []connector.Dimension{{Field: "kind", Values: []string{"a"}}},
			Ask: func(q string) (connector.Source, error) {
				if !strings.HasPrefix(q, "q=1") {
					t.Errorf("asked %q", q)
				}
				return nil, sallyport.Errorf(sallyport.Upstream, "not here")
			}})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range s.Pages(t.Context(), cursor) {
			if code := sallyport.CodeOf(err); code != sallyport.Invalid && code != sallyport.Upstream {
				t.Errorf("%q: %v", cursor, err)
			}
		}
	})
}
