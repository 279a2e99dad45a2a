package sandbox

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const (
	firstQID = 774_460_693
	maxScans = 100_000
)

// scanStages are what a scan says that it is doing, one after another.
var scanStages = [...]string{"waiting in queue", "sending request", "processing response"}

// scan is one that was submitted. Its facts are computed when it is done.
type scan struct {
	qid                   int
	value, kind           string
	probe, enrich, submit bool
	at                    time.Time
	asked                 int // how often
}

// scans are those that were submitted, the oldest forgotten. They may be used concurrently.
type scans struct {
	polls int           // how often a scan that is asked for is not done yet
	time  time.Duration // how long it takes at least

	mu    sync.Mutex
	next  int // how many there were
	known map[int]*scan
	last  map[string]time.Time // by value, when it was scanned last
}

func (q *scans) add(s scan) (qid int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.known == nil {
		q.known, q.last = map[int]*scan{}, map[string]time.Time{}
	}
	if old := q.known[firstQID+q.next-maxScans]; old != nil {
		delete(q.known, old.qid)
		delete(q.last, old.value)
	}
	s.qid = firstQID + q.next
	q.next++
	q.known[s.qid] = &s
	return s.qid
}

// ask returns a scan and whether it is done. Asking counts.
func (q *scans) ask(qid int, now time.Time) (s scan, done, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	known := q.known[qid]
	if known == nil {
		return s, false, false
	}
	known.asked++
	done = known.asked > q.polls && now.Sub(known.at) >= q.time
	if done {
		q.last[known.value] = known.at
	}
	return *known, done, true
}

// scanned returns when a value was scanned last, or 0.
func (q *scans) scanned(value string) int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	if at, ok := q.last[value]; ok {
		return at.Unix()
	}
	return 0
}

// submitScan queues a scan. The same value again is another scan.
func (s *Sandbox) submitScan(c *call) error {
	value := c.form.Get("value")
	if ioc := c.form.Get("ioc"); value == "" && ioc != "" {
		var err error
		if value, err = decodeIOC(ioc); err != nil {
			return err
		}
	}
	if value == "" {
		return missing("value")
	}
	spelled, kind, err := classify(value)
	if err != nil {
		return err
	}
	qid := s.scans.add(scan{
		value: spelled, kind: kind, probe: c.set("probe"), enrich: c.set("enrich"), submit: c.set("submit"), at: s.now(),
	})
	c.out.begin('{')
	if c.out.odd.has(shapes2019) {
		c.out.stringField("success", "Added  to queue.")
	} else {
		c.out.stringField("success", "Added request to queue.")
	}
	c.out.intField("qid", qid)
	c.out.end('}')
	return nil
}

// pollScan answers with how far a scan is, or with what it found. The sentence under error says nothing bad while it is processed.
func (s *Sandbox) pollScan(c *call) error {
	if c.form.Get("qid") == "" {
		return missing("qid")
	}
	qid, err := c.number("qid", 0)
	if err != nil {
		return err
	}
	found, done, ok := s.scans.ask(qid, s.now())
	switch {
	case !ok:
		return &refusal{status: http.StatusNotFound, sentence: "Request not found.", qid: qid}
	case !done || s.is(endlessScan):
		c.out.processing(found)
		return nil
	}
	if found.submit {
		s.keep(c.world, found)
	}
	s.writeScan(c, found)
	return nil
}

// processing writes how far a scan is. Before there were stages, a note said that the status was new.
func (e *encoder) processing(s scan) {
	e.begin('{')
	if e.odd.has(shapes2019) {
		e.stringField("qid", strconv.Itoa(s.qid))
		e.stringField("status", "processing")
		e.stringField("note", "status field is in beta: processing | not found | done")
	} else {
		e.intField("qid", s.qid)
		e.stringField("status", "processing")
		e.stringField("stage", scanStages[min(s.asked, len(scanStages))-1])
	}
	e.stringField("error", "Request(s) still processing.")
	e.end('}')
}

// keep makes an indicator known that was not yet.
func (s *Sandbox) keep(w *world, found scan) {
	if _, known := w.byValue(found.value); !known {
		w.kept.keep(found.value, found.kind)
	}
}

// writeScan writes what a scan found, in the form of 2023 or of 2019.
func (s *Sandbox) writeScan(c *call, found scan) {
	i, known := c.world.byValue(found.value)
	if !known {
		i = c.world.outside(&outsider{value: found.value, kind: found.kind})
	}
	e := c.out
	e.begin('{')
	if e.odd.has(shapes2019) {
		e.stringField("success", "Processed "+found.kind+": "+found.value)
	} else {
		e.stringField("success", "Submitted indicator.")
	}
	e.key("data")
	e.detail(i, detailForm{scan: &found, scanned: found.at.Unix()})
	if e.odd.has(shapes2019) {
		e.stringField("qid", strconv.Itoa(found.qid))
	} else {
		e.intField("qid", found.qid)
		e.stringField("status", "done")
	}
	e.end('}')
}

// scanFields writes what only a scan says about an indicator.
func (e *encoder) scanFields(i indicator, found *scan) {
	e.key("links")
	e.linkGroups(i, e.odd.has(shapes2019))
	if !e.odd.has(shapes2019) {
		return
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(found.value))
	e.stringField("priority", "1")
	e.key("request")
	e.begin('{')
	e.stringField("priority", "1")
	e.rawField("store", "null")
	e.stringField("enrich", digit(found.enrich))
	e.intField("qid", found.qid)
	e.stringField("indicator", encoded)
	e.stringField("probe", digit(found.probe))
	e.end('}')
	if found.enrich {
		e.virusTotal(i)
	}
	e.stringField("uid", "328")
	e.key("summary")
	e.propertyMap(i.properties())
	e.stringField("qid", strconv.Itoa(found.qid))
	e.stringField("ioc_base64", encoded)
	e.intField("quad9", 0)
}

// virusTotal writes what another service knows, whose indicators have no id.
func (e *encoder) virusTotal(i indicator) {
	e.key("virustotal")
	e.begin('{')
	e.stringField("report", "https://vt.example.org/en/"+i.kind()+"/information/")
	e.key("resolutions")
	e.begin('[')
	for _, to := range i.addresses() {
		e.unknownRow(to, true)
	}
	e.end(']')
	e.key("relateddomains")
	e.begin('[')
	for _, to := range i.near(kindDomain, i.n+2, i.block()+10) {
		e.unknownRow(to, false)
	}
	e.end(']')
	e.end('}')
}

// unknownRow writes an indicator as one that Pulsedive does not keep.
func (e *encoder) unknownRow(i indicator, seen bool) {
	value := i.value()
	e.begin('{')
	e.stringField("base64", base64.StdEncoding.EncodeToString([]byte(value)))
	e.stringField("indicator", value)
	e.stringField("type", i.kind())
	if seen {
		e.stampField("stamp_seen", i.seen())
	}
	e.end('}')
}

func digit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}
