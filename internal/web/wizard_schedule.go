package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// timesShown is how many of the next times are shown.
const timesShown = 5

// The kinds of schedule in the form.
const (
	onDemand = "demand"
	byEvery  = "every"
	byCron   = "cron"
)

// scheduleView is the step in which it is said when the source is pulled, as it was typed.
type scheduleView struct {
	draftView
	Kind, Number, Unit, Cron, Zone string
	Times                          timesView
}

// timesView are the next times of a schedule.
type timesView struct {
	Times   []string
	Problem string
}

func scheduleOf(v draftView) scheduleView {
	form := scheduleView{draftView: v, Kind: onDemand, Number: "8", Unit: "h", Zone: "UTC"}
	switch s := v.Schedule; {
	case s == nil:
	case s.Cron != "":
		form.Kind, form.Cron, form.Zone = byCron, s.Cron, s.Zone
	default:
		text := s.Every.String()
		form.Kind, form.Number, form.Unit = byEvery, text[:len(text)-1], text[len(text)-1:]
	}
	return form
}

// fields are what of the form belongs to its kind of schedule.
func (v scheduleView) fields() [3]string {
	switch v.Kind {
	case byEvery:
		return [3]string{v.Kind, v.Number, v.Unit}
	case byCron:
		return [3]string{v.Kind, v.Cron, v.Zone}
	}
	return [3]string{onDemand}
}

// units are the choices for an interval. Seconds are not offered, but a stored interval may need them.
func (v scheduleView) units() []option {
	all := []option{{"m", "minutes"}, {"h", "hours"}, {"d", "days"}, {"w", "weeks"}}
	if v.Unit == "s" {
		all = append(all, option{"s", "seconds"})
	}
	return all
}

// read reads the form of a schedule into the draft.
func (v *scheduleView) read(r *http.Request) {
	text := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	stored := scheduleOf(v.draftView)
	v.Kind, v.Number, v.Unit, v.Cron, v.Zone = text("kind"), text("number"), text("unit"), text("cron"), text("zone")
	if v.fields() == stored.fields() {
		return // exactly as it is stored
	}
	v.Schedule = nil
	switch v.Kind {
	case byEvery:
		every, err := sallyport.ParseDuration(v.Number + v.Unit)
		if err != nil {
			v.Errors["source.schedule.every"] = "Must be a whole number, such as 8."
		}
		v.Schedule = &sallyport.Schedule{Every: every}
	case byCron:
		if v.Cron == "" {
			v.Errors["source.schedule.cron"] = "Is missing. An example: 0 */8 * * * is every eight hours."
		}
		v.Schedule = &sallyport.Schedule{Cron: v.Cron, Zone: v.Zone}
	}
}

func (s *server) showSchedule(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepSchedule
	return s.showScheduleForm(w, r, scheduleOf(v))
}

func (s *server) showScheduleForm(w http.ResponseWriter, r *http.Request, v scheduleView) error {
	if len(v.Errors) == 0 {
		v.Times = s.times(v.draftView)
	}
	s.show(w, r, v.status(), schedulePage(s.frame(r, "Schedule", "Flows"), v))
	return nil
}

func (s *server) setSchedule(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepSchedule
	form := scheduleView{draftView: v}
	form.read(r)
	return s.keep(w, r, form.draftView, func(v draftView) error {
		form.draftView = v
		return s.showScheduleForm(w, r, form)
	})
}

// showTimes shows when a schedule would be due, before it is kept.
func (s *server) showTimes(w http.ResponseWriter, r *http.Request, v draftView) error {
	v.Step = service.StepSchedule
	form := scheduleView{draftView: v}
	form.read(r)
	if !isFragment(r) {
		if _, err := s.Service.NextTimes(form.Schedule, 1); err != nil && len(form.Errors) == 0 && !form.note(err) {
			return err
		}
		return s.showScheduleForm(w, r, form)
	}
	for _, problem := range form.Errors {
		s.show(w, r, http.StatusOK, nextTimes(timesView{Problem: problem}))
		return nil
	}
	s.show(w, r, http.StatusOK, nextTimes(s.times(form.draftView)))
	return nil
}

// times are the next times of the draft's schedule in words, or what is wrong with it.
func (s *server) times(v draftView) timesView {
	times, err := s.Service.NextTimes(v.Schedule, timesShown)
	if err != nil {
		if v.note(err) {
			for _, problem := range v.Errors {
				return timesView{Problem: problem}
			}
		}
		return timesView{Problem: sentence(err)}
	}
	zone := time.UTC
	if v.Schedule != nil && v.Schedule.Zone != "" {
		if at, err := time.LoadLocation(v.Schedule.Zone); err == nil {
			zone = at
		}
	}
	var view timesView
	for i, at := range times {
		text := at.In(zone).Format("Monday, 2 January 2006, 15:04") + " (" + zone.String() + ")"
		if i == 0 && v.Schedule.Cron == "" {
			text = "At once, when it is activated"
		}
		view.Times = append(view.Times, text)
	}
	return view
}

// whenWords says when a flow runs.
func whenWords(s *sallyport.Schedule) string {
	switch {
	case s == nil:
		return "On demand only"
	case s.Cron != "" && s.Zone != "":
		return fmt.Sprintf("By the schedule %s in the zone %s", s.Cron, s.Zone)
	case s.Cron != "":
		return fmt.Sprintf("By the schedule %s in UTC", s.Cron)
	}
	text := s.Every.String()
	unit := map[string]string{"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}[text[len(text)-1:]]
	if text[:len(text)-1] == "1" {
		return "Every " + unit
	}
	return "Every " + text[:len(text)-1] + " " + unit + "s"
}
