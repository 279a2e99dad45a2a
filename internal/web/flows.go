package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
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

func (s *server) listFlows(w http.ResponseWriter, r *http.Request) error {
	flows, err := s.Service.FlowStatuses(r.Context())
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, flowsPage(s.frame(r, "Flows", "Flows"), flows, s.system))
	return nil
}

func (s *server) showFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.Service.Flow(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	v := flowView{Flow: f, System: s.system}
	if v.Runs, err = s.Service.Runs(r.Context(), string(f.ID), 10, 0); err != nil {
		return err
	}
	if f.Source.Credential != "" {
		c, err := s.Service.Credential(r.Context(), string(f.Source.Credential))
		if err != nil {
			return err
		}
		v.Credential = c.Name
	}
	s.show(w, r, http.StatusOK, flowPage(s.frame(r, f.Name, "Flows"), v))
	return nil
}

// flowOf finds the flow that a path names.
func (s *server) flowOf(r *http.Request) (sallyport.Flow, error) {
	return s.Service.Flow(r.Context(), r.PathValue("id"))
}

func (s *server) runFlow(w http.ResponseWriter, r *http.Request) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if f.State == sallyport.FlowPaused {
		return sallyport.Errorf(sallyport.Conflict, "%q is paused; resume it first", f.Name)
	}
	run, resumed, err := s.Service.StartRun(r.Context(), auth.ActorOf(r.Context()), string(f.ID))
	if err != nil {
		return err
	}
	notice := fmt.Sprintf("Run %d of %q is queued.", run.ID, f.Name)
	if resumed {
		notice = fmt.Sprintf("Run %d of %q is not finished yet; it goes on.", run.ID, f.Name)
	}
	return s.done(w, r, "/flows/"+string(f.ID), notice)
}

func (s *server) pauseFlow(w http.ResponseWriter, r *http.Request) error {
	return s.setFlowState(w, r, sallyport.FlowPaused, "%q is paused. What it has kept stays.")
}

func (s *server) resumeFlow(w http.ResponseWriter, r *http.Request) error {
	return s.setFlowState(w, r, sallyport.FlowActive, "%q is active.")
}

func (s *server) setFlowState(w http.ResponseWriter, r *http.Request, state sallyport.FlowState, notice string) error {
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	if err := s.Service.SetFlowState(r.Context(), auth.ActorOf(r.Context()), string(f.ID), state); err != nil {
		return err
	}
	back := "/flows"
	if u, err := url.Parse(r.Header.Get("HX-Current-URL")); err == nil && u.Path == "/flows/"+string(f.ID) {
		back = u.Path
	}
	return s.done(w, r, back, fmt.Sprintf(notice, f.Name))
}

// showFlowFile shows a flow file that begins with what was chosen.
func (s *server) showFlowFile(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Service.Catalogue.Definition(r.PathValue("connector"))
	if err != nil {
		return sallyport.Errorf(sallyport.NotFound, "there is no connector %q", r.PathValue("connector"))
	}
	v := fileView{Connector: d.Connector}
	if id := r.URL.Query().Get("credential"); id != "" {
		c, err := s.Service.Credential(r.Context(), id)
		if err != nil {
			return err
		}
		v.Credential = c.Name
	}
	v.Text = flowFile(d, v.Credential)
	s.show(w, r, http.StatusOK, flowFilePage(s.frame(r, "New flow", "Flows"), v))
	return nil
}

// flowFile is a flow file for a connector, ready to be applied but for what only its user knows.
func flowFile(d *connector.Definition, credential string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow: my-%s-flow\ndescription: What it is for\nsource:\n  connector: %[1]s\n", d.Connector)
	if credential != "" {
		fmt.Fprintf(&b, "  credential: %q\n", credential)
	}
	if len(d.Endpoints) > 0 {
		e := d.Endpoints[0]
		fmt.Fprintf(&b, "  endpoint: %s%s\n", e.ID, exampleParams(e))
	} else {
		b.WriteString("  request:\n    url: /list\n    records: $.results[*]\n    paging: {type: single}\n")
	}
	b.WriteString("destinations:\n  - name: lines\n    connector: file\n    config: {path: out/records.ndjson, format: ndjson}\n")
	return b.String()
}

// exampleParams are the parameters that must be given, with their examples.
func exampleParams(e connector.Endpoint) string {
	var given []string
	for _, p := range e.Params {
		if (p.Required || len(e.OneOf) > 0 && len(given) == 0) && p.Example != nil {
			given = append(given, fmt.Sprintf("%s: %v", p.Name, p.Example))
		}
	}
	if len(given) == 0 {
		return ""
	}
	return "\n  params: {" + strings.Join(given, ", ") + "}"
}

func (s *server) listRuns(w http.ResponseWriter, r *http.Request) error {
	before, err := beforeOf(r)
	if err != nil {
		return err
	}
	runs, err := s.Service.Runs(r.Context(), "", pageSize, before)
	if err != nil {
		return err
	}
	more := ""
	if len(runs) == pageSize {
		more = fmt.Sprintf("/runs?before=%d", runs[len(runs)-1].ID)
	}
	s.show(w, r, http.StatusOK, runsPage(s.frame(r, "Runs", "Runs"), runs, more))
	return nil
}

// beforeOf is where a list goes on.
func beforeOf(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("before")
	if text == "" {
		return 0, nil
	}
	before, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, sallyport.FieldErrorf("before", "is no number")
	}
	return before, nil
}

func (s *server) showRun(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return sallyport.Errorf(sallyport.NotFound, "there is no run %q", r.PathValue("id"))
	}
	run, err := s.Service.Run(r.Context(), id)
	if err != nil {
		return err
	}
	s.show(w, r, http.StatusOK, runPage(s.frame(r, fmt.Sprintf("Run %d", id), "Runs"), *run))
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

// lasted says how long a run lasted, or has lasted so far.
func lasted(run sallyport.Run) string {
	switch {
	case run.StartedAt.IsZero():
		return "not begun"
	case run.EndedAt.IsZero():
		return took(time.Since(run.StartedAt)) + " so far"
	}
	return took(run.EndedAt.Sub(run.StartedAt))
}
