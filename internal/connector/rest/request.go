package rest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/content"
)

const (
	jsonType     = "application/json"
	csvType      = "text/csv"
	taxiiType    = "application/taxii+json"
	taxiiVersion = "2.1"
	formType     = "application/x-www-form-urlencoded"
)

// call is a request before it is made: without the key, and the same for every attempt.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   string
}

// request makes the call's request.
func (c call) request(ctx context.Context) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, c.method, c.url.String(), strings.NewReader(c.body))
	if err != nil {
		return nil, err
	}
	request.Header = c.header.Clone()
	return request, nil
}

// newCall fills an endpoint's request with its parameters.
func newCall(endpoint *connector.Endpoint, given map[string]any, address *url.URL, userAgent string) (call, error) {
	p := params{endpoint.Params, given}
	u, err := p.url(endpoint.Request, address)
	if err != nil {
		return call{}, err
	}
	header, err := p.header(endpoint.Request, userAgent)
	if err != nil {
		return call{}, err
	}
	body, err := p.body(endpoint.Request.Body, header.Get("Content-Type"))
	return call{cmp.Or(endpoint.Request.Method, http.MethodGet), u, header, body}, err
}

// params are the parameters of an endpoint, those that it declares and the values that are given.
type params struct {
	declared []connector.Field
	given    map[string]any
}

var placeholder = regexp.MustCompile(`\{([a-z][a-z0-9_]*)\}`)

// sent returns the value of a parameter as it is written in a request; nil if it was not given.
func (p params) sent(name string) any {
	value := p.given[name]
	i := slices.IndexFunc(p.declared, func(f connector.Field) bool { return f.Name == name })
	switch {
	case i < 0 || value == nil:
		return value
	case p.declared[i].Sent == connector.SentCommas:
		return strings.Join(texts(value), ",")
	case p.declared[i].Sent == connector.SentDigit && value == true:
		return "1"
	case p.declared[i].Sent == connector.SentDigit:
		return "0"
	}
	return value
}

// knows tells whether {name} stands for a parameter. Otherwise it stands for itself.
func (p params) knows(name string) bool {
	_, given := p.given[name]
	return given || slices.ContainsFunc(p.declared, func(f connector.Field) bool { return f.Name == name })
}

// alone returns the value of the parameter whose {name} is the whole text, nil if it was not given.
func (p params) alone(text string) (value any, is bool) {
	match := placeholder.FindStringSubmatch(text)
	if match == nil || match[0] != text || !p.knows(match[1]) {
		return nil, false
	}
	return p.sent(match[1]), true
}

// expand puts values in the place of their {name}. The function write escapes a value for its place, behind the given text; it says false
// if the place needs a value and there is none.
func (p params) expand(text string, write func(value any, behind string) (string, bool)) (string, error) {
	var out strings.Builder
	end := 0
	for _, at := range placeholder.FindAllStringSubmatchIndex(text, -1) {
		name := text[at[2]:at[3]]
		if !p.knows(name) {
			continue
		}
		written, ok := write(p.sent(name), text[:at[0]])
		if !ok {
			return "", sallyport.FieldErrorf(name, "must be given: the request cannot be made without it")
		}
		out.WriteString(text[end:at[0]])
		out.WriteString(written)
		end = at[1]
	}
	out.WriteString(text[end:])
	return out.String(), nil
}

// escaped writes a value as text, the elements of a list with commas between them.
func escaped(escape func(string) string) func(any, string) (string, bool) {
	return func(value any, _ string) (string, bool) {
		return escape(strings.Join(texts(value), ",")), value != nil
	}
}

func verbatim(text string) string { return text }

// texts writes a value as text, a list as one text an element.
func texts(value any) []string {
	switch value := value.(type) {
	case nil:
		return nil
	case []string:
		return value
	case []any:
		var all []string
		for _, element := range value {
			all = append(all, texts(element)...)
		}
		return all
	case float64:
		return []string{strconv.FormatFloat(value, 'f', -1, 64)}
	}
	return []string{fmt.Sprint(value)}
}

// url makes the URL of a request, below the address.
func (p params) url(request sallyport.Request, address *url.URL) (*url.URL, error) {
	path, err := p.expand(request.URL, escaped(url.PathEscape))
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(strings.TrimSuffix(address.String(), "/") + "/" + strings.TrimPrefix(path, "/"))
	if err != nil {
		return nil, sallyport.FieldErrorf("url", "is not the path of a URL")
	}
	if !connector.Within(address.EscapedPath(), u.EscapedPath()) {
		return nil, sallyport.FieldErrorf("url", "must not hold . or .. as a part of the path, encoded or not")
	}
	query, err := p.query(request.Query)
	u.RawQuery = encodeQuery(query)
	return u, err
}

// query fills the query of a request. A list that is a whole value sends the name once for each element.
func (p params) query(listed map[string]sallyport.Texts) (url.Values, error) {
	query := url.Values{}
	for name, values := range listed {
		for _, text := range values {
			if value, alone := p.alone(text); alone {
				query[name] = append(query[name], texts(value)...)
				continue
			}
			text, err := p.expand(text, escaped(verbatim))
			if err != nil {
				return nil, err
			}
			query.Add(name, text)
		}
	}
	return query, nil
}

// encodeQuery writes a query with %20 for a space: the plus sign that forms use means a plus sign to strict servers.
func encodeQuery(query url.Values) string { return strings.ReplaceAll(query.Encode(), "+", "%20") }

func (p params) header(request sallyport.Request, userAgent string) (http.Header, error) {
	header := http.Header{"Accept": {acceptable(request.Format)}, "Accept-Encoding": {content.Accept}, "User-Agent": {userAgent}}
	switch body := strings.TrimLeft(request.Body, " \t\r\n"); {
	case body == "":
	case body[0] == '{' || body[0] == '[':
		header.Set("Content-Type", jsonType)
	default:
		header.Set("Content-Type", formType)
	}
	for name, text := range request.Headers {
		if value, alone := p.alone(text); alone && value == nil {
			continue
		}
		text, err := p.expand(text, escaped(verbatim))
		if err != nil {
			return nil, err
		}
		if strings.ContainsFunc(text, unicode.IsControl) {
			return nil, sallyport.FieldErrorf("headers", "the value of %s must be one line of readable text", name)
		}
		header.Set(name, text)
	}
	return header, nil
}

// acceptable is the media type of a format.
func acceptable(format string) string {
	switch format {
	case sallyport.FormatCSV:
		return csvType
	case sallyport.FormatJSONL:
		return "application/x-ndjson, application/json;q=0.9, */*;q=0.1"
	case sallyport.FormatLines:
		return "text/plain, */*;q=0.1"
	case sallyport.FormatTAXII:
		return taxiiType + ";version=" + taxiiVersion
	}
	return jsonType
}

// columns are the columns that an answer must have. The {name} of a list stands for all its elements.
func (p params) columns(listed []string) (all []string) {
	for _, text := range listed {
		if match := placeholder.FindString(text); match == text && p.knows(strings.Trim(text, "{}")) {
			all = append(all, texts(p.given[strings.Trim(text, "{}")])...)
		} else {
			all = append(all, text)
		}
	}
	return all
}

// body fills a body, escaping values as its type wants it.
func (p params) body(text, contentType string) (string, error) {
	switch {
	case strings.Contains(contentType, "json"):
		return p.expand(text, inJSON)
	case strings.HasPrefix(contentType, formType):
		return p.expand(text, func(value any, behind string) (string, bool) {
			if is, ok := value.(bool); ok { // forms know texts only, and these are what most systems take
				return map[bool]string{true: "1", false: "0"}[is], true
			}
			return escaped(url.QueryEscape)(value, behind)
		})
	}
	return p.expand(text, escaped(verbatim))
}

// inJSON writes a value into a JSON text: within a string as a part of that string, elsewhere as a value of its own.
func inJSON(value any, behind string) (string, bool) {
	if !insideString(behind) {
		written, err := json.Marshal(value)
		return string(written), err == nil
	}
	quoted, err := json.Marshal(strings.Join(texts(value), ","))
	return string(quoted[1 : len(quoted)-1]), err == nil && value != nil
}

// insideString tells whether a JSON text breaks off within a string.
func insideString(text string) bool {
	inside := false
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			inside = !inside
		}
	}
	return inside
}
