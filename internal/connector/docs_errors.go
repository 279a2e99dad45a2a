package connector

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// The states that a call may end in.
const (
	stateFound     = "found"
	stateNotFound  = "not found"
	stateRefused   = "refused"
	stateForbidden = "forbidden"
	stateLimited   = "limited"
	stateBroken    = "broken"
)

// goodStates are those in which a call of an endpoint succeeds.
func goodStates(e *Endpoint) string {
	switch {
	case e.Each != nil:
		return "for every value: found, not found, refused or skipped, in its record"
	case e.Answers != nil:
		return "for every submission: done, lost or expired, in its record"
	case e.Request.Format != "" && e.Request.Format != sallyport.FormatJSON:
		return stateFound + " (also if there is no record)"
	case e.Request.Records == "$":
		return stateFound + " (one record) · " + stateNotFound + " (none)"
	case e.Poll != nil:
		return stateFound + " (the result)"
	}
	return stateFound + " (also if there is no record) · " + stateNotFound
}

// errors says what may come of a call, and how that is told from an answer.
func (p *page) errors(rules []ErrorRule) {
	if len(rules) == 0 {
		return
	}
	p.text("## What may come of a call")
	p.table([]string{"state", "what it means", "what becomes of the run", "exit code of `flow run --follow`"}, [][]string{
		{"**" + stateFound + "**", "There is an answer. A list may be empty.", "It succeeds.", "0"},
		{"**" + stateNotFound + "**", "What was requested does not exist. In a look-up, this is a result.", "It fails, and nothing counts as vanished. A look-up succeeds, with a record that says so.", "3; of a look-up 0"},
		{"**" + stateRefused + "**", "The key is not accepted.", "It waits for a new key, asks no more, and goes on by itself where it was once there is one. " +
			"A delivery fails, and goes on then, too.", "4; 7 if only a delivery was refused"},
		{"**" + stateForbidden + "**", "The key is known, but its plan or permissions do not allow this call.", "It fails, and is not tried again before it is due.", "5"},
		{"**" + stateLimited + "**", "The quota of the second, day or month is used up.", "It waits until there is room again, says until when, and goes on where it was.", "6, if that is longer than `--max-wait`"},
		{"**" + stateBroken + "**, for the moment", "There is no connection, or the system has a problem.", "It is tried again, five times in all; then the run fails.", "7"},
		{"**" + stateBroken + "**", "The call cannot succeed, or what came is no answer.", "It fails, and says what the system said.", "7"},
	})
	p.text("An answer that brings no records is told by the first line that fits it, and by its status alone if none does.")
	var rows [][]string
	for _, r := range rules {
		rows = append(rows, []string{statuses(r.Status), says(r), stateOf(r)})
	}
	p.table([]string{"HTTP status", "the answer says", "state"}, rows)
}

// says is what an answer says that a rule is for.
func says(r ErrorRule) string {
	switch {
	case r.Says != "":
		return r.Says
	case r.Match != "":
		return quote(r.Match)
	}
	return "anything"
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

// stateOf is the state that a rule leads to.
func stateOf(r ErrorRule) string {
	switch r.Class {
	case ClassEmpty:
		return stateFound + ", without records"
	case ClassNotFound:
		return stateNotFound
	case ClassCredential:
		return stateRefused
	case ClassPlan:
		return stateForbidden
	case ClassRate:
		if r.Window != "" {
			return fmt.Sprintf("%s, for the %s", stateLimited, r.Window)
		}
		return stateLimited
	case ClassTransient:
		return stateBroken + ", for the moment"
	}
	return stateBroken
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
