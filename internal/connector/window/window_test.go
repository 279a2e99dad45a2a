package window_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/window"
)

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(hours int) time.Time { return day0.Add(time.Duration(hours) * time.Hour) }

// system has records with a time, in pages of two.
type system struct {
	times   []time.Time
	windows []window.Bounds
	now     time.Time
	since   sallyport.Since
	gap     window.Bounds
	raw     []string // instead of records with times
	cut     string   // why a list is incomplete
	fail    int      // pages until it fails; 0: it does not
	open    bool     // it knows no {until}
	size    int      // records of a page, if not 2
}

func (s *system) source(t *testing.T) *window.Source {
	source, err := window.New(window.Config{
		Since: s.since, Gap: s.gap, Bounded: !s.open, Now: func() time.Time { return s.now },
		Ask: func(b window.Bounds) (connector.Source, error) {
			s.windows = append(s.windows, b)
			return &list{s, b}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return source
}

type list struct {
	*system
	window.Bounds
}

func (l *list) Pages(ctx context.Context, cursor string) iter.Seq2[*connector.Page, error] {
	all := slices.Clone(l.raw)
	for i, t := range l.times {
		if !t.Before(l.Since) && (l.open || t.Before(l.Until)) {
			all = append(all, fmt.Sprintf(`{"id":%d,"at":%q}`, i, t.Format(time.RFC3339)))
		}
	}
	return func(yield func(*connector.Page, error) bool) {
		first, size := 0, cmp.Or(l.size, 2)
		fmt.Sscan(cursor, &first)
		for ; ; first += size {
			if l.fail--; l.fail == 0 {
				yield(nil, errors.New("broken"))
				return
			}
			page := &connector.Page{}
			page.Records = func(yield func([]byte, error) bool) {
				for _, record := range all[first:min(first+size, len(all))] {
					if !yield([]byte(record), nil) {
						return
					}
				}
				if first+size < len(all) {
					page.Next = fmt.Sprint(first + 2)
				} else {
					page.Incomplete = l.cut
				}
			}
			if !yield(page, nil) || page.Next == "" {
				return
			}
		}
	}
}

// pulled is what came of reading pages.
type pulled struct {
	ids        []string
	refused    []string
	next       string
	resume     string
	incomplete string
	err        error
}

// pull reads at most so many pages, as an execution of a run does that begins at a cursor.
func (s *system) pull(t *testing.T, cursor string, pages int) (got pulled) {
	got.resume = cursor
	for page, err := range s.source(t).Pages(t.Context(), cursor) {
		if err != nil {
			got.err = err
			return got
		}
		for record, err := range page.Records {
			if got.err = err; err != nil {
				return got
			}
			var r struct{ ID json.Number }
			json.Unmarshal(record, &r)
			if got.ids = append(got.ids, r.ID.String()); page.Refused != "" {
				got.refused = append(got.refused, page.Refused)
			}
		}
		got.next, got.incomplete = page.Next, page.Incomplete
		if page.Resume != "" {
			got.resume = page.Resume
		}
		if pages--; pages == 0 {
			return got
		}
	}
	return got
}

func (s *system) expect(t *testing.T, got pulled, ids string, since ...time.Time) {
	t.Helper()
	if text := strings.Join(got.ids, " "); text != ids || got.err != nil {
		t.Errorf("pulled %q, not %q: %v", text, ids, got.err)
	}
	for i, want := range since {
		if i >= len(s.windows) || !s.windows[i].Since.Equal(want) {
			t.Errorf("window %d: %v, not since %v", i, s.windows, want)
		}
	}
	s.windows = nil
}

func TestEachRunGoesOnAtTheNewestRecord(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(2), at(2), at(4)}, now: at(10), since: sallyport.Since{Field: "at", Start: "2026-01-01", Overlap: sallyport.Duration(3 * time.Hour)}}
	first := s.pull(t, "", 0)
	s.expect(t, first, "0 1 2 3", at(0))
	second := s.pull(t, first.resume, 0)
	s.expect(t, second, "", at(1))
	s.times = append(s.times, at(2), at(4), at(5)) // two were added late
	third := s.pull(t, second.resume, 0)
	s.expect(t, third, "4 5 6", at(1))
	fourth := s.pull(t, third.resume, 0)
	s.expect(t, fourth, "", at(2))
	if p := (sallyport.Source{Resume: fourth.resume}); !p.PulledTo().Equal(at(5)) {
		t.Errorf("pulled to %v", p.PulledTo())
	}
}

func TestWithoutAFieldEachRunGoesOnWhereTheLastBegan(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(9)}, now: at(10), since: sallyport.Since{Start: "now-5h", Overlap: sallyport.Duration(2 * time.Hour)}}
	first := s.pull(t, "", 0)
	s.expect(t, first, "1", at(5))
	s.now, s.times = at(11), append(s.times, at(8), at(10))
	second := s.pull(t, first.resume, 0)
	s.expect(t, second, "2 3", at(8))
	s.now = at(12)
	third := s.pull(t, second.resume, 0)
	s.expect(t, third, "", at(9))
}

func TestWithoutAStartTheFirstRunAsksForEverything(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(9)}, now: at(10), since: sallyport.Since{Field: "$.at"}}
	first := s.pull(t, "", 0)
	s.expect(t, first, "0 1", time.Time{})
	s.expect(t, s.pull(t, first.resume, 0), "", at(9))
}

func TestAYearIsPulledInSteps(t *testing.T) {
	s := &system{now: at(365 * 24), since: sallyport.Since{Field: "at", Start: "2026-01-01", Step: sallyport.Duration(30 * 24 * time.Hour), Overlap: sallyport.Duration(time.Hour)}}
	var ids []string
	for i := range 365 {
		s.times, ids = append(s.times, at(i*24)), append(ids, fmt.Sprint(i))
	}
	got, executions := pulled{next: ""}, 0
	var all []string
	for cursor := ""; executions == 0 || cursor != ""; executions++ { // each execution is killed behind five pages
		got = s.pull(t, cursor, 5)
		all, cursor = append(all, got.ids...), got.next
	}
	if strings.Join(all, " ") != strings.Join(ids, " ") || executions < 35 {
		t.Errorf("%d executions pulled %v", executions, all)
	}
	for i, w := range s.windows {
		if w.Until.Sub(w.Since) > 30*24*time.Hour || i > 0 && w.Since.After(s.windows[i-1].Until) || !w.Now.Equal(s.now) {
			t.Errorf("window %d is %v", i, w)
		}
	}
	s.windows, s.now, s.times = nil, at(366*24), append(s.times, at(365*24))
	s.expect(t, s.pull(t, got.resume, 0), "365", at(364*24-1))
}

func TestARunThatFailedGivesNothingTwice(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(2), at(3), at(4), at(5)}, now: at(10), since: sallyport.Since{Start: "2026-01-01", Step: sallyport.Duration(48 * time.Hour)}, fail: 3}
	first := s.pull(t, "", 0)
	if strings.Join(first.ids, " ") != "0 1 2 3" || first.err == nil {
		t.Fatalf("%+v", first)
	}
	s.windows, s.now = nil, at(11)
	s.expect(t, s.pull(t, first.resume, 0), "4", at(0))
}

func TestAGapIsFilledWithoutMovingTheCursor(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(5), at(9)}, now: at(10), since: sallyport.Since{Field: "at", Start: "2026-01-01T08:00:00Z", Overlap: sallyport.Duration(time.Hour)}}
	first := s.pull(t, "", 0)
	s.expect(t, first, "2", at(8))
	s.gap = window.Bounds{Since: at(4), Until: at(10)}
	for _, s.open = range []bool{false, true} {
		got := s.pull(t, first.resume, 0)
		s.expect(t, got, "1", at(4)) // the other one was delivered before
		if got.resume != first.resume {
			t.Errorf("the cursor moved: %s", got.resume)
		}
	}
	s.gap = window.Bounds{Since: at(0), Until: at(2)} // the system does not know when it ends
	s.expect(t, s.pull(t, first.resume, 0), "0", at(0))
}

func TestResetBeginsExactlyThere(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(5), at(9)}, now: at(10), since: sallyport.Since{Field: "at", Overlap: sallyport.Duration(time.Hour)}}
	s.expect(t, s.pull(t, window.At(at(5)), 0), "1 2", at(5))
	s.times = nil
	empty := s.pull(t, window.At(at(5)), 0) // which says nothing new
	s.expect(t, empty, "", at(5))
	s.expect(t, s.pull(t, empty.resume, 0), "", at(5))
}

func TestAClockThatIsSetBackLosesNothing(t *testing.T) {
	for _, field := range []string{"", "at"} {
		s := &system{times: []time.Time{at(9)}, now: at(20), since: sallyport.Since{Field: field, Start: "2026-01-01"}}
		first := s.pull(t, "", 0)
		s.now, s.times = at(21), append(s.times, at(30)) // a record from the future
		second := s.pull(t, first.resume, 0)
		s.windows, s.now, s.times = nil, at(11), append(s.times, at(10))
		s.open = true
		third := s.pull(t, second.resume, 0)
		if !slices.Contains(third.ids, "2") {
			t.Errorf("with field %q: pulled %v since %v", field, third.ids, s.windows)
		}
		if p := (sallyport.Source{Resume: third.resume}); p.PulledTo().After(s.now) {
			t.Errorf("the cursor %v is in the future", p.PulledTo())
		}
	}
}

func TestAnIncompleteListKeepsTheCursor(t *testing.T) {
	s := &system{times: []time.Time{at(1), at(60)}, now: at(100), since: sallyport.Since{Start: "2026-01-01", Step: sallyport.Duration(48 * time.Hour)}, cut: "the plan ends it"}
	got := s.pull(t, "", 0)
	s.expect(t, got, "0", at(0))
	if got.next != "" || !strings.HasPrefix(got.incomplete, "the plan ends it; the next run begins at 2026-01-01T00:00:00Z again") {
		t.Errorf("%+v", got)
	}
	s.cut = ""
	s.expect(t, s.pull(t, got.resume, 0), "1", at(0))
}

func TestTimesThatCannotBeRead(t *testing.T) {
	s := &system{now: at(10), since: sallyport.Since{Field: "meta.at"}}
	for raw, want := range map[string]string{
		`{"id":1,"meta":{"at":"soon"}}`: `"soon" is not a time`, `{"id":1,"meta":{"at":true}}`: "true or false, not a time",
		`{"id":1,"meta":{"at":{}}}`: "an object, not a time", `{"id":1,"at":5}`: "none of the first 1 records has the field meta.at", `{"id":1,"meta":{"at":null}}`: "none of the first",
	} {
		s.raw = []string{raw}
		got := s.pull(t, "", 0)
		if fault, ok := errors.AsType[*sallyport.Error](got.err); !ok || fault.Field != "source.request.since.field" || !strings.Contains(got.err.Error(), want) {
			t.Errorf("%s: %v", raw, got.err)
		}
		s.raw = []string{`{"id":0,"meta":{"at":"2026-01-01 01:00:00"}}`, raw}
		got = s.pull(t, "", 0)
		quarantined := strings.Contains(want, "a time")
		if len(got.ids) != 2 || got.err != nil || (len(got.refused) == 1) != quarantined || quarantined && !strings.Contains(got.refused[0], want) {
			t.Errorf("%s: %+v", raw, got)
		}
		if again := s.pull(t, got.resume, 0); len(again.ids) > 0 {
			t.Errorf("%s: again %+v", raw, again)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	s := &system{size: 1000, now: at(10), since: sallyport.Since{Field: "at", Overlap: sallyport.Duration(24 * time.Hour)}}
	for i := range 25_000 { // newest first
		s.times = append(s.times, at(9).Add(-time.Duration(i)*time.Second))
	}
	first := s.pull(t, "", 0)
	if len(first.ids) != 25_000 || len(first.resume) > 200_000 {
		t.Errorf("%d records, a cursor of %d bytes", len(first.ids), len(first.resume))
	}
	if again := s.pull(t, first.resume, 0); len(again.ids) < 15_000 || len(again.ids) > 17_000 || !strings.HasPrefix(again.ids[0], "8") {
		t.Errorf("%d came twice", len(again.ids))
	}
}

func TestOrderOfMembersDoesNotMatter(t *testing.T) {
	s := &system{now: at(10), since: sallyport.Since{Field: "at"}, raw: []string{`{"id":0,"at":1767225600,"x":{"a":1,"b":2}}`}}
	first := s.pull(t, "", 0)
	s.windows, s.raw = nil, []string{`{"x":{"b":2,"a":1},"at":1767225600,"id":0}`, `{"x":{"b":2,"a":3},"at":1767225600,"id":0}`}
	s.expect(t, s.pull(t, first.resume, 0), "0", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
}

func TestForeignCursorsAreNone(t *testing.T) {
	for _, cursor := range []string{"5", "https://x/", `{"after":"2026-01-01"}`, `{"upto":"2026-01-01T00:00:00Z","seen":"!"}`} {
		s := &system{times: []time.Time{at(1)}, now: at(10), since: sallyport.Since{Field: "at"}}
		s.expect(t, s.pull(t, cursor, 0), "0", time.Time{})
	}
}

func TestAStartInTheFutureIsRefused(t *testing.T) {
	s := &system{now: at(1), since: sallyport.Since{Start: "2027-01-01"}}
	if got := s.pull(t, "", 0); got.err == nil || !strings.Contains(got.err.Error(), "in the future") {
		t.Errorf("%+v", got)
	}
}
