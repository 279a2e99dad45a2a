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
	stateFound       = "found"
	stateNotFound    = "not found"
	stateRejected    = "rejected"
	stateForbidden   = "forbidden"
	stateLimited     = "limited"
	stateUnreachable = "unreachable"
	stateInvalid     = "invalid response"
)

// goodStates are those in which a call of an endpoint succeeds.
func goodStates(e *Endpoint) string {
	switch {
	case e.Each != nil:
		return "for every value: found, not found, refused or skipped, in its record"
	case e.Answers != nil:
		return "for every submission: done, lost or expired, in its record"
	case e.Request.Format != "" && e.Request.Format != sallyport.FormatJSON:
		return stateFound + " (also an empty list)"
	case e.Request.Records == "$":
		return stateFound + " (one record) · " + stateNotFound + " (none)"
	case e.Poll != nil:
		return stateFound + " (the result)"
	}
	return stateFound + " (also if there is no record) · " + stateNotFound
}

// errors lists the outcomes of a request, and which responses lead to them.
func (p *page) errors(rules []ErrorRule) {
	if len(rules) == 0 {
		return
	}
	p.text("## Outcomes of a request")
	p.table([]string{"outcome", "meaning", "the run", "exit code of `flow run --follow`"}, [][]string{
		{"**" + stateFound + "**", "The system sends a response with records, or an empty list.", "The run succeeds.", "0"},
		{"**" + stateNotFound + "**", "What was requested does not exist. In a look-up, this is a result.", "The run fails, and nothing counts as vanished. A look-up succeeds, with a record that says so.", "3; of a look-up 0"},
		{"**" + stateRejected + "**", "The key is not accepted.", "The run sends nothing more until the key is replaced. Then it continues where it stopped. " +
			"A delivery fails, and continues at the same time.", "4; 7 if only a delivery was rejected"},
		{"**" + stateForbidden + "**", "The key is known, but its plan or permissions do not allow this request.", "The run fails. The next one starts when it is due.", "5"},
		{"**" + stateLimited + "**", "The quota of the second, day or month is used up.", "The run waits until the quota renews, shows that time, and continues where it stopped.", "6, if that is longer than `--max-wait`"},
		{"**" + stateUnreachable + "**", "There is no connection, or the system reports a temporary problem.", "The request is repeated, up to five attempts in all. Then the run waits and tries again, " +
			"until `patience` (12 hours) is over. A run that a person starts fails at once if its first request cannot connect.", "7, also while it waits"},
		{"**" + stateInvalid + "**", "The request cannot succeed, or the response cannot be read.", "The run fails and shows the reason that the system gives.", "7"},
	})
	p.text("For a response without records, the first line that matches decides. If no line matches, the HTTP status decides.")
	var rows [][]string
	for _, r := range rules {
		rows = append(rows, []string{statuses(r.Status), says(r), stateOf(r)})
	}
	p.table([]string{"HTTP status", "the response says", "outcome"}, rows)
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
		return stateRejected
	case ClassPlan:
		return stateForbidden
	case ClassRate:
		if r.Window != "" {
			return fmt.Sprintf("%s, for the %s", stateLimited, r.Window)
		}
		return stateLimited
	case ClassTransient:
		return stateUnreachable
	}
	return stateInvalid
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
