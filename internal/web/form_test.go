package web_test

import (
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// filledIn is what a browser sends for the form on a page whose action ends like this, if nobody changes anything, with a button pressed.
func (a *answer) filledIn(action string, button ...string) url.Values {
	a.Helper()
	var form *html.Node
	for _, n := range a.all("form", "method=post") {
		if to, _ := attribute(n, "action"); strings.HasSuffix(to, action) {
			form = n
		}
	}
	if form == nil {
		a.Fatalf("%s has no form for %q\n%s", a.Request.URL, action, a.text)
	}
	values := url.Values{}
	for n := range form.Descendants() {
		name, _ := attribute(n, "name")
		if n.Type != html.ElementNode || name == "" {
			continue
		}
		for _, value := range sent(n) {
			values.Add(name, value)
		}
	}
	for i := 0; i+1 < len(button); i += 2 {
		values.Set(button[i], button[i+1])
	}
	return values
}

// sent are the values that a browser sends for an element.
func sent(n *html.Node) []string {
	value, _ := attribute(n, "value")
	switch n.Data {
	case "textarea":
		return []string{strings.ReplaceAll(asRead(text(n)), "\n", "\r\n")}
	case "select":
		return []string{selected(n)}
	case "input":
		kind, _ := attribute(n, "type")
		_, checked := attribute(n, "checked")
		switch {
		case kind == "checkbox" && !checked || kind == "radio" && !checked || kind == "file" || kind == "submit":
			return nil
		case kind == "text":
			return []string{strings.ReplaceAll(asRead(value), "\n", "")}
		}
		return []string{asRead(value)}
	}
	return nil
}

// asRead is a text as browsers hold it.
func asRead(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "\uFFFD").Replace(text)
}

// selected is the value of a menu: the last option that is selected, or else the first one.
func selected(n *html.Node) string {
	var all []*html.Node
	for o := range n.Descendants() {
		if o.Data == "option" && o.Type == html.ElementNode {
			all = append(all, o)
		}
	}
	slices.Reverse(all)
	chosen := all[len(all)-1]
	for _, o := range all {
		if _, ok := attribute(o, "selected"); ok {
			chosen = o
			break
		}
	}
	value, _ := attribute(chosen, "value")
	return value
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return b.String()
}
