package web

import (
	"slices"
	"strings"

	"github.com/a-h/templ"
)

// input is one value of a form, as the page shows it: a line of text, several lines, a menu or check boxes.
type input struct {
	ID, Name, Label, Help, Value, Placeholder string
	Required, Secret, Focus                   bool
	Lines                                     bool     // the text may have several lines
	Options                                   []option // a menu of these; with Several, check boxes
	Several                                   bool
	Chosen                                    []string // the values of the check boxes that are ticked
	Rare                                      bool     // few people need it: it is folded away unless it is set
}

// isSet tells whether the value is another than what an untouched form has.
func (v input) isSet() bool {
	return v.Value != "" && (len(v.Options) == 0 || v.Value != v.Options[0].Value)
}

// option is one choice of a menu or of check boxes.
type option struct{ Value, Label string }

// optionsOf are choices whose labels are their values.
func optionsOf(values ...string) (all []option) {
	for _, value := range values {
		all = append(all, option{value, value})
	}
	return all
}

// shown are the options of a menu or of check boxes, with the present values that are not among them: the browser would show and send
// another one in their place.
func (v input) shown() []option {
	present := v.Chosen
	if !v.Several {
		present = []string{v.Value}
	}
	all := slices.Clone(v.Options)
	for _, value := range present {
		if !slices.ContainsFunc(all, func(o option) bool { return o.Value == value }) {
			all = append(all, option{value, strings.TrimSpace(value + " (not an allowed value)")})
		}
	}
	return all
}

// untouched tells whether a browser sends this for the input if nobody changes it. Browsers write line ends and NUL in their own way.
func (v input) untouched(sent []string) bool {
	if v.Several {
		return sameSet(ticked(sent), v.Chosen)
	}
	if len(sent) != 1 {
		return false
	}
	if v.Lines || len(v.Options) > 0 {
		return asSent(sent[0]) == asSent(v.Value)
	}
	oneLine := strings.NewReplacer("\n", "")
	return oneLine.Replace(asSent(sent[0])) == oneLine.Replace(asSent(v.Value))
}

func asSent(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(text)
}

// ticked are the values of the check boxes that are ticked, without the empty one that says that there are check boxes.
func ticked(sent []string) []string {
	return slices.DeleteFunc(slices.Clone(sent), func(value string) bool { return value == "" })
}

func sameSet(a, b []string) bool {
	within := func(a, b []string) bool {
		return !slices.ContainsFunc(a, func(value string) bool { return !slices.Contains(b, value) })
	}
	return within(a, b) && within(b, a)
}

func (v input) attributes(problem string) templ.Attributes {
	described := v.ID + "-error"
	if v.Help != "" {
		described = v.ID + "-help " + described
	}
	a := templ.Attributes{"aria-describedby": described, "required": v.Required, "autofocus": v.Focus}
	if problem != "" {
		a["aria-invalid"] = "true"
	}
	return a
}
