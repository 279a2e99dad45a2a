package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

const (
	taxiiType  = "application/taxii+json;version=2.1"
	indicators = "/taxii2/api/collections/a5cffbfe-c0ff-4842-a235-cb3a7a040a37/objects/"
	testing50  = "/taxii2/api/collections/981c4916-ebb2-4567-aece-54ae970c4230/objects/"
)

// taxii asks with the key as a password.
func (b *bench) taxii(path string, query ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target(path, query...), nil)
	r.Header.Set("Accept", taxiiType)
	r.SetBasicAuth("taxii2", b.key)
	return b.do(r)
}

type stixObject struct {
	Type, ID, Created, Modified, Pattern, Name string
	Revoked                                    bool
	External                                   []struct {
		ID string `json:"external_id"`
	} `json:"external_references"`
}

type envelope struct {
	More    bool
	Next    string
	Objects []stixObject
}

func (b *bench) objects(t testing.TB, path string, query ...string) envelope {
	t.Helper()
	w := b.taxii(path, query...)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != taxiiType {
		t.Fatalf("%q: %d, %s: %.300s", query, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	return decode[envelope](t, w.Body.Bytes())
}

// all follows next to the end.
func (b *bench) all(t testing.TB, path string, query ...string) (all []stixObject, pages int) {
	t.Helper()
	next := []string{}
	for {
		e := b.objects(t, path, append(query, next...)...)
		all = append(all, e.Objects...)
		pages++
		if !e.More {
			return all, pages
		}
		next = []string{"next", e.Next}
	}
}

func TestTAXIILeadsToItsCollections(t *testing.T) {
	b := start(t, sandbox.Options{})
	discovery := decode[struct {
		Default string
		Roots   []string `json:"api_roots"`
	}](t, b.taxii("/taxii2/").Body.Bytes())
	root, err := url.Parse(discovery.Default)
	if err != nil || !slices.Equal(discovery.Roots, []string{discovery.Default}) {
		t.Fatalf("%+v, %v", discovery, err)
	}
	api := decode[struct{ Versions []string }](t, b.taxii(root.Path).Body.Bytes())
	if !slices.Equal(api.Versions, []string{taxiiType}) {
		t.Errorf("versions %q", api.Versions)
	}
	type collection struct {
		ID, Title string
		CanRead   bool     `json:"can_read"`
		Media     []string `json:"media_types"`
	}
	list := decode[struct{ Collections []collection }](t, b.taxii(root.Path+"collections/").Body.Bytes()).Collections
	if len(list) != 3 {
		t.Fatalf("%d collections", len(list))
	}
	for _, c := range list {
		one := decode[collection](t, b.taxii(root.Path+"collections/"+c.ID+"/").Body.Bytes())
		if diff := cmp.Diff(c, one); diff != "" || !c.CanRead {
			t.Errorf("%+v: %s", c, diff)
		}
		head := b.objects(t, root.Path+"collections/"+c.ID+"/objects/").Objects
		if head[0].Type != "identity" || head[1].Type != "marking-definition" {
			t.Errorf("%s begins with %s and %s", c.Title, head[0].Type, head[1].Type)
		}
	}
}

func TestTAXIIListsEveryObjectOnce(t *testing.T) {
	b := start(t, sandbox.Options{Records: 5200})
	all, pages := b.all(t, indicators, "limit", "1000")
	if len(all) != 5202 || pages != 6 {
		t.Fatalf("%d objects on %d pages", len(all), pages)
	}
	form := regexp.MustCompile(`^[a-z-]+--[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	ids, before := map[string]bool{}, ""
	for k, o := range all {
		ids[o.ID] = true
		if !form.MatchString(o.ID) || o.Created < before {
			t.Fatalf("object %d is %+v, after %s", k, o, before)
		}
		before = o.Created
		if k%500 == 2 {
			detail := decode[row](t, b.get(t, "/api/indicator.php", "iid", o.External[0].ID))
			if o.Name != detail.Indicator {
				t.Errorf("%+v is %+v", o, detail)
			}
		}
	}
	if len(ids) != len(all) {
		t.Errorf("%d different ids", len(ids))
	}
	again, _ := start(t, sandbox.Options{Records: 5200}).all(t, indicators, "limit", "20000") // at most 1000 are given
	if !reflect.DeepEqual(all, again) {
		t.Error("another sandbox has other objects")
	}
}

// Where a page ends, others may have the same time: they are lost to who goes on with added_after alone.
func TestTimesAreEqualAtTheBoundary(t *testing.T) {
	b := start(t, sandbox.Options{})
	first := b.taxii(indicators, "limit", "4")
	last := first.Header().Get("X-TAXII-Date-Added-Last")
	e := decode[envelope](t, first.Body.Bytes())
	if first.Header().Get("X-TAXII-Date-Added-First") != e.Objects[0].Created ||
		last != e.Objects[3].Created || e.Next != "2024-01-01 00:00:00|3" {
		t.Errorf("headers %v, next %s", first.Header(), e.Next)
	}
	byNext := b.objects(t, indicators, "limit", "1", "next", e.Next).Objects[0]
	byTime := b.objects(t, indicators, "limit", "1", "added_after", last).Objects[0]
	if byNext.Created != last || byTime.Created <= last {
		t.Errorf("after %s: next gives %s, added_after %s", last, byNext.Created, byTime.Created)
	}
	for _, form := range []string{"2024-01-01 00:00:00", "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.000000Z", "2024-01-01T01:00:00+01:00"} {
		if got := b.objects(t, indicators, "limit", "1", "added_after", form).Objects[0]; got.ID != byTime.ID {
			t.Errorf("%s gives %+v", form, got)
		}
	}
}

func TestTAXIIFilters(t *testing.T) {
	b := start(t, sandbox.Options{})
	all, _ := b.all(t, indicators, "limit", "1000")
	wanted := []string{all[0].ID, all[77].ID, all[4000].ID}
	for name, test := range map[string]struct {
		query []string
		want  []string
	}{
		"ids":             {[]string{"match[id]", strings.Join(wanted, ","), "match[version]", "all"}, wanted},
		"types":           {[]string{"match[type]", "marking-definition,identity"}, []string{all[0].ID, all[1].ID}},
		"spec":            {[]string{"match[spec_version]", "2.0"}, nil},
		"both":            {[]string{"match[id]", wanted[1], "match[type]", "indicator", "match[version]", "first"}, wanted[1:2]},
		"another version": {[]string{"match[id]", wanted[1], "match[version]", "2001-01-01T00:00:00Z"}, nil},
		"its version":     {[]string{"match[id]", wanted[1], "match[version]", "2001-01-01 00:00:00," + all[77].Modified}, wanted[1:2]},
	} {
		var got []string
		for _, o := range b.objects(t, indicators, test.query...).Objects {
			got = append(got, o.ID)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if e := b.objects(t, indicators); len(e.Objects) != 100 || !e.More {
		t.Errorf("without a limit: %d objects, more %v", len(e.Objects), e.More)
	}
}

func TestPatternsAreEscaped(t *testing.T) {
	b := start(t, sandbox.Options{})
	all, _ := b.all(t, indicators, "limit", "1000")
	kinds := map[string]bool{}
	form := regexp.MustCompile(`^\[(domain-name|url|ipv4-addr|ipv6-addr):value = '(?:[^'\\]|\\.)*'\]$`)
	quoted := false
	for _, o := range all[2:] {
		m := form.FindStringSubmatch(o.Pattern)
		if m == nil {
			t.Fatalf("pattern %s", o.Pattern)
		}
		kinds[m[1]], quoted = true, quoted || strings.Contains(o.Pattern, `\'or\'`)
	}
	if len(kinds) != 4 || !quoted {
		t.Errorf("kinds %v, with quotes %v", kinds, quoted)
	}
}

func TestTAXIIWantsItsMediaType(t *testing.T) {
	b := start(t, sandbox.Options{})
	for accept, want := range map[string]int{
		taxiiType: 200, "application/taxii+json": 200, "application/taxii+json; version=2.1": 200, "text/html, " + taxiiType: 200,
		"": 406, "*/*": 406, "application/json": 406, "application/taxii+json;version=2.0": 406,
	} {
		r := httptest.NewRequest(http.MethodGet, "/taxii2/", nil)
		r.Header.Set("Accept", accept)
		r.SetBasicAuth("taxii2", b.key)
		if w := b.do(r); w.Code != want {
			t.Errorf("%q: %d, want %d", accept, w.Code, want)
		}
	}
	for query, want := range map[string]int{
		"application/taxii%2Bjson;version=2.1": 200, "application%2Ftaxii%2Bjson%3Bversion%3D2.1": 200, "application/taxii+json;version=2.1": 200,
		"application/taxii+json": 200, "application/json": 406,
	} {
		w := b.do(httptest.NewRequest(http.MethodGet, "/taxii2/?key="+b.key+"&accept="+query, nil))
		if w.Code != want {
			t.Errorf("%s: %d %s, want %d", query, w.Code, w.Body, want)
		}
	}
}

func TestTAXIINeedsAKeyAndAPlan(t *testing.T) {
	for plan, want := range map[string]int{"free": 403, "pro": 200, "team": 200, "business": 200, "feed": 200, "unlimited": 200} {
		b := start(t, sandbox.Options{Plan: plan})
		if got := b.taxii(indicators).Code; got != want {
			t.Errorf("%s: %d, want %d", plan, got, want)
		}
	}
	b := start(t, sandbox.Options{Plan: "free"})
	if e := b.objects(t, testing50, "limit", "1000"); len(e.Objects) != 52 || e.More {
		t.Errorf("the test collection has %d objects", len(e.Objects))
	}
	for user, key := range map[string]string{"taxii2": "wrong", "taxii": b.key, "": b.key} {
		r := httptest.NewRequest(http.MethodGet, testing50, nil)
		r.Header.Set("Accept", taxiiType)
		r.SetBasicAuth(user, key)
		w := b.do(r)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" ||
			!strings.Contains(w.Body.String(), `"http_status":"401"`) {
			t.Errorf("%s: %d %v %s", user, w.Code, w.Header(), w.Body)
		}
	}
	if journal := b.Journal(); strings.Contains(journal[0].Query+journal[0].Path, b.key) {
		t.Errorf("the key is in the journal: %+v", journal[0])
	}
}

func TestBadTAXIIRequestsAreRefused(t *testing.T) {
	b := start(t, sandbox.Options{})
	for query, want := range map[string]int{
		"limit=0": 400, "limit=many": 400, "next=nonsense": 400, "next=2024-01-01+00:00:00|7": 400, "next=2024-01-01+00:00:00|-1": 400,
		"next=2024-01-01+00:00:00|99999999": 400, "added_after=yesterday": 400, "match[seen]=lately": 400, "match[version]=newest": 400,
	} {
		values, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, indicators+"?"+values.Encode(), nil)
		r.Header.Set("Accept", taxiiType)
		r.SetBasicAuth("taxii2", b.key)
		if w := b.do(r); w.Code != want || w.Header().Get("Content-Type") != taxiiType {
			t.Errorf("%s: %d %s", query, w.Code, w.Body)
		}
	}
	if w := b.taxii("/taxii2/api/collections/nothing/objects/"); w.Code != http.StatusNotFound {
		t.Errorf("another collection: %d", w.Code)
	}
	if err := b.Fault(sandbox.Fault{Status: 403}); err != nil {
		t.Fatal(err)
	}
	if w := b.taxii(indicators); w.Code != 403 || !strings.Contains(w.Body.String(), `"title":"Forbidden"`) {
		t.Errorf("on demand: %d %s", w.Code, w.Body)
	}
}

func TestNextMayBeMissingOrStuck(t *testing.T) {
	b := start(t, sandbox.Options{Oddities: []string{"missing-next"}})
	if e := b.objects(t, indicators, "limit", "10"); !e.More || e.Next != "" {
		t.Errorf("missing: %v %q", e.More, e.Next)
	}
	if err := b.SetOddities("stuck-next"); err != nil {
		t.Fatal(err)
	}
	first := b.objects(t, indicators, "limit", "10")
	second := b.objects(t, indicators, "limit", "10", "next", first.Next)
	if !second.More || second.Next != first.Next || first.Next == "" {
		t.Errorf("stuck: %q, then %q", first.Next, second.Next)
	}
}

// TestLastSeenIsAFilter finds the object of an indicator by when it was seen last.
func TestLastSeenIsAFilter(t *testing.T) {
	b := start(t, sandbox.Options{Records: 100})
	some := b.objects(t, indicators, "limit", "50").Objects[40]
	seen := decode[struct {
		Seen string `json:"stamp_seen"`
	}](t, b.get(t, "/api/indicator.php", "iid", some.External[0].ID)).Seen
	found := b.objects(t, indicators, "match[seen]", "2001-01-01T00:00:00Z,"+seen).Objects
	if len(found) == 0 || !slices.ContainsFunc(found, func(o stixObject) bool { return o.ID == some.ID }) || len(found) > 3 {
		t.Errorf("seen at %s: %+v", seen, found)
	}
}

// TestConstantNext follows a next that is the same on every page, of two queries by turns.
func TestConstantNext(t *testing.T) {
	b := start(t, sandbox.Options{Records: 300, Oddities: []string{"constant-next"}})
	usual, _ := start(t, sandbox.Options{Records: 300}).all(t, indicators, "limit", "1000")
	var one, other []stixObject
	first, second := b.objects(t, indicators, "limit", "1000"), b.objects(t, indicators, "limit", "7")
	next := second.Next
	for one = first.Objects; first.More; one = append(one, first.Objects...) {
		first = b.objects(t, indicators, "limit", "1000", "next", first.Next)
	}
	for other = second.Objects; len(other) < 100; other = append(other, second.Objects...) {
		if second = b.objects(t, indicators, "limit", "7", "next", second.Next); second.Next != next {
			t.Fatalf("next is %s, then %s", next, second.Next)
		}
	}
	if !reflect.DeepEqual(one, usual) || !reflect.DeepEqual(other, usual[:len(other)]) {
		t.Errorf("%d and %d objects, of %d", len(one), len(other), len(usual))
	}
	if w := b.taxii(indicators, "next", "nonsense"); w.Code != http.StatusBadRequest {
		t.Errorf("a next that was never given: %d", w.Code)
	}
}

// TestManifestAndObjects compares what a manifest and single objects say with the envelope.
func TestManifestAndObjects(t *testing.T) {
	b := start(t, sandbox.Options{Records: 300})
	objects := b.objects(t, indicators, "limit", "20", "match[type]", "indicator")
	manifest := decode[struct {
		More    bool
		Next    string
		Objects []struct {
			ID, Version string
			Added       string `json:"date_added"`
			Media       string `json:"media_type"`
		}
	}](t, b.taxii(strings.Replace(indicators, "/objects/", "/manifest/", 1), "limit", "20", "match[type]", "indicator").Body.Bytes())
	if len(manifest.Objects) != 20 || manifest.More != objects.More || manifest.Next != objects.Next {
		t.Fatalf("%+v", manifest)
	}
	for k, o := range objects.Objects {
		if m := manifest.Objects[k]; m.ID != o.ID || m.Version != o.Modified || m.Added != o.Created || !strings.HasPrefix(m.Media, "application/stix+json") {
			t.Errorf("%+v of %+v", m, o)
		}
	}
	wanted := objects.Objects[7]
	alone := b.objects(t, indicators+wanted.ID+"/")
	versions := decode[struct{ Versions []string }](t, b.taxii(indicators+wanted.ID+"/versions/").Body.Bytes()).Versions
	if len(alone.Objects) != 1 || !reflect.DeepEqual(alone.Objects[0], wanted) || !slices.Equal(versions, []string{wanted.Modified}) {
		t.Errorf("%+v in the versions %q, not %+v", alone, versions, wanted)
	}
}

// TestTAXIIAnswersAsTAXII asks for what is not there, or may not be done: errors have TAXII's media type and form.
func TestTAXIIAnswersAsTAXII(t *testing.T) {
	b := start(t, sandbox.Options{})
	unknown := "indicator--00000000-0000-4000-8000-000000000000"
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/taxii2/nothing/", 404}, {"GET", "/taxii2/api/nothing", 404}, {"GET", "/taxii2/api/status/1/", 404},
		{"GET", "/taxii2/api/collections/nothing/manifest/", 404}, {"GET", indicators + unknown + "/", 404},
		{"GET", indicators + unknown + "/versions/", 404}, {"POST", indicators, 405}, {"DELETE", indicators + unknown + "/", 405},
		{"GET", "/taxii2", 200}, {"GET", "/taxii2/api/collections", 200}, {"GET", "/taxii2//api/", 200},
	} {
		r := httptest.NewRequest(c.method, c.path, nil)
		r.Header.Set("Accept", taxiiType)
		r.SetBasicAuth("taxii2", b.key)
		w := b.do(r)
		if w.Code != c.status || w.Header().Get("Content-Type") != taxiiType || !strings.HasPrefix(w.Body.String(), `{"title":"`) && c.status != 200 {
			t.Errorf("%s %s: %d %s %.100s", c.method, c.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
	}
}
