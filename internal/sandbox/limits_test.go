package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport/internal/sandbox"
)

const tooFast = `{"error":"API rate limit exceeded: `

// remaining returns the headers of what is left, "-" for one that is absent.
func remaining(w *httptest.ResponseRecorder) string {
	var all []string
	for _, period := range []string{"Second", "Day", "Month"} {
		value := "-"
		if values := w.Header().Values("X-Requests-Remaining-" + period); len(values) > 0 {
			value = strings.Join(values, ",")
		}
		all = append(all, value)
	}
	return strings.Join(all, " ")
}

func TestFreePlanCountsSecondsDaysAndMonths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // time begins at midnight, on the first of a month
		b := start(t, sandbox.Options{Plan: "free"})
		step := func(wait time.Duration, status int, left, sentence string) {
			t.Helper()
			time.Sleep(wait)
			w := b.ask("/api/indicator.php", "indicator", "pulsedive.com")
			if w.Code != status || remaining(w) != left || !strings.Contains(w.Body.String(), sentence) {
				t.Fatalf("%s: %d, left %s, %.120s; want %d, left %s, %s", time.Now().UTC(), w.Code, remaining(w), w.Body, status, left, sentence)
			}
			if w.Header().Get("Retry-After") != "" {
				t.Error("there is a Retry-After")
			}
		}
		step(0, 200, "0 9 249", "pulsedive.com")
		step(0, 429, "- - -", tooFast+`1 requests per second. Visit pulsedive.com\/api to view limits and upgrade your plan."}`)
		step(999*time.Millisecond, 429, "- - -", "per second")
		step(time.Millisecond, 200, "0 8 248", "") // a refused request does not count
		for left := 7; left >= 0; left-- {
			step(time.Second, 200, "0 "+strconv.Itoa(left)+" "+strconv.Itoa(240+left), "")
		}
		step(time.Second, 429, "- - -", tooFast+"10 requests per day.")
		for range 24 { // days in which everything is used up
			time.Sleep(time.Until(time.Now().Truncate(24 * time.Hour).Add(24 * time.Hour)))
			for range 10 {
				step(time.Second, 200, remainingNow(b), "")
			}
		}
		step(24*time.Hour, 429, "- - -", tooFast+"250 requests per month.")
		step(7*24*time.Hour, 200, "0 9 249", "")
	})
}

// remainingNow is what the account page says is left, less the request that is about to be made; every second is a new one.
func remainingNow(b *bench) string {
	w := b.do(httptest.NewRequest(http.MethodGet, "/account", nil))
	left := leftOnPage(w.Body.String())
	return "0 " + strconv.Itoa(left["day"]-1) + " " + strconv.Itoa(left["month"]-1)
}

// TestSoftLimitsRefuseNothing makes more requests than a plan allows: they are answered, with nothing left.
func TestSoftLimitsRefuseNothing(t *testing.T) {
	for plan, allowed := range map[string]int{"team": 20, "business": 50} {
		b := start(t, sandbox.Options{Plan: plan, Now: func() time.Time { return noon }})
		for n := range allowed + 5 {
			w := b.ask("/api/indicator.php", "indicator", "pulsedive.com")
			if want := strconv.Itoa(max(allowed-n-1, 0)); w.Code != http.StatusOK || w.Header().Get("X-Requests-Remaining-Second") != want {
				t.Fatalf("%s, request %d: %d, left %s, want %s", plan, n+1, w.Code, remaining(w), want)
			}
		}
		if page := b.do(httptest.NewRequest(http.MethodGet, "/account", nil)).Body.String(); !strings.Contains(page, "The limits are soft") {
			t.Errorf("%s: the account page does not say that the limits are soft", plan)
		}
	}
}

func TestPlans(t *testing.T) {
	for plan, want := range map[string]struct {
		left           string
		pages, explore int
	}{
		"free":      {"0 9 249", 1, 100},
		"pro":       {"9 9999 299999", 2, 1000},
		"team":      {"19 49999 999999", 4, 2000},
		"business":  {"49 199999 -", 5, 10_000},
		"feed":      {"49 - -", 5, 10_000},
		"cut":       {"- - -", 2, 100},
		"unlimited": {"- - -", 5, 100_000},
	} {
		t.Run(plan, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := start(t, sandbox.Options{Plan: plan, Records: 50, PageSize: 10})
				if left := remaining(b.ask("/api/feed.php", "fid", "1")); left != want.left {
					t.Errorf("left after one request: %s, want %s", left, want.left)
				}
				for page := range want.pages {
					time.Sleep(time.Second)
					body := string(b.get(t, "/api/feed.php", "fid", "1", "get", "links", "page", strconv.Itoa(page)))
					if got := strings.Contains(body, `"page_next"`); got != (page < want.pages-1) {
						t.Errorf("page %d: page_next is %v", page, got)
					}
				}
				time.Sleep(time.Second)
				b.get(t, "/api/explore.php", "q", "risk=high", "limit", strconv.Itoa(want.explore))
				time.Sleep(time.Second)
				w := b.ask("/api/explore.php", "q", "risk=high", "limit", strconv.Itoa(want.explore+1))
				if w.Code != http.StatusTooManyRequests || strings.Contains(w.Body.String(), "rate limit") || remaining(w) != "- - -" {
					t.Errorf("a larger limit: %d, left %s, %s", w.Code, remaining(w), w.Body)
				}
			})
		})
	}
}

func TestWithoutAKeyLimitsAreStricter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, sandbox.Options{Plan: "unlimited"})
		anonymous := target("/api/indicator.php", "indicator", "pulsedive.com")
		for left := 4; left >= 0; left-- {
			w := b.do(httptest.NewRequest(http.MethodGet, anonymous, nil))
			if want := "0 " + strconv.Itoa(left) + " " + strconv.Itoa(45+left); w.Code != http.StatusOK || remaining(w) != want {
				t.Errorf("%d, left %s, want %s", w.Code, remaining(w), want)
			}
			time.Sleep(time.Second)
		}
		if w := b.do(httptest.NewRequest(http.MethodGet, anonymous, nil)); w.Code != http.StatusTooManyRequests {
			t.Errorf("after five: %d", w.Code)
		}
		b.get(t, "/api/indicator.php", "indicator", "pulsedive.com")
	})
}

func TestAllKeysShareTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := start(t, sandbox.Options{Plan: "free"})
		other := *b
		other.key = b.CreateKey("second")
		b.get(t, "/api/feed.php", "fid", "1")
		if w := other.ask("/api/feed.php", "fid", "1"); w.Code != http.StatusTooManyRequests {
			t.Errorf("another key in the same second: %d", w.Code)
		}
	})
}

func TestClockIsTheGivenOne(t *testing.T) {
	now := time.Date(2030, 1, 31, 23, 59, 59, 0, time.FixedZone("", 3600))
	b := start(t, sandbox.Options{Plan: "free", Now: func() time.Time { return now }})
	b.get(t, "/api/feed.php", "fid", "1")
	if w := b.ask("/api/feed.php", "fid", "1"); w.Code != http.StatusTooManyRequests {
		t.Errorf("in the same second: %d", w.Code)
	}
	now = now.Add(time.Second) // in UTC it is still the same day
	if w := b.ask("/api/feed.php", "fid", "1"); remaining(w) != "0 8 248" {
		t.Errorf("a second later is left %s", remaining(w))
	}
}
