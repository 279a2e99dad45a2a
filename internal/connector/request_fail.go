package connector

import (
	"fmt"
	"slices"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"

	"github.com/sallyport-io/sallyport"
)

// MaxFail is how many rules about failures under HTTP 200 a request may have.
const MaxFail = 8

// checkFail checks the rules about failures under HTTP 200.
func checkFail(r *sallyport.Request) error {
	switch {
	case len(r.Fail) > MaxFail:
		return sallyport.FieldErrorf("fail", "must have at most %d rules", MaxFail)
	case len(r.Fail) > 0 && r.Format != "" && r.Format != sallyport.FormatJSON && r.Format != sallyport.FormatTAXII:
		return sallyport.FieldErrorf("fail", "does not go with format %s: a rule looks for a value in JSON", r.Format)
	}
	for i, rule := range r.Fail {
		at := fmt.Sprintf("fail.%d.", i)
		twin := slices.IndexFunc(r.Fail[:i], func(other sallyport.FailRule) bool { return other.Path == rule.Path && other.Equals == rule.Equals })
		switch {
		case rule.Path == "":
			return sallyport.FieldErrorf(at+"path", "is required: the path to what tells of a failure, such as $.success")
		case !isNamePath(rule.Path):
			return sallyport.FieldErrorf(at+"path", "must be a path of names such as $.success")
		case rule.Message != "" && !isNamePath(rule.Message):
			return sallyport.FieldErrorf(at+"message", "must be a path of names such as $.error.message")
		case len(rule.Equals) > maxText:
			return sallyport.FieldErrorf(at+"equals", "is longer than %d bytes", maxText)
		case rule.Equals == "" && leadsTo(rule.Path, r.Records):
			return sallyport.FieldErrorf(at+"path", "%s leads to the records: declare with equals which value there is a failure", rule.Path)
		case twin >= 0:
			return sallyport.FieldErrorf(at+"path", "has the condition of rule %d, so this rule never decides", twin+1)
		}
		if rule.Class != "" {
			if err := checkClass(at+"class", rule.Class); err != nil {
				return err
			}
		}
	}
	return nil
}

// leadsTo tells whether a path of names leads to the records, or to what they stand in.
func leadsTo(path, records string) bool {
	p, err := jsonpath.Parse(path)
	if err != nil {
		return false
	}
	q, err := jsonpath.Parse(records)
	if err != nil {
		return false
	}
	begin, whole := p.Query().Segments(), q.Query().Segments()
	return len(begin) <= len(whole) && slices.EqualFunc(begin, whole[:len(begin)], func(a, b *spec.Segment) bool { return a.String() == b.String() })
}

// checkClass returns an error about a field that names no class of failures.
func checkClass(field, class string) error {
	classes := []string{
		string(ClassEmpty), string(ClassNotFound), string(ClassCredential), string(ClassPlan), string(ClassRate), string(ClassTransient), string(ClassPermanent),
	}
	if !slices.Contains(classes, class) {
		return sallyport.Unknown(field, "class", class, classes)
	}
	return nil
}
