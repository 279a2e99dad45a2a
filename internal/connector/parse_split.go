package connector

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// takes tells whether a parameter says how a query is split, and so is no part of a call by itself.
func (s *Split) takes(param string) bool {
	return s != nil && (param == ParamSplit || param == ParamDateField)
}

// split checks that an endpoint whose query is asked in parts has what that needs.
func (l *linter) split(at route, e *Endpoint) {
	if e.Split == nil {
		return
	}
	needs := func(name, kind string, always bool) {
		switch f := e.param(name); {
		case f == nil:
			l.fault(at, "split: the endpoint needs a parameter %s of type %s", name, kind)
		case f.Type != kind && !(f.Type == "" && kind == TypeString):
			l.fault(at, "split: the parameter %s must be of type %s", name, kind)
		case always && !f.Required && f.Default == nil:
			l.fault(at, "split: the parameter %s must be required or have a default", name)
		}
	}
	needs(e.Split.Query, TypeString, true)
	needs(e.Split.Limit, TypeInteger, true)
	needs(ParamSplit, TypeBoolean, true)
	needs(ParamDateField, TypeString, false)
	l.dates(at.at("dates"), e.Split.Dates)
	for i, d := range e.Split.By {
		if !fieldName.MatchString(d.Field) || len(d.Values) == 0 {
			l.fault(at.at("by", i), "by: a field with values is required")
		}
		for j, value := range d.Values {
			if !fieldName.MatchString("v" + value) {
				l.fault(at.at("by", i, "values", j), "values: must be of lower-case letters, digits and _")
			}
		}
	}
	if paging := e.Request.Paging.Type; e.Each != nil || paging != "" && paging != sallyport.PagingSingle {
		l.fault(at, "split: an answer has one page, so it goes with paging single only, and not with each")
	}
}

// dates checks the terms that bound a date: each has a place for all that it needs.
func (l *linter) dates(at route, d Dates) {
	for _, term := range []struct{ name, text, needs string }{
		{"since", d.Since, "{field}{from}"}, {"range", d.Range, "{field}{from}{to}"},
	} {
		if found := strings.Join(placeholder.FindAllString(term.text, -1), ""); found != term.needs || strings.ContainsAny(term.text, " ()") {
			l.fault(at.at(term.name), "%s: must be one term with %s, in this order, for example {field}={from}+", term.name,
				strings.ReplaceAll(term.needs, "}{", "}, {"))
		}
	}
}

// SampleParams are the parameters for a look at the first n records, which is not to cost more than a call where that can be helped.
func (e *Endpoint) SampleParams(params map[string]any, n int64) map[string]any {
	if e.Split == nil {
		return params
	}
	sample := maps.Clone(params)
	sample[ParamSplit] = false
	if limit, ok := sample[e.Split.Limit].(json.Number); ok {
		if given, err := limit.Int64(); err == nil {
			sample[e.Split.Limit] = json.Number(strconv.FormatInt(min(given, n), 10))
		}
	}
	return sample
}
