package ratelimit

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

// headers makes headers of lines.
func headers(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}

func TestUntil(t *testing.T) {
	epoch := strconv.FormatInt(now.Unix()+20, 10)
	const none = time.Duration(-1)
	for _, test := range []struct {
		lines string // separated by |
		want  time.Duration
	}{
		{"Retry-After: 7", 7 * time.Second},
		{"Retry-After:  120 ", 2 * time.Minute},
		{"Retry-After: 0", 0},
		{"Retry-After: 2.0", 2 * time.Second},
		{"Retry-After: 60.0", time.Minute},
		{"Retry-After: 0.5", 500 * time.Millisecond},
		{"Retry-After: 30s", 30 * time.Second},
		{"Retry-After: 2 minutes", 2 * time.Minute},
		{"Retry-After: 2000000000", Longest},
		{"Retry-After: 8000000", Longest},
		{"Retry-After: " + epoch, 20 * time.Second},
		{"Retry-After: " + now.Add(time.Hour).Format(http.TimeFormat), time.Hour},
		{"Retry-After: " + strings.Replace(now.Add(time.Hour).Format(http.TimeFormat), "GMT", "UTC", 1), time.Hour},
		{"Retry-After: " + now.Add(time.Hour).Format(time.RFC1123Z), time.Hour},
		{"Retry-After: " + now.Add(time.Hour).Format(time.RFC3339), time.Hour},
		{"Retry-After: " + now.Add(time.Hour).Format("2006-01-02 15:04:05"), time.Hour},
		{"Retry-After: -1", none},
		{"Retry-After: soon", none},
		{"Retry-After: NaN", none},
		{"Retry-After: 99999999999999999999", none},
		{"Retry-After: Mon, 01 Jan 1990 00:00:00 GMT", none},
		{"", none},
		{"Retry-After-Ms: 1500", 1500 * time.Millisecond},
		{"X-RateLimit-Retry-After: 3", 3 * time.Second},
		{"Retry-After: " + now.Add(2*time.Hour).Format(http.TimeFormat) + "|Date: " + now.Add(time.Hour).Format(http.TimeFormat), time.Hour}, // its clock is fast
		{"Retry-After: 5|X-RateLimit-Remaining: 0|X-RateLimit-Reset: " + epoch, 5 * time.Second},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: " + epoch, 20 * time.Second},
		{"X-RateLimit-Reset: " + epoch, 20 * time.Second},
		{"X-RateLimit-Reset: " + epoch + "000", 20 * time.Second},
		{"X-RateLimit-Reset: " + epoch + "000000000", 20 * time.Second},
		{"X-RateLimit-Reset: " + epoch + ".25", 20*time.Second + 250*time.Millisecond},
		{"X-RateLimit-Reset: 20", 20 * time.Second},
		{"X-RateLimit-Reset: 2026-03-04T05:06:27Z", 20 * time.Second},
		{"X-Rate-Limit-Reset: 20", 20 * time.Second},
		{"RateLimit-Reset: 20|RateLimit-Remaining: 0|RateLimit-Limit: 100, 100;w=60", 20 * time.Second},
		{"RateLimit: limit=100, remaining=0, reset=20", 20 * time.Second},
		{`RateLimit: "default";r=0;t=20`, 20 * time.Second},
		{`RateLimit: "burst";r=0;t=20, "day";r=50;t=900`, 20 * time.Second},
		{"X-RateLimit-Reset-After: 1.5|X-RateLimit-Remaining: 0", 1500 * time.Millisecond},
		{"X-RateLimit-Reset-Requests: 6m0s|X-RateLimit-Remaining-Requests: 0", 6 * time.Minute},
		{"X-RateLimit-Remaining-Tokens: 0|X-RateLimit-Reset-Tokens: 6m0s", none},
		{"X-RateLimit-Remaining: 14|X-RateLimit-Reset: " + epoch, none},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: 12", 12 * time.Second},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: 59000", time.Hour}, // perhaps milliseconds
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: " + strconv.FormatInt(now.Unix()+200_000, 10), 24 * time.Hour},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: " + strconv.FormatInt(now.Unix()-5, 10), none},
		{"X-RateLimit-Remaining: 0|X-RateLimit-Reset: 0", none},
		{"X-Shopify-Shop-Api-Call-Limit: 40/40", time.Second},
		{"X-Shopify-Shop-Api-Call-Limit: 39/40", none},
	} {
		got := none
		if at := Until(headers(strings.Split(test.lines, "|")...), now); !at.IsZero() {
			got = at.Sub(now).Round(time.Millisecond)
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", test.lines, got, test.want)
		}
	}
}

func TestRead(t *testing.T) {
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for lines, want := range map[string][]Limit{
		"X-RateLimit-Limit: 5000|X-RateLimit-Remaining: 4999|X-RateLimit-Reset: 60|X-RateLimit-Used: 1|X-RateLimit-Resource: core": {{"", 4999, 5000, in(time.Minute)}},
		"X-RateLimit-Limit-Day: 100|X-RateLimit-Remaining-Day: 7|X-RateLimit-Limit-Minute: 5|X-RateLimit-Remaining-Minute: 0":      {{"day", 7, 100, time.Time{}}, {"minute", 0, 5, time.Time{}}},
		"X-HubSpot-RateLimit-Daily: 250000|X-HubSpot-RateLimit-Daily-Remaining: 0":                                                 {{"hubspot-daily", 0, 0, time.Time{}}},
		"X-RateLimit-Requests-Limit: 500|X-RateLimit-Requests-Remaining: 499":                                                      {{"requests", 499, 500, time.Time{}}},
		"anthropic-ratelimit-requests-remaining: 3|anthropic-ratelimit-requests-reset: 2026-03-04T05:07:07Z":                       {{"anthropic-requests", 3, 0, in(time.Minute)}},
		`RateLimit: "default";r=50;t=30|RateLimit-Policy: "default";q=100;w=60`:                                                    {{"", 50, 0, in(30 * time.Second)}},
		"X-Shopify-Shop-Api-Call-Limit: 39/40":                                                                                     {{"", 1, 40, time.Time{}}},
		"X-RateLimit-Remaining: many|X-RateLimit-Limit: 5|X-RateLimit-Reset: never":                                                nil,
		"X-RateLimit-Remaining: 1e99|X-RateLimit-Limit: Inf":                                                                       nil,
		"Content-Type: x|Limit: 3|Remaining: 0":                                                                                    nil,
		"X-RateLimit-Remaining: -3":                                                                                                {{"", 0, 0, time.Time{}}},
	} {
		if diff := cmp.Diff(want, Read(headers(strings.Split(lines, "|")...), now)); diff != "" {
			t.Errorf("%s -want +got:\n%s", lines, diff)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"60.0", "1e300", "6m0s", "Wed, 21 Oct 2015 07:28:00 UTC", `"a";r=0;t=9`, "limit=1, remaining=0, reset=1", "39/40", "-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		h := http.Header{}
		for _, name := range []string{"Retry-After", "X-Ratelimit-Reset", "X-Ratelimit-Remaining", "X-Ratelimit-Reset-After", "Ratelimit", "X-Shopify-Shop-Api-Call-Limit", "Date"} {
			h.Set(name, text)
		}
		if at := Until(h, now); at.After(now.Add(Longest)) {
			t.Errorf("%q: %s", text, at)
		}
		for _, l := range Read(h, now) {
			if l.Left < -1 || l.Total < 0 || !l.Reset.IsZero() && (!l.Reset.After(now) || l.Reset.After(now.Add(longestReset))) {
				t.Errorf("%q: %+v", text, l)
			}
		}
	})
}
