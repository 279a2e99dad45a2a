package sandbox

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	csvType        = "text/csv; charset=UTF-8"
	exportCached   = time.Hour
	exportInterval = 8 * time.Hour
)

// exporting is what the CSV export needs.
var exporting = admission{scopes: []string{scopeRead}, keyed: true}

// column is one of the CSV export: append appends the plain text of its cell.
type column struct {
	name   string
	append func(b []byte, i indicator) []byte
}

var columns = []column{
	{"id", func(b []byte, i indicator) []byte { return strconv.AppendInt(b, int64(i.iid()), 10) }},
	{"indicator", func(b []byte, i indicator) []byte { return i.appendValue(b) }},
	{"type", func(b []byte, i indicator) []byte { return append(b, i.kind()...) }},
	{"risk", appendRisk},
	{"threats", appendThreats},
	{"feeds", appendFeeds},
	{"usersubmissions", func(b []byte, i indicator) []byte { return strconv.AppendInt(b, int64(i.submissions()), 10) }},
	{"riskfactors", appendRiskFactors},
	{"reference", func(b []byte, i indicator) []byte {
		return strconv.AppendInt(append(b, "https://pulsedive.com/indicator/?iid="...), int64(i.iid()), 10)
	}},
	{"stamp_added", func(b []byte, i indicator) []byte { return appendStamp(b, i.added()) }},
	{"stamp_updated", func(b []byte, i indicator) []byte { return appendStamp(b, i.updated()) }},
	{"stamp_seen", func(b []byte, i indicator) []byte { return appendStamp(b, i.seen()) }},
}

// defaultColumns are the first so many, up to reference.
const defaultColumns = 9

func appendRisk(b []byte, i indicator) []byte {
	b = append(b, risks[i.risk()]...)
	if i.retired() {
		b = append(append(b, ':'), retired...)
	}
	return b
}

func appendThreats(b []byte, i indicator) []byte {
	for _, t := range i.w.threats {
		if t.contains(i.n) {
			b = appendListed(b, t.name)
		}
	}
	return bytes.TrimSuffix(b, []byte(","))
}

func appendFeeds(b []byte, i indicator) []byte {
	for _, f := range i.w.feeds {
		if f.contains(i.n) {
			b = appendListed(b, f.name)
		}
	}
	return bytes.TrimSuffix(b, []byte(","))
}

func appendRiskFactors(b []byte, i indicator) []byte {
	for k := range i.riskFactorCount() {
		b = appendListed(b, i.riskFactor(k).description)
	}
	return bytes.TrimSuffix(b, []byte(","))
}

func appendListed(b []byte, value string) []byte { return append(append(b, value...), ',') }

func appendStamp(b []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(b, time.DateTime)
}

// exportQuery is what of the data is exported, and how.
type exportQuery struct {
	columns []column
	header  bool
	kinds   []string
	risks   [len(risks)]bool
	retired bool
	since   int64 // when they were seen last
}

func (q exportQuery) wants(i indicator) bool {
	return q.risks[i.risk()] && (q.retired || !i.retired()) && i.seen() >= q.since && slices.Contains(q.kinds, i.kind())
}

// exports remembers the data of the last export, and when it was. It may be used concurrently.
type exports struct {
	mu    sync.Mutex
	world *world
	made  time.Time
	last  time.Time
}

// take returns the data to export: for an hour the same, unless it must be fresh. With an oddity it is refused too soon after the last one.
func (x *exports) take(now time.Time, current *world, odd oddity) (*world, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if odd.has(tooManyExports) && !x.last.IsZero() && now.Sub(x.last) < exportInterval {
		return nil, refuse(http.StatusTooManyRequests, "Export limit exceeded: 1 export per 8 hours.")
	}
	x.last = now
	if x.world == nil || odd.has(freshExport) || now.Sub(x.made) >= exportCached {
		x.world, x.made = current, now
	}
	return x.world, nil
}

// exportCSV writes all indicators as CSV, however many they are.
func (s *Sandbox) exportCSV(c *call) error {
	if !c.plan.csv {
		return refuse(http.StatusForbidden, "Your plan does not include CSV exports.")
	}
	query, err := c.exportQuery(s.now())
	if err != nil {
		return err
	}
	w, err := s.exports.take(s.now(), c.world, c.out.odd)
	if err != nil {
		return err
	}
	return c.table(w, query.columns, query.header, query.wants)
}

// table writes indicators as CSV, and gives up when nobody waits for them any more.
func (c *call) table(w *world, columns []column, header bool, wants func(indicator) bool) error {
	c.header.Set("Content-Type", csvType)
	c.header.Set("Content-Disposition", `attachment; filename="pulsedive.csv"`)
	e := c.out
	if pretty, ok := e.w.(*indenter); ok {
		e.w = pretty.w
	}
	if header {
		for k, col := range columns {
			e.cell(k, append(e.scratch[:0], col.name...))
		}
		e.b = append(e.b, '\n')
	}
	for n := range w.size {
		if n%4096 == 0 && c.Err() != nil {
			return c.Err()
		}
		i := w.indicator(n)
		if !w.has(n) || !wants(i) {
			continue
		}
		for k, col := range columns {
			e.cell(k, col.append(e.scratch[:0], i))
		}
		e.b = append(e.b, '\n')
		if len(e.b) > chunk {
			e.flush()
		}
	}
	return nil
}

// quotes marks the bytes for which PHP puts a cell in quotes.
var quotes = [256]bool{'"': true, ',': true, ' ': true, '\t': true, '\r': true, '\n': true}

// cell writes the k-th cell of a row, quoted as PHP does.
func (e *encoder) cell(k int, text []byte) {
	e.scratch = text
	if k > 0 {
		e.b = append(e.b, ',')
	}
	if !slices.ContainsFunc(text, func(c byte) bool { return quotes[c] }) {
		e.b = append(e.b, text...)
		return
	}
	e.b = append(e.b, '"')
	for _, c := range text {
		if c == '"' {
			e.b = append(e.b, '"')
		}
		e.b = append(e.b, c)
	}
	e.b = append(e.b, '"')
}

// exportQuery reads the parameters. What is not known of the risks and types is ignored.
func (c *call) exportQuery(now time.Time) (q exportQuery, err error) {
	q.header = c.form.Get("header") != "false" && c.form.Get("header") != "0"
	q.retired = c.form.Get("retired") == "true" || c.set("retired")
	q.kinds = c.listed("types", []string{kindIP, kindIPv6, kindDomain, kindURL})
	for _, name := range c.listed("risk", risks[:riskRetired]) {
		if k := slices.Index(risks[:], name); k >= 0 {
			q.risks[k] = true
		}
	}
	days := map[string]int{"day": 1, "week": 7, "month": 30}[orElse(c.form.Get("period"), c.form.Get("seen"))]
	if days > 0 {
		q.since = now.Unix() - int64(days)*day
	}
	q.columns, err = c.columns()
	return q, err
}

func (c *call) columns() ([]column, error) {
	var chosen []column
	for _, name := range c.listed("fields", nil) {
		k := slices.IndexFunc(columns, func(col column) bool { return col.name == name })
		if k < 0 {
			return nil, refuse(http.StatusBadRequest, "Invalid field: %s.", name)
		}
		chosen = append(chosen, columns[k])
	}
	if len(chosen) == 0 {
		chosen = columns[:defaultColumns]
	}
	if c.out.odd.has(missingColumn) {
		chosen = chosen[:len(chosen)-1]
	}
	return chosen, nil
}

// listed returns a parameter that is a list with commas, or what stands for an absent one.
func (c *call) listed(name string, absent []string) []string {
	if c.form.Get(name) == "" {
		return absent
	}
	return strings.Split(c.form.Get(name), ",")
}
