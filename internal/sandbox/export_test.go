package sandbox_test

import (
	"encoding/csv"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// table is an export, row by row, the header first.
func (b *bench) table(t testing.TB, query ...string) [][]string {
	t.Helper()
	w := b.ask("/premium/", query...)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/csv; charset=UTF-8" {
		t.Fatalf("%q: %d, %s: %.200s", query, w.Code, w.Header().Get("Content-Type"), w.Body)
	}
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestExportSaysWhatLookUpsSay(t *testing.T) {
	b := start(t, sandbox.Options{Records: 6000})
	const fields = "id,indicator,type,risk,threats,feeds,usersubmissions,riskfactors,reference"
	rows := b.table(t, "fields", fields, "period", "all", "retired", "true")
	if len(rows) != 6001 || strings.Join(rows[0], ",") != fields {
		t.Fatalf("%d rows, the first is %q", len(rows), rows[0])
	}
	type named struct{ Name, Description string }
	for _, row := range rows[1:300] {
		detail := decode[struct {
			Indicator, Type, Risk       string
			Retired                     any
			Submissions                 int
			Threats, Feeds, RiskFactors []named
		}](t, b.get(t, "/api/indicator.php", "iid", row[0]))
		if retired, _ := detail.Retired.(string); retired != "" {
			detail.Risk += ":retired"
		}
		names := func(all []named) string {
			var list []string
			for _, n := range all {
				list = append(list, n.Name+n.Description)
			}
			return strings.Join(list, ",")
		}
		want := []string{row[0], detail.Indicator, detail.Type, detail.Risk, names(detail.Threats), names(detail.Feeds),
			strconv.Itoa(detail.Submissions), names(detail.RiskFactors), "https://pulsedive.com/indicator/?iid=" + row[0]}
		if !slices.Equal(row, want) {
			t.Fatalf("exported %q\nlooked up %q", row, want)
		}
	}
}

func TestExportFilters(t *testing.T) {
	b := start(t, sandbox.Options{Now: func() time.Time { return time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC) }})
	all := b.table(t, "retired", "true", "header", "false")
	for name, test := range map[string]struct {
		query []string
		want  func(row []string) bool // id, indicator, type, risk
	}{
		"active":   {nil, func(row []string) bool { return !strings.HasSuffix(row[3], ":retired") }},
		"types":    {[]string{"types", "ip,url", "retired", "true"}, func(row []string) bool { return row[2] == "ip" || row[2] == "url" }},
		"risk":     {[]string{"risk", "high,critical"}, func(row []string) bool { return row[3] == "high" || row[3] == "critical" }},
		"retired":  {[]string{"risk", "high", "retired", "true"}, func(row []string) bool { return strings.HasPrefix(row[3], "high") }},
		"unheard":  {[]string{"risk", "awful"}, func([]string) bool { return false }},
		"all time": {[]string{"seen", "all", "retired", "true"}, func([]string) bool { return true }},
	} {
		var want [][]string
		for _, row := range all {
			if test.want(row) {
				want = append(want, row)
			}
		}
		got := b.table(t, append(test.query, "header", "false")...)
		if !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		}
	}
	recent := b.table(t, "period", "month", "fields", "stamp_seen", "header", "false")
	for _, row := range recent {
		if row[0] < "2025-01-30" {
			t.Errorf("seen %s within a month", row[0])
		}
	}
	if len(recent) == 0 || len(recent) >= len(all) {
		t.Errorf("%d of %d were seen within a month", len(recent), len(all))
	}
}

func TestExportIsHostile(t *testing.T) {
	b := start(t, sandbox.Options{Records: 3000})
	body := b.ask("/premium/", "retired", "true").Body.String()
	for _, want := range []string{
		"id,indicator,type,risk,threats,feeds,usersubmissions,riskfactors,reference\n", ":retired,", ",,", `"=HYPERLINK(""http://192.0.2.1/"",`,
		`Café ""Parked"" <Domains>`, `"<script>alert(1)</script>`, "'or'1'='1", "überweisung",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("nowhere in the export: %s", want)
		}
	}
}

func TestExportIsForItsPlans(t *testing.T) {
	for plan, want := range map[string]int{"free": 403, "pro": 403, "team": 403, "business": 403, "feed": 200, "unlimited": 200} {
		if got := start(t, sandbox.Options{Plan: plan, Records: 10}).ask("/premium/").Code; got != want {
			t.Errorf("%s: %d, want %d", plan, got, want)
		}
	}
	b := start(t, sandbox.Options{Plan: "pro", Oddities: []string{"errors-under-200"}})
	const forbidden = `{"error":"Your plan does not include CSV exports."}`
	if w := b.ask("/premium/"); w.Code != 200 || w.Body.String() != forbidden || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("under 200: %d %s", w.Code, w.Body)
	}
	b = start(t, sandbox.Options{})
	for _, test := range []struct {
		key, fields string
		status      int
		sentence    string
	}{
		{b.key, "id,colour", 400, "Invalid field: colour."}, {"", "", 401, "API key required."}, {"wrong", "", 401, "Invalid API key."},
	} {
		b.key = test.key
		if w := b.ask("/premium/", "fields", test.fields); w.Code != test.status || w.Body.String() != `{"error":"`+test.sentence+`"}` {
			t.Errorf("%d %s, want %s", w.Code, w.Body, test.sentence)
		}
	}
}

func TestExportMayLackAColumn(t *testing.T) {
	b := start(t, sandbox.Options{Oddities: []string{"missing-column"}})
	if got := strings.Join(b.table(t, "fields", "id,risk,type")[0], " "); got != "id risk" {
		t.Errorf("columns %s", got)
	}
}

func TestExportIsRefusedTooSoon(t *testing.T) {
	now := noon
	b := start(t, sandbox.Options{Now: func() time.Time { return now }, Oddities: []string{"export-interval"}})
	for _, step := range []struct {
		wait   time.Duration
		status int
	}{{0, 200}, {0, 429}, {8*time.Hour - 1, 429}, {1, 200}, {time.Hour, 429}} {
		now = now.Add(step.wait)
		if w := b.ask("/premium/"); w.Code != step.status {
			t.Errorf("at %s: %d, want %d", now, w.Code, step.status)
		}
	}
}

// However many rows there are, they need no memory.
func TestExportNeedsNoMemory(t *testing.T) {
	b := start(t, sandbox.Options{Records: 200_000})
	r := httptest.NewRequest(http.MethodGet, target("/premium/", "key", b.key, "retired", "true"), nil)
	w := &discarder{header: http.Header{}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	b.handler.ServeHTTP(w, r)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; w.written < 15_000_000 || allocated > 2_000_000 {
		t.Errorf("%d bytes are exported, %d allocated", w.written, allocated)
	}
}

func BenchmarkExport(b *testing.B) {
	s := start(b, sandbox.Options{Records: 2_000_000})
	r := httptest.NewRequest(http.MethodGet, target("/premium/", "key", s.key, "retired", "true"), nil)
	w := &discarder{header: http.Header{}}
	for b.Loop() {
		w.written = 0
		s.handler.ServeHTTP(w, r)
	}
	b.SetBytes(w.written)
}
