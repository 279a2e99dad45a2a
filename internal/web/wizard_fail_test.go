package web

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

func TestReadRules(t *testing.T) {
	for text, want := range map[string]struct {
		rules   []sallyport.FailRule
		problem string
	}{
		" \n": {},
		"{path: $.ok, equals: false, message: $.error, class: rate}\r\n\n- {path: $.x}": {rules: []sallyport.FailRule{{Path: "$.ok", Equals: "false", Message: "$.error", Class: "rate"}, {Path: "$.x"}}},
		"path: $.ok, equals: -1":        {rules: []sallyport.FailRule{{Path: "$.ok", Equals: "-1"}}},
		"path: $.ok, equals: null":      {rules: []sallyport.FailRule{{Path: "$.ok", Equals: "null"}}},
		"\n{pth: $.ok}":                 {problem: `Line 2: unknown key "pth"; did you mean "path"?.`},
		"{path: $.ok, equals: ''}":      {problem: "Line 1: must be text that is not empty, a number, true, false or null."},
		"{path: $.ok, equals: [a]}":     {problem: "Line 1: must be text, not a list."},
		"{path: $.ok} {path: $.status}": {problem: "Line 1: is no YAML: did not find expected <document start>."},
	} {
		rules, problem := readRules(text)
		if diff := cmp.Diff(want.rules, rules); diff != "" || problem != want.problem {
			t.Errorf("%q: %s %s", text, diff, problem)
		}
	}
}

// TestRulesStay writes any rules that are valid UTF-8 and reads them again.
func TestRulesStay(t *testing.T) {
	text := rapid.StringOf(rapid.RuneFrom([]rune(" a$.-:#,{}[]'\"\\\n\r\t~!&*0é\u2028\u00a0")))
	rapid.Check(t, func(t *rapid.T) {
		rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) sallyport.FailRule {
			return sallyport.FailRule{Path: "$" + text.Draw(t, "path"), Equals: sallyport.Scalar(text.Draw(t, "equals")), Class: text.Draw(t, "class"), Message: text.Draw(t, "message")}
		}), 1, 4).Draw(t, "rules")
		got, problem := readRules(ruleText(rules))
		if diff := cmp.Diff(rules, got); diff != "" || problem != "" {
			t.Fatalf("%s: %s %s", ruleText(rules), diff, problem)
		}
	})
}
