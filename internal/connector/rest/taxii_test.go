package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

var taxiiRequest = sallyport.Request{
	URL: "/objects/", Query: map[string]sallyport.Texts{"limit": {"3"}}, Records: "$.objects[*]", Format: sallyport.FormatTAXII,
	Paging: sallyport.Paging{Type: sallyport.PagingTAXII},
}

// object is one of a made-up collection.
type object struct {
	name     string
	added    string
	modified int
}

// collection answers as a TAXII server does, three objects a page, with next or without.
type collection struct {
	objects []object
	without bool // it gives no next
	asked   []string
}

func (c *collection) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	c.asked = append(c.asked, query.Get("added_after")+" "+query.Get("next"))
	user, password, _ := r.BasicAuth()
	if user != "taxii2" || password != testKey || query.Has("key") || r.Header.Get("Accept") != "application/taxii+json;version=2.1" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
	var found []object
	after, _ := parseAdded(query.Get("added_after"))
	begun := query.Get("next") == ""
	for _, o := range c.objects {
		added, _ := parseAdded(o.added)
		if begun && added.After(after) {
			found = append(found, o)
		}
		begun = begun || query.Get("next") == o.added+"|"+o.name
	}
	if len(found) == 0 {
		fmt.Fprint(w, `{}`)
		return
	}
	more, page := len(found) > 3, found[:min(len(found), 3)]
	last := page[len(page)-1]
	w.Header().Set("X-TAXII-Date-Added-Last", last.added)
	next := ""
	if more && !c.without {
		next = fmt.Sprintf(`"next":%q,`, last.added+"|"+last.name)
	}
	var objects []string
	for _, o := range page {
		objects = append(objects, fmt.Sprintf(`{"id":"indicator--%s","modified":"%d"}`, o.name, o.modified))
	}
	fmt.Fprintf(w, `{"more":%t,%s"objects":[%s]}`, more, next, strings.Join(objects, ","))
}

func taxiiConfig(address string) Config {
	c := testConfig(address, taxiiRequest)
	c.Endpoint.Auth = &connector.Auth{Kind: connector.AuthBasic, Username: "taxii2", Secret: "key"}
	return c
}

// follow pulls from a cursor on, and returns the names of the objects and the cursor of the next run.
func follow(t *testing.T, s *Source, cursor string) (names, cursors []string, resume string) {
	t.Helper()
	for page, err := range s.Pages(t.Context(), cursor) {
		if err != nil {
			t.Fatal(err)
		}
		for record, err := range page.Records {
			if err != nil {
				t.Fatal(err)
			}
			object := fieldsOf(record)
			names = append(names, fmt.Sprint(strings.TrimPrefix(object["id"].(string), "indicator--"), object["modified"]))
		}
		cursors = append(cursors, page.Next)
		if page.Resume != "" {
			resume = page.Resume
		}
	}
	return names, cursors, resume
}

// TestTAXII reads a collection in several runs, while objects are added at the time of the last one and change: every version comes once.
func TestTAXII(t *testing.T) {
	for name, without := range map[string]bool{"by next": false, "by time": true} {
		t.Run(name, func(t *testing.T) {
			c := &collection{without: without, objects: []object{
				{"a", "2024-01-15T10:30:41Z", 1}, {"b", "2024-01-15T10:30:42Z", 1}, {"c", "2024-01-15T10:30:42Z", 1}, {"d", "2024-01-15T10:30:43Z", 1},
				{"e", "2024-01-15T10:30:45Z", 1},
			}}
			server := serve(t, c.ServeHTTP)
			s := mustOpen(t, taxiiConfig(server.URL))
			names, cursors, resume := follow(t, s, "")
			all := []string{"a1", "b1", "c1", "d1", "e1"}
			if diff := cmp.Diff(all, names); diff != "" {
				t.Fatalf("%s\n%v", diff, c.asked)
			}
			read := 0
			for i, cursor := range cursors[:len(cursors)-1] { // a run that is killed behind a page goes on there
				read = map[bool][]int{false: {3}, true: {3, 4}}[without][i]
				if rest, _, again := follow(t, s, cursor); !cmp.Equal(rest, all[read:]) || again != resume {
					t.Errorf("from %s: %v, then %s", cursor, rest, again)
				}
			}
			c.objects = append(c.objects, object{"f", "2024-01-15T10:30:45Z", 1}, object{"g", "2024-01-15T10:31:00.5Z", 1})
			c.objects[4].modified = 2
			names, _, resume = follow(t, s, resume)
			if diff := cmp.Diff([]string{"e2", "f1", "g1"}, names); diff != "" {
				t.Fatalf("the second run: %s\n%v", diff, c.asked)
			}
			c.asked = nil
			names, _, again := follow(t, s, resume)
			if len(names) > 0 || again != resume || !cmp.Equal(c.asked, []string{"2024-01-15T10:31:00.499Z "}) {
				t.Errorf("the third run: %v, asked for %v", names, c.asked)
			}
		})
	}
}

// TestTAXIIThatDoesNotGetOn wants its own error for each way of never ending, and for what is no TAXII 2.1.
func TestTAXIIThatDoesNotGetOn(t *testing.T) {
	const last = "2024-01-15T10:30:45Z"
	for name, test := range map[string]struct {
		contentType, last string
		bodies            []string
		want              string
	}{
		"a time that does not grow": {"", last, []string{`{"more":true,"objects":[{"id":"1"}]}`, `{"more":true,"objects":[{"id":"2"}]}`}, "added_after does not grow beyond 2024-01-15T10:30:44.000Z"},
		"no way on":                 {"", "", []string{`{"more":true,"objects":[{"id":"1"}]}`}, "neither next nor the header X-TAXII-Date-Added-Last"},
		"a time that is none":       {"", "yesterday", []string{`{"more":true,"objects":[]}`}, "its header X-TAXII-Date-Added-Last is no time"},
		"a next that is a list":     {"", last, []string{`{"more":true,"next":[],"objects":[]}`}, "neither a text nor a number"},
		"another version":           {"application/taxii+json; version=2.0", last, []string{`{}`}, "it is in version 2.0 of TAXII, not 2.1"},
		"an old version":            {"application/vnd.oasis.taxii+json", last, []string{`{}`}, "it is in version 2.0 of TAXII"},
		"HTML":                      {"text/html", last, []string{`<html>`}, "it is an HTML or XML page, not JSON"},
		"the key as next":           {"", last, []string{`{"more":true,"next":"` + testKey + `","objects":[]}`}, "holds the key"},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if w.Header().Set("Content-Type", "application/taxii+json;version=2.1"); test.contentType != "" {
					w.Header().Set("Content-Type", test.contentType)
				}
				if test.last != "" {
					w.Header().Set(lastAdded, test.last)
				}
				fmt.Fprint(w, test.bodies[min(asked, len(test.bodies)-1)])
				asked++
			})
			_, _, err := pull(t.Context(), mustOpen(t, taxiiConfig(server.URL)), "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if asked != len(test.bodies) {
				t.Errorf("%d calls, want %d", asked, len(test.bodies))
			}
		})
	}
	if _, _, err := pull(t.Context(), mustOpen(t, taxiiConfig("http://127.0.0.1:1")), "no trail"); err == nil || !strings.Contains(err.Error(), "begin again without it") {
		t.Errorf("a foreign cursor: %v", err)
	}
}

// TestTAXIIEnds: a next that stays the same is legal, and times that are not needed may be anything.
func TestTAXIIEnds(t *testing.T) {
	const script = "Thu Feb 20 2020 22:10:20 GMT+0000 (Coordinated Universal Time)"
	for name, test := range map[string]struct {
		last    string
		bodies  []string
		objects int
		asked   int
		resume  bool
		doubt   bool
	}{
		"the same next, then no more":       {"2024-01-15T10:30:45Z", []string{`{"more":true,"next":"x","objects":[{"id":"1"}]}`, `{"more":true,"next":"x","objects":[{"id":"2"}]}`, `{"more":false,"next":"x","objects":[{"id":"3"}]}`}, 3, 3, true, false},
		"the same next, then nothing new":   {"2024-01-15T10:30:45Z", []string{`{"more":true,"next":"x","objects":[{"id":"1"}]}`, `{"more":true,"next":"x","objects":[{"id":"2"}]}`}, 2, 3, true, true},
		"the same next, then nothing":       {"", []string{`{"more":true,"next":"x","objects":[{"id":"1"}]}`, `{"more":true,"next":"x","objects":[]}`}, 1, 2, false, false},
		"times as JavaScript prints them":   {script, []string{`{"more":true,"next":"1","objects":[{"id":"1"}]}`, `{"more":false,"objects":[{"id":"2"}]}`}, 2, 2, true, false},
		"times that nobody can read":        {"a while ago", []string{`{"more":true,"next":"1","objects":[{"id":"1"}]}`, `{"more":false,"objects":[{"id":"2"}]}`}, 2, 2, false, false},
		"a number as next, a text as more":  {"", []string{`{"more":"true","next":50,"objects":[{"id":"1"}]}`, `{"objects":[{"id":"2"}]}`}, 2, 2, false, false},
		"an empty page whose next moves on": {"", []string{`{"more":true,"next":"1"}`, `{"more":true,"next":"2"}`, `{"objects":[{"id":"2"}]}`}, 1, 3, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
				if test.last != "" {
					w.Header().Set(lastAdded, test.last)
				}
				fmt.Fprint(w, test.bodies[min(asked, len(test.bodies)-1)])
				asked++
			})
			objects, resume, incomplete := 0, "", ""
			for page, err := range mustOpen(t, taxiiConfig(server.URL)).Pages(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				for range page.Records {
					objects++
				}
				resume, incomplete = page.Resume, page.Incomplete
			}
			if objects != test.objects || asked != test.asked || (resume != "") != test.resume || (incomplete != "") != test.doubt {
				t.Errorf("%d objects, %d requests, resume %q, incomplete %q", objects, asked, resume, incomplete)
			}
		})
	}
}

// TestTAXIIRemembersEnough wants the versions of all pages whose objects may come again, and of no others.
func TestTAXIIRemembersEnough(t *testing.T) {
	at := func(seconds float64) time.Time {
		return time.Date(2024, 1, 15, 10, 30, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
	}
	for _, test := range []struct {
		before time.Time
		last   string
		want   []string
	}{
		{at(1), "2024-01-15T10:30:02Z", []string{"new"}},
		{at(1.5), "2024-01-15T10:30:02Z", []string{"old", "new"}},
		{at(2), "2024-01-15T10:30:02Z", []string{"old", "new"}},
		{at(2), "2024-01-15T10:30:02.25Z", []string{"new"}},
		{at(2.25), "2024-01-15 10:30:02.25", []string{"old", "new"}},
		{at(2), "", []string{"old", "new"}},
	} {
		taxii := &taxii{trail: trail{Last: test.before, Seen: []string{"old"}}, page: []string{"new"}}
		reached, err := taxii.reached(http.Header{http.CanonicalHeaderKey(lastAdded): {test.last}})
		if err != nil || !cmp.Equal(reached.Seen, test.want) {
			t.Errorf("%s, then %s: %v, %v", test.before, test.last, reached.Seen, err)
		}
	}
}
