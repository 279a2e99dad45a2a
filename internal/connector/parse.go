package connector

import (
	"errors"
	"io/fs"
	"iter"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

// windows are the periods that limits are about.
var windows = []string{sallyport.WindowSecond, sallyport.WindowDay, sallyport.WindowMonth}

// LimitGroup is the name of the group of an error rule's pattern that is how many calls a window allows.
const LimitGroup = "limit"

var (
	connectorID = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	fieldName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	endpointID  = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)
)

// Parse reads a definition and checks all that can be checked without a call. Name stands for the file in the places of faults, of which
// all are told, joined. The files that its tests name must be in files, which are those beside the definition; nil leaves that out.
func Parse(name string, data []byte, files fs.FS) (*Definition, error) {
	doc, err := strictyaml.One(name, data)
	if err != nil {
		return nil, err
	}
	d := new(Definition)
	if err := doc.Decode(d); err != nil {
		return nil, err
	}
	l := &linter{Definition: d, doc: doc, files: files}
	for _, lint := range []func(){l.identity, l.credential, l.limits, l.errors, l.endpoints, l.destination, l.oddities, l.tests} {
		lint()
	}
	if len(l.faults) > 0 {
		return nil, errors.Join(l.faults...)
	}
	return d, nil
}

// linter collects what is wrong with a definition.
type linter struct {
	*Definition
	doc    *strictyaml.Document
	files  fs.FS
	faults []error
}

// route leads to a value of the document: keys and indexes.
type route []any

// at returns the route to something within.
func (r route) at(steps ...any) route { return slices.Concat(r, steps) }

func (l *linter) fault(at route, format string, args ...any) {
	l.faults = append(l.faults, sallyport.FieldErrorf(l.doc.Place(at...), format, args...))
}

// check notes an error about the value at the end of a route. The error's own field leads on from there.
func (l *linter) check(at route, err error) {
	fault, ok := errors.AsType[*sallyport.Error](err)
	switch {
	case err == nil:
	case !ok:
		l.fault(at, "%w", err)
	default:
		for _, step := range strings.Split(fault.Field, ".") {
			at = at.at(step)
		}
		l.fault(at, "%w", fault)
	}
}

func (l *linter) identity() {
	if !connectorID.MatchString(l.Connector) {
		l.fault(route{"connector"}, "connector: the id must be of lower-case letters and digits")
	}
	if l.Name == "" || l.Summary == "" {
		l.fault(nil, "name and summary are required")
	}
	if len(l.Endpoints) == 0 && !l.Manual && l.Destination == nil {
		l.fault(nil, "there is nothing to read from and nothing to deliver to: endpoints, manual or destination is required")
	}
	for key, link := range inOrder(map[string]string{"website": l.Links.Website, "api": l.Links.API, "keys": l.Links.Keys, "account": l.Links.Account}) {
		if u, err := url.Parse(link); link != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
			l.fault(route{"links", key}, "links.%s: must be a link that begins with https://", key)
		}
	}
}

func (l *linter) limits() {
	at := route{"limits"}
	for window, header := range inOrder(l.Limits.Headers) {
		l.window(at.at("headers", window), window)
		if !headerName.MatchString(header) {
			l.fault(at.at("headers", window), "%q is no name of a header", header)
		}
	}
	l.plans(at.at("plans"))
	if l.Limits.MaxBody < 0 {
		l.fault(at.at("max_body"), "max_body: must not be negative")
	}
	if c := l.Limits.Cut; c != nil && (len(c.After) == 0 || slices.Min(c.After) < 1 || c.Full < 0) {
		l.fault(at.at("cut"), "cut: after must hold numbers of pages above 0, and full must not be negative")
	}
	if l.Sentence != "" && !isNamePath(l.Sentence) {
		l.fault(route{"sentence"}, "sentence: must be a path of names such as $.error")
	}
}

func (l *linter) plans(at route) {
	seen := map[string]bool{}
	for i, plan := range l.Limits.Plans {
		if !connectorID.MatchString(plan.Name) || seen[plan.Name] {
			l.fault(at.at(i, "name"), "name: must be of lower-case letters and digits, and no other plan's")
		}
		seen[plan.Name] = true
		for window, calls := range inOrder(plan.Windows) {
			l.window(at.at(i, "windows", window), window)
			if calls < 1 {
				l.fault(at.at(i, "windows", window), "windows.%s: must be a number of calls above 0; leave it out if there is no limit", window)
			}
		}
	}
}

func (l *linter) window(at route, window string) {
	if !slices.Contains(windows, window) {
		l.check(at, sallyport.Unknown("", "window", window, windows))
	}
}

func (l *linter) errors() {
	for i, rule := range l.Errors {
		at := route{"errors", i}
		l.class(at.at("class"), rule.Class)
		match, err := regexp.Compile(rule.Match)
		if err != nil {
			l.fault(at.at("match"), "match: %w", err)
		} else if match.SubexpIndex(LimitGroup) >= 0 && rule.Window == "" {
			l.fault(at.at("match"), "match: a group named %s goes with a window", LimitGroup)
		}
		for j, status := range rule.Status {
			l.status(at.at("status", j), status)
		}
		if rule.Window == "" {
			continue
		}
		l.window(at.at("window"), rule.Window)
		if rule.Class != ClassRate {
			l.fault(at.at("window"), "window: goes with class rate only")
		}
	}
}

func (l *linter) class(at route, class Class) {
	l.check(at, checkClass("", string(class)))
}

func (l *linter) status(at route, status int) {
	if status < 100 || status > 599 {
		l.fault(at, "%d is no HTTP status", status)
	}
}

func (l *linter) destination() {
	if l.Destination == nil {
		return
	}
	at := route{"destination"}
	l.fields(at.at("fields"), l.Destination.Fields)
	l.submit(at.at("submit"), l.Destination)
	if len(l.Destination.Target) == 0 {
		l.fault(at, "target is required: the fields that together name the place")
	}
	for i, name := range l.Destination.Target {
		l.check(at.at("target", i), nameless(checkKnown("field of the destination", l.Destination.Fields, []string{name})))
	}
}

func (l *linter) oddities() {
	for i, o := range l.Oddities {
		if strings.TrimSpace(o.What) == "" || strings.TrimSpace(o.Handled) == "" {
			l.fault(route{"oddities", i}, "what and handled are required")
		}
	}
}

// nameless takes the field from an error, where the place says it all.
func nameless(err error) error {
	if fault, ok := errors.AsType[*sallyport.Error](err); ok {
		return sallyport.Errorf(fault.Code, "%s", fault.Message)
	}
	return err
}

// inOrder yields the entries of a map by their keys, so that the same mistake always gives the same error.
func inOrder[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}
