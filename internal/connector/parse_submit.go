package connector

import (
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// takes tells whether a parameter says whose answers are asked for, and so is no part of a call.
func (a *Answers) takes(param string) bool {
	return a != nil && slices.Contains([]string{ParamFlow, ParamDestination, ParamEvery, ParamDeadline}, param)
}

// answers checks an endpoint that asks what came of submissions.
func (l *linter) answers(at route, e *Endpoint) {
	if e.Answers == nil {
		return
	}
	for _, name := range []string{ParamFlow, ParamDestination, ParamEvery, ParamDeadline} {
		if f := e.param(name); f == nil || !f.Required && f.Default == nil {
			l.fault(at, "answers: the endpoint needs a parameter %s that is required or has a default", name)
		}
	}
	if e.Answers.Name == "" || e.Answers.Status == "" || len(e.Answers.Pending) == 0 {
		l.fault(at, "answers: name, status and pending are required")
	}
}

// submit checks how a destination submits.
func (l *linter) submit(at route, d *DestinationSpec) {
	s := d.Submit
	if s == nil {
		return
	}
	if s.Request.Repeatable {
		l.fault(at.at("request", "repeatable"), "repeatable: a submission is never made twice")
	}
	l.check(at.at("request"), checkRequest(&s.Request, l.AuthOf(&Endpoint{Auth: s.Auth})))
	if s.Auth != nil {
		l.auth(at.at("auth"), *s.Auth)
	}
	settings := append(slices.Clone(d.Fields), Field{Name: s.Name})
	texts := []string{s.Request.URL, string(s.Request.Body)}
	for _, values := range s.Request.Query {
		texts = append(texts, values...)
	}
	l.placeholders(at.at("request"), strings.Join(texts, " "), "setting", settings)
	l.check(at.at("field"), nameless(checkKnown("setting", d.Fields, []string{s.Field})))
	l.check(at, nameless(checkKnown("setting", d.Fields, []string{SettingAgainAfter, SettingAnswers})))
	if s.Name == "" || s.Ref == "" {
		l.fault(at, "submit: name and ref are required")
	}
	if s.Answers != "" {
		e, err := l.Endpoint(s.Answers)
		if err == nil && e.Answers == nil {
			err = sallyport.FieldErrorf("", "%s does not ask for answers", s.Answers)
		}
		l.check(at.at("answers"), nameless(err))
	}
}
