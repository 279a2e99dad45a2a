package connector

import (
	"fmt"
	"slices"
	"strings"
)

// example shows how an endpoint is used. It is tried with one command, unless it does more than read, or has nothing to tell before something
// was delivered. What is no plain call is shown as a flow, too.
func (p *page) example(d *Definition, e *Endpoint) {
	tried := e.Effect == "" && e.Answers == nil
	if tried {
		p.code("sh", testCommand(d, e))
	}
	if tried && e.Each == nil && e.MinInterval == 0 {
		return
	}
	file, flow := strings.ReplaceAll(e.ID, ".", "-")+".yaml", flowName(e)
	commands := "sallyport flow apply -f " + file + "\n"
	text := flowExample(d, e, flow, fileDestination(e))
	if e.Answers != nil {
		first := e.param(ParamFlow)
		text = answersExample(d, e) + "---\n" + flowExample(d, e, flow, fileDestination(e))
		commands += runCommand(exampleOf(*first))
	}
	p.text("As a flow, in a file `%s`:", file)
	p.code("yaml", "# "+file+"\n"+text)
	p.code("sh", commands+runCommand(flow))
}

func flowName(e *Endpoint) string { return strings.ReplaceAll(e.ID, ".", " ") }

func runCommand(flow string) string { return "sallyport flow run " + shell(flow) + " --follow\n" }

// testCommand is how an endpoint is tried with the parameters that it needs.
func testCommand(d *Definition, e *Endpoint) string {
	command := fmt.Sprintf("sallyport source test --connector %s --credential %s --endpoint %s", d.Connector, shell("my "+d.Connector), e.ID)
	for _, f := range e.needed() {
		command += " --param " + shell(f.Name+"="+exampleOf(f))
	}
	return command
}

// needed are the parameters without which there is no call: the first of those of which one must be given.
func (e *Endpoint) needed() []Field {
	return slices.DeleteFunc(slices.Clone(e.Params), func(f Field) bool {
		first := slices.ContainsFunc(e.OneOf, func(group []string) bool { return group[0] == f.Name })
		return !f.Required && !first
	})
}

// flowExample is a flow file with an endpoint as its source.
func flowExample(d *Definition, e *Endpoint, name, destination string) string {
	text := fmt.Sprintf("flow: %s\nsource:\n  connector: %s\n  credential: my %[2]s\n  endpoint: %s\n", name, d.Connector, e.ID)
	var params []string
	for _, f := range e.needed() {
		params = append(params, f.Name+": "+flowValue(f.Example))
	}
	if len(params) > 0 {
		text += "  params: {" + strings.Join(params, ", ") + "}\n"
	}
	return text + destination
}

// fileDestination delivers the records of an endpoint to a file.
func fileDestination(e *Endpoint) string {
	return fmt.Sprintf("destinations:\n  - name: file\n    connector: file\n    config: {path: %s.ndjson}\n", strings.ReplaceAll(e.ID, ".", "-"))
}

// answersExample is a flow whose destination submits what an endpoint asks for answers to. Its records come from an endpoint with a list.
func answersExample(d *Definition, e *Endpoint) string {
	from := slices.IndexFunc(d.Endpoints, func(e Endpoint) bool { return e.Each != nil })
	if from < 0 || d.Destination == nil || d.Destination.Submit == nil {
		return ""
	}
	submits := fmt.Sprintf("destinations:\n  - name: %s\n    connector: %s\n    credential: my %[2]s\n    config: {%s: %s}\n",
		exampleOf(*e.param(ParamDestination)), d.Connector, SettingAnswers, flowName(e))
	return flowExample(d, &d.Endpoints[from], exampleOf(*e.param(ParamFlow)), submits)
}

// exampleOf writes a value for a field as an argument.
func exampleOf(f Field) string {
	switch example := f.Example.(type) {
	case nil:
		return "…"
	case []any:
		return strings.Trim(strings.ReplaceAll(flowValue(example), ", ", ","), "[]")
	default:
		return fmt.Sprint(example)
	}
}
