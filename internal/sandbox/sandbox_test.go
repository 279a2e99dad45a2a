package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// noon is a time at which a clock can stand still, far from the end of any period.
var noon = time.Date(2030, 6, 15, 12, 0, 0, 0, time.UTC)

// bench is a sandbox with a key, asked without a network.
type bench struct {
	*sandbox.Sandbox
	handler http.Handler
	key     string
}

func start(t testing.TB, o sandbox.Options) *bench {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{s, s.Handler(), s.CreateKey("test")}
}

func (b *bench) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	return w
}

// ask asks the API with the key; the query is pairs of name and value.
func (b *bench) ask(path string, query ...string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, target(path, append(query, "key", b.key)...), nil))
}

// get is ask for an answer that must be good.
func (b *bench) get(t testing.TB, path string, query ...string) []byte {
	t.Helper()
	w := b.ask(path, query...)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %q: status %d, %s", path, query, w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func target(path string, query ...string) string {
	values := url.Values{}
	for i := 0; i < len(query); i += 2 {
		values.Add(query[i], query[i+1])
	}
	return path + "?" + values.Encode()
}

// row is what the tests look at in a row about an indicator.
type row struct {
	IID       int
	Indicator string
	Type      string
	Risk      string
}

type page struct {
	Current *int  `json:"page_current"`
	Next    *int  `json:"page_next"`
	Results []row `json:"results"`
}

func decode[T any](t testing.TB, b []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v in %.200s", err, b)
	}
	return v
}

// pages follows a listing to its end.
func (b *bench) pages(t testing.TB, path string, query ...string) (rows []row, pages int) {
	t.Helper()
	next := "0"
	for {
		p := decode[page](t, b.get(t, path, append(query, "get", "links", "page", next)...))
		rows = append(rows, p.Results...)
		pages++
		if p.Current == nil || *p.Current != pages-1 {
			t.Fatalf("page_current of page %s is %v", next, p.Current)
		}
		if p.Next == nil {
			return rows, pages
		}
		if *p.Next != *p.Current+1 {
			t.Fatalf("page_next of page %d is %d", *p.Current, *p.Next)
		}
		next = strconv.Itoa(*p.Next)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, test := range map[string]struct {
		options sandbox.Options
		want    string
	}{
		"unknown plan":  {sandbox.Options{Plan: "fre"}, `did you mean "free"?`},
		"records":       {sandbox.Options{Records: -1}, "not -1"},
		"many records":  {sandbox.Options{Records: 1 << 40}, "records"},
		"negative page": {sandbox.Options{PageSize: -5}, "not -5"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := sandbox.New(test.options)
			if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want an invalid one with %q", err, test.want)
			}
		})
	}
}

func TestDefaultsHaveRecordsWithoutLimits(t *testing.T) {
	b := start(t, sandbox.Options{})
	rows, pages := b.pages(t, "/api/feed.php", "fid", "1")
	if len(rows) != 2500 || pages != 5 {
		t.Errorf("feed 1 has %d records on %d pages, want 2500 on 5", len(rows), pages)
	}
}

func TestPagesListEveryRecordOnce(t *testing.T) {
	for _, size := range []int{1, 7, 100, 1000} {
		b := start(t, sandbox.Options{Records: 700, PageSize: size})
		rows, pages := b.pages(t, "/api/feed.php", "fid", "1")
		if want := (700 + size - 1) / size; len(rows) != 700 || pages != want {
			t.Errorf("with pages of %d: %d records on %d pages, want 700 on %d", size, len(rows), pages, want)
		}
		iids, values := map[int]bool{}, map[string]bool{}
		for _, r := range rows {
			iids[r.IID], values[r.Indicator] = true, true
		}
		if len(iids) != 700 || len(values) != 700 {
			t.Errorf("with pages of %d: %d different ids and %d different values", size, len(iids), len(values))
		}
	}
}

func TestPageBehindTheLastIsEmpty(t *testing.T) {
	b := start(t, sandbox.Options{Records: 10})
	for _, number := range []string{"1", "9223372036854775807"} {
		got := string(b.get(t, "/api/feed.php", "fid", "1", "get", "links", "page", number))
		if want := `{"page_current":` + number + `,"results":[]}`; got != want {
			t.Errorf("page %s is %s, want %s", number, got, want)
		}
	}
}

func TestEveryListingHasAnotherCount(t *testing.T) {
	b := start(t, sandbox.Options{})
	seen := map[int]string{}
	count := func(path, name, id string) {
		rows, _ := b.pages(t, path, name, id)
		if before, taken := seen[len(rows)]; taken {
			t.Errorf("%s %s and %s both have %d indicators", path, id, before, len(rows))
		}
		seen[len(rows)] = path + id
	}
	for _, id := range []string{"1", "2", "3", "4", "5"} {
		count("/api/feed.php", "fid", id)
		count("/api/threat.php", "tid", id)
	}
}

func TestListedIndicatorsAreFound(t *testing.T) {
	b := start(t, sandbox.Options{Records: 300})
	rows, _ := b.pages(t, "/api/feed.php", "fid", "1")
	for _, id := range []string{"2", "3", "4", "5"} {
		more, _ := b.pages(t, "/api/feed.php", "fid", id)
		rows = append(rows, more...)
	}
	for _, r := range rows {
		byID := decode[row](t, b.get(t, "/api/indicator.php", "iid", strconv.Itoa(r.IID)))
		byValue := decode[row](t, b.get(t, "/api/indicator.php", "indicator", r.Indicator))
		if byID != byValue || byID.IID != r.IID || byID.Indicator != r.Indicator || byID.Type != r.Type {
			t.Fatalf("listed as %v, by id %v, by value %v", r, byID, byValue)
		}
	}
}

func TestSameSeedSameAnswers(t *testing.T) {
	one, two := start(t, sandbox.Options{Seed: 7}), start(t, sandbox.Options{Seed: 7})
	other := start(t, sandbox.Options{Seed: 8})
	for _, query := range [][]string{
		{"/api/feed.php", "fid", "1", "get", "links"}, {"/api/indicator.php", "indicator", "pulsedive.com"},
		{"/api/threat.php", "tid", "1", "get", "links", "summary", "1"}, {"/api/explore.php", "q", "risk=high"},
	} {
		a, b, c := one.get(t, query[0], query[1:]...), two.get(t, query[0], query[1:]...), other.get(t, query[0], query[1:]...)
		if string(a) != string(b) {
			t.Errorf("%q: two answers from one seed", query)
		}
		if string(a) == string(c) {
			t.Errorf("%q: another seed, the same answer", query)
		}
	}
}

func TestAllKindsOfDataOccur(t *testing.T) {
	b := start(t, sandbox.Options{PageSize: 2500})
	body := string(b.get(t, "/api/feed.php", "fid", "1", "get", "links"))
	for _, want := range []string{
		`"type":"ip"`, `"type":"ipv6"`, `"type":"domain"`, `"type":"url"`,
		`"risk":"unknown"`, `"risk":"none"`, `"risk":"low"`, `"risk":"medium"`, `"risk":"high"`, `"risk":"critical"`, `"risk":"retired"`,
		`"summary":{}`, `"summary":{"properties":{}}`, `"whois":{"++privacy":"1"}`,
		`"=cmd|`, `<script>`, `\n`, `\ud83d\ude0e`, `\u6771\u4eac`, `https:\/\/`, `\\`, `\"`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("nowhere in feed 1: %s", want)
		}
	}
}

func TestReservedNamesOnly(t *testing.T) {
	b := start(t, sandbox.Options{PageSize: 2500})
	rows := decode[page](t, b.get(t, "/api/feed.php", "fid", "1", "get", "links")).Results
	for _, r := range rows {
		host := r.Indicator
		if _, rest, isURL := strings.Cut(host, "://"); isURL {
			host, _, _ = strings.Cut(rest, "/")
			host, _, _ = strings.Cut(host, ":8080")
		}
		switch r.Type {
		case "ip":
			if !strings.HasPrefix(host, "192.0.2.") && !strings.HasPrefix(host, "198.51.100.") && !strings.HasPrefix(host, "203.0.113.") {
				t.Errorf("address %s", host)
			}
		case "ipv6":
			if !strings.HasPrefix(host, "2001:db8:") {
				t.Errorf("address %s", host)
			}
		default:
			if !strings.HasSuffix(host, ".example.com") && !strings.HasSuffix(host, ".example.net") && !strings.HasSuffix(host, ".example.org") {
				t.Errorf("host %s", host)
			}
		}
	}
}
