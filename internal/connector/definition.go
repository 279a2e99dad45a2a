// Package connector says what a connector is: its definition, read from one YAML file, and what its sources and destinations must do.
package connector

import (
	"slices"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/shape"
)

// Definition is all that Sallyport knows of a kind of system. Forms, validation, documentation and tests come from it.
type Definition struct {
	Connector     string           `yaml:"connector" json:"connector"` // its id: lower-case letters and digits
	Name          string           `yaml:"name" json:"name"`
	Summary       string           `yaml:"summary" json:"summary,omitzero"`
	Links         Links            `yaml:"links" json:"links,omitzero"`
	Prerequisites []string         `yaml:"prerequisites" json:"prerequisites,omitzero"` // the steps before a credential exists
	Credential    *CredentialSpec  `yaml:"credential" json:"credential,omitzero"`       // nil: it wants none
	Limits        Limits           `yaml:"limits" json:"limits,omitzero"`
	Sentence      string           `yaml:"sentence" json:"sentence,omitzero"` // dotted path to the sentence in an error answer, such as $.error
	Errors        []ErrorRule      `yaml:"errors" json:"errors,omitzero"`     // the first rule that fits decides
	Endpoints     []Endpoint       `yaml:"endpoints" json:"endpoints,omitzero"`
	Manual        bool             `yaml:"manual" json:"manual,omitzero"`           // sources may describe their request by hand
	Destination   *DestinationSpec `yaml:"destination" json:"destination,omitzero"` // nil: nothing can be delivered to it
	Oddities      []Oddity         `yaml:"oddities" json:"oddities,omitzero"`       // of the system, numbered from 1 in its documentation
	Tests         []Test           `yaml:"tests" json:"tests,omitzero"`

	Shapes map[string]*shape.Shape `yaml:"-" json:"-"` // of records, by the names of their schemas
}

// Links are the pages a person may need.
type Links struct {
	Website string `yaml:"website" json:"website,omitzero"`
	API     string `yaml:"api" json:"api,omitzero"`
	Keys    string `yaml:"keys" json:"keys,omitzero"`       // where a key is made
	Account string `yaml:"account" json:"account,omitzero"` // where an account is created
}

// Oddity is something about a system that one would not expect.
type Oddity struct {
	What    string `yaml:"what" json:"what"`       // it is, in a sentence
	Handled string `yaml:"handled" json:"handled"` // what becomes of it here, or why nothing does
}

// The types of fields, and what the checks make of their values.
const (
	TypeString  = "string"  // string
	TypePath    = "path"    // string, which names a file or directory of the machine
	TypeInteger = "integer" // json.Number of plain decimal digits, within int64
	TypeBoolean = "boolean" // bool
	TypeList    = "list"    // []string
)

// How the values of parameters are written in a request, where that is not as they are.
const (
	SentCommas = "commas" // a list as one value with commas; otherwise a whole entry of a query becomes one entry an element
	SentDigit  = "digit"  // a boolean as 1 or 0
)

// FormatIndicator is the form of fields that take a domain, an IP address or a URL: [NormaliseIndicator] brings them into it.
const FormatIndicator = "indicator"

// Field is one value that a person gives: of a credential, as a parameter of an endpoint, in the configuration of a destination.
type Field struct {
	Name     string   `yaml:"name" json:"name"`
	Label    string   `yaml:"label" json:"label,omitzero"`
	Help     string   `yaml:"help" json:"help,omitzero"`
	Type     string   `yaml:"type" json:"type,omitzero"` // string (if absent), path, integer, boolean or list
	Default  any      `yaml:"default" json:"default,omitzero"`
	Example  any      `yaml:"example" json:"example,omitzero"`
	Values   []string `yaml:"values" json:"values,omitzero"`   // the allowed ones; empty: any
	Pattern  string   `yaml:"pattern" json:"pattern,omitzero"` // regular expression that a value must match as a whole
	Sent     string   `yaml:"sent" json:"sent,omitzero"`       // how it is written in a request: commas (a list as one value), digit (a boolean as 1 or 0)
	Format   string   `yaml:"format" json:"format,omitzero"`   // indicator: a domain, IP address or URL, checked and brought into its plain form
	Required bool     `yaml:"required" json:"required,omitzero"`
	Public   bool     `yaml:"public" json:"public,omitzero"`     // credential fields are secret unless they are public
	Advanced bool     `yaml:"advanced" json:"advanced,omitzero"` // folded away in forms
}

// CredentialSpec says what a credential consists of, where its key may go and where in a request the key is put.
type CredentialSpec struct {
	Fields []Field   `yaml:"fields" json:"fields,omitzero"`
	Hosts  []string  `yaml:"hosts" json:"hosts,omitzero"` // the only hosts that the key may go to, besides the one in the address field
	Auth   Auth      `yaml:"auth" json:"auth,omitzero"`
	Test   *TestCall `yaml:"test" json:"test,omitzero"` // the cheapest call that proves a key; nil: there is none
}

// AddressField is the name of the public credential field that says where the system is.
const AddressField = sallyport.AddressField

// TestCall is an endpoint with parameters.
type TestCall struct {
	Endpoint string         `yaml:"endpoint" json:"endpoint,omitzero"`
	Params   map[string]any `yaml:"params" json:"params,omitzero"`
}

// Limits are what the system allows.
type Limits struct {
	Note    string            `yaml:"note" json:"note,omitzero"`         // in words
	Headers map[string]string `yaml:"headers" json:"headers,omitzero"`   // window (second, day, month) → answer header that says what is left in it
	Plans   []PlanProfile     `yaml:"plans" json:"plans,omitzero"`       // what plans allow, for credentials that are told theirs
	MaxBody int64             `yaml:"max_body" json:"max_body,omitzero"` // bytes of one answer; 1 GiB if absent
	Cut     *Cut              `yaml:"cut" json:"cut,omitzero"`           // nil: a list that ends is whole
}

// Cut says after how many pages a plan ends a list, without a word about what is left of it. So a list that ends there with a full page, as
// long as those before it, counts as cut off; one that is read from its middle on does with any page.
type Cut struct {
	After []int `yaml:"after" json:"after,omitzero"` // that many pages, by plan
	Full  int64 `yaml:"full" json:"full,omitzero"`   // records of a full page, for a list on one page; absent: unknown, so one is whole
}

// PlanProfile is what a plan of the system is known to allow.
type PlanProfile struct {
	Name    string           `yaml:"name" json:"name"`
	Note    string           `yaml:"note" json:"note,omitzero"`       // in words: how sure this is
	Windows map[string]int64 `yaml:"windows" json:"windows,omitzero"` // window (second, day, month) → calls; absent: no limit is known
}

// ErrorRule gives a class to answers that match all of what it names.
type ErrorRule struct {
	Status []int  `yaml:"status" json:"status,omitzero"` // empty: any
	Match  string `yaml:"match" json:"match,omitzero"`   // regular expression, ignoring case, on the sentence (or the body, where there is none); its group named limit is how many calls the window allows
	Says   string `yaml:"says" json:"says,omitzero"`     // what the match is, in words
	Class  Class  `yaml:"class" json:"class"`
	Window string `yaml:"window" json:"window,omitzero"` // of class rate: second, day, month
}

// Endpoint is one call that a connector offers. In the URL, query, headers and body of its request {name} stands for a parameter;
// a query entry or header whose whole value is the {name} of a parameter that was not given is left out.
type Endpoint struct {
	ID      string            `yaml:"id" json:"id"`
	Name    string            `yaml:"name" json:"name"`
	Summary string            `yaml:"summary" json:"summary,omitzero"`
	Params  []Field           `yaml:"params" json:"params,omitzero"`
	OneOf   [][]string        `yaml:"one_of" json:"one_of,omitzero"`   // groups of parameters of which exactly one must be given
	Each    *Each             `yaml:"each" json:"each,omitzero"`       // nil: it is one call, and its pages
	Split   *Split            `yaml:"split" json:"split,omitzero"`     // nil: an answer is whole, or its pages are
	Answers *Answers          `yaml:"answers" json:"answers,omitzero"` // nil: it asks for something else
	Cost    string            `yaml:"cost" json:"cost,omitzero"`       // what it takes from the quota, in words, where that is not plain
	Needs   string            `yaml:"needs" json:"needs,omitzero"`     // the plan that a call needs, in words; absent: any
	Effect  string            `yaml:"effect" json:"effect,omitzero"`   // what a call does besides reading, as in "it …": then no preview makes it
	Auth    *Auth             `yaml:"auth" json:"auth,omitzero"`       // where the key goes, if elsewhere than the credential says
	Request sallyport.Request `yaml:"request" json:"request,omitzero"`
	Poll    *Poll             `yaml:"poll" json:"poll,omitzero"`     // how the result is fetched, if the request only begins something
	Whole   bool              `yaml:"whole" json:"whole,omitzero"`   // a pull gives everything there is: what it does not give has vanished
	Ignore  []string          `yaml:"ignore" json:"ignore,omitzero"` // top-level fields that do not make a record another one, such as when it was checked
	Schema  string            `yaml:"schema" json:"schema,omitzero"` // of its records: the name of a JSON Schema, which is schema/NAME.json beside the definition

	// MinInterval is how long a source must wait after a pull that was read to its end, whatever flow made it with the same credential and
	// parameters.
	MinInterval sallyport.Duration `yaml:"min_interval" json:"min_interval,omitzero"`
}

// Shape is the shape of an endpoint's records, nil if they are passed on as they come.
func (d *Definition) Shape(e *Endpoint) *shape.Shape {
	if e.Schema == "" {
		return nil
	}
	return d.Shapes[e.Schema]
}

// Each lets an endpoint be called once for every value of a list. The values are those of a parameter, or they come from where the
// parameters file, dataset and field say. Every value becomes one record or more, with the fields asked and state.
type Each struct {
	Name  string `yaml:"name" json:"name"`          // {name} in the request stands for one value
	List  string `yaml:"list" json:"list"`          // the parameter that holds values
	Kind  string `yaml:"kind" json:"kind,omitzero"` // indicator: values are normalised, and what cannot be asked about is left out; text if absent
	Cache Ages   `yaml:"cache" json:"cache,omitzero"`
}

// The parameters by which an endpoint with [Each] finds its values elsewhere, and says how old a kept answer may be.
const (
	ParamFile    = "file"    // a path: one value a line, or a CSV or JSON Lines file
	ParamDataset = "dataset" // the flow whose kept records hold the values
	ParamField   = "field"   // the column or field that holds them
	ParamMaxAge  = "max_age" // a duration, instead of what the definition says
)

// KindIndicator is the kind of values that are indicators.
const KindIndicator = "indicator"

// Ages say how long answers about one value are good, so that nothing is asked twice.
type Ages struct {
	Found    sallyport.Duration            `yaml:"found" json:"found,omitzero"`
	NotFound sallyport.Duration            `yaml:"not_found" json:"not_found,omitzero"`
	Field    string                        `yaml:"field" json:"field,omitzero"`   // of a record that was found
	Values   map[string]sallyport.Duration `yaml:"values" json:"values,omitzero"` // instead of found, by the value of that field
}

// Split lets a query be asked in parts where an answer has as many records as it may have, so that more may be missing. The parts are
// made by adding "and field=value" for each value, and one for all others; then by the next field, and at last by days, if the parameter
// date_field names the field that holds them. The parameter split can say no to that.
type Split struct {
	Query string      `yaml:"query" json:"query"` // the parameter that holds the query
	Limit string      `yaml:"limit" json:"limit"` // the parameter, with a default, that says how many records an answer may have
	By    []Dimension `yaml:"by" json:"by"`
	Dates Dates       `yaml:"dates" json:"dates"`
}

// Dates are the terms by which a query language bounds a date. In them {field} stands for the parameter date_field, {from} and {to} for days
// such as 2024-01-31.
type Dates struct {
	Since string `yaml:"since" json:"since"` // from a day on, in one term: {field}={from}+
	Range string `yaml:"range" json:"range"` // from a day to another, which may be in it or not: {field}={from}-{to}
}

// Dimension is a field of the query language, with the values that most records have.
type Dimension struct {
	Field  string   `yaml:"field" json:"field"`
	Values []string `yaml:"values" json:"values"`
}

// The parameters that say how a query is split.
const (
	ParamSplit     = "split"      // a boolean: whether it is
	ParamDateField = "date_field" // the field of the query language that holds dates
)

// Poll says how the result is fetched of what a request has begun: by a GET, every so often, until the answer has the records. The request
// is made once for a run, whatever happens.
type Poll struct {
	Ticket   string                     `yaml:"ticket" json:"ticket"` // dotted path to what the first answer gives for asking: {ticket} stands for it below
	URL      string                     `yaml:"url" json:"url"`
	Query    map[string]sallyport.Texts `yaml:"query" json:"query,omitzero"`
	Status   string                     `yaml:"status" json:"status"`              // dotted path to the status in an answer; one that has none but records is done
	Going    []string                   `yaml:"going" json:"going"`                // the statuses of what is not done yet, whatever else the answer says,
	Done     []string                   `yaml:"done" json:"done"`                  // of what is done,
	Missing  []string                   `yaml:"missing" json:"missing,omitzero"`   // and of what the system does not know (any more)
	Free     bool                       `yaml:"free" json:"free,omitzero"`         // these calls take nothing from the quota
	Every    sallyport.Duration         `yaml:"every" json:"every,omitzero"`       // the pause before each call
	Deadline sallyport.Duration         `yaml:"deadline" json:"deadline,omitzero"` // how long it may take
}

// TicketName is the name that stands for the ticket in the URL and query of a [Poll].
const TicketName = "ticket"

// DestinationSpec says what a destination's configuration consists of.
type DestinationSpec struct {
	Summary string   `yaml:"summary" json:"summary,omitzero"`
	Fields  []Field  `yaml:"fields" json:"fields,omitzero"`
	Target  []string `yaml:"target" json:"target,omitzero"` // the fields that together name the place: two destinations must not share it
	Submit  *Submit  `yaml:"submit" json:"submit,omitzero"` // nil: a package of its own writes there
}

// Submit says that every record becomes a call that must not be made twice. Its place is within the flow: other flows may have the same.
type Submit struct {
	Name    string            `yaml:"name" json:"name"`                // {name} in the request stands for a value of the record
	Field   string            `yaml:"field" json:"field"`              // the setting that says which field of a record holds the value
	Kind    string            `yaml:"kind" json:"kind,omitzero"`       // indicator: values are normalised, and what is none is rejected; text if absent
	Ref     string            `yaml:"ref" json:"ref"`                  // the field of the answer that holds the system's own reference
	Answers string            `yaml:"answers" json:"answers,omitzero"` // the endpoint that asks what came of it
	Auth    *Auth             `yaml:"auth" json:"auth,omitzero"`       // where the key goes, if elsewhere than the credential says
	Request sallyport.Request `yaml:"request" json:"request"`          // {setting} stands for a setting, of a boolean for 1 or 0
}

// The settings of a destination with [Submit].
const (
	SettingAgainAfter = "again_after" // after how long a value is submitted once more
	SettingAnswers    = "answers"     // the flow that asks what came of it; empty: a name is made
)

// Answers say how the endpoint asks what came of what a destination has submitted. The parameters flow and destination name that,
// every how often it is asked, and deadline how long.
type Answers struct {
	Name    string   `yaml:"name" json:"name"`              // {name} in the request stands for the reference
	Status  string   `yaml:"status" json:"status"`          // the field that says how far it is
	Pending []string `yaml:"pending" json:"pending"`        // what it says while it is not done
	Lost    []string `yaml:"lost" json:"lost,omitzero"`     // what it says of a reference that the system does not know
	Record  string   `yaml:"record" json:"record,omitzero"` // the field that holds what came of it; absent: the whole answer
	Free    bool     `yaml:"free" json:"free,omitzero"`     // these calls take nothing from the quota
}

// The parameters of an endpoint with [Answers].
const (
	ParamFlow        = "flow"
	ParamDestination = "destination"
	ParamEvery       = "every"
	ParamDeadline    = "deadline"
)

// Test is an example that `connector lint` runs: a call, the answers it gets, and what must come of it.
type Test struct {
	Name     string         `yaml:"name" json:"name"`
	Endpoint string         `yaml:"endpoint" json:"endpoint,omitzero"`
	Params   map[string]any `yaml:"params" json:"params,omitzero"`
	Answers  []Answer       `yaml:"answers" json:"answers,omitzero"`
	Expect   Expect         `yaml:"expect" json:"expect,omitzero"`
}

// Answer is one recorded answer.
type Answer struct {
	Status  int               `yaml:"status" json:"status,omitzero"` // 200 if absent
	Headers map[string]string `yaml:"headers" json:"headers,omitzero"`
	File    string            `yaml:"file" json:"file,omitzero"` // beside the definition
	Body    string            `yaml:"body" json:"body,omitzero"` // instead of a file
}

// Expect is what must come of a test.
type Expect struct {
	Requests []string       `yaml:"requests" json:"requests,omitzero"` // path and query of each call, without the key
	Records  int            `yaml:"records" json:"records,omitzero"`
	First    map[string]any `yaml:"first" json:"first,omitzero"`   // fields of the first record; others may be there too
	Class    Class          `yaml:"class" json:"class,omitzero"`   // of the failure it ends in; empty: none
	Window   string         `yaml:"window" json:"window,omitzero"` // that the failure names; empty: any
	Limit    int64          `yaml:"limit" json:"limit,omitzero"`   // that the failure names; 0: any
}

// Plan finds a plan profile by its name; the error names the nearest.
func (d *Definition) Plan(name string) (*PlanProfile, error) {
	names := make([]string, len(d.Limits.Plans))
	for i := range d.Limits.Plans {
		names[i] = d.Limits.Plans[i].Name
	}
	if i := slices.Index(names, name); i >= 0 {
		return &d.Limits.Plans[i], nil
	}
	return nil, sallyport.Unknown("plan", "plan of "+d.Connector, name, names)
}

// Endpoint finds an endpoint by its id; the error names the nearest.
func (d *Definition) Endpoint(id string) (*Endpoint, error) {
	ids := make([]string, len(d.Endpoints))
	for i := range d.Endpoints {
		ids[i] = d.Endpoints[i].ID
	}
	if i := slices.Index(ids, id); i >= 0 {
		return &d.Endpoints[i], nil
	}
	if id == "" {
		return nil, sallyport.FieldErrorf("endpoint", "is missing: choose an endpoint of %s", d.Connector)
	}
	return nil, sallyport.Unknown("endpoint", "endpoint of "+d.Connector, id, ids)
}
