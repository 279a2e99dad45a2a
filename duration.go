package sallyport

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"
)

// Duration is a time.Duration that people write as 8h, 90m, 2d or 1w.
type Duration time.Duration

var durationForm = regexp.MustCompile(`^(\d{1,6})(s|m|h|d|w)$`)

var durationUnits = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour,
}

// ParseDuration reads a whole number of seconds, minutes, hours, days or weeks, such as 8h.
func ParseDuration(s string) (Duration, error) {
	m := durationForm.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is no duration: write a whole number and s, m, h, d or w, such as 8h", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0, err
	}
	unit := durationUnits[m[2]]
	if int64(n) > int64(math.MaxInt64/unit) {
		return 0, fmt.Errorf("%q is longer than 292 years", s)
	}
	return Duration(time.Duration(n) * unit), nil
}

// String writes the duration in its largest whole unit.
func (d Duration) String() string {
	for _, u := range []string{"w", "d", "h", "m"} {
		if unit := Duration(durationUnits[u]); d != 0 && d%unit == 0 {
			return strconv.FormatInt(int64(d/unit), 10) + u
		}
	}
	return strconv.FormatInt(int64(time.Duration(d)/time.Second), 10) + "s"
}

// MarshalText makes JSON and YAML show what people write.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what people write.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := ParseDuration(string(b))
	*d = v
	return err
}
