// Package ratelimit says what the headers of a response tell about rate limits: when the next request makes sense, and what is left until when.
//
// Real systems agree on neither names nor units. All common variants are read; a value that is not plausible says nothing.
package ratelimit

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// Longest is as far ahead as a system may ask to wait.
	Longest = 31 * 24 * time.Hour
	// longestReset is as far ahead as a reset counts: a longer one is probed in between.
	longestReset = 24 * time.Hour
	// longestGuess is as far ahead as a reset counts that is a bare number, whose unit is not certain.
	longestGuess = time.Hour
	// maxNames bounds the headers that are looked at.
	maxNames = 200
)

// Limit is one rate limit, as a response tells of it.
type Limit struct {
	Name  string    // of the window or resource, as the headers name it; mostly ""
	Left  int64     // requests; -1: unknown
	Total int64     // requests that the window allows; 0: unknown
	Reset time.Time // when the window begins anew; zero: unknown
}

// spent tells whether nothing is left, and until when is known.
func (l Limit) spent(now time.Time) bool { return l.Left == 0 && l.Reset.After(now) }

// Until returns when a system that refused a request wants to be asked again; zero if the headers do not say. An explicit Retry-After
// decides; else the last reset of the limits of which nothing is left, or of which it is not known.
func Until(header http.Header, now time.Time) time.Time {
	if at := retryAfter(header, now); !at.IsZero() {
		return at
	}
	var until time.Time
	for _, l := range Read(header, now) {
		if l.Left <= 0 && l.Reset.After(until) {
			until = l.Reset
		}
	}
	return until
}

// Says tells whether the headers of a refusal speak of a rate limit: they say when to try again, or that nothing is left.
func Says(header http.Header, now time.Time) bool {
	return !retryAfter(header, now).IsZero() || !Spent(Read(header, now), now).IsZero()
}

// Spent returns until when no request should be made; zero if something is left of each limit.
func Spent(limits []Limit, now time.Time) (until time.Time) {
	for _, l := range limits {
		if l.spent(now) && l.Reset.After(until) {
			until = l.Reset
		}
	}
	return until
}

// retryAfter reads Retry-After and its relatives.
func retryAfter(header http.Header, now time.Time) time.Time {
	for _, name := range []string{"Retry-After", "X-Retry-After", "X-RateLimit-Retry-After", "X-Rate-Limit-Retry-After-Seconds"} {
		if at, _ := moment(header.Get(name), now, skew(header, now)); !at.IsZero() {
			return earlier(at, now.Add(Longest))
		}
	}
	if n, err := strconv.ParseFloat(strings.TrimSpace(header.Get("Retry-After-Ms")), 64); err == nil && n >= 0 && n < 1e12 {
		return earlier(now.Add(time.Duration(n*float64(time.Millisecond))), now.Add(Longest)).UTC()
	}
	return time.Time{}
}

// Read returns the limits that the headers tell of, sorted by name.
func Read(header http.Header, now time.Time) []Limit {
	groups := map[string]*Limit{}
	off, seen := skew(header, now), 0
	for name, values := range header {
		if seen++; seen > maxNames {
			break
		}
		readNamed(groups, strings.ToLower(name), values, now, off)
	}
	for _, text := range header.Values("RateLimit") {
		readFields(groups, text, now)
	}
	readCallLimit(groups, header.Get("X-Shopify-Shop-Api-Call-Limit"), now)
	var all []Limit
	for name, l := range groups {
		if l.Name = name; l.Left >= 0 || !l.Reset.IsZero() {
			all = append(all, *l)
		}
	}
	slices.SortFunc(all, func(a, b Limit) int { return strings.Compare(a.Name, b.Name) })
	return all
}

func group(groups map[string]*Limit, name string) *Limit {
	if groups[name] == nil {
		groups[name] = &Limit{Left: -1}
	}
	return groups[name]
}

var (
	family = regexp.MustCompile(`(^|-)(rate-?limit)(-|$)`)
	role   = regexp.MustCompile(`(^|-)(limit|remaining|reset-after|reset)(-|$)`)
)

// readNamed reads one header of a family such as X-RateLimit-Limit, X-Rate-Limit-Remaining or RateLimit-Reset. What its name has besides is the
// name of the limit: "day" of X-RateLimit-Remaining-Day. What does not count requests is left out.
func readNamed(groups map[string]*Limit, name string, values []string, now time.Time, off time.Duration) {
	at := family.FindStringIndex(name)
	if at == nil || len(values) == 0 || strings.Contains(name, "token") || strings.Contains(name, "retry") || strings.Contains(name, "policy") {
		return
	}
	rest := strings.Trim(name[:at[0]]+"-"+name[at[1]:], "-")
	is := role.FindStringSubmatchIndex(rest)
	if is == nil {
		return
	}
	part := rest[is[4]:is[5]]
	rest = strings.Trim(rest[:is[0]]+"-"+rest[is[1]:], "-")
	l := group(groups, strings.Trim(strings.TrimPrefix(rest+"-", "x-"), "-"))
	switch part {
	case "limit":
		if n, ok := first(values[0]); ok && n > 0 {
			l.Total = n
		}
	case "remaining":
		if n, ok := first(values[0]); ok {
			l.Left = max(0, n)
		}
	default:
		if part == "reset-after" { // it is relative, whatever its size
			off = 0
		}
		l.Reset = later(l.Reset, reset(values[0], now, off))
	}
}

// first reads the number at the beginning of a value: of "100, 100;w=60" it is 100.
func first(text string) (int64, bool) {
	text, _, _ = strings.Cut(text, ",")
	text, _, _ = strings.Cut(text, ";")
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || n != n || n > 1e15 || n < -1e15 {
		return 0, false
	}
	return int64(n), true
}

var field = regexp.MustCompile(`(?i)(?:^|[;,\s])(r|remaining|t|reset|limit|q)\s*=\s*"?(\d{1,15})`)

// readFields reads the header RateLimit of the IETF drafts: `limit=100, remaining=0, reset=30`, and `"default";r=0;t=30, "day";r=5;t=900`.
func readFields(groups map[string]*Limit, text string, now time.Time) {
	items := []string{text}
	if strings.HasPrefix(strings.TrimSpace(text), `"`) {
		items = strings.Split(text, ",")
	}
	for _, item := range items {
		name := ""
		if parts := strings.Split(item, `"`); len(parts) > 2 {
			name = strings.ToLower(parts[1])
		}
		if name == "default" {
			name = ""
		}
		l := group(groups, name)
		for _, match := range field.FindAllStringSubmatch(item, -1) {
			n, _ := strconv.ParseInt(match[2], 10, 64) // it is of digits
			switch strings.ToLower(match[1]) {
			case "r", "remaining":
				l.Left = n
			case "limit", "q":
				l.Total = n
			default:
				l.Reset = later(l.Reset, reset(match[2], now, 0))
			}
		}
	}
}

// readCallLimit reads the used and the allowed requests of a bucket that leaks every second: "39/40".
func readCallLimit(groups map[string]*Limit, text string, now time.Time) {
	used, total, ok := strings.Cut(text, "/")
	n, good := first(used)
	m, well := first(total)
	if !ok || !good || !well || m < 1 {
		return
	}
	l := group(groups, "")
	if l.Total, l.Left = m, max(0, m-n); l.Left == 0 {
		l.Reset = now.Add(time.Second).UTC()
	}
}

// reset reads when a window begins anew; zero if that is past or not plausible.
func reset(text string, now time.Time, off time.Duration) time.Time {
	at, certain := moment(text, now, off)
	bound := longestGuess
	if certain {
		bound = longestReset
	}
	if !at.After(now) {
		return time.Time{}
	}
	return earlier(at, now.Add(bound).UTC())
}

// skew is how much the system's clock is behind ours. Less than two seconds is the time of transport.
func skew(header http.Header, now time.Time) time.Duration {
	at, err := http.ParseTime(header.Get("Date"))
	if off := now.Sub(at); err == nil && off.Abs() >= 2*time.Second {
		return off
	}
	return 0
}

// moment reads a time: seconds from now, with a fraction or a unit, an epoch in seconds to nanoseconds, or a date. Zero: it is none. It is
// certain if its unit can be no other.
func moment(text string, now time.Time, off time.Duration) (at time.Time, certain bool) {
	text = strings.Trim(strings.TrimSpace(text), `"`)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return number(n, now, off)
	}
	if d, ok := duration(text); ok {
		return now.Add(d).UTC(), true
	}
	if at := date(text); !at.IsZero() {
		return at.Add(off).UTC(), true
	}
	return time.Time{}, false
}

// number reads a bare number: a small one is seconds from now, a large one an epoch.
func number(n float64, now time.Time, off time.Duration) (time.Time, bool) {
	switch {
	case n != n || n < 0:
		return time.Time{}, false
	case n < 9e8:
		return now.Add(time.Duration(min(n, Longest.Seconds()) * float64(time.Second))).UTC(), false
	}
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if seconds := n / unit; seconds < 9e9 {
			whole := int64(seconds)
			return time.Unix(whole, int64((seconds-float64(whole))*1e9)).Add(off).UTC(), true
		}
	}
	return time.Time{}, false
}

var words = regexp.MustCompile(`^(\d{1,9}(?:\.\d{1,9})?)\s*(ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)$`)

// duration reads a duration such as 1s, 6m0s, 500ms or 2 minutes.
func duration(text string) (time.Duration, bool) {
	text = strings.ToLower(text)
	if d, err := time.ParseDuration(text); err == nil {
		return min(d, Longest), d >= 0
	}
	match := words.FindStringSubmatch(text)
	if match == nil {
		return 0, false
	}
	n, _ := strconv.ParseFloat(match[1], 64) // it is of digits
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}[match[2][0]]
	if strings.HasPrefix(match[2], "ms") || strings.HasPrefix(match[2], "milli") {
		unit = time.Millisecond
	}
	return min(time.Duration(min(n, Longest.Seconds())*float64(unit)), Longest), true
}

// date reads a date of HTTP, also with UTC instead of GMT or an offset, and those of ISO 8601; without a zone it is UTC.
func date(text string) time.Time {
	text = strings.Replace(text, "UTC", "GMT", 1)
	for _, layout := range []string{
		http.TimeFormat, "Mon, _2 Jan 2006 15:04:05 GMT", time.RFC850, time.ANSIC, time.RFC1123Z, "_2 Jan 2006 15:04:05 GMT", time.RFC3339Nano,
		"2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 GMT", "2006-01-02 15:04:05",
	} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 2000 && at.Year() < 2200 {
			return at
		}
	}
	return time.Time{}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b.UTC()
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
