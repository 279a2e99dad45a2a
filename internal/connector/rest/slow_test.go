package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// drip is a body that comes in parts, each after a pause, until its request ends.
type drip struct {
	ctx   context.Context
	parts []part
	here  string // of a part, not read yet
}

// part is a text that comes some times, and how long each takes.
type part struct {
	text  string
	pause time.Duration
	times int
}

func (d *drip) Read(p []byte) (n int, err error) {
	if d.here == "" {
		if err := d.fall(); err != nil {
			return 0, err
		}
	}
	n = copy(p, d.here)
	d.here = d.here[n:]
	return n, nil
}

func (d *drip) fall() error {
	if len(d.parts) == 0 {
		return io.EOF
	}
	part := &d.parts[0]
	if err := Sleep(d.ctx, part.pause); err != nil {
		return err
	}
	d.here = part.text
	if part.times--; part.times <= 0 {
		d.parts = d.parts[1:]
	}
	return nil
}

func (*drip) Close() error { return nil }

// TestSlow: a response that is slower than the minimum, or takes longer than any may, fails as transient, and is not requested again at once.
// What is small, pauses, or waits for the reader is not slow.
func TestSlow(t *testing.T) {
	const forever = 1 << 40
	begin, end := part{`{"r":[1,`, 0, 1}, part{`2]}`, 0, 1}
	kib := strings.Repeat(" ", 1<<10)
	for _, c := range []struct {
		name    string
		parts   []part
		read    time.Duration // for a record by the reader
		want    error
		took    time.Duration
		records int
	}{
		{"a byte per second behind a record", []part{begin, {" ", time.Second, forever}}, 0, errSlow, time.Minute, 1},
		{"a byte per second before a record", []part{{`{"r":[`, 0, 1}, {" ", time.Second, forever}}, 0, errSlow, time.Minute, 0},
		{"a byte per second from the start", []part{{" ", time.Second, forever}}, 0, errSlow, time.Minute, 0},
		{"it gets slow", []part{begin, {kib, time.Second, 600}, {" ", time.Second, forever}}, 0, errSlow, 11 * time.Minute, 1},
		{"less than the minimum", []part{begin, {kib[1:], time.Second, forever}}, 0, errSlow, time.Minute, 1},
		{"pauses, one after the other", []part{begin, {" ", 50 * time.Second, forever}}, 0, errSlow, 100 * time.Second, 1},
		{"the minimum for ever", []part{begin, {kib, time.Second, forever}}, 0, errLate, longest, 1},
		{"silence", []part{begin, {" ", time.Hour, 1}}, 0, errSilent, time.Minute, 1},
		{"silence at the very end", []part{begin, {kib, time.Second, int(longest/time.Second) - 5}, {" ", time.Hour, 1}}, 0, errLate, longest, 1},
		{"small and slow", []part{begin, {" ", time.Second, 50}, end}, 0, nil, 50 * time.Second, 2},
		{"a pause, then fast", []part{begin, {" ", 59 * time.Second, 1}, {kib, 0, 100}, {" ", 2 * time.Second, 1}, end}, 0, nil, 61 * time.Second, 2},
		{"the minimum, to its end", []part{begin, {kib, time.Second, 1000}, end}, 0, nil, 1000 * time.Second, 2},
		{"a slow reader", []part{begin, {" ", time.Second, 10}, end}, time.Hour, nil, 2*time.Hour + 10*time.Second, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start, requests := time.Now(), 0
				source := slowSource(t, "GET", func(r *http.Request) (*http.Response, error) {
					requests++
					parts := append([]part(nil), c.parts...)
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &drip{ctx: r.Context(), parts: parts}, Request: r}, nil
				})
				records, err := 0, error(nil)
				for page, failed := range source.Pages(t.Context(), "") {
					if err = failed; err != nil {
						break
					}
					for _, failed := range page.Records {
						if err = failed; err == nil {
							records++
							time.Sleep(c.read)
						}
					}
				}
				if records != c.records {
					t.Errorf("%d records", records)
				}
				if took := time.Since(start); c.want != errSilent && took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
				if c.want == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				f, ok := errors.AsType[*connector.Failure](err)
				if !ok || !errors.Is(f.Err, c.want) || f.Class != connector.ClassTransient || f.Slow != (c.want != errSilent) || !f.Again && !f.Cut {
					t.Fatalf("%+v", err)
				}
				if f.Slow && requests != 1 {
					t.Errorf("%d requests", requests)
				}
			})
		})
	}
}

// TestLateResponse: the deadline also holds before a response has begun. A POST that may have arrived is not repeated.
func TestLateResponse(t *testing.T) {
	for method, again := range map[string]bool{"GET": true, "POST": false} {
		synctest.Test(t, func(t *testing.T) {
			start, requests := time.Now(), 0
			source := slowSource(t, method, func(r *http.Request) (*http.Response, error) {
				requests++
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
			_, _, err := pull(t.Context(), source, "")
			f, ok := errors.AsType[*connector.Failure](err)
			if !ok || f.Class != connector.ClassTransient || !f.Slow || f.Again != again || f.Unsent {
				t.Errorf("%s: %+v", method, err)
			}
			if took := time.Since(start); took != longest || requests != 1 {
				t.Errorf("%s: %d requests in %s", method, requests, took)
			}
		})
	}
}

// slowSource is a source whose system is a function.
func slowSource(t *testing.T, method string, system tripper) *Source {
	t.Helper()
	request := sallyport.Request{Method: method, URL: "/", Records: "$.r[*]"}
	c := testConfig("https://api.example.com", request)
	c.Transport = func(*url.URL) http.RoundTripper { return system }
	return mustOpen(t, c)
}
