package web

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
)

// focus is the field of the form that a person fills in next.
func (v signInForm) focus() string {
	for _, field := range []string{"name", "password", "repeat"} {
		if v.Errors[field] != "" {
			return field
		}
	}
	if v.Name != "" {
		return "password"
	}
	return "name"
}

// capital makes a sentence of what an error says.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

// verdictWords are what the pages call the verdicts.
var verdictWords = map[sallyport.Verdict]string{
	sallyport.VerdictValid: "Accepted", sallyport.VerdictRejected: "Rejected", sallyport.VerdictForbidden: "Plan does not allow",
	sallyport.VerdictLimited: "Limit reached", sallyport.VerdictUnreachable: "Not reachable", sallyport.VerdictUnknown: "Not tested",
	sallyport.VerdictNeedsSecret: "Needs its secret",
}

// verdictSentence says what a verdict means, and what to do.
func verdictSentence(v sallyport.Verdict, system string) string {
	switch v {
	case sallyport.VerdictValid:
		return system + " took the key."
	case sallyport.VerdictRejected:
		return system + " does not accept this key. Copy it once more, or create a new one there."
	case sallyport.VerdictForbidden:
		return system + " knows the key, but its plan or permissions do not allow the test call."
	case sallyport.VerdictLimited:
		return "The quota of this key is used up, so it could not be tested now."
	case sallyport.VerdictUnreachable:
		return system + " could not be asked, so nothing is known of the key."
	}
	return system + " has no call that proves a key. The first run will show."
}

// ago says how long ago something was.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < -time.Minute:
		return "at " + t.UTC().Format("2 Jan, 15:04 UTC")
	case d < 10*time.Second:
		return "just now"
	case d < 2*time.Minute:
		return plural(int64(d/time.Second), "second") + " ago"
	case d < 2*time.Hour:
		return plural(int64(d/time.Minute), "minute") + " ago"
	case d < 48*time.Hour:
		return plural(int64(d/time.Hour), "hour") + " ago"
	case d < 60*24*time.Hour:
		return plural(int64(d/(24*time.Hour)), "day") + " ago"
	}
	return "on " + t.UTC().Format("2 Jan 2006")
}

// ahead says how far off a time is, to the nearest unit that tells enough.
func ahead(t time.Time) string {
	const day = 24 * time.Hour
	d := time.Until(t)
	in := func(unit time.Duration, name string) string { return "in " + plural(int64(d.Round(unit)/unit), name) }
	switch {
	case d < 10*time.Second:
		return "now"
	case d < 2*time.Minute:
		return in(time.Second, "second")
	case d < 2*time.Hour:
		return in(time.Minute, "minute")
	case d < 2*day:
		return in(time.Hour, "hour")
	case d < 60*day:
		return in(day, "day")
	}
	return "on " + t.UTC().Format("2 Jan 2006")
}

// took says how long something lasted.
func took(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", max(1, d.Milliseconds()))
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// number writes a count with thin groups of three digits.
func number(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "\u202f" + s[i:]
	}
	return s
}

func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}

// size writes a number of bytes.
func size(n int64) string {
	for _, unit := range []struct {
		bytes int64
		name  string
	}{{1 << 30, "GB"}, {1 << 20, "MB"}, {1 << 10, "KB"}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d B", n)
}

// span is a part of a text that is shown in its own way.
type span struct {
	Text string
	Link string // it leads there
	Code bool
}

var marked = regexp.MustCompile("`[^`]+`|https://[^\\s)]+[^\\s).,]")

// spans finds the addresses and the words in backticks of a text.
func spans(text string) (all []span) {
	at := 0
	for _, m := range marked.FindAllStringIndex(text, -1) {
		if m[0] > at {
			all = append(all, span{Text: text[at:m[0]]})
		}
		part := text[m[0]:m[1]]
		if strings.HasPrefix(part, "`") {
			all = append(all, span{Text: strings.Trim(part, "`"), Code: true})
		} else {
			all = append(all, span{Text: strings.TrimPrefix(part, "https://"), Link: part})
		}
		at = m[1]
	}
	if at < len(text) {
		all = append(all, span{Text: text[at:]})
	}
	return all
}
