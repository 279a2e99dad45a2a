package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/service"
)

// maxRecordBody bounds a form with a record in it: as a form is encoded, a character may become three.
const maxRecordBody = 3*service.MaxEdited + 64<<10

// quarantineView is a record in quarantine, and what could not take it.
type quarantineView struct {
	sallyport.Quarantined
	Flow    sallyport.Flow
	Taker   string
	Line    string      // the record
	Edit    *recordForm // it is being edited in place
	Focused bool        // what was done to it is seen here
}

// recordForm is a record as it was typed.
type recordForm struct {
	Text    string
	Since   string // when the record was edited last, as far as this form knows
	Problem string // about the record
	Changed bool   // somebody else edited it
	TooBig  bool   // for a form
}

func (v quarantineView) number() string { return strconv.FormatInt(v.ID, 10) }

func (v quarantineView) path(rest string) string {
	return quarantinePath(v.Flow) + "/" + v.number() + rest
}

func quarantinePath(f sallyport.Flow) string { return "/datasets/" + string(f.ID) + "/quarantine" }

// quarantine are the pages of single records.
func (s *server) quarantine(closed func(pattern string, h handler)) {
	closed("POST /datasets/{id}/quarantine/replay", s.replayAll)
	closed("GET /datasets/{id}/quarantine/{record}", s.showQuarantined)
	closed("POST /datasets/{id}/quarantine/{record}", s.saveQuarantined)
	closed("GET /datasets/{id}/quarantine/{record}/edit", s.editQuarantined)
	closed("POST /datasets/{id}/quarantine/{record}/replay", s.replayQuarantined)
	closed("POST /datasets/{id}/quarantine/{record}/discard", s.discardQuarantined)
}

// bounded bounds what is sent: more of it where a record is edited.
func bounded(next http.Handler) http.Handler {
	mux, most := http.NewServeMux(), http.MaxBytesHandler(next, maxBody)
	mux.Handle("/", most)
	mux.Handle("POST /datasets/{id}/quarantine/{record}", http.MaxBytesHandler(next, maxRecordBody))
	mux.Handle("POST /datasets/{id}/quarantine/replay", most)
	return mux
}

func viewOf(f sallyport.Flow, q sallyport.Quarantined) quarantineView {
	return quarantineView{Quarantined: q, Flow: f, Taker: taker(f, q), Line: lines([]json.RawMessage{q.Record}, maxRaw)}
}

// taker is what could not take a record: the dataset, or a destination.
func taker(f sallyport.Flow, q sallyport.Quarantined) string {
	if q.DestinationID == "" {
		return "the dataset"
	}
	for _, d := range f.Destinations {
		if d.ID == q.DestinationID {
			return "destination " + d.Name
		}
	}
	return "a destination that is no longer there"
}

// quarantinedOf finds the record that a path names.
func (s *server) quarantinedOf(r *http.Request) (quarantineView, error) {
	f, err := s.flowOf(r)
	if err != nil {
		return quarantineView{}, err
	}
	missing := sallyport.Errorf(sallyport.NotFound, "record %.20s is not in quarantine here; it may have been replayed or discarded", r.PathValue("record"))
	id, err := strconv.ParseInt(r.PathValue("record"), 10, 64)
	if err != nil {
		return quarantineView{}, missing
	}
	q, err := s.Service.Quarantined(r.Context(), id)
	if sallyport.CodeOf(err) == sallyport.NotFound || err == nil && q.DatasetID != f.Dataset.ID {
		return quarantineView{}, missing
	}
	return viewOf(f, q), err
}

// showRecord shows one record: alone where htmx asks, else on a page of its own.
func (s *server) showRecord(w http.ResponseWriter, r *http.Request, status int, v quarantineView) error {
	if isFragment(r) {
		s.show(w, r, status, quarantineCard(v))
		return nil
	}
	s.show(w, r, status, quarantinedPage(s.frame(r, fmt.Sprintf("Record %d", v.ID), "Flows"), v))
	return nil
}

func (s *server) showQuarantined(w http.ResponseWriter, r *http.Request) error {
	v, err := s.quarantinedOf(r)
	if err != nil {
		return err
	}
	v.Focused = isFragment(r)
	return s.showRecord(w, r, http.StatusOK, v)
}

func (s *server) editQuarantined(w http.ResponseWriter, r *http.Request) error {
	v, err := s.quarantinedOf(r)
	if err != nil {
		return err
	}
	v.Edit = &recordForm{Text: pretty(v.Record), Since: sinceOf(v.Quarantined), TooBig: len(v.Record) > service.MaxEdited}
	return s.showRecord(w, r, http.StatusOK, v)
}

func sinceOf(q sallyport.Quarantined) string {
	if q.EditedAt.IsZero() {
		return "0"
	}
	return strconv.FormatInt(q.EditedAt.UnixMicro(), 10)
}

// pretty lays a record out to be read, unless it would be too large then.
func pretty(record json.RawMessage) string {
	value := jsontext.Value(slices.Clone(record))
	if err := value.Indent(jsontext.WithIndent("  ")); err != nil || len(value) > service.MaxEdited {
		return strings.ToValidUTF8(string(record), "\uFFFD")
	}
	return strings.ToValidUTF8(string(value), "\uFFFD")
}

// rowsFor is how high a field for a text is, within what fits beside the rest.
func rowsFor(text string) string { return strconv.Itoa(min(max(strings.Count(text, "\n")+2, 5), 24)) }

// saveQuarantined keeps what was typed, and replays it if that is asked for, too.
func (s *server) saveQuarantined(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.quarantinedOf(r)
	if err != nil {
		return err
	}
	since, err := strconv.ParseInt(r.PostForm.Get("since"), 10, 64)
	if err != nil {
		return sallyport.FieldErrorf("since", "is no time; load the page again")
	}
	edited := time.Time{}
	if since != 0 {
		edited = time.UnixMicro(since).UTC()
	}
	text := r.PostForm.Get("record")
	q, err := s.Service.EditQuarantined(r.Context(), auth.ActorOf(r.Context()), v.ID, edited, []byte(text))
	if e, ok := errors.AsType[*sallyport.Error](err); ok && (e.Code == sallyport.Conflict || e.Field == "record") {
		return s.typedAgain(w, r, v, text, e)
	}
	if err != nil {
		return err
	}
	if r.PostForm.Get("then") == "replay" {
		return s.replayRecord(w, r, v)
	}
	if !isFragment(r) {
		return s.done(w, r, v.path(""), fmt.Sprintf("Record %d is kept as you edited it. It is not replayed yet.", q.ID))
	}
	saved := viewOf(v.Flow, q)
	saved.Focused = true
	return s.showRecord(w, r, http.StatusOK, saved)
}

// typedAgain shows the form with what was typed, without any key, and what is wrong with it. Whoever was told that somebody else edited the
// record may save all the same.
func (s *server) typedAgain(w http.ResponseWriter, r *http.Request, v quarantineView, text string, e *sallyport.Error) error {
	v.Edit = &recordForm{Text: s.Service.Redactor.String(strings.ToValidUTF8(text, "\uFFFD")), Since: r.PostForm.Get("since")}
	if e.Code == sallyport.Conflict {
		v.Edit.Changed, v.Edit.Since = true, sinceOf(v.Quarantined)
	} else {
		v.Edit.Problem = fieldSentence(e)
	}
	return s.showRecord(w, r, http.StatusUnprocessableEntity, v)
}

func (s *server) replayQuarantined(w http.ResponseWriter, r *http.Request) error {
	v, err := s.quarantinedOf(r)
	if err != nil {
		return err
	}
	return s.replayRecord(w, r, v)
}

func (s *server) replayRecord(w http.ResponseWriter, r *http.Request, v quarantineView) error {
	_, err := s.Service.ReplayQuarantined(r.Context(), auth.ActorOf(r.Context()), service.Selection{IDs: []int64{v.ID}})
	if err != nil {
		return err
	}
	notice := fmt.Sprintf("Record %d is on its way to %s. If it does not fit there, it comes back here.", v.ID, v.Taker)
	if v.DestinationID == "" {
		notice = fmt.Sprintf("Record %d is in the dataset now, and on its way to every destination.", v.ID)
	}
	return s.done(w, r, "/datasets/"+string(v.Flow.ID)+"#quarantine", notice)
}

func (s *server) replayAll(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f, err := s.flowOf(r)
	if err != nil {
		return err
	}
	which := service.Selection{Flow: string(f.ID), Destination: r.PostForm.Get("destination")}
	done, err := s.Service.ReplayQuarantined(r.Context(), auth.ActorOf(r.Context()), which)
	if err != nil {
		return err
	}
	records := int64(0)
	for _, settled := range done {
		records += settled.Records
	}
	notice := plural(records, "record") + " replayed. What does not fit comes back here."
	return s.done(w, r, "/datasets/"+string(f.ID)+"#quarantine", notice)
}

func (s *server) discardQuarantined(w http.ResponseWriter, r *http.Request) error {
	v, err := s.quarantinedOf(r)
	if err != nil {
		return err
	}
	_, err = s.Service.DiscardQuarantined(r.Context(), auth.ActorOf(r.Context()), service.Selection{IDs: []int64{v.ID}})
	if err != nil {
		return err
	}
	return s.done(w, r, "/datasets/"+string(v.Flow.ID)+"#quarantine", fmt.Sprintf("Record %d is discarded.", v.ID))
}

// readQuarantine reads a page of the quarantine of a dataset, newest first, and where the older ones are.
func (s *server) readQuarantine(r *http.Request, f sallyport.Flow) (all []quarantineView, older string, err error) {
	before, err := beforeOf(r)
	if err != nil {
		return nil, "", err
	}
	found, err := s.Service.Quarantine(r.Context(), string(f.ID), "", maxSample+1, before)
	if err != nil {
		return nil, "", err
	}
	for _, q := range found[:min(len(found), maxSample)] {
		all = append(all, viewOf(f, q))
	}
	if len(found) > maxSample {
		query := url.Values{"before": {all[len(all)-1].number()}}
		older = "/datasets/" + string(f.ID) + "?" + query.Encode() + "#quarantine"
	}
	return all, older, nil
}

// rejecting are the destinations whose records are among these, if others' are, too.
func rejecting(all []quarantineView) (names []string) {
	takers := map[string]bool{}
	for _, v := range all {
		if name, ok := strings.CutPrefix(v.Taker, "destination "); ok && v.DestinationID != "" && !takers[v.Taker] {
			names = append(names, name)
		}
		takers[v.Taker] = true
	}
	if len(takers) < 2 {
		return nil
	}
	return names
}
