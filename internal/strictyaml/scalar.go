package strictyaml

import (
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// scalar reads a single value into a field of a basic type.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value) {
	wanted, ok := wantedScalar(v.Kind())
	if !ok {
		d.fault(n, "cannot be read into a %s", v.Type())
		return
	}
	if !d.expect(n, yaml.ScalarNode, wanted) {
		return
	}
	set := false
	switch tag := n.ShortTag(); {
	case v.Kind() == reflect.String:
		v.SetString(n.Value)
		set = true
	case v.Kind() == reflect.Bool && tag == "!!bool":
		v.SetBool(isTrue(n))
		set = true
	case v.Kind() != reflect.Bool && (tag == "!!int" || tag == "!!float"):
		set = d.number(n, v)
	}
	if !set {
		d.fault(n, "must be %s, not %s", wanted, describe(n))
	}
}

func wantedScalar(kind reflect.Kind) (string, bool) {
	switch {
	case kind == reflect.String:
		return "text", true
	case kind == reflect.Bool:
		return "true or false", true
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return "a whole number", true
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "a number", true
	}
	return "", false
}

// number reads a number into an integer or float; a fraction is none for an integer. It makes numbers that do not fit a fault itself.
func (d *decoder) number(n *yaml.Node, v reflect.Value) bool {
	number, ok := exact(n)
	fits := true
	switch {
	case !ok:
		d.fault(n, "cannot be read as a number: write it in plain decimal digits, or put the text in quotes")
		return true
	case v.CanFloat():
		f, err := number.Float64()
		if fits = err == nil && !v.OverflowFloat(f); fits {
			v.SetFloat(f)
		}
	case n.ShortTag() != "!!int":
		return false
	case v.CanInt():
		i, err := strconv.ParseInt(number.String(), 10, v.Type().Bits())
		v.SetInt(i)
		fits = err == nil
	default:
		u, err := strconv.ParseUint(number.String(), 10, v.Type().Bits())
		v.SetUint(u)
		fits = err == nil
	}
	if !fits {
		d.fault(n, "is a number that is too large or too small here")
	}
	return true
}

// plainScalar returns a single value as string, bool or json.Number; nil for a fault.
func (d *decoder) plainScalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!bool":
		return isTrue(n)
	case "!!int", "!!float":
		if number, ok := exact(n); ok {
			return number
		}
		d.fault(n, "cannot be read as a number: write it in plain decimal digits, or put the text in quotes")
		return nil
	}
	return n.Value
}

func isTrue(n *yaml.Node) bool { return strings.EqualFold(n.Value, "true") }

var (
	jsonNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]`) // octal to some, decimal to others
)

// exact returns the number that a node holds, as JSON writes it. It is not ok for infinities and for numbers that readers take differently.
func exact(n *yaml.Node) (number json.Number, ok bool) {
	if jsonNumber.MatchString(n.Value) {
		return json.Number(n.Value), true
	}
	text := strings.ReplaceAll(n.Value, "_", "")
	if leadingZero.MatchString(text) {
		return "", false
	}
	if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		return json.Number(strconv.FormatInt(i, 10)), true
	}
	if u, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 0, 64); err == nil {
		return json.Number(strconv.FormatUint(u, 10)), true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return "", false
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), true
}
