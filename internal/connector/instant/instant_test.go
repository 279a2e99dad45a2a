package instant_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport/internal/connector/instant"
)

var noon = time.Date(2026, 3, 4, 12, 30, 15, 678_900_000, time.UTC)

func TestWrite(t *testing.T) {
	for format, want := range map[string]any{
		"": "2026-03-04T12:30:15Z", "rfc3339": "2026-03-04T12:30:15Z", "date": "2026-03-04",
		"unix": json.Number("1772627415"), "unix_ms": json.Number("1772627415678"),
		"%Y-%m-%d %H:%M": "2026-03-04 12:30", "%d.%m.%y %H.%M.%S": "04.03.26 12.30.15", "%Y-%m-%dT%H:%M:%S.%LZ": "2026-03-04T12:30:15.678Z",
		"%Y%%%j": "2026%063", "%F %I:%M %p": "2026-03-04 12:30 PM",
		"2006-01-02 15:04:05": "2026-03-04 12:30:15", "02/Jan/2006": "04/Mar/2026",
	} {
		f, err := instant.ParseFormat(format)
		if err != nil {
			t.Errorf("%q: %v", format, err)
			continue
		}
		if got := f.Write(noon.In(time.FixedZone("", -7200))); got != want {
			t.Errorf("%q: %v, not %v", format, got, want)
		}
		floor := f.Floor(noon)
		if floor.After(noon) || f.Write(floor) != want || noon.Sub(floor) > 24*time.Hour {
			t.Errorf("%q: the floor is %v", format, floor)
		}
	}
}

func TestFormatsThatSayTooLittle(t *testing.T) {
	for _, format := range []string{"unixms", "rfc", "%H:%M", "%m-%d", "%Y-%m", "%Y-%m-%d %I:%M", "%Q", "%Y-%m-%d%", "15:04", "yyyy-MM-dd"} {
		if f, err := instant.ParseFormat(format); err == nil {
			t.Errorf("%q is taken: %v", format, f.Write(noon))
		}
	}
}

func TestRead(t *testing.T) {
	second := noon.Truncate(time.Second)
	for text, want := range map[string]time.Time{
		"2026-03-04T12:30:15Z": second, "2026-03-04t12:30:15z": second, "2026-03-04T14:30:15+02:00": second, "2026-03-04T12:30:15": second,
		"2026-03-04 12:30:15": second, "2026-03-04 12:30:15.6789": noon, "2026-03-04T12:30:15.678900Z": noon, "2026-03-04 12:30:15 UTC": second,
		"2026-03-04 07:30:15-05:00": second, "2026-03-04 13:30:15 +0100": second, "2026-03-04T13:30:15+0100": second, "2026-03-04 12:30:15+00": second,
		"2026-03-04": second.Truncate(24 * time.Hour), "20260304": second.Truncate(24 * time.Hour), "20260304123015": second, "20260304T123015Z": second,
		"1772627415": second, "1772627415.6789": noon, "1772627415678": noon.Truncate(time.Millisecond), "1772627415678900": noon,
		"1772627415678900000": noon, "1.772627415e9": second, " 1772627415 ": second, "0": time.Unix(0, 0).UTC(), "-1.5": time.Unix(-2, 5e8).UTC(),
		"Wed, 04 Mar 2026 12:30:15 GMT": second, "Wed, 04 Mar 2026 13:30:15 +0100": second, "2026-03-04T12:30Z": second.Truncate(time.Minute),
	} {
		if got, err := instant.Read(text); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, not %v: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "n/a", "yesterday", "2026-13-01", "04/03/2026", "2026-03-04 12:30:15 CEST", "Wed, 04 Mar 2026 12:30:15 PST", "true", "1e300", "99999999999999999999"} {
		if got, err := instant.Read(text); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
	f, _ := instant.ParseFormat("%d/%m/%Y")
	if got, err := f.Read("04/03/2026"); err != nil || !got.Equal(second.Truncate(24*time.Hour)) {
		t.Errorf("in its own format: %v, %v", got, err)
	}
}

func TestResolve(t *testing.T) {
	for text, want := range map[string]time.Time{
		"now": noon, "now-90s": noon.Add(-90 * time.Second), "now-2w": noon.AddDate(0, 0, -14), "2026-01-02": time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC),
		"1772627415": noon.Truncate(time.Second),
	} {
		if got, err := instant.Resolve(text, noon); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, not %v: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "now+1d", "now-1", "now-5y", "nowish", "-5d"} {
		if got, err := instant.Resolve(text, noon); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, text := range []string{"2026-03-04T12:30:15Z", "1772627415.6789", "1.7e9", "20260304", "-1.", "1e5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := instant.Read(text); err == nil && at.Location() != time.UTC {
			t.Errorf("%q is not in UTC: %v", text, at)
		}
	})
}
