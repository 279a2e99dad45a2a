package cli

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/quota"
	"github.com/sallyport-io/sallyport/internal/service"
)

type credentialQuota struct {
	Name    string `arg:"" help:"Name of the credential."`
	Plan    string `help:"What the plan of this name is known to allow: see connector show." placeholder:"PLAN"`
	Second  string `help:"Calls that a second allows, or auto: as the answers say." placeholder:"N"`
	Day     string `help:"Calls that a day allows, or auto." placeholder:"N"`
	Month   string `help:"Calls that a month allows, or auto." placeholder:"N"`
	Reserve string `help:"Calls of the day and of the month that runs leave to people: a number, or a percentage such as 10%." placeholder:"N"`
}

// Run shows the budget of a credential, after it was changed if that is asked for.
func (c *credentialQuota) Run(e *env, s *service.Service) error {
	change, err := c.change()
	if err != nil {
		return err
	}
	if change.Plan != "" || len(change.Limits) > 0 || change.Reserve != nil {
		if err := s.SetQuota(e.ctx, e.actor(), c.Name, change); err != nil {
			return err
		}
	}
	windows, err := s.Quota(e.ctx, c.Name)
	if err != nil {
		return err
	}
	return e.show(windows, func(w io.Writer) { quotaTable(w, windows) })
}

func (c *credentialQuota) change() (service.QuotaChange, error) {
	change := service.QuotaChange{Plan: c.Plan, Limits: map[string]int64{}}
	for _, flag := range []struct{ window, value string }{
		{sallyport.WindowSecond, c.Second}, {sallyport.WindowDay, c.Day}, {sallyport.WindowMonth, c.Month},
	} {
		if flag.value == "" {
			continue
		}
		n, err := strconv.ParseInt(flag.value, 10, 64)
		if flag.value == "auto" {
			n, err = 0, nil
		} else if err != nil || n < 1 {
			return change, sallyport.FieldErrorf("--"+flag.window, "must be a number of calls above 0, or auto")
		}
		change.Limits[flag.window] = n
	}
	if c.Reserve != "" {
		reserve, err := sallyport.ParseReserve(c.Reserve)
		if err != nil {
			return change, sallyport.FieldErrorf("--reserve", "%w", err)
		}
		change.Reserve = &reserve
	}
	return change, nil
}

// quotaTable draws what is left of a budget.
func quotaTable(w io.Writer, windows []quota.Window) {
	rows := [][]string{}
	for _, window := range windows {
		rows = append(rows, []string{window.Window, leftText(window), reservedText(window), renewText(window), originText(window)})
	}
	table(w, "No limit is known: the answers of the first calls will show.", []string{"WINDOW", "LEFT", "FOR PEOPLE", "RENEWS", "KNOWN"}, rows)
}

func leftText(w quota.Window) string {
	switch {
	case w.Window == sallyport.WindowSecond && w.Limit > 0:
		return count(w.Limit) + " a second"
	case w.Window == sallyport.WindowSecond && w.IsTold():
		return "at least " + count(w.Left) + " a second, limit unknown"
	case w.IsTold() && (w.Window == sallyport.WindowOther || w.RefusedUntil.IsZero()):
		return count(w.Left) + ", limit unknown"
	case w.Limit == 0 && w.RefusedUntil.IsZero():
		return "limit unknown"
	case w.Limit == 0:
		return "0"
	}
	return count(w.Left) + " of " + count(w.Limit)
}

func reservedText(w quota.Window) string {
	if w.Reserved == 0 {
		return ""
	}
	return count(w.Reserved)
}

func renewText(w quota.Window) string {
	if !w.RefusedUntil.IsZero() {
		if w.Window == sallyport.WindowOther {
			return moment(w.RefusedUntil)
		}
		return moment(w.RefusedUntil) + " at the latest, after a refusal"
	}
	return moment(w.RenewsAt)
}

func originText(w quota.Window) string {
	return map[sallyport.QuotaOrigin]string{
		sallyport.QuotaHand: "set by hand", sallyport.QuotaPlan: "by its plan", sallyport.QuotaHeader: "as answers say",
		sallyport.QuotaSentence: "as a refusal said",
	}[w.Origin]
}

// quotaFacts are the lines about a budget among the facts of a credential.
func quotaFacts(windows []quota.Window) (pairs []string) {
	for _, w := range windows {
		text := leftText(w)
		switch {
		case w.Window == sallyport.WindowSecond:
		case w.IsTold():
			text = strings.Replace(text, ",", " left,", 1)
		case w.Limit > 0:
			text += " left"
		}
		var more []string
		if w.Reserved > 0 {
			more = append(more, reservedText(w)+" of it for people")
		}
		if renewed := renewText(w); renewed != "" {
			more = append(more, "renews "+renewed)
		}
		if from := originText(w); from != "" {
			more = append(more, from)
		}
		if len(more) > 0 {
			text += " (" + strings.Join(more, ", ") + ")"
		}
		pairs = append(pairs, "quota, "+w.Window, text)
	}
	return pairs
}

// warn shows on stderr what does not fit its budget.
func (e *env) warn(costs ...service.Cost) {
	for _, c := range costs {
		if c.Warning != "" {
			fmt.Fprintf(e.Err, "warning: flow %q: %s\n", c.Flow, c.Warning)
		}
	}
}
