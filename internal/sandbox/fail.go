package sandbox

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// elsewhere is a host that no name server knows.
const elsewhere = "https://elsewhere.invalid"

const htmlType = "text/html; charset=UTF-8"

// heldBack is how much of an answer is gathered to find its middle. The middle of a longer one is taken to be within it.
const heldBack = 4 << 10

// faulty lets requests fail that a fault is meant for.
func (s *Sandbox) faulty(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := s.faults.take(r)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if f.Kind != "stall" {
			pause(r.Context(), f.Delay)
		}
		for _, k := range faultKinds() {
			if k.name == f.Kind {
				k.run(s, w, r, f, next)
			}
		}
	})
}

// pause waits, unless nobody waits for the answer any more.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Sandbox) failError(w http.ResponseWriter, r *http.Request, f Fault, _ http.Handler) {
	if f.Status >= http.StatusBadGateway {
		proxyPage(w, f.Status)
		return
	}
	setHeaders(w.Header())
	out := s.encoder(w)
	defer s.release(out)
	if f.Status == http.StatusTooManyRequests && !f.Bare {
		s.nothingLeft(w.Header(), f.Window)
	}
	writeError(w, r, out, &refusal{status: f.Status, sentence: orElse(f.Sentence, s.usualSentence(f))})
	out.flush()
}

// usualSentence is what the API says with a status.
func (s *Sandbox) usualSentence(f Fault) string {
	switch f.Status {
	case http.StatusUnauthorized:
		return "Invalid API key."
	case http.StatusForbidden:
		return "Your plan does not include this request."
	case http.StatusNotFound:
		return "Indicator not found."
	case http.StatusTooManyRequests:
		return rateSentence(s.plan.most(f.Window), f.Window)
	case http.StatusOK:
		return "Something went wrong."
	}
	return http.StatusText(f.Status) + "."
}

// nothingLeft says that a window is used up, and what remains in the others.
func (s *Sandbox) nothingLeft(h http.Header, period string) {
	for _, w := range s.account.look(s.now()) {
		h.Set(remainingHeader(w.period), strconv.Itoa(max(w.left(), 0)))
	}
	h.Set(remainingHeader(period), "0")
}

func proxyPage(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", htmlType)
	w.Header().Set("Server", "nginx")
	w.WriteHeader(status)
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	tell(w, "<html>\r\n<head><title>"+title+"</title></head>\r\n<body>\r\n<center><h1>"+title+
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
}

func (*Sandbox) failHTML(w http.ResponseWriter, _ *http.Request, f Fault, _ http.Handler) {
	setHeaders(w.Header())
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(orElseStatus(f.Status, http.StatusOK))
	tell(w, "<!doctype html>\n<title>Just a moment…</title>\n<p>Checking your browser before you go on.</p>\n<script>alert(1)</script>\n")
}

func (*Sandbox) failNotJSON(w http.ResponseWriter, _ *http.Request, f Fault, _ http.Handler) {
	setHeaders(w.Header())
	w.WriteHeader(orElseStatus(f.Status, http.StatusOK))
	tell(w, "<br />\n<b>Warning</b>:  mysqli_connect(): Too many connections in <b>/var/www/api.php</b><br />\n{\"results\":")
}

func (*Sandbox) failEmpty(w http.ResponseWriter, _ *http.Request, f Fault, _ http.Handler) {
	setHeaders(w.Header())
	w.WriteHeader(orElseStatus(f.Status, http.StatusOK))
}

// failRedirect leads away with the path but without the query, which may hold the key.
func (*Sandbox) failRedirect(w http.ResponseWriter, r *http.Request, f Fault, _ http.Handler) {
	setHeaders(w.Header())
	w.Header().Set("Location", orElse(f.Location, elsewhere+r.URL.EscapedPath()))
	w.WriteHeader(orElseStatus(f.Status, http.StatusFound))
}

func (*Sandbox) failDrop(http.ResponseWriter, *http.Request, Fault, http.Handler) {
	panic(http.ErrAbortHandler) // how a handler ends its connection
}

func (*Sandbox) failSlow(w http.ResponseWriter, r *http.Request, _ Fault, next http.Handler) {
	next.ServeHTTP(w, r)
}

func (*Sandbox) failStall(w http.ResponseWriter, r *http.Request, f Fault, next http.Handler) {
	m := &middle{ResponseWriter: w, then: func() bool { pause(r.Context(), f.Delay); return true }}
	next.ServeHTTP(m, r)
	m.end()
}

func (*Sandbox) failCut(w http.ResponseWriter, r *http.Request, _ Fault, next http.Handler) {
	m := &middle{ResponseWriter: w, then: func() bool { panic(http.ErrAbortHandler) }}
	next.ServeHTTP(m, r)
	m.end()
}

func (*Sandbox) failHalf(w http.ResponseWriter, r *http.Request, _ Fault, next http.Handler) {
	m := &middle{ResponseWriter: w, then: func() bool { return false }}
	next.ServeHTTP(m, r)
	m.end()
}

func (*Sandbox) failHeaders(w http.ResponseWriter, r *http.Request, _ Fault, next http.Handler) {
	next.ServeHTTP(&misheader{ResponseWriter: w}, r)
}

// middle writes half of an answer, calls then, and writes the other half if then is true.
type middle struct {
	http.ResponseWriter
	held     []byte
	past, on bool
	then     func() bool
}

func (m *middle) Write(b []byte) (int, error) {
	if m.past {
		if !m.on {
			return len(b), nil
		}
		return m.ResponseWriter.Write(b)
	}
	m.held = append(m.held, b...)
	if len(m.held) > heldBack {
		m.end()
	}
	return len(b), nil
}

// end is called in the middle, or when nothing more comes.
func (m *middle) end() {
	if m.past {
		return
	}
	m.past = true
	half := min(len(m.held), heldBack) / 2
	m.ResponseWriter.Write(m.held[:half])                // whoever asked is gone
	http.NewResponseController(m.ResponseWriter).Flush() // there are writers that cannot
	if m.on = m.then(); m.on {
		m.ResponseWriter.Write(m.held[half:]) // whoever asked is gone
	}
}

// misheader spoils the headers before they are written.
type misheader struct {
	http.ResponseWriter
	done bool
}

func (m *misheader) WriteHeader(status int) {
	if !m.done {
		m.done = true
		m.Header().Set("Content-Type", htmlType)
		m.Header().Set(remainingHeader("second"), "-1")
		m.Header().Set(remainingHeader("day"), "many")
		m.Header().Set(remainingHeader("month"), "9999999999999999999999")
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *misheader) Write(b []byte) (int, error) {
	if !m.done {
		m.WriteHeader(http.StatusOK)
	}
	return m.ResponseWriter.Write(b)
}

// tell writes text to whoever asked, if they are still there.
func tell(w http.ResponseWriter, text string) { w.Write([]byte(text)) }

func orElseStatus(status, absent int) int {
	if status == 0 {
		return absent
	}
	return status
}
