package web

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/strictyaml"
)

// plainText is a text that YAML needs no quotes for, also within braces.
var plainText = regexp.MustCompile(`^(-?[0-9A-Za-z$_][0-9A-Za-z$_.-]*)$`)

// ruleText writes rules about failures, one per line, as a flow file has them.
func ruleText(rules []sallyport.FailRule) string {
	var b strings.Builder
	for _, rule := range rules {
		var parts []string
		for _, part := range [][2]string{{"path", rule.Path}, {"equals", string(rule.Equals)}, {"message", rule.Message}, {"class", rule.Class}} {
			name, value := part[0], part[1]
			if value != "" && !plainText.MatchString(value) {
				value = strconv.Quote(value)
			}
			if value != "" {
				parts = append(parts, name+": "+value)
			}
		}
		b.WriteString("{" + strings.Join(parts, ", ") + "}\n")
	}
	return b.String()
}

// readRules reads what ruleText writes; the problem is one for the person who typed it.
func readRules(text string) (rules []sallyport.FailRule, problem string) {
	number := 0
	for line := range strings.Lines(asSent(text)) {
		number++
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "- "))
		if line == "" {
			continue
		}
		if !strings.HasPrefix(line, "{") {
			line = "{" + line + "}"
		}
		var rule sallyport.FailRule
		document, err := strictyaml.One("fail", []byte(line))
		if err == nil {
			err = document.Decode(&rule)
		}
		if fault, ok := errors.AsType[*sallyport.Error](err); ok {
			return nil, fmt.Sprintf("Line %d: %s.", number, fault.Message)
		}
		if err != nil {
			return nil, fmt.Sprintf("Line %d must be like {path: $.success, equals: false, message: $.error}.", number)
		}
		rules = append(rules, rule)
	}
	return rules, ""
}
