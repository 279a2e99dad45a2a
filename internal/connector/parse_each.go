package connector

import (
	"slices"

	"github.com/sallyport-io/sallyport"
)

// takes tells whether a parameter says what is asked about, and so is no part of a call.
func (e *Each) takes(param string) bool {
	return e != nil && (param == e.List || slices.Contains([]string{ParamFile, ParamDataset, ParamField, ParamMaxAge}, param))
}

// values are what {name} can stand for in the request: the parameters, and the value that is asked about.
func (e *Endpoint) values() []Field {
	all := slices.Clone(e.Params)
	for _, name := range e.TimeNames() {
		if since := name == SinceName || name == UntilName; !since || e.Request.Since != (sallyport.Since{}) {
			all = append(all, Field{Name: name, Required: true})
		}
	}
	switch {
	case e.Each != nil:
		return append(all, Field{Name: e.Each.Name})
	case e.Answers != nil:
		return append(all, Field{Name: e.Answers.Name})
	}
	return all
}

// each checks that an endpoint which is called for every value of a list has parameters that name one.
func (l *linter) each(at route, e *Endpoint) {
	if e.Each == nil {
		return
	}
	if !fieldName.MatchString(e.Each.Name) || e.param(e.Each.Name) != nil {
		l.fault(at.at("name"), "name: must be of lower-case letters, digits and _, and not that of a parameter")
	}
	if kinds := []string{KindIndicator, "text"}; e.Each.Kind != "" && !slices.Contains(kinds, e.Each.Kind) {
		l.check(at.at("kind"), sallyport.Unknown("", "kind of values", e.Each.Kind, kinds))
	}
	for _, want := range []struct{ name, kind string }{
		{e.Each.List, TypeList}, {ParamFile, TypePath}, {ParamDataset, TypeString}, {ParamField, TypeString}, {ParamMaxAge, TypeString},
	} {
		f := e.param(want.name)
		switch {
		case f == nil:
			l.fault(at, "each: the endpoint needs a parameter %s of type %s", want.name, want.kind)
		case f.Type != want.kind && !(f.Type == "" && want.kind == TypeString):
			l.fault(at, "each: the parameter %s must be of type %s", want.name, want.kind)
		}
	}
	if paging := e.Request.Paging.Type; paging != "" && paging != sallyport.PagingSingle {
		l.fault(at, "each: a call for one value has one page, so it goes with paging single only")
	}
	if ages := e.Each.Cache; (ages.Field == "") != (len(ages.Values) == 0) {
		l.fault(at.at("cache"), "cache: field and values go together")
	}
}
