package rest

import (
	"errors"
	"io"
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

// scanning is a config for a request whose result is asked for, with a system that answers by a script.
func scanning(s *script) Config {
	s.start = time.Now()
	c := testConfig("https://api.example.com", sallyport.Request{Method: "POST", URL: "/scan", Body: "value={value}&probe={probe}", Records: "$.data"})
	c.Transport = func(*url.URL) http.RoundTripper { return s }
	c.Definition.Errors = []connector.ErrorRule{{Status: []int{429}, Class: connector.ClassRate, Window: "day"}}
	c.Endpoint.Auth = &connector.Auth{Kind: connector.AuthForm, Name: "key", Secret: "key"}
	c.Endpoint.Params = []connector.Field{{Name: "value"}, {Name: "probe", Type: connector.TypeBoolean, Sent: connector.SentDigit}}
	c.Params = map[string]any{"value": "a&b", "probe": false}
	c.Endpoint.Poll = &connector.Poll{
		Ticket: "$.qid", URL: "/scan", Query: map[string]sallyport.Texts{"qid": {"{ticket}"}}, Status: "$.status", Going: []string{"processing"},
		Done: []string{"done"}, Missing: []string{"not found"}, Every: sallyport.Duration(10 * time.Second), Deadline: sallyport.Duration(time.Minute),
	}
	return c
}

var (
	taken    = reply{status: 200, body: `{"success":"Added request to queue.","qid":7}`}
	going    = reply{status: 200, body: `{"qid":7,"status":"processing","error":"Request(s) still processing.","data":{"half":1}}`}
	finished = reply{status: 200, body: `{"success":"ok","data":{"iid":1},"qid":7,"status":"done"}`}
)

// turn is what a caller saw of a page.
type turn struct {
	next    string
	commit  bool
	records int
}

// steps reads pages, with the moment left out of tickets.
func turns(t *testing.T, s *Source, cursor string) (seen []turn, err error) {
	for page, err := range s.Pages(t.Context(), cursor) {
		if err != nil {
			return seen, err
		}
		n := 0
		for _, err := range page.Records {
			if err != nil {
				return seen, err
			}
			n++
		}
		next, _, _ := strings.Cut(page.Next, `,"since"`)
		seen = append(seen, turn{next, page.Commit, n})
	}
	return seen, nil
}

func TestResultIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{replies: []reply{taken, going, {status: 502}, going, {status: 200, body: `{"data":`, broken: io.ErrUnexpectedEOF}, finished}}
		seen, err := turns(t, mustOpen(t, scanning(s)), "")
		if err != nil {
			t.Fatal(err)
		}
		ticket := turn{`{"ticket":"7"`, false, 0}
		want := []turn{{sending, true, 0}, {ticket.next, true, 0}, ticket, ticket, {"", false, 1}}
		if diff := cmp.Diff(want, seen, cmp.AllowUnexported(turn{})); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"value=a%26b&probe=0&key=" + testKey}, s.bodies[:1]); diff != "" {
			t.Error(diff)
		}
		if s.at[1] != 10*time.Second || s.at[3]-s.at[2] < 0 || len(s.at) != 6 {
			t.Errorf("calls at %v", s.at)
		}
	})
}

// TestResultThatDoesNotCome wants its own error for each way in which there is no result, after the right number of calls.
func TestResultThatDoesNotCome(t *testing.T) {
	for _, test := range []struct {
		name    string
		cursor  string
		replies []reply
		calls   int
		last    string // cursor that is committed in the end
		want    string
	}{
		{"it never ends", "", []reply{taken, going}, 7, `{"ticket":"7"`, "api.example.com was not done with request 7 within 1m"},
		{"it is not known", "", []reply{taken, going, {status: 200, body: `{"status":"not found","error":"x"}`}}, 3, `{"ticket":"7"`,
			`does not know request 7, or not any more: its status is "not found"`},
		{"a status that nobody knows", "", []reply{taken, {status: 200, body: `{"status":"dreaming"}`}}, 2, `{"ticket":"7"`, `its status "dreaming" is not known`},
		{"done without a result", "", []reply{taken, {status: 200, body: `{"status":"done"}`}}, 2, `{"ticket":"7"`, "it is done, but has nothing at $.data"},
		{"an error instead", "", []reply{taken, {status: 200, body: `{"error":"Gone wrong."}`}}, 2, `{"ticket":"7"`, `"Gone wrong."`},
		{"nothing at all", "", []reply{taken, {status: 200, body: `{}`}}, 2, `{"ticket":"7"`, "neither a status nor anything at $.data"},
		{"HTML", "", []reply{taken, {status: 200, body: `<html>`}}, 2, `{"ticket":"7"`, "an HTML or XML page, not JSON"},
		{"the key is refused meanwhile", "", []reply{taken, {status: 401}}, 2, `{"ticket":"7"`, "the key is not accepted"},

		{"refused", "", []reply{{status: 200, body: `{"error":"Invalid indicator."}`}}, 1, unsent, `"Invalid indicator."`},
		{"limited", "", []reply{{status: 429}}, 1, unsent, "limited by"},
		{"the key is refused", "", []reply{{status: 401}}, 1, unsent, "the key is not accepted"},
		{"not reached", "", []reply{{err: unreached}}, attempts, unsent, "cannot be reached"},
		{"may have been taken: no answer", "", []reply{{err: reset}}, 1, sending, "It is not known whether api.example.com took the request"},
		{"may have been taken: 502", "", []reply{{status: 502}}, 1, sending, "(HTTP 502). It is not known whether"},
		{"may have been taken: cut in half", "", []reply{{status: 200, body: `{"success":"A`, broken: io.ErrUnexpectedEOF}}, 1, sending, "It is not known whether"},
		{"may have been taken: no ticket", "", []reply{{status: 200, body: `{"success":"Added."}`}}, 1, sending, "nothing at $.qid, with which its result could be asked for. It is not known"},
		{"the key as ticket", "", []reply{{status: 200, body: `{"qid":"` + testKey + `"}`}}, 1, sending, "holds the key"},

		{"a restart while it was sent", sending, nil, 0, "", "the run was interrupted while the request was made. It is not known whether"},
		{"a foreign cursor", "page 2", nil, 0, "", "begin again without it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &script{replies: test.replies}
				seen, err := turns(t, mustOpen(t, scanning(s)), test.cursor)
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %s", err, test.want)
				}
				if len(s.at) != test.calls {
					t.Errorf("%d calls, want %d", len(s.at), test.calls)
				}
				last := turn{}
				if len(seen) > 0 {
					last = seen[len(seen)-1]
				}
				if last.next != test.last {
					t.Errorf("the last cursor is %s, want %s", last.next, test.last)
				}
			})
		})
	}
}

// TestResultAfterARestart goes on from each cursor without a second request, and makes the one that was refused.
func TestResultAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := `{"ticket":"7","since":"1999-01-01T00:00:00Z"}` // long after its deadline: it may be done since
		for cursor, replies := range map[string][]reply{old: {finished}, unsent: {taken, finished}} {
			s := &script{replies: replies}
			seen, err := turns(t, mustOpen(t, scanning(s)), cursor)
			if err != nil || seen[len(seen)-1].records != 1 || len(s.at) != len(replies) {
				t.Errorf("from %s: %v, %v after %d calls", cursor, seen, err, len(s.at))
			}
		}
	})
}

// TestNothingIsSentBeforeItIsCommitted stops where the caller would commit: no request may have gone out, or none a second time.
func TestNothingIsSentBeforeItIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for pages, calls := range []int{0, 1, 2} {
			s := &script{replies: []reply{taken, going}}
			read := 0
			for page, err := range mustOpen(t, scanning(s)).Pages(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				if read++; read > pages {
					if pages < 2 && !page.Commit {
						t.Errorf("page %d need not be committed", read)
					}
					break
				}
			}
			if len(s.at) != calls {
				t.Errorf("%d calls before page %d is committed, want %d", len(s.at), read, calls)
			}
		}
	})
}

// TestFormKey wants the key in the body of a form and in the query of other calls, and the caller's request without it.
func TestFormKey(t *testing.T) {
	var sent []string
	g := &gate{auth: connector.Auth{Kind: connector.AuthForm, Name: "key", Secret: "key"}, known: newGate(testConfig("https://api.example.com", sallyport.Request{}), &url.URL{Scheme: "https", Host: "api.example.com"}).known}
	g.origins, g.secrets = []string{"https://api.example.com:443"}, testConfig("", sallyport.Request{}).Secrets
	g.next = tripper(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		again, _ := r.GetBody()
		second, _ := io.ReadAll(again)
		if int64(len(body)) != r.ContentLength || string(second) != string(body) {
			t.Errorf("the length is %d and the body once more %q, of %q", r.ContentLength, second, body)
		}
		sent = append(sent, r.URL.RawQuery+" "+string(body))
		return &http.Response{StatusCode: 200, Body: http.NoBody}, err
	})
	for _, c := range []call{
		{method: "POST", url: &url.URL{Scheme: "https", Host: "api.example.com"}, header: http.Header{}, body: "a=%26&b=2"},
		{method: "POST", url: &url.URL{Scheme: "https", Host: "api.example.com"}, header: http.Header{}},
		{method: "GET", url: &url.URL{Scheme: "https", Host: "api.example.com", RawQuery: "qid=7"}, header: http.Header{}},
	} {
		request, err := c.request(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		response, err := g.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		if kept, _ := response.Request.GetBody(); response.Request != request || strings.Contains(request.URL.String(), testKey) || readAll(t, kept) != c.body {
			t.Errorf("the caller's request was changed: %v", request)
		}
	}
	if diff := cmp.Diff([]string{" a=%26&b=2&key=" + testKey, " key=" + testKey, "qid=7&key=" + testKey + " "}, sent); diff != "" {
		t.Error(diff)
	}
	c := testConfig("https://api.example.com", sallyport.Request{Method: "POST", URL: "/", Body: "x=1&key=2"})
	c.Definition.Credential.Auth.Kind = connector.AuthForm
	if _, err := Open(c); err == nil || !strings.Contains(err.Error(), "body: must not hold key") {
		t.Errorf("a key in the body: %v", err)
	}
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	text, err := io.ReadAll(r)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return string(text)
}
