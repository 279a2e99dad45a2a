package connector

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

func (p *page) errors(rules []ErrorRule) {
	if len(rules) == 0 {
		return
	}
	p.text("## What errors mean")
	p.text("The first line that fits decides. What fits none is read by its status alone.")
	var rows [][]string
	for _, r := range rules {
		says := ""
		if r.Match != "" {
			says = quote(r.Match)
		}
		rows = append(rows, []string{statuses(r.Status), says, meaning(r)})
	}
	p.table([]string{"HTTP status", "the answer says", "meaning"}, rows)
}

func statuses(status []int) string {
	if len(status) == 0 {
		return "any"
	}
	var all []string
	for _, s := range status {
		all = append(all, strings.TrimSpace(fmt.Sprintf("%d %s", s, http.StatusText(s))))
	}
	return strings.Join(all, ", ")
}

// meaning says what an error is and what is done about it.
func meaning(r ErrorRule) string {
	switch r.Class {
	case ClassEmpty:
		return "Nothing was found. This is an answer, not a failure."
	case ClassCredential:
		return "The key is refused. Runs stop until a new one is put in."
	case ClassPlan:
		return "The key is known, but its plan or permissions do not allow the call. The run stops."
	case ClassRate:
		if r.Window != "" {
			return fmt.Sprintf("The quota of the %s is used up. The run waits, and goes on where it was.", r.Window)
		}
		return "Too many requests. The run waits, and goes on where it was."
	case ClassTransient:
		return "The system has a problem. The call is tried again."
	}
	return "The call cannot succeed. The run stops."
}

// oddities writes what is not as one would expect.
func (p *page) oddities(all []Oddity) {
	if len(all) == 0 {
		return
	}
	p.text("## Oddities")
	p.text("What one would not expect, and what becomes of it here.")
	var rows [][]string
	for i, o := range all {
		rows = append(rows, []string{strconv.Itoa(i + 1), o.What, o.Handled})
	}
	p.table([]string{"no.", "what is odd", "what Sallyport does"}, rows)
}
