package sandbox_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

// post submits a form with the key in the body.
func (b *bench) post(path string, form ...string) *httptest.ResponseRecorder {
	values := url.Values{"key": {b.key}}
	for i := 0; i < len(form); i += 2 {
		values.Set(form[i], form[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

// progress is what a poll answers.
type progress struct {
	QID                           int
	Status, Stage, Error, Success string
	Data                          struct {
		QID       int
		IID       *int
		Indicator string
		Seen      string `json:"stamp_seen"`
	}
}

func (b *bench) scan(t *testing.T, form ...string) (qid string) {
	t.Helper()
	w := b.post("/api/analyze.php", form...)
	p := decode[progress](t, w.Body.Bytes())
	if w.Code != http.StatusOK || p.Success != "Added request to queue." || p.QID == 0 {
		t.Fatalf("%q: %d %s", form, w.Code, w.Body)
	}
	return strconv.Itoa(p.QID)
}

func (b *bench) poll(t *testing.T, qid string) progress {
	t.Helper()
	return decode[progress](t, b.get(t, "/api/analyze.php", "qid", qid))
}

func TestScanGoesThroughItsStages(t *testing.T) {
	b := start(t, sandbox.Options{})
	qid := b.scan(t, "value", "pulsedive.com", "probe", "0")
	var got []string
	for range 3 {
		p := b.poll(t, qid)
		got = append(got, p.Status+": "+p.Stage+": "+p.Error)
		if strconv.Itoa(p.QID) != qid {
			t.Errorf("qid %d", p.QID)
		}
	}
	const going = "Request(s) still processing."
	want := []string{"processing: waiting in queue: " + going, "processing: sending request: " + going, "done: : "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	again := b.poll(t, qid).Data
	if again.Indicator != "pulsedive.com" || again.IID == nil || *again.IID != 53929 || strconv.Itoa(again.QID) != qid {
		t.Errorf("%+v", again)
	}
}

func TestScanTakesItsTime(t *testing.T) {
	now := noon
	b := start(t, sandbox.Options{ScanPolls: -1, ScanTime: time.Minute, Now: func() time.Time { return now }})
	qid := b.scan(t, "value", "pulsedive.com")
	for wait, want := range map[time.Duration]string{0: "processing", 59 * time.Second: "processing", time.Minute: "done"} {
		now = noon.Add(wait)
		if p := b.poll(t, qid); p.Status != want {
			t.Errorf("after %s: %s", wait, p.Status)
		}
	}
	endless := start(t, sandbox.Options{ScanPolls: -1, Oddities: []string{"endless-scan"}})
	qid = endless.scan(t, "value", "pulsedive.com")
	for range 50 {
		if p := endless.poll(t, qid); p.Status != "processing" {
			t.Fatalf("an endless scan is %s", p.Status)
		}
	}
}

func TestOnlySubmittingIsCounted(t *testing.T) {
	b := start(t, sandbox.Options{Plan: "free", Now: func() time.Time { return noon }})
	qid := b.scan(t, "value", "pulsedive.com")
	for range 20 {
		if w := b.ask("/api/analyze.php", "qid", qid); w.Code != http.StatusOK || remaining(w) != "0 9 249" {
			t.Fatalf("a poll: %d, left %s", w.Code, remaining(w))
		}
	}
	if w := b.post("/api/analyze.php", "value", "pulsedive.com"); w.Code != http.StatusTooManyRequests {
		t.Errorf("the second submission in a second: %d", w.Code)
	}
}

func TestTheSameAgainIsAnotherScan(t *testing.T) {
	b := start(t, sandbox.Options{})
	first, second := b.scan(t, "value", "pulsedive.com"), b.scan(t, "ioc", base64.StdEncoding.EncodeToString([]byte("pulsedive.com")))
	if first == second {
		t.Errorf("both have the qid %s", first)
	}
	journal := b.Journal()
	if len(journal) != 2 || journal[0].Form != "value=pulsedive.com" || journal[1].Form != "ioc=cHVsc2VkaXZlLmNvbQ%3D%3D" {
		t.Errorf("journal %+v", journal)
	}
}

func TestScanNeedsItsScope(t *testing.T) {
	b := start(t, sandbox.Options{})
	visitor := open(t, b)
	qid := b.scan(t, "value", "pulsedive.com")
	for scope, want := range map[string][2]int{"read": {401, 200}, "scan": {200, 200}, "": {401, 200}} {
		if b.key = ""; scope != "" {
			b.key = visitor.createKey("a key", scope)
		}
		got := [2]int{b.post("/api/analyze.php", "value", "pulsedive.com").Code, b.ask("/api/analyze.php", "qid", qid).Code}
		if got != want {
			t.Errorf("scope %q: %v, want %v", scope, got, want)
		}
	}
}

func TestWhatCannotBeScannedIsRefused(t *testing.T) {
	b := start(t, sandbox.Options{})
	const private, hash, invalid = "Private IP addresses are not supported.", "Hashes are not supported.", "Invalid indicator."
	for value, want := range map[string]string{
		"10.0.0.1": private, "127.0.0.1": private, "169.254.1.1": private, "100.64.1.1": private, "0.0.0.0": private, "::1": private,
		"fe80::1": private, "fd00::1": private, "http://192.168.1.1/x": private, "::ffff:10.0.0.1": private,
		strings.Repeat("a1", 16): hash, strings.Repeat("a1", 20): hash, strings.Repeat("a1", 32): hash,
		"hello": invalid, "hxxp://example.com/": invalid, "example[.]com": invalid, "ftp://example.com/": invalid, "-": invalid, "1.2.3": invalid,
	} {
		w := b.post("/api/analyze.php", "value", value)
		if w.Code != http.StatusBadRequest || w.Body.String() != `{"error":"`+want+`"}` {
			t.Errorf("%s: %d %s", value, w.Code, w.Body)
		}
	}
	for body, want := range map[*httptest.ResponseRecorder]string{
		b.post("/api/analyze.php"):                    "Missing required parameter: value.",
		b.post("/api/analyze.php", "ioc", "***"):      "Invalid parameter: ioc must be base64.",
		b.ask("/api/analyze.php"):                     "Missing required parameter: qid.",
		b.ask("/api/analyze.php", "qid", "something"): "Invalid parameter: qid must be a number.",
	} {
		if body.Code != http.StatusBadRequest || body.Body.String() != `{"error":"`+want+`"}` {
			t.Errorf("%d %s, want %s", body.Code, body.Body, want)
		}
	}
	for _, value := range []string{"192.0.2.7", "2001:db8::7", "Sub.Example.COM", "https://example.com/?a=1&b=%2F#x"} {
		b.scan(t, "value", value)
	}
}

func TestUnknownScanIsNotFound(t *testing.T) {
	b := start(t, sandbox.Options{})
	w := b.ask("/api/analyze.php", "qid", "7")
	if w.Code != http.StatusNotFound || w.Body.String() != `{"qid":7,"status":"not found","error":"Request not found."}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSubmittedIndicatorsAreKeptIfAsked(t *testing.T) {
	now := noon
	b := start(t, sandbox.Options{ScanPolls: -1, Now: func() time.Time { return now }})
	for submit, want := range map[string]int{"0": http.StatusNotFound, "1": http.StatusOK} {
		value := "new-" + submit + ".example.com"
		scanned := b.poll(t, b.scan(t, "value", strings.ToUpper(value), "submit", submit)).Data
		if scanned.Indicator != value || scanned.Seen != "2030-06-15 12:00:00" || (scanned.IID == nil) != (submit == "0") {
			t.Errorf("submit=%s: scanned as %+v", submit, scanned)
		}
		w := b.ask("/api/indicator.php", "indicator", value)
		if w.Code != want {
			t.Errorf("submit=%s: look-up says %d", submit, w.Code)
		}
		if submit == "1" {
			byID := b.get(t, "/api/indicator.php", "iid", strconv.Itoa(*scanned.IID))
			if diff := cmp.Diff(w.Body.String(), string(byID)); diff != "" {
				t.Errorf("by id: %s", diff)
			}
		}
	}
}

// A scan refreshes what is known, without being asked to keep anything.
func TestScanRefreshes(t *testing.T) {
	b := start(t, sandbox.Options{ScanPolls: -1, Now: func() time.Time { return noon }})
	const fresh = `"stamp_probed":"2030-06-15 12:00:00"`
	if before := string(b.get(t, "/api/indicator.php", "indicator", "pulsedive.com")); strings.Contains(before, fresh) {
		t.Fatal("it is fresh before")
	}
	b.poll(t, b.scan(t, "value", "pulsedive.com"))
	if after := string(b.get(t, "/api/indicator.php", "indicator", "pulsedive.com")); !strings.Contains(after, fresh) {
		t.Errorf("not refreshed: %s", after)
	}
}
