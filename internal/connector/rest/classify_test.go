package rest

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// failureOf opens a source without retries, pulls it, and returns the failure in which that ends.
func failureOf(t *testing.T, c Config) *connector.Failure {
	t.Helper()
	s, err := open(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = pull(t.Context(), s, "")
	f, ok := errors.AsType[*connector.Failure](err)
	if !ok {
		t.Fatalf("no failure: %v", err)
	}
	return f
}

func TestClasses(t *testing.T) {
	rules := []connector.ErrorRule{
		{Status: []int{200}, Match: "^no such", Class: connector.ClassTransient},
		{Status: []int{403, 429}, Match: "per DAY", Class: connector.ClassRate, Window: "day"},
		{Status: []int{429}, Match: "^explore", Class: connector.ClassPlan},
		{Match: `<title>maintenance`, Class: connector.ClassTransient},
		{Status: []int{418}, Class: connector.ClassCredential},
	}
	for _, test := range []struct {
		status         int
		body           string
		class          connector.Class
		window, saying string
	}{
		{200, `{"error":"No such thing."}`, connector.ClassTransient, "", "No such thing."},
		{200, `{"error":"Something else."}`, connector.ClassPermanent, "", "Something else."},
		{200, `{"error":"e","results":null}`, connector.ClassPermanent, "", "e"},
		{201, `{"error":"e"}`, connector.ClassPermanent, "", "e"},
		{400, `{"error":"Bad."}`, connector.ClassPermanent, "", "Bad."},
		{401, `{"error":"Who?"}`, connector.ClassCredential, "", "Who?"},
		{403, `{"error":"No."}`, connector.ClassPlan, "", "No."},
		{403, `{"error":"10 per day."}`, connector.ClassRate, "day", "10 per day."},
		{404, `<html>`, connector.ClassPermanent, "", ""},
		{408, ``, connector.ClassTransient, "", ""},
		{418, ``, connector.ClassCredential, "", ""},
		{425, ``, connector.ClassTransient, "", ""},
		{429, `{"error":"Explore limit above the plan."}`, connector.ClassPlan, "", "Explore limit above the plan."},
		{429, `{"error":"Slow down."}`, connector.ClassRate, "month", "Slow down."},
		{429, `{"error":{"code":7,"text":"x"}}`, connector.ClassRate, "month", `{"code":7,"text":"x"}`},
		{429, "{\"error\":[\"\xff\"]}", connector.ClassRate, "month", "[\"\uFFFD\"]"},
		{500, `{"error":null}`, connector.ClassTransient, "", ""},
		{503, `<html><title>Maintenance`, connector.ClassTransient, "", ""},
		{404, strings.Repeat("x", maxBeginning-30) + `<title>MAINTENANCE`, connector.ClassTransient, "", ""},
		{404, strings.Repeat("x", maxBeginning) + `<title>MAINTENANCE`, connector.ClassPermanent, "", ""},
		{404, `{"error":"` + strings.Repeat("é", 400) + "\\u0007\\n\\u202e <b>\"}", connector.ClassPermanent, "", strings.Repeat("é", 299) + "…"},
		{404, `{"error":" a\u0000b\r\nc\u202ed  e "}`, connector.ClassPermanent, "", "a b c d e"},
	} {
		t.Run(fmt.Sprint(test.status, test.body[:min(20, len(test.body))]), func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Left-Month", "0")
				w.Header().Set("X-Left-Second", "1")
				sends(test.status, test.body)(w, r)
			})
			c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$.results[*]"})
			c.Definition.Errors = rules
			c.Definition.Limits.Headers = map[string]string{"second": "X-Left-Second", "month": "X-Left-Month"}
			got := failureOf(t, c)
			want := &connector.Failure{Class: test.class, Host: strings.TrimPrefix(server.URL, "http://"), Status: test.status, Window: test.window, Sentence: test.saying}
			want.Again = test.class == connector.ClassTransient // it is a GET
			got.Reason = ""                                     // see TestReasons
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestWholeAnswerThatIsAnError tells a record that has a field named like the sentence from an answer that is nothing but one.
func TestWholeAnswerThatIsAnError(t *testing.T) {
	c := testConfig(serve(t, sends(200, `{"error":"Something is wrong."}`)).URL, sallyport.Request{URL: "/"})
	if f := failureOf(t, c); f.Sentence != "Something is wrong." {
		t.Errorf("got %v", f)
	}
	for _, record := range []string{`{"qid":1,"status":"processing","error":"Request(s) still processing."}`, `{"error":null}`, `{"error":""}`, `{}`} {
		c := testConfig(serve(t, sends(200, record)).URL, sallyport.Request{URL: "/"})
		if records, _, err := pull(t.Context(), mustOpen(t, c), ""); err != nil || !cmp.Equal(records, []string{record}) {
			t.Errorf("%s: %v, %v", record, records, err)
		}
	}
}

func TestOpenRefusesARuleThatIsNoExpression(t *testing.T) {
	c := testConfig("", sallyport.Request{URL: "/"})
	c.Definition.Errors = []connector.ErrorRule{{}, {Match: "("}}
	if _, err := Open(c); err == nil || !strings.HasPrefix(err.Error(), "errors[1].match: is not a regular expression") {
		t.Errorf("got %v", err)
	}
}

func TestBrokenAnswers(t *testing.T) {
	const page = `{"results":[{"a":1},{"a":2}]}`
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	fmt.Fprintf(z, `{"results":["%s"]}`, strings.Repeat("x", 1<<20)) // a buffer takes everything
	z.Close()                                                        // likewise
	html := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html><p>"+testKey) // the client would notice
	}
	for _, test := range []struct {
		name    string
		path    string // $.results[*] if absent
		limits  Limits
		handler http.HandlerFunc
		class   connector.Class
		want    string
	}{
		{name: "HTML", handler: html, class: connector.ClassPermanent, want: "gave a broken answer: it is an HTML or XML page, not JSON"},
		{name: "HTML, not streamed", path: "$.results[?@.a]", handler: html, class: connector.ClassPermanent, want: "it is an HTML or XML page, not JSON"},
		{name: "empty", handler: sends(200, ""), class: connector.ClassPermanent, want: "it is empty"},
		{name: "bad JSON", handler: sends(200, `{"results":[{"a":1},{]}`), class: connector.ClassPermanent, want: "it is not valid JSON after byte 19"},
		{name: "bad JSON at once", handler: sends(200, `{]`), class: connector.ClassPermanent, want: "it is not valid JSON after byte 1"},
		{name: "two answers", handler: sends(200, page+page), class: connector.ClassPermanent, want: "something follows its JSON value"},
		{name: "cut off inside", handler: sends(200, page[:20]), class: connector.ClassTransient, want: "it breaks off before its end"},
		{name: "connection cut", handler: cuts(page[:20]), class: connector.ClassTransient, want: "it breaks off before its end"},
		{name: "connection cut, not streamed", path: "$.results[?@.a]", handler: cuts(page[:20]), class: connector.ClassTransient, want: "it breaks off"},
		{name: "nothing there", handler: sends(200, `{"rows":[]}`), class: connector.ClassPermanent, want: "it has nothing at $.results[*]"},
		{name: "a large answer", limits: Limits{Body: 25}, handler: sends(200, page), class: connector.ClassPermanent, want: "it is larger than 25 B"},
		{name: "a large answer, unzipped", limits: Limits{Body: 1 << 19}, class: connector.ClassPermanent, want: "it is larger than 512 KiB",
			handler: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.Write(zipped.Bytes()) // the client would notice
			}},
		{name: "a large record", limits: Limits{Record: 100_000}, class: connector.ClassPermanent, want: "it has a record larger than 98 KiB",
			handler: sends(200, `{"results":["`+strings.Repeat("x", 1<<20)+`"]}`)},
		{name: "large white space", limits: Limits{Record: 100_000}, class: connector.ClassPermanent, want: "it has a record larger than 98 KiB",
			handler: sends(200, `{"results":[`+strings.Repeat(" ", 1<<20)+`]}`)},
		{name: "a large answer, not streamed", path: "$.results[?@.a]", limits: Limits{Body: 100}, class: connector.ClassPermanent, want: "it is larger than 100 B",
			handler: sends(200, strings.Repeat(" ", 2000)+page)},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.path == "" {
				test.path = "$.results[*]"
			}
			c := testConfig(serve(t, test.handler).URL, sallyport.Request{URL: "/", Records: test.path})
			c.Limits = test.limits
			f := failureOf(t, c)
			if f.Class != test.class || !strings.Contains(f.Error(), test.want) || strings.Contains(f.Error(), testKey) {
				t.Errorf("class %s: %v", f.Class, f)
			}
		})
	}
}

// cuts sends part of an answer and then closes the connection.
func cuts(part string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000000")
		io.WriteString(w, part)               // it breaks off anyway
		http.NewResponseController(w).Flush() // likewise
		panic(http.ErrAbortHandler)
	}
}

func TestLargeSkippedValuesAreNoRecords(t *testing.T) {
	body := `{"x":{"y":[` + strings.Repeat(`"0123456789",`, 50_000) + `0]},"results":[1]}`
	c := testConfig(serve(t, sends(200, body)).URL, sallyport.Request{URL: "/", Records: "$.results[*]"})
	c.Limits.Record = 10_000
	if records, _, err := pull(t.Context(), mustOpen(t, c), ""); err != nil || !cmp.Equal(records, []string{`{"value":1}`}) {
		t.Errorf("%v, %v", records, err)
	}
}

func TestAListThatIsTakenForARecord(t *testing.T) {
	c := testConfig(serve(t, sends(200, `{"results":[1]}`)).URL, sallyport.Request{URL: "/", Records: "$.results"})
	_, _, err := pull(t.Context(), mustOpen(t, c), "")
	if err == nil || err.Error() != "records: the value at $.results is an array: write $.results[*]" || sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("got %v", err)
	}
}

func TestRecordsAreOneLineOfUTF8(t *testing.T) {
	body := "{\n \"results\": [\r\n  {\r\n    \"a\": [ 1,\n 2 ], \"b\": \"x\\ny \"\n  },\n  \"é ok\", { \"c\" : 1 }, {\r\"d\":1}\n ]\n}\n"
	c := testConfig(serve(t, sends(200, body)).URL, sallyport.Request{URL: "/", Records: "$.results[*]"})
	records, _, err := pull(t.Context(), mustOpen(t, c), "")
	if diff := cmp.Diff([]string{`{"a":[1,2],"b":"x\ny "}`, `"é ok"`, `{ "c" : 1 }`, `{"d":1}`}, records); err != nil || diff != "" {
		t.Errorf("%v -want +got:\n%s", err, diff)
	}
}

func TestRedirectsAreKeyless(t *testing.T) {
	s := mustOpen(t, testConfig("https://api.example.com", sallyport.Request{URL: "/a"}))
	target, err := newReading(s, "").redirected(s.first, "b?x=1&key="+testKey+"#top")
	if err != nil || target.String() != "https://api.example.com/b?x=1" {
		t.Errorf("%s, %v", target, err)
	}
}

func TestRedirects(t *testing.T) {
	for _, test := range []struct {
		name, method, location string
		want                   string // of the failure; empty: it is followed
	}{
		{"same place", "GET", "/b?x=1", ""},
		{"same place with the key", "GET", "/b?key=" + testKey, ""},
		{"loop", "GET", "/a", "it redirects too often"},
		{"elsewhere", "GET", "https://evil.example/b?key=" + testKey, "its redirect leads to https://evil.example, where the key must not go"},
		{"elsewhere, named like the key", "GET", "https://" + testKey + ".example/", "its redirect leads to https://[redacted].example, where"},
		{"another scheme", "GET", "gopher://evil.example/", "its redirect leads to an address that is neither http nor https, where the key must not go"},
		{"POST", "POST", "/b", "it redirects a POST, which is not followed"},
		{"nonsense", "GET", "http://[::1", "its redirect is not a URL"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if paths = append(paths, r.URL.String()); r.URL.Path == "/b" {
					sends(200, `{"referer":"`+r.Referer()+`"}`)(w, r)
					return
				}
				w.Header().Set("Location", test.location)
				w.WriteHeader(http.StatusFound)
			})
			c := testConfig(server.URL, sallyport.Request{Method: test.method, URL: "/a"})
			if test.want != "" {
				f := failureOf(t, c)
				if f.Class != connector.ClassPermanent || !strings.Contains(f.Error(), test.want) || strings.Contains(f.Error(), testKey) {
					t.Errorf("class %s: %v", f.Class, f)
				}
				return
			}
			records, _, err := pull(t.Context(), mustOpen(t, c), "")
			if err != nil || !cmp.Equal(records, []string{`{"referer":""}`}) || len(paths) != 2 || strings.Count(paths[1], testKey) != 1 {
				t.Errorf("asked for %v: %v, %v", paths, records, err)
			}
		})
	}
}
