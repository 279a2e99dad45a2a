package connector

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
)

// terms checks where the key of an endpoint goes, how often it may be called and what it does.
func (l *linter) terms(at route, e *Endpoint) {
	if e.Auth != nil && l.Credential == nil {
		l.fault(at.at("auth"), "auth: there is no credential to take the key from")
	} else if e.Auth != nil {
		l.auth(at.at("auth"), *e.Auth)
	}
	if e.Poll != nil && e.Effect == "" {
		l.fault(at, "effect is required: what it begins is more than reading")
	}
	for i, name := range e.Request.Columns {
		l.placeholders(at.at("request", "columns", i), name, "parameter", e.Params)
	}
}

// poll checks how the result of a request is fetched.
func (l *linter) poll(at route, e *Endpoint) {
	p := e.Poll
	if p == nil {
		return
	}
	l.polled(at, e)
	if e.Request.Repeatable {
		l.fault(at, "repeatable: a request that begins something is never made twice")
	}
	if len(e.Request.Fail) > 0 {
		l.fault(at, "fail: does not go with poll, whose status says what failed")
	}
	for key, path := range inOrder(map[string]string{"ticket": p.Ticket, "status": p.Status}) {
		if !isNamePath(path) {
			l.fault(at.at(key), "%s: must be a path of names such as $.id", key)
		}
	}
	if len(p.Going) == 0 || len(p.Done) == 0 {
		l.fault(at, "going and done are required: the statuses that say so")
	}
	statuses := slices.Concat(p.Going, p.Done, p.Missing)
	slices.Sort(statuses)
	if len(slices.Compact(slices.Clone(statuses))) < len(statuses) || slices.Contains(statuses, "") {
		l.fault(at, "a status can have one meaning only")
	}
	if time.Duration(p.Every) < time.Second || p.Deadline <= p.Every {
		l.fault(at, "every must be at least 1s, and deadline more than that")
	}
}

// polled checks the call that fetches, and that it fits what was begun.
func (l *linter) polled(at route, e *Endpoint) {
	p := e.Poll
	if e.param(TicketName) != nil {
		l.fault(at, "{%s} is what the first answer gives: no parameter can have this name", TicketName)
	}
	call := sallyport.Request{Method: http.MethodGet, URL: p.URL, Query: p.Query}
	l.check(at, checkRequest(&call, l.AuthOf(e)))
	known := append(slices.Clone(e.Params), Field{Name: TicketName})
	all := p.URL
	l.placeholders(at.at("url"), p.URL, "value", known)
	for name, values := range inOrder(p.Query) {
		text := strings.Join(values, " ")
		l.placeholders(at.at("query", name), text, "value", known)
		all += " " + text
	}
	if !strings.Contains(all, "{"+TicketName+"}") {
		l.fault(at, "the call must say what it asks for, with {%s}", TicketName)
	}
	if e.Request.Format != "" || e.Request.Paging.Type != sallyport.PagingSingle {
		l.fault(at, "a result that is fetched is JSON, on a single page")
	}
}
