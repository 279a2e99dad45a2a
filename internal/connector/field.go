package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport-io/sallyport"
)

const (
	maxText = 8 << 10 // bytes of one value
	maxList = 10_000  // values in a list
)

var control = regexp.MustCompile(`[\p{Cc}\p{Zl}\p{Zp}]`)

// checkValues checks what was given for some fields and fills in defaults. Nil, "" and empty lists count as not given.
// The error is about the first field at fault; kind says what the fields are.
func checkValues(kind string, fields []Field, given map[string]any) (map[string]any, error) {
	if err := checkKnown(kind, fields, slices.Sorted(maps.Keys(given))); err != nil {
		return nil, err
	}
	checked := map[string]any{}
	for i := range fields {
		f := &fields[i]
		value := given[f.Name]
		if isAbsent(value) {
			value = f.Default
		}
		switch {
		case !isAbsent(value):
			var err error
			if checked[f.Name], err = f.check(value); err != nil {
				return nil, err
			}
		case f.Required:
			return nil, f.missing()
		}
	}
	return checked, nil
}

// checkKnown makes sure that every name is one of a field.
func checkKnown(kind string, fields []Field, given []string) error {
	names := namesOf(fields)
	for _, name := range given {
		if !slices.Contains(names, name) {
			return sallyport.Unknown(name, kind, name, names)
		}
	}
	return nil
}

func namesOf(fields []Field) []string {
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}

func isAbsent(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == ""
	case []string:
		return len(value) == 0
	case []any:
		return len(value) == 0
	}
	return false
}

func (f *Field) missing() error {
	if f.Example != nil {
		return sallyport.FieldErrorf(f.Name, "is required; an example is %v", f.Example)
	}
	return sallyport.FieldErrorf(f.Name, "is required")
}

// check brings a value into the form of the field's type, and checks it. Errors do not repeat it.
func (f *Field) check(value any) (any, error) {
	switch f.Type {
	case TypeInteger:
		return f.integer(value)
	case TypeBoolean:
		return f.boolean(value)
	case TypeList:
		return f.list(value)
	}
	return f.text(value)
}

// text takes a string, or a number for its digits.
func (f *Field) text(value any) (string, error) {
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case json.Number, int, int64:
		text = fmt.Sprint(value)
	default:
		return "", sallyport.FieldErrorf(f.Name, "must be text")
	}
	switch {
	case len(text) > maxText:
		return "", sallyport.FieldErrorf(f.Name, "is longer than %d bytes", maxText)
	case !utf8.ValidString(text) || control.MatchString(text):
		return "", sallyport.FieldErrorf(f.Name, "must be one line of readable text")
	}
	text, err := f.formatted(text)
	if err != nil {
		return "", err
	}
	return text, f.allow(text)
}

// formatted brings a text into the form that the field's format names.
func (f *Field) formatted(text string) (string, error) {
	if f.Format != FormatIndicator {
		return text, nil
	}
	value, _, err := NormaliseIndicator(text)
	if err != nil {
		return "", sallyport.FieldErrorf(f.Name, "%w", err)
	}
	return value, nil
}

// integer takes a whole number however it is held, or its digits in a string.
func (f *Field) integer(value any) (json.Number, error) {
	text := fmt.Sprint(value)
	if number, ok := value.(float64); ok && number == math.Trunc(number) && math.Abs(number) < 1<<53 {
		text = strconv.FormatFloat(number, 'f', 0, 64)
	}
	i, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return "", sallyport.FieldErrorf(f.Name, "must be a whole number")
	}
	text = strconv.FormatInt(i, 10)
	return json.Number(text), f.allow(text)
}

func (f *Field) boolean(value any) (bool, error) {
	switch value {
	case true, "true":
		return true, nil
	case false, "false":
		return false, nil
	}
	return false, sallyport.FieldErrorf(f.Name, "must be true or false")
}

// list takes a list of texts, or a string with one of them a line or, if it is one line, with commas between them.
func (f *Field) list(value any) ([]string, error) {
	var items []any
	switch value := value.(type) {
	case []any:
		items = value
	case []string:
		for _, item := range value {
			items = append(items, item)
		}
	case string:
		items = listed(value)
	default:
		return nil, sallyport.FieldErrorf(f.Name, "must be a list")
	}
	if len(items) > maxList {
		return nil, sallyport.FieldErrorf(f.Name, "has more than %d values", maxList)
	}
	list := make([]string, len(items))
	for i, item := range items {
		if item == "" {
			return nil, sallyport.FieldErrorf(f.Name, "must not hold an empty value")
		}
		var err error
		if list[i], err = f.text(item); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// listed takes a text apart. Where it has lines, a comma may be part of a value.
func listed(text string) (items []any) {
	text = strings.TrimSpace(text)
	separator := ","
	if strings.Contains(text, "\n") {
		separator = "\n"
	}
	for item := range strings.SplitSeq(text, separator) {
		if item = strings.TrimSpace(item); item != "" || separator == "," {
			items = append(items, item)
		}
	}
	return items
}

// allow makes sure that a text is one of the field's values and has its form, if it names any.
func (f *Field) allow(text string) error {
	if len(f.Values) > 0 && !slices.Contains(f.Values, text) {
		return sallyport.FieldErrorf(f.Name, "must be one of %s", strings.Join(f.Values, ", "))
	}
	form, err := f.form()
	if err != nil {
		return err
	}
	if !form.MatchString(text) {
		return f.malformed()
	}
	return nil
}

func (f *Field) malformed() error {
	if f.Example != nil {
		return sallyport.FieldErrorf(f.Name, "does not have the form of %v (the pattern is %s)", f.Example, f.Pattern)
	}
	return sallyport.FieldErrorf(f.Name, "does not have the right form (the pattern is %s)", f.Pattern)
}

// form is the field's pattern for a value as a whole.
func (f *Field) form() (*regexp.Regexp, error) {
	if f.Pattern == "" {
		return anything, nil
	}
	form, err := regexp.Compile(`^(?:` + f.Pattern + `)$`)
	if err != nil {
		return nil, sallyport.FieldErrorf(f.Name, "the pattern of this field is no regular expression: %w", err)
	}
	return form, nil
}

var anything = regexp.MustCompile(``)
