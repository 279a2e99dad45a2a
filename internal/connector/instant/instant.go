// Package instant says how points in time are written in requests, and read from records and settings.
//
// Everything without a time zone is in UTC.
package instant

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// The names of formats. Any other format is a layout of strftime, such as %Y-%m-%d %H:%M, or of Go, such as 2006-01-02 15:04.
const (
	RFC3339    = "rfc3339" // 2026-01-31T08:00:00Z
	Date       = "date"    // 2026-01-31
	UnixSecond = "unix"    // seconds since 1970
	UnixMilli  = "unix_ms" // milliseconds since 1970
)

// Format is how a system writes a point in time.
type Format struct{ layout string } // of Go, or the name of a number

// ParseFormat reads the name of a format, or a layout; "" is RFC3339. A layout must hold the year, the month and the day.
func ParseFormat(text string) (Format, error) {
	names := []string{RFC3339, Date, UnixSecond, UnixMilli}
	switch text {
	case "", RFC3339:
		return Format{time.RFC3339}, nil
	case Date:
		return Format{time.DateOnly}, nil
	case UnixSecond, UnixMilli:
		return Format{text}, nil
	}
	layout, err := layoutOf(text)
	if err != nil {
		return Format{}, err
	}
	if !strings.ContainsAny(text, "%0") {
		return Format{}, sallyport.Unknown("", "format of times", text, names)
	}
	for _, sample := range []time.Time{time.Date(2031, 11, 23, 17, 48, 59, 0, time.UTC), time.Date(2024, 2, 9, 3, 4, 5, 0, time.UTC)} {
		if !keeps(layout, sample) {
			return Format{}, fmt.Errorf("%s does not say which day, or which hour of it, is meant: it must hold year, month and day, as in %%Y-%%m-%%d %%H:%%M", sallyport.Quoted(text))
		}
	}
	return Format{layout}, nil
}

// keeps tells whether a layout keeps a time, to the second or to something longer.
func keeps(layout string, t time.Time) bool {
	read, err := time.ParseInLocation(layout, t.Format(layout), time.UTC)
	for _, unit := range []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour} {
		if err == nil && read.Equal(t.Truncate(unit)) {
			return true
		}
	}
	return false
}

// directives are those of strftime that Go has, too.
var directives = map[byte]string{
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002", 'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM", 'f': "000000", 'L': "000",
	'b': "Jan", 'B': "January", 'a': "Mon", 'A': "Monday", 'z': "-0700", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06", '%': "%",
}

// layoutOf translates a layout of strftime. Any other is one of Go.
func layoutOf(text string) (string, error) {
	var layout strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			layout.WriteByte(text[i])
			continue
		}
		i++
		if i == len(text) {
			return "", fmt.Errorf("%s ends with %%: write %%%% for a percent sign", sallyport.Quoted(text))
		}
		part, known := directives[text[i]]
		if !known {
			return "", fmt.Errorf("%s holds %%%c, which is not supported: use %%Y %%m %%d %%H %%M %%S and the like", sallyport.Quoted(text), text[i])
		}
		layout.WriteString(part)
	}
	return layout.String(), nil
}

// Write writes a time, cut down to what the format can say: text, or a number.
func (f Format) Write(t time.Time) any {
	switch t = t.UTC(); f.layout {
	case UnixSecond:
		return json.Number(strconv.FormatInt(t.Unix(), 10))
	case UnixMilli:
		return json.Number(strconv.FormatInt(t.UnixMilli(), 10))
	}
	return t.Format(f.layout)
}

// Floor is the time that is left of one when it is written.
func (f Format) Floor(t time.Time) time.Time {
	switch f.layout {
	case UnixSecond:
		return t.Truncate(time.Second)
	case UnixMilli:
		return t.Truncate(time.Millisecond)
	}
	read, err := time.ParseInLocation(f.layout, t.UTC().Format(f.layout), time.UTC)
	if err != nil { // not one that ParseFormat returned
		return t
	}
	return read
}

// Read reads a time of a record: in this format or in any that [Read] knows.
func (f Format) Read(text string) (time.Time, error) {
	if f.layout != UnixSecond && f.layout != UnixMilli && f.layout != "" {
		if t, err := time.ParseInLocation(f.layout, strings.TrimSpace(text), time.UTC); err == nil {
			return t.UTC(), nil
		}
	}
	return Read(text)
}

// layouts are those that systems write. Go reads a fraction of a second behind each of them.
var layouts = []string{
	time.RFC3339, "2006-01-02T15:04:05", time.DateOnly, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
	time.DateTime + "Z07:00", time.DateTime + " Z07:00", time.DateTime + " -0700", time.DateTime + "Z0700", time.DateTime + "Z07", "2006-01-02 15:04",
	"20060102T150405Z07:00", "20060102T150405", time.RFC1123Z, time.RFC1123, time.RFC850, time.ANSIC, "Mon, 2 Jan 2006 15:04:05 -0700",
}

// Read reads a time as RFC 3339 and similar forms have it, with a space for the T, with or without a fraction and a zone; as a date; or as a number
// of seconds, milliseconds, microseconds or nanoseconds since 1970, which its size tells.
func Read(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if number.MatchString(text) {
		return readNumber(text)
	}
	for _, zone := range []string{" UTC", " GMT", " Z"} {
		if before, is := strings.CutSuffix(text, zone); is && !strings.Contains(before, ",") {
			text = before + "Z"
		}
	}
	if len(text) > 10 && text[4] == '-' {
		text = strings.ToUpper(text) // RFC 3339 allows t and z
	}
	for _, layout := range append([]string{time.DateTime}, layouts...) {
		if t, err := time.ParseInLocation(layout, text, time.UTC); err == nil && known(t) {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is not a time", text)
}

// known tells whether the zone of a time is: Go reads the name of any zone, and takes it for UTC.
func known(t time.Time) bool {
	name, offset := t.Zone()
	return offset != 0 || name == "" || name == "UTC" || name == "GMT"
}

var number = regexp.MustCompile(`^-?[0-9]{1,19}(\.[0-9]+)?([eE]\+?[0-9]{1,2})?$`)

// compact are the dates and times of digits only that begin with a year.
var compact = map[int]string{8: "20060102", 12: "200601021504", 14: "20060102150405"}

// readNumber reads a number of units since 1970, or a time of digits only.
func readNumber(text string) (time.Time, error) {
	if layout := compact[len(text)]; layout != "" && (strings.HasPrefix(text, "19") || strings.HasPrefix(text, "20")) {
		if t, err := time.ParseInLocation(layout, text, time.UTC); err == nil {
			return t, nil
		}
	}
	units, err := strconv.ParseFloat(text, 64)
	if err != nil || units < -1e10 || units > 9e18 {
		return time.Time{}, fmt.Errorf("%.40q is not a time", text)
	}
	n, fraction := int64(units), ""
	if !strings.ContainsAny(text, "eE") {
		var whole string
		whole, fraction, _ = strings.Cut(text, ".")
		if n, err = strconv.ParseInt(whole, 10, 64); err != nil {
			return time.Time{}, fmt.Errorf("%.40q is not a time", text)
		}
	}
	switch {
	case units < 1e11:
		nanos, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if strings.HasPrefix(text, "-") {
			nanos = -nanos
		}
		return time.Unix(n, nanos).UTC(), nil
	case units < 1e14:
		return time.UnixMilli(n).UTC(), nil
	case units < 1e17:
		return time.UnixMicro(n).UTC(), nil
	}
	return time.Unix(0, n).UTC(), nil
}

var relative = regexp.MustCompile(`^now(?:-([0-9]{1,6}[smhdw]))?$`)

// Before tells how long before now a name such as now or now-5d is.
func Before(name string) (before time.Duration, is bool) {
	match := relative.FindStringSubmatch(name)
	if match == nil || match[1] == "" {
		return 0, match != nil
	}
	d, err := sallyport.ParseDuration(match[1])
	return time.Duration(d), err == nil
}

// Resolve reads a time of a setting: one that [Read] reads, now, or a time before now such as now-30d.
func Resolve(text string, now time.Time) (time.Time, error) {
	if before, is := Before(text); is {
		return now.Add(-before), nil
	}
	t, err := Read(text)
	if err != nil {
		return t, fmt.Errorf("%s is not a time: write 2026-01-31T08:00:00Z, 2026-01-31 or, relative to now, now-30d", sallyport.Quoted(text))
	}
	return t, nil
}
