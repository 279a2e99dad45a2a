package rest

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/content"
	"github.com/sallyport-io/sallyport/internal/connector/template"
)

const (
	jsonType     = template.JSONType
	csvType      = "text/csv"
	taxiiType    = "application/taxii+json"
	taxiiVersion = "2.1"
	formType     = template.FormType
)

// call is a request before it is made: without the key, and the same for every attempt.
type call struct {
	method string
	url    *url.URL
	header http.Header
	body   string
	at     func(cursor string) (call, error) // the call for the page at a cursor; nil if the request has no {cursor}
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

// newCall fills an endpoint's request with its parameters, for its first page.
func newCall(endpoint *connector.Endpoint, given map[string]any, address *url.URL, userAgent string) (call, error) {
	request := endpoint.Request
	if !connector.HasCursor(&request) {
		return params{endpoint.Params, given}.call(request, address, userAgent)
	}
	at := func(cursor string) (call, error) {
		with := map[string]any{}
		maps.Copy(with, given)
		with[connector.CursorName] = cursorValue(cursor)
		return params{endpoint.Params, with}.call(request, address, userAgent)
	}
	first, err := at(turner{Paging: request.Paging}.firstNumber())
	first.at = at
	return first, err
}

// call fills a request.
func (p params) call(request sallyport.Request, address *url.URL, userAgent string) (call, error) {
	if err := p.complete(request.URL + " " + string(request.Body)); err != nil {
		return call{}, err
	}
	u, err := p.url(request, address)
	if err != nil {
		return call{}, err
	}
	header, err := p.header(request, userAgent)
	if err != nil {
		return call{}, err
	}
	body, err := template.Body(string(request.Body), header.Get("Content-Type"), p.value)
	return call{method: cmp.Or(request.Method, http.MethodGet), url: u, header: header, body: body}, err
}

// params are the parameters of an endpoint, those that it declares and the values that are given.
type params struct {
	declared []connector.Field
	given    map[string]any
}

// sent returns the value of a parameter as it is written in a request; nil if it was not given.
func (p params) sent(name string) any {
	value := p.given[name]
	i := slices.IndexFunc(p.declared, func(f connector.Field) bool { return f.Name == name })
	switch {
	case i < 0 || value == nil:
		return value
	case p.declared[i].Sent == connector.SentCommas:
		return strings.Join(template.Texts(value), ",")
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

// complete makes sure that a text, in which values stand that are always sent, has them all: only the cursor may be left out.
func (p params) complete(text string) error {
	for _, name := range template.Names(text) {
		if name != connector.CursorName && name != connector.SinceName && p.knows(name) && p.sent(name) == nil {
			return sallyport.FieldErrorf(name, "must be given: the request cannot be made without it")
		}
	}
	return nil
}

// value is what {name} stands for.
func (p params) value(name string) (value any, known bool) { return p.sent(name), p.knows(name) }

// alone returns the value of the parameter whose {name} is the whole text, nil if it was not given.
func (p params) alone(text string) (value any, is bool) {
	name := template.Whole(text, p.knows)
	return p.sent(name), name != ""
}

// url makes the URL of a request, below the address.
func (p params) url(request sallyport.Request, address *url.URL) (*url.URL, error) {
	path, err := template.Path(request.URL, p.value)
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
				query[name] = append(query[name], template.Texts(value)...)
				continue
			}
			text, err := template.Text(text, p.value)
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
	if kind := template.TypeOf(string(request.Body)); kind != "" {
		header.Set("Content-Type", kind)
	}
	for name, text := range request.Headers {
		if value, alone := p.alone(text); alone && value == nil {
			continue
		}
		text, err := template.Text(text, p.value)
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
		if name := template.Whole(text, p.knows); name != "" {
			all = append(all, template.Texts(p.given[name])...)
		} else {
			all = append(all, text)
		}
	}
	return all
}
