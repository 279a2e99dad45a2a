package rest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// reply is what a system that is made up answers, or the error of the connection.
type reply struct {
	status int
	after  string // Retry-After
	body   string
	err    error
	broken error // ends the body
}

// script answers calls with one reply after the other, and the last one again, and notes when it was asked.
type script struct {
	replies []reply
	start   time.Time
	at      []time.Duration
	bodies  []string
}

func (s *script) RoundTrip(r *http.Request) (*http.Response, error) {
	s.at = append(s.at, time.Since(s.start))
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		s.bodies = append(s.bodies, string(sent))
	}
	reply := s.replies[min(len(s.at), len(s.replies))-1]
	if reply.err != nil {
		return nil, reply.err
	}
	header := http.Header{}
	if reply.after != "" {
		header.Set("Retry-After", reply.after)
	}
	body := io.Reader(strings.NewReader(reply.body))
	if reply.broken != nil {
		body = io.MultiReader(body, failing{reply.broken})
	}
	return &http.Response{StatusCode: reply.status, Header: header, Body: io.NopCloser(body)}, nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// play pulls a source from a script, with a clock of its own.
func play(t *testing.T, request sallyport.Request, replies ...reply) (s *script, records []string, err error) {
	t.Helper()
	s = &script{replies: replies, start: time.Now()}
	c := testConfig("https://api.example.com", request)
	c.Transport = func(*url.URL) http.RoundTripper { return s }
	c.Definition.Errors = []connector.ErrorRule{
		{Status: []int{429}, Match: "per second", Class: connector.ClassRate, Window: "second"},
		{Status: []int{429}, Match: "per day", Class: connector.ClassRate, Window: "day"},
		{Status: []int{403}, Match: "busy", Class: connector.ClassTransient},
	}
	records, _, err = pull(t.Context(), mustOpen(t, c), "")
	return s, records, err
}

var (
	unreached = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	reset     = &net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}
	ok        = reply{status: 200, body: `{"r":[1,2]}`}
)

func TestRetries(t *testing.T) {
	get := sallyport.Request{URL: "/", Records: "$.r[*]"}
	post := sallyport.Request{Method: "POST", URL: "/", Records: "$.r[*]", Body: `{"q":1}`}
	for _, test := range []struct {
		name    string
		request sallyport.Request
		replies []reply
		calls   int
		class   connector.Class // of the failure it ends in; empty: none
		records int
	}{
		{"good at once", get, []reply{ok}, 1, "", 2},
		{"bad, then good", get, []reply{{status: 500}, {status: 503}, {status: 408}, {status: 429}, ok}, 5, "", 2},
		{"bad for ever", get, []reply{{status: 502}}, attempts, connector.ClassTransient, 0},
		{"limited for ever", get, []reply{{status: 429}}, attempts, connector.ClassRate, 0},
		{"down, then up", get, []reply{{err: unreached}, {err: reset}, ok}, 3, "", 2},
		{"down for ever", get, []reply{{err: unreached}}, attempts, connector.ClassTransient, 0},
		{"key refused", get, []reply{{status: 401}, ok}, 1, connector.ClassCredential, 0},
		{"plan refused", get, []reply{{status: 403}, ok}, 1, connector.ClassPlan, 0},
		{"refused, and said to pass", get, []reply{{status: 403, body: `{"error":"busy"}`}, ok}, 1, connector.ClassTransient, 0},
		{"not there", get, []reply{{status: 404}, ok}, 1, connector.ClassPermanent, 0},
		{"not JSON", get, []reply{{status: 200, body: "<html>"}, ok}, 1, connector.ClassPermanent, 0},
		{"address refused", get, []reply{{err: sallyport.Errorf(sallyport.Invalid, "not public")}, ok}, 1, connector.ClassPermanent, 0},
		{"broken off before a record", get, []reply{{status: 200, body: `{"r":[`, broken: io.ErrUnexpectedEOF}, ok}, 2, "", 2},
		{"broken off behind a record", get, []reply{{status: 200, body: `{"r":[0,`, broken: io.ErrUnexpectedEOF}, ok}, 1, connector.ClassTransient, 1},
		{"limit of a second", get, []reply{{status: 429, body: `{"error":"1 per second"}`}, ok}, 2, "", 2},
		{"limit of a day", get, []reply{{status: 429, body: `{"error":"10 per day"}`}, ok}, 1, connector.ClassRate, 0},
		{"a POST is made once", post, []reply{{status: 503}, ok}, 1, connector.ClassTransient, 0},
		{"a POST that was limited", post, []reply{{status: 429}, ok}, 1, connector.ClassRate, 0},
		{"a POST that may have been sent", post, []reply{{err: reset}, ok}, 1, connector.ClassTransient, 0},
		{"a POST that was not sent", post, []reply{{err: unreached}, ok}, 2, "", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, records, err := play(t, test.request, test.replies...)
				var class connector.Class
				if f, ok := errors.AsType[*connector.Failure](err); ok {
					class = f.Class
				}
				if len(s.at) != test.calls || class != test.class || len(records) != test.records || (err != nil) != (test.class != "") {
					t.Errorf("%d calls, class %q, records %v: %v", len(s.at), class, records, err)
				}
				for _, body := range s.bodies {
					if body != string(test.request.Body) {
						t.Errorf("sent %q", body)
					}
				}
			})
		})
	}
}

func TestRetryPauses(t *testing.T) {
	get := sallyport.Request{URL: "/", Records: "$.r[*]"}
	synctest.Test(t, func(t *testing.T) {
		s, _, err := play(t, get, reply{status: 500})
		if err == nil || len(s.at) != attempts {
			t.Fatalf("%d calls, %v", len(s.at), err)
		}
		longest := firstPause
		for i := 1; i < len(s.at); i++ {
			if pause := s.at[i] - s.at[i-1]; pause >= longest {
				t.Errorf("pause %d is %s", i, pause)
			}
			longest *= 2
		}
	})
	for after, least := range map[string]time.Duration{"2": 2 * time.Second, "30": 30 * time.Second, "": 0} {
		synctest.Test(t, func(t *testing.T) {
			s, records, err := play(t, get, reply{status: 429, after: after}, ok)
			if err != nil || len(records) != 2 || s.at[1] < least || s.at[1] > least+firstPause {
				t.Errorf("Retry-After %q: asked at %v, %v", after, s.at, err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, _, err := play(t, get, reply{status: 503, after: time.Now().Add(10 * time.Second).UTC().Format(http.TimeFormat)}, ok)
		if err != nil || s.at[1] < 10*time.Second {
			t.Errorf("a date: asked at %v, %v", s.at, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s, _, err := play(t, get, reply{status: 429, body: `{"error":"1 per second"}`}, ok)
		if err != nil || s.at[1] < time.Second {
			t.Errorf("a second: asked at %v, %v", s.at, err)
		}
	})
}

func TestLongWaitIsAFailureThatSaysUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, err := play(t, sallyport.Request{URL: "/", Records: "$.r[*]"}, reply{status: 429, after: "3600"}, ok)
		f, failed := errors.AsType[*connector.Failure](err)
		if !failed || f.Class != connector.ClassRate || len(s.at) != 1 || f.Until.Sub(s.start) != time.Hour {
			t.Errorf("asked at %v: %v", s.at, err)
		}
		if limited, _ := errors.AsType[*sallyport.Error](err); limited == nil || limited.Code != sallyport.Limited || !limited.Until.Equal(f.Until) {
			t.Errorf("got %#v", limited)
		}
	})
}

func TestCanceledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errors.New("the slice is over"))
		defer cancel()
		s := &script{replies: []reply{{status: 429, after: "20"}}, start: time.Now()}
		c := testConfig("https://api.example.com", sallyport.Request{URL: "/"})
		c.Transport = func(*url.URL) http.RoundTripper { return s }
		_, _, err := pull(ctx, mustOpen(t, c), "")
		if err == nil || err.Error() != "the slice is over" || time.Since(s.start) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(s.start), err)
		}
	})
}

// silent is a body that never goes on until its request ends.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}
func (silent) Close() error { return nil }

func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, calls := time.Now(), 0
		c := testConfig("https://api.example.com", sallyport.Request{URL: "/", Records: "$.r[*]"})
		c.Transport = func(*url.URL) http.RoundTripper {
			return tripper(func(r *http.Request) (*http.Response, error) {
				calls++
				body := io.MultiReader(strings.NewReader(`{"r":[1,`), silent{r.Context()})
				return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(body)}, nil
			})
		}
		var records int
		var last error
		for page, err := range mustOpen(t, c).Pages(t.Context(), "") {
			if last = err; err != nil {
				break
			}
			for _, err := range page.Records {
				if last = err; err == nil {
					records++
					time.Sleep(10 * time.Minute) // what the reader does is no silence
				}
			}
			break
		}
		want := &connector.Failure{Class: connector.ClassTransient, Host: "api.example.com", Status: 200, Cut: true}
		f, _ := errors.AsType[*connector.Failure](last)
		if f == nil || f.Err == nil || f.Err.Error() != "nothing came for 1m0s" {
			t.Fatalf("got %v", last)
		}
		f.Err = nil
		if diff := cmp.Diff(want, f); diff != "" || records != 1 || calls != 1 || time.Since(start) != 11*time.Minute {
			t.Errorf("after %s, %d records: %s", time.Since(start), records, diff)
		}
	})
}
