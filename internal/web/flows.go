package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// pageSize is how many rows a list shows at once.
const pageSize = 50

// system is what a connector is called; one that is not there any more is called by its id.
func (s *server) system(id string) string {
	if d, err := s.Service.Catalogue.Definition(id); err == nil {
		return d.Name
	}
	return id
}

// flowsView is a page of the list of flows.
type flowsView struct {
	Flows  []service.FlowStatus
	System func(id string) string
	Search string
	Show   string // one of shown
	After  string
	More   string // the path of the page behind this one
}

// The flows that are shown, besides all.
const (
	showActive = "active"
	showPaused = "paused"
	showFailed = "failed"
)

// filtered tells whether there may be flows that are not shown.
func (v flowsView) filtered() bool { return v.Search != "" || v.Show != "" || v.After != "" }

func (s *server) listFlows(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	v := flowsView{System: s.system, Search: strings.TrimSpace(query.Get("search")), Show: query.Get("show"), After: query.Get("after")}
	q := service.FlowQuery{Search: v.Search, After: v.After, Limit: pageSize, Failed: v.Show == showFailed}
	switch v.Show {
	case showActive:
		q.State = sallyport.FlowActive
	case showPaused:
		q.State = sallyport.FlowPaused
	}
	flows, next, err := s.Service.FlowStatuses(r.Context(), q)
	if err != nil {
		return err
	}
	v.Flows = flows
	if next != "" {
		v.More = "/flows?" + url.Values{"search": {v.Search}, "show": {v.Show}, "after": {next}}.Encode()
	}
	s.show(w, r, http.StatusOK, flowsPage(s.frame(r, "Flows", "Flows"), v))
	return nil
}

// sourceWords says what a source pulls.
func sourceWords(s sallyport.Source) string {
	if s.Request != nil {
		return s.Request.Method + " " + s.Request.URL
	}
	return s.Endpoint
}

func scheduleWords(s *sallyport.Schedule) string {
	switch {
	case s == nil:
		return "runs on demand"
	case s.Cron != "":
		return "runs by the schedule " + s.Cron + " " + s.Zone
	}
	return "runs every " + s.Every.String()
}

// bar is an hour as a bar of a small chart.
type bar struct {
	X, Y, Height int
	Class, Title string
}

// How large the bars are, in the units of their picture.
const (
	barsHeight = 24
	barStep    = 6
)

// barsOf draws the hours in which something ran: the more is wrong, the higher, so that colours are not all that tells.
func barsOf(hours []service.Hour) (bars []bar) {
	for i, h := range hours {
		class, height, what := "open", 13, "a run is not finished"
		switch {
		case h.Failed > 0:
			class, height, what = "failed", barsHeight, plural(h.Failed, "run")+" failed"
		case h.Quarantined > 0:
			class, height, what = "warned", 18, plural(h.Quarantined, "record")+" in quarantine"
		case h.Succeeded > 0:
			class, height, what = "good", 13, plural(h.Succeeded, "run")+", "+plural(h.Records, "record")
		case h.Unfinished == 0:
			continue
		}
		bars = append(bars, bar{X: i * barStep, Y: barsHeight - height, Height: height, Class: class, Title: h.Begin.UTC().Format("15:04 UTC") + ": " + what})
	}
	return bars
}

// hoursWords says what the bars show.
func hoursWords(hours []service.Hour) string {
	var good, failed, quarantined int64
	for _, h := range hours {
		good, failed, quarantined = good+h.Succeeded, failed+h.Failed, quarantined+h.Quarantined
	}
	switch {
	case good+failed == 0:
		return "No run in the last 24 hours"
	case failed == 0 && quarantined == 0:
		return fmt.Sprintf("Last 24 hours: %s succeeded", plural(good, "run"))
	}
	return fmt.Sprintf("Last 24 hours: %s succeeded, %s failed, %s in quarantine", plural(good, "run"), number(failed), plural(quarantined, "record"))
}

// targetWords says where a destination writes, as far as its configuration has a path or a table.
func targetWords(config map[string]any) string {
	var words []string
	for _, name := range []string{"path", "table"} {
		if v, ok := config[name].(string); ok {
			words = append(words, v)
		}
	}
	return strings.Join(words, ", ")
}
