package sallyport

import (
	"strings"
	"time"
)

// FlowState says whether a flow's source is pulled when it is due.
type FlowState string

// The states of a flow.
const (
	FlowActive FlowState = "active"
	FlowPaused FlowState = "paused"
)

// Flow is a source, its dataset and its destinations: the unit that a person activates, pauses and copies.
type Flow struct {
	ID           ID            `json:"id"`
	Name         string        `json:"name"`
	Description  string        `json:"description"`
	State        FlowState     `json:"state"`
	Reason       string        `json:"reason,omitempty"` // why it is paused
	Source       Source        `json:"source"`
	Dataset      Dataset       `json:"dataset"`
	Destinations []Destination `json:"destinations"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
}

// Source is an endpoint of a connector, or a manual request, with its parameters, credential and schedule.
type Source struct {
	ID         ID             `json:"id"`
	FlowID     ID             `json:"-"`
	Connector  string         `json:"connector"`
	Credential ID             `json:"credential,omitempty"` // empty where the connector wants none
	Endpoint   string         `json:"endpoint,omitempty"`   // empty for a manual request
	Params     map[string]any `json:"params,omitempty"`     // strings, booleans and numbers (json.Number), or lists of them
	Request    *Request       `json:"request,omitempty"`
	Raw        bool           `json:"raw,omitempty"`      // each record also has the original, as _raw
	Schedule   *Schedule      `json:"schedule,omitempty"` // nil: only on demand
	Emit       string         `json:"emit,omitempty"`     // which records are kept: EmitChanges, EmitAll, or empty for the default
	// Confirm is how many complete pulls in a row must miss a record before it counts as vanished: 1 to 3, or 0 for the default.
	Confirm int `json:"confirm,omitzero"`
	// VanishLimit is the share of the known records that may vanish at once, such as 50%, before the pull is held; or off; or "" for the default.
	VanishLimit string    `json:"vanish_limit,omitempty"`
	NextRunAt   time.Time `json:"next_run_at,omitzero"` // when the schedule is due; zero without one
	Resume      string    `json:"-"`                    // the cursor at which the next run begins, if it goes on from run to run
	Fence       int64     `json:"-"`                    // the number of the execution that may commit
}

// PulledTo is the instant up to which everything was pulled, zero if that is not known.
func (s Source) PulledTo() time.Time {
	text, is := strings.CutPrefix(s.Resume, `{"upto":"`)
	text, _, _ = strings.Cut(text, `"`)
	t, err := time.Parse(time.RFC3339, text)
	if !is || err != nil || t.Unix() < 0 {
		return time.Time{}
	}
	return t
}

// Request is a call described by hand instead of by an endpoint of a definition.
type Request struct {
	Method  string            `json:"method,omitempty" yaml:"method"`         // GET (if absent) or POST
	URL     string            `json:"url" yaml:"url"`                         // a path, relative to the credential's address
	Query   map[string]Texts  `json:"query,omitempty" yaml:"query,omitempty"` // a list sends its name once for each value
	Headers map[string]string `json:"headers,omitempty" yaml:"headers,omitempty"`
	Body    Body              `json:"body,omitempty" yaml:"body,omitempty"`       // text, or a value that is sent as JSON
	Format  string            `json:"format,omitempty" yaml:"format,omitempty"`   // of the answer: json (if absent), jsonl, lines, csv or taxii
	Columns []string          `json:"columns,omitempty" yaml:"columns,omitempty"` // csv: those that must be there, or all of them if header is none; the {name} of a list stands for all its elements
	Records string            `json:"records,omitempty" yaml:"records"`           // RFC 9535 JSONPath to the records; csv has none
	Names   []string          `json:"names,omitempty" yaml:"names,omitempty"`     // fields of each record for what its wildcards met: the names of members of objects
	With    map[string]string `json:"with,omitempty" yaml:"with,omitempty"`       // fields that are put into each record; {name} stands for a parameter
	Paging  Paging            `json:"paging,omitzero" yaml:"paging"`
	Since   Since             `json:"since,omitzero" yaml:"since,omitempty"` // pulls only what was added since the last run
	Key     []string          `json:"key,omitempty" yaml:"key,omitempty"`    // the fields that together name a record; dots lead into nested objects, as in meta.id

	Encoding string `json:"encoding,omitempty" yaml:"encoding,omitempty"` // of the text of responses, if they name none or a wrong one, for example windows-1252

	Repeatable bool   `json:"repeatable,omitempty" yaml:"repeatable,omitempty"` // a POST that only reads: it is repeated like a GET
	Absent     string `json:"absent,omitempty" yaml:"absent,omitempty"`         // what a response without the list means: error (if absent) or empty
	Cookies    bool   `json:"cookies,omitempty" yaml:"cookies,omitempty"`       // they are kept during a run, for the same host
	Follow     string `json:"follow,omitempty" yaml:"follow,omitempty"`         // redirects to another host: without_key; absent: refused

	Separator string `json:"separator,omitempty" yaml:"separator,omitempty"` // csv: between cells; one character or tab, with blanks around it if they do not count
	Comment   string `json:"comment,omitempty" yaml:"comment,omitempty"`     // csv and lines: what lines begin with that are left out, or none
	Header    string `json:"header,omitempty" yaml:"header,omitempty"`       // csv: where the names of the columns are: row, comment (the last one before the rows) or none; json whose records are arrays: row
	Quote     string `json:"quote,omitempty" yaml:"quote,omitempty"`         // csv: the character around cells, or none

	Fail []FailRule `json:"fail,omitempty" yaml:"fail,omitempty"` // failures under HTTP 200: the first rule that fits says what the response means
}

// FailRule says that a response is a failure, although its HTTP status says the contrary.
type FailRule struct {
	Path    string `json:"path" yaml:"path"`                           // dotted path in the response, such as $.success
	Equals  Scalar `json:"equals,omitempty" yaml:"equals,omitempty"`   // the value that stands there then, as text: false, error, -1; absent: any value but null, false, 0 and what is empty
	Class   string `json:"class,omitempty" yaml:"class,omitempty"`     // empty, not_found, credential, plan, rate, transient or permanent (if absent)
	Message string `json:"message,omitempty" yaml:"message,omitempty"` // dotted path to what the system says, such as $.error.message; absent: the usual places
}

// FollowWithoutKey lets redirects lead to another host, without the key.
const FollowWithoutKey = "without_key"

// What a response without the list of records means.
const (
	AbsentError = "error"
	AbsentEmpty = "empty" // there are no records
)

// The formats of answers.
const (
	FormatJSON  = "json"
	FormatJSONL = "jsonl" // each line is a record in JSON
	FormatLines = "lines" // each line is a text, and becomes the field value of a record
	FormatCSV   = "csv"   // the first row names the fields; every other row is a record whose values are texts
	FormatTAXII = "taxii" // the JSON of TAXII 2.1, with its media type
)

// The kinds of paging.
const (
	PagingSingle     = "single"      // one call
	PagingPage       = "page"        // a page number that counts up until a page is empty or short
	PagingOffset     = "offset"      // a record offset that counts up until a page is empty or short
	PagingNextValue  = "next_value"  // a value in the answer goes into a parameter of the next call
	PagingNextURL    = "next_url"    // a URL in the answer is the next call
	PagingLinkHeader = "link_header" // the Link header with rel="next" is the next call
	PagingTAXII      = "taxii"       // what a TAXII 2.1 server says; the next run goes on behind this one
)

// Paging says how the next page is asked for.
type Paging struct {
	Type  string `json:"type" yaml:"type"`
	Value string `json:"value,omitempty" yaml:"value,omitempty"` // next_value, next_url: dotted path to the value, such as $.page_next
	Query string `json:"query,omitempty" yaml:"query,omitempty"` // page, offset, next_value: the query parameter that carries it
	Start *int64 `json:"start,omitempty" yaml:"start,omitempty"` // page, offset: the first number; absent: page counts from 1, offset from 0
	Size  int64  `json:"size,omitempty" yaml:"size,omitempty"`   // page, offset, last: records of a full page; a shorter one is the last
	// Where the next value stands if value is not given: in a header of the response (next_value, next_url), or in the last record (next_value).
	Header string `json:"header,omitempty" yaml:"header,omitempty"` // the name of the header, such as X-Next-Page
	Last   string `json:"last,omitempty" yaml:"last,omitempty"`     // dotted path within the last record, such as $.id
	// What a response says about the list, beside the records. Every type but single and taxii may have these.
	More  string `json:"more,omitempty" yaml:"more,omitempty"`   // dotted path to whether more follows, such as $.has_more: true, false, 1 or 0
	Total string `json:"total,omitempty" yaml:"total,omitempty"` // dotted path to the number of records of the whole list, such as $.count
	Pages string `json:"pages,omitempty" yaml:"pages,omitempty"` // dotted path to the number of pages of the whole list, such as $.meta.total_pages
	Until Until  `json:"until,omitzero" yaml:"until,omitempty"`  // a condition that ends the list
}

// Since says how a run pulls only what was added since the last one: the placeholder {since} stands for the cursor, the instant up to which
// everything was pulled, less the overlap; {until} for the end of a window, {now} and for example {now-5d} for the time of the run.
type Since struct {
	Field   string   `json:"field,omitempty" yaml:"field,omitempty"`    // the time in a record, such as updated_at or meta.updated: the newest one moves the cursor; absent: the time of the run does
	Start   string   `json:"start,omitempty" yaml:"start,omitempty"`    // of the first run: 2026-01-31T08:00:00Z, 2026-01-31 or now-30d; absent: it leaves {since} out
	Overlap Duration `json:"overlap,omitzero" yaml:"overlap,omitempty"` // how long before the cursor a run begins, for records that were added late; those that come again are left out
	Step    Duration `json:"step,omitzero" yaml:"step,omitempty"`       // the longest window that is requested at once; absent: up to now
	Format  string   `json:"format,omitempty" yaml:"format,omitempty"`  // of the placeholders: rfc3339 (if absent), date, unix, unix_ms, or a layout such as %Y-%m-%d %H:%M
}

// Until is a condition that ends a list: the page that meets it is the last.
type Until struct {
	Path   string `json:"path,omitempty" yaml:"path,omitempty"`     // dotted path in the response, such as $.status
	Equals string `json:"equals,omitempty" yaml:"equals,omitempty"` // the value that stands there then, as text: done, true, 0; absent: any value but null, false, 0 and an empty text
}

// Schedule says when a source is due: every so often, or by a cron expression in a time zone.
type Schedule struct {
	Every Duration `json:"every,omitzero" yaml:"every,omitempty"`
	Cron  string   `json:"cron,omitempty" yaml:"cron,omitempty"`
	Zone  string   `json:"zone,omitempty" yaml:"zone,omitempty"` // IANA name; UTC if empty
}

// Destination is where a dataset goes. It has its own position in the dataset.
type Destination struct {
	ID         ID             `json:"id"`
	FlowID     ID             `json:"-"`
	Name       string         `json:"name"`
	Connector  string         `json:"connector"`
	Credential ID             `json:"credential,omitempty"`
	Config     map[string]any `json:"config"`
	Position   int64          `json:"position"` // the last batch of the dataset that was delivered
	State      string         `json:"-"`        // what its connector needs to go on exactly there
	Fence      int64          `json:"-"`
	Records    int64          `json:"records"`             // records delivered so far
	Rejected   int64          `json:"rejected"`            // records that went to quarantine instead
	Error      string         `json:"error,omitempty"`     // why its last delivery failed; empty if it did not
	WaitUntil  time.Time      `json:"wait_until,omitzero"` // when its delivery continues, if that waits
	WaitsFor   string         `json:"waits_for,omitempty"` // why it waits
	Epoch      string         `json:"-"`                   // new whenever it begins anew: tells its markers in the other system from older ones
	Reached    int64          `json:"-"`                   // the last batch that it ever had in this epoch: Position, unless its system went back
	Tally      RunTally       `json:"-"`
	Due        bool           `json:"-"` // a delivery was asked for that has not ended
}

// Behind tells whether a delivery is still to come: of batches up to last, or one that was asked for.
func (d Destination) Behind(last int64) bool { return d.Due || d.Position < last }

// RunTally counts the records of one run that a destination has had.
type RunTally struct {
	RunID    int64
	Records  int64 // the rejected ones among them
	Rejected int64
}
