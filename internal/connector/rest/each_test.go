package rest

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	lookups "github.com/sallyport-io/sallyport/internal/connector/lookup"
)

// directory answers about single values, by what is asked.
type directory struct {
	mu      sync.Mutex
	address string
	asked   []string
	answers map[string]func(http.ResponseWriter)
	remotes map[string]bool // the connections that calls came over
}

func (d *directory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	value := r.URL.Query().Get("indicator")
	d.asked = append(d.asked, value)
	d.remotes[r.RemoteAddr] = true
	w.Header().Set("Content-Type", "application/json")
	if answer, ok := d.answers[value]; ok {
		answer(w)
		return
	}
	fmt.Fprintf(w, `{"iid":%d,"indicator":%q,"risk":"low"}`, len(value), strings.ToUpper(value))
}

func newDirectory(t testing.TB, answers map[string]func(http.ResponseWriter)) *directory {
	d := &directory{answers: answers, remotes: map[string]bool{}}
	d.address = serve(t, d.ServeHTTP).URL
	return d
}

// take returns what was asked since the last time.
func (d *directory) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	asked := d.asked
	d.asked = nil
	return asked
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

var nobody = says(404, `{"error":"Indicator not found."}`)

// memory keeps answers in memory.
type memory map[string]sallyport.Lookup

func (m memory) Lookup(_ context.Context, id string) (sallyport.Lookup, error) { return m[id], nil }

func (m memory) KeepLookups(_ context.Context, all []sallyport.Lookup) error {
	for _, l := range all {
		m[l.ID] = l
	}
	return nil
}

// eachConfig asks a directory about single indicators.
func eachConfig(d *directory, params map[string]any) Config {
	c := testConfig(d.address, sallyport.Request{URL: "/api", Query: map[string]sallyport.Texts{"indicator": {"{indicator}"}}, Records: "$"})
	c.Definition.Errors = []connector.ErrorRule{{Status: []int{404}, Match: "not found", Class: connector.ClassEmpty}}
	c.Endpoint.ID, c.Params = "x.lookup", params
	c.Endpoint.Each = &connector.Each{Name: "indicator", List: "indicators", Kind: connector.KindIndicator, Cache: connector.Ages{
		Found: 86400e9, NotFound: 3600e9, Field: "risk", Values: map[string]sallyport.Duration{"high": 60e9},
	}}
	return c
}

// askEach reads all pages from a cursor on: the records, the number of calls, and the cursor of each page.
func askEach(t testing.TB, c Config, list lookups.List, cache lookups.Cache, cursor string) (records []string, calls int, cursors []string, err error) {
	t.Helper()
	source, err := OpenEach(c, list, cache)
	if err != nil {
		t.Fatal(err)
	}
	for page, err := range source.Pages(t.Context(), cursor) {
		if err != nil {
			return records, calls, cursors, err
		}
		cursors = append(cursors, cursor)
		if !page.Free {
			calls++
		}
		for record, err := range page.Records {
			if err != nil {
				return records, calls, cursors, err
			}
			records = append(records, string(record))
		}
		cursor = page.Next
	}
	return records, calls, cursors, nil
}

func TestEach(t *testing.T) {
	d := newDirectory(t, map[string]func(http.ResponseWriter){"b.example.com": nobody, "c.example.com": says(400, `{"error":"no"}`), "d.example.com": says(200, "{}")})
	list := lookups.Values([]string{
		"a[.]example[.]com", "10.0.0.1", "A.example.com", "b.example.com", "10.0.0.1", "c.example.com", "", "d.example.com", "d41d8cd98f00b204e9800998ecf8427e",
	})
	records, calls, _, err := askEach(t, eachConfig(d, nil), list, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	var states []string
	for _, record := range records {
		asked, _ := lookups.FieldOf(new(connector.Members), []byte(record), "asked")
		state, _ := lookups.FieldOf(new(connector.Members), []byte(record), "state")
		states = append(states, asked+" "+state)
	}
	want := []string{
		"a.example.com found", "10.0.0.1 skipped", "b.example.com not_found", "c.example.com refused", " skipped", "d.example.com found",
		"d41d8cd98f00b204e9800998ecf8427e skipped",
	}
	if diff := cmp.Diff(want, states); diff != "" {
		t.Error(diff)
	}
	if want := `{"asked":"a.example.com","state":"found","iid":13,"indicator":"A.EXAMPLE.COM","risk":"low"}`; records[0] != want {
		t.Errorf("got %s\nwant %s", records[0], want)
	}
	if want := `{"asked":"b.example.com","state":"not_found","indicator":"b.example.com"}`; records[2] != want {
		t.Errorf("got %s\nwant %s", records[2], want)
	}
	if asked := d.take(); calls != 4 || !slices.Equal(asked, []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}) {
		t.Errorf("%d calls: %q", calls, asked)
	}
	if len(d.remotes) != 1 {
		t.Errorf("%d connections were made for 4 calls", len(d.remotes))
	}
}

// TestEachIsAskedOnce asks about a list twice, with a cache: only what may have changed, or was refused, is asked again.
func TestEachIsAskedOnce(t *testing.T) {
	d := newDirectory(t, map[string]func(http.ResponseWriter){
		"b.example.com": nobody, "c.example.com": says(400, `{"error":"no"}`), "d.example.com": says(200, `{"iid":4,"risk":"high"}`),
	})
	list := lookups.Values([]string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"})
	cache := memory{}
	first, _, _, err := askEach(t, eachConfig(d, nil), list, cache, "")
	if err != nil {
		t.Fatal(err)
	}
	d.take()
	older := func(seconds int64) {
		for id, l := range cache {
			l.At = l.At.Add(-time.Duration(seconds) * time.Second)
			cache[id] = l
		}
	}
	for _, c := range []struct {
		name   string
		age    int64 // seconds that pass before
		params map[string]any
		want   []string
	}{
		{"at once", 0, nil, []string{"c.example.com"}},
		{"a risky one is asked again soon", 61, nil, []string{"c.example.com", "d.example.com"}},
		{"a miss after an hour", 3600, nil, []string{"b.example.com", "c.example.com", "d.example.com"}},
		{"none is new enough", 0, map[string]any{"max_age": "0s"}, []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}},
		{"another call", 0, map[string]any{"historical": "1"}, []string{"a.example.com", "b.example.com", "c.example.com", "d.example.com"}},
	} {
		older(c.age)
		again, calls, _, err := askEach(t, eachConfig(d, c.params), list, cache, "")
		if diff := cmp.Diff(c.want, d.take()); diff != "" || err != nil || calls != len(c.want) {
			t.Errorf("%s: %d calls, %v\n%s", c.name, calls, err, diff)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%s: other answers:\n%s", c.name, diff)
		}
	}
}

// TestEachGoesOn begins in the midst of a list, at every cursor that there was: each time exactly the rest is answered.
func TestEachGoesOn(t *testing.T) {
	d := newDirectory(t, nil)
	list := lookups.Values([]string{"a.example.com", "10.0.0.1", "b.example.com", "A.example.com.", "c.example.com", "10.0.0.1"})
	all, _, cursors, err := askEach(t, eachConfig(d, nil), list, nil, "")
	if err != nil || len(all) != 4 || len(cursors) != 4 {
		t.Fatalf("%d records on %d pages: %v", len(all), len(cursors), err)
	}
	d.take()
	for i, cursor := range cursors {
		rest, _, _, err := askEach(t, eachConfig(d, nil), list, nil, cursor)
		if diff := cmp.Diff(all[i:], rest); diff != "" || err != nil {
			t.Errorf("from %q: %v\n%s", cursor, err, diff)
		}
		d.take()
	}
	if _, _, _, err := askEach(t, eachConfig(d, nil), list, nil, "nonsense"); sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("a cursor that is none: %v", err)
	}
}

// TestEachStops ends a list at failures that are not about one value: the cursor stays at it, and what was answered is kept.
func TestEachStops(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter)
		class  connector.Class
	}{
		"key":           {says(401, "{}"), connector.ClassCredential},
		"wrong address": {says(404, "<html>"), connector.ClassPermanent},
		"day":           {func(w http.ResponseWriter) { w.Header().Set("Retry-After", "3600"); w.WriteHeader(429) }, connector.ClassRate},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDirectory(t, map[string]func(http.ResponseWriter){"b.example.com": c.answer})
			cache := memory{}
			records, _, cursors, err := askEach(t, eachConfig(d, nil), lookups.Values([]string{"a.example.com", "b.example.com", "c.example.com"}), cache, "")
			f, ok := errors.AsType[*connector.Failure](err)
			if !ok || f.Class != c.class || len(records) != 1 || len(cursors) != 1 || len(cache) != 1 {
				t.Errorf("%d records, %d pages, %d kept answers, then %v", len(records), len(cursors), len(cache), err)
			}
			if asked := d.take(); len(asked) != 2 {
				t.Errorf("asked %q", asked)
			}
		})
	}
}

// TestEachIsRefused has every value refused: after a number of them it is not the values.
func TestEachIsRefused(t *testing.T) {
	d, no := newDirectory(t, map[string]func(http.ResponseWriter){}), says(400, `{"error":"no"}`)
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprintf("host-%d.example.com", i))
		d.answers[list[i]] = no
	}
	records, _, _, err := askEach(t, eachConfig(d, nil), lookups.Values(list), nil, "")
	if f, ok := errors.AsType[*connector.Failure](err); !ok || f.Status != 400 || len(records) != 20 || len(d.take()) != 21 {
		t.Errorf("%d records, then %v", len(records), err)
	}
}

// TestEachKnown answers a long list from the cache alone: it makes no call, and its pages are bounded.
func TestEachKnown(t *testing.T) {
	d, cache := newDirectory(t, nil), memory{}
	var list []string
	for i := range 1200 {
		list = append(list, fmt.Sprintf("host-%d.example.com", i))
	}
	if _, calls, _, err := askEach(t, eachConfig(d, nil), lookups.Values(list), cache, ""); err != nil || calls != 1200 || len(cache) != 1200 {
		t.Fatalf("%d calls, %d kept: %v", calls, len(cache), err)
	}
	records, calls, cursors, err := askEach(t, eachConfig(d, nil), lookups.Values(list), cache, "")
	if err != nil || calls != 0 || len(records) != 1200 || len(cursors) != 3 {
		t.Errorf("%d records on %d pages, %d calls: %v", len(records), len(cursors), calls, err)
	}
}

// BenchmarkEach makes one call after the other.
func BenchmarkEach(b *testing.B) {
	d := newDirectory(b, nil)
	list := func(context.Context, string) (string, iter.Seq2[string, error], error) {
		return "", func(yield func(string, error) bool) {
			for i := 0; b.Loop() && yield(fmt.Sprintf("host-%d.example.com", i), nil); i++ {
			}
		}, nil
	}
	if _, _, _, err := askEach(b, eachConfig(d, nil), list, memory{}, ""); err != nil {
		b.Fatal(err)
	}
}
