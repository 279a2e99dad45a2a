package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/auth"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/service"
)

// quotaForm is the budget of a credential, as it was filled in.
type quotaForm struct {
	tile    tileView
	Plans   []connector.PlanProfile
	Plan    string
	Limits  map[string]string // by window; "": as the system says
	Reserve string
	Errors  map[string]string // by the names of the inputs
}

// windows are those that limits can be set for, in the order in which people read them.
var windows = []string{sallyport.WindowSecond, sallyport.WindowDay, sallyport.WindowMonth}

func (s *server) quotaForm(r *http.Request) (quotaForm, error) {
	v := quotaForm{Limits: map[string]string{}, Errors: map[string]string{}}
	var err error
	if v.tile, err = s.oneTile(r); err != nil {
		return v, err
	}
	if d, err := s.Service.Catalogue.Definition(v.tile.Connector); err == nil {
		v.Plans = d.Limits.Plans
	}
	for _, w := range v.tile.Quota {
		if w.Origin == sallyport.QuotaHand {
			v.Limits[w.Window] = strconv.FormatInt(w.Limit, 10)
		}
		if w.Reserve != "" {
			v.Reserve = w.Reserve
		}
	}
	return v, nil
}

func (s *server) showQuota(w http.ResponseWriter, r *http.Request) error {
	v, err := s.quotaForm(r)
	if err != nil {
		return err
	}
	return s.showQuotaForm(w, r, http.StatusOK, v)
}

func (s *server) showQuotaForm(w http.ResponseWriter, r *http.Request, status int, v quotaForm) error {
	switch {
	case isFragment(r) && r.Method == http.MethodPost:
		s.show(w, r, status, quotaFields(v))
	case isFragment(r):
		s.show(w, r, status, quotaOverlay(v))
	default:
		return s.showCredentials(w, r, status, nil, screen{quotaOverlay(v)})
	}
	return nil
}

// setQuota changes what a credential may spend.
func (s *server) setQuota(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := s.quotaForm(r)
	if err != nil {
		return err
	}
	change := v.read(r)
	if len(v.Errors) > 0 {
		return s.showQuotaForm(w, r, http.StatusUnprocessableEntity, v)
	}
	err = s.Service.SetQuota(r.Context(), auth.ActorOf(r.Context()), string(v.tile.ID), change)
	if e, ok := errors.AsType[*sallyport.Error](err); ok && e.Code == sallyport.Invalid {
		v.Errors[e.Field] = fieldSentence(e)
		return s.showQuotaForm(w, r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/credentials?selected="+string(v.tile.ID), fmt.Sprintf("The quota of %q is changed.", v.tile.Name))
}

// read reads the form. What is left empty is as the system says.
func (v *quotaForm) read(r *http.Request) service.QuotaChange {
	change := service.QuotaChange{Plan: r.PostForm.Get("plan"), Limits: map[string]int64{}}
	v.Plan = change.Plan
	for _, window := range windows {
		v.Limits[window] = strings.TrimSpace(r.PostForm.Get(window))
		if v.Limits[window] == "" {
			change.Limits[window] = 0
			continue
		}
		n, err := strconv.ParseInt(v.Limits[window], 10, 64)
		if err != nil || n < 1 {
			v.Errors[window] = "Must be a number of calls above 0, or empty."
		}
		change.Limits[window] = n
	}
	v.Reserve = strings.TrimSpace(r.PostForm.Get("reserve"))
	reserve := sallyport.Reserve{}
	if v.Reserve != "" {
		var err error
		if reserve, err = sallyport.ParseReserve(v.Reserve); err != nil {
			v.Errors["reserve"] = "Must be a number of calls, such as 20, or a percentage below 100, such as 10%."
		}
	}
	change.Reserve = &reserve
	return change
}

// leftWords says what is left of a window.
func leftWords(w quota.Window) string {
	switch {
	case w.Window == sallyport.WindowSecond && w.Limit > 0:
		return number(w.Limit) + " a second"
	case w.Window == sallyport.WindowSecond && w.IsTold():
		return "at least " + number(w.Left) + " a second, limit unknown"
	case w.IsTold() && (w.Window == sallyport.WindowOther || w.RefusedUntil.IsZero()):
		return number(w.Left) + " left, limit unknown"
	case w.Window == sallyport.WindowOther:
		return fmt.Sprintf("%s of %s left", number(w.Left), number(w.Limit))
	case w.Limit == 0 && w.RefusedUntil.IsZero():
		return "limit unknown for the " + w.Window
	case w.Limit == 0:
		return "none this " + w.Window
	}
	return fmt.Sprintf("%s of %s this %s", number(w.Left), number(w.Limit), w.Window)
}

// renewalWords says when a window begins anew, and how its limit is known.
func renewalWords(w quota.Window) string {
	var parts []string
	switch {
	case w.Window == sallyport.WindowOther && !w.RefusedUntil.IsZero():
		parts = append(parts, "renews "+ahead(w.RefusedUntil))
	case !w.RefusedUntil.IsZero():
		parts = append(parts, "refused, renews "+ahead(w.RefusedUntil)+" at the latest")
	case w.Window != sallyport.WindowSecond && !w.RenewsAt.IsZero():
		parts = append(parts, "renews "+ahead(w.RenewsAt))
	}
	if w.Reserved > 0 {
		parts = append(parts, number(w.Reserved)+" for people")
	}
	origins := map[sallyport.QuotaOrigin]string{
		sallyport.QuotaHand: "set by hand", sallyport.QuotaPlan: "by its plan", sallyport.QuotaHeader: "as its answers say",
		sallyport.QuotaSentence: "as a refusal said",
	}
	if from := origins[w.Origin]; from != "" {
		parts = append(parts, from)
	}
	return strings.Join(parts, ", ")
}
