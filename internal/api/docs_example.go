package api

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	exampleAddress = "http://127.0.0.1:8420" // where Sallyport listens unless it is told otherwise
	exampleSecret  = "SECRET"
)

// docsFirstSteps are what to do first.
const docsFirstSteps = `sallyport token add NAME --scope read
read -rs TOKEN
curl ` + exampleAddress + root + `/flows -H "Authorization: Bearer $TOKEN"`

// example is a command that does an operation. What is in capitals is to be filled in.
func (d docsReader) example(op *huma.Operation) string {
	url, options := exampleAddress+root+op.Path, []string{`-H "Authorization: Bearer $TOKEN"`}
	for _, p := range op.Parameters {
		if p.In == "path" {
			url = strings.ReplaceAll(url, "{"+p.Name+"}", strings.ToUpper(p.Name))
		}
	}
	if op.RequestBody != nil {
		for kind, media := range op.RequestBody.Content {
			options = append(options, "-H "+quoted("Content-Type: "+kind), d.data(kind, media.Schema))
		}
	}
	if ok := op.Responses["200"]; ok != nil && ok.Content["text/event-stream"] != nil {
		options = append(options, "--no-buffer")
	}
	method := ""
	if op.Method != "GET" {
		method = "-X " + op.Method + " "
	}
	return "curl " + method + url + " \\\n  " + strings.Join(options, " \\\n  ")
}

// data is a body on a command line. One with a secret comes from a file: it would be kept in the history.
func (d docsReader) data(kind string, s *huma.Schema) string {
	if kind != "application/json" {
		return "--data-binary @FILE"
	}
	text := d.sample("", s, nil)
	if strings.Contains(text, exampleSecret) {
		return "--data-binary @FILE  # " + text
	}
	return "--data " + quoted(text)
}

// quoted is a text as a shell takes it for one word.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// sample is the JSON of a small value of a schema: the fields that must be there or, where a body has none, all. within are the shapes that
// it is a part of: none is repeated in itself.
func (d docsReader) sample(name string, s *huma.Schema, within []string) string {
	switch {
	case s.Ref != "" && slices.Contains(within, s.Ref):
		return "null"
	case s.Ref != "":
		return d.sample(name, d.resolved(s), append(slices.Clip(within), s.Ref))
	case len(s.Examples) > 0:
		return encoded(s.Examples[0])
	case len(s.Enum) > 0:
		return encoded(s.Enum[0])
	case s.Type == huma.TypeArray:
		return "[" + d.sample(name, s.Items, within) + "]"
	case s.Type == huma.TypeObject && element(s) != nil:
		return `{"NAME": ` + d.sample("value", element(s), within) + "}"
	case s.Type == huma.TypeString && s.WriteOnly:
		return encoded(exampleSecret)
	case s.Type == huma.TypeString && s.Format == "date-time":
		return encoded("2030-12-31T00:00:00Z")
	case s.Type == huma.TypeString:
		return encoded(strings.ToUpper(name))
	case s.Type == huma.TypeInteger, s.Type == huma.TypeNumber:
		return "1"
	case s.Type == huma.TypeBoolean:
		return "true"
	}
	return d.members(s, within)
}

// members are the fields of an object.
func (d docsReader) members(s *huma.Schema, within []string) string {
	var members []string
	for _, f := range fieldsOf(s) {
		if f.required || len(s.Required) == 0 && len(within) < 2 {
			members = append(members, encoded(f.name)+": "+d.sample(f.name, f.schema, within))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

func encoded(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(text)
}
