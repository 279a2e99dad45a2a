package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport/internal/connector"
)

// valuePrefix is before the names of a definition's own fields in a form.
const valuePrefix = "value."

// The paths in a flow file that the fields of forms belong to.
const (
	paramsPath  = "source.params."
	requestPath = "source.request."
)

// definedInputs are the inputs of fields that a definition declares, with the values given so far: ordinary ones, and those that are folded away.
// A value that no field declares has an input, too: it cannot be saved, and must not go away silently.
func definedInputs(fields []connector.Field, values map[string]any) (ordinary, advanced []input) {
	for _, f := range fields {
		if f.Advanced {
			advanced = append(advanced, definedInput(f, values[f.Name]))
		} else {
			ordinary = append(ordinary, definedInput(f, values[f.Name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.ContainsFunc(fields, func(f connector.Field) bool { return f.Name == name }) {
			unknown := definedInput(connector.Field{Name: name}, values[name])
			unknown.Help = "The connector does not know this parameter. Clear it to save."
			ordinary = append(ordinary, unknown)
		}
	}
	return ordinary, advanced
}

// definedInput is the input of one field with the value given so far, or else the default.
func definedInput(f connector.Field, value any) input {
	in := input{
		ID: "value-" + f.Name, Name: valuePrefix + f.Name, Label: labelOf(f), Help: f.Help, Required: f.Required,
		Value: cmp.Or(valueText(value), valueText(f.Default)), Placeholder: valueText(f.Example), Options: optionsOf(f.Values...),
	}
	switch {
	case f.Type == connector.TypeBoolean:
		in.Options = []option{{"true", "Yes"}, {"false", "No"}}
	case f.Type == connector.TypeList && len(f.Values) > 0:
		in.Several, in.Chosen = true, connector.Texts(cmp.Or(value, f.Default))
		in.Help = strings.TrimSpace(in.Help + " " + noneChosen(f))
	case f.Type == connector.TypeList:
		in.Lines, in.Value = true, strings.Join(connector.Texts(cmp.Or(value, f.Default)), "\n")
		in.Help = strings.TrimSpace(in.Help + " Enter one per line, or several on one line, separated by commas.")
	}
	if len(in.Options) > 0 && !in.Several {
		in.Options = append(emptyOption(f), in.Options...)
	}
	return in
}

// noneChosen says what it means if no check box of a list is ticked.
func noneChosen(f connector.Field) string {
	standard := connector.Texts(f.Default)
	if len(standard) == 0 || sameSet(standard, f.Values) {
		return "If none is selected: all."
	}
	return "If none is selected: " + strings.Join(standard, ", ") + "."
}

// emptyOption is the choice of no value, and of the default, if there is one.
func emptyOption(f connector.Field) []option {
	switch {
	case f.Default != nil:
		return []option{{"", "Default (" + optionWords(f.Default) + ")"}}
	case f.Required:
		return []option{{"", "Choose…"}}
	}
	return []option{{"", "Not set"}}
}

func optionWords(value any) string {
	switch value {
	case true:
		return "Yes"
	case false:
		return "No"
	}
	return valueText(value)
}

// valueText writes a value as it stands in a form.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []string:
		return strings.Join(v, ", ")
	case []any:
		var texts []string
		for _, one := range v {
			texts = append(texts, fmt.Sprint(one))
		}
		return strings.Join(texts, ", ")
	}
	return fmt.Sprint(v)
}

// readDefined reads what was given for the fields of a definition; what was left empty is not given. Whatever the person did not touch stays
// exactly as it is stored: in its type and order, also where the form cannot show it.
func readDefined(r *http.Request, fields []connector.Field, stored map[string]any) map[string]any {
	values := map[string]any{}
	ordinary, advanced := definedInputs(fields, stored)
	for _, in := range append(ordinary, advanced...) {
		name := strings.TrimPrefix(in.Name, valuePrefix)
		sent, shown := r.PostForm[in.Name]
		was, isStored := stored[name]
		switch given := givenValue(in, sent); {
		case !shown || in.untouched(sent):
			if isStored {
				values[name] = was
			}
		case given != nil:
			values[name] = given
		}
	}
	return values
}

// givenValue is what a form says about an input, nil if that is nothing. The check of the definition brings it into its type.
func givenValue(in input, sent []string) any {
	if in.Several {
		if chosen := ticked(sent); len(chosen) > 0 {
			return chosen
		}
		return nil
	}
	for _, text := range sent {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}
	return nil
}

// label is what a form calls the value at a path.
func (v draftView) label(path string) string {
	var fields []connector.Field
	if e, err := v.Definition.Endpoint(v.Endpoint); err == nil {
		fields = e.Params
	}
	for _, f := range fields {
		if paramsPath+f.Name == path && f.Label != "" {
			return f.Label
		}
	}
	for _, in := range requestInputs(nil) {
		if requestPath+in.Name == path || in.Lines && strings.HasPrefix(path, requestPath+in.Name+".") {
			return in.Label
		}
	}
	return capital(path[strings.LastIndexByte(path, '.')+1:])
}

// alternatives says in words which fields go instead of each other.
func alternatives(e *connector.Endpoint) (sentences []string) {
	for _, group := range e.OneOf {
		var labels []string
		for _, f := range e.Params {
			if slices.Contains(group, f.Name) {
				labels = append(labels, labelOf(f))
			}
		}
		sentences = append(sentences, "Give exactly one of these: "+strings.Join(labels, " or ")+".")
	}
	return sentences
}

func labelOf(f connector.Field) string {
	if f.Label != "" {
		return f.Label
	}
	return capital(f.Name)
}
