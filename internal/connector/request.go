package connector

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/theory/jsonpath"
	"github.com/theory/jsonpath/spec"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector/content"
	"github.com/sallyport-io/sallyport/internal/connector/table"
)

// Bounds of a request.
const (
	maxBody   = 64 << 10 // bytes of a body
	maxPath   = 1000     // bytes of a JSONPath
	maxValues = 1000     // values of one query parameter
)

// placeholder stands for a value with that name.
var placeholder = regexp.MustCompile(`\{[a-z][a-z0-9_]*\}`)

// CheckRequest checks a request that was described by hand, and fills in what it leaves out: method GET, records $, paging single.
// The error is about the first fault; its field is a path within the request, such as paging.value.
func (d *Definition) CheckRequest(r *sallyport.Request) error {
	if !d.Manual {
		return sallyport.Errorf(sallyport.Invalid, "%s takes no request of one's own; choose one of its endpoints", d.Name)
	}
	if err := checkRequest(r, d.AuthOf(nil)); err != nil {
		return err
	}
	if r.Since == (sallyport.Since{}) {
		if err := checkNoSince(r); err != nil {
			return err
		}
	}
	return checkUnknown(r)
}

// AuthOf says where the key goes in a call of an endpoint, or of a request described by hand (nil).
func (d *Definition) AuthOf(e *Endpoint) Auth {
	switch {
	case e != nil && e.Auth != nil:
		return *e.Auth
	case d.Credential != nil:
		return d.Credential.Auth
	}
	return Auth{Kind: AuthNone}
}

func checkRequest(r *sallyport.Request, auth Auth) error {
	for _, check := range []func(*sallyport.Request) error{
		checkMethod, checkURL, auth.checkQuery, auth.checkHeaders, checkRecords, checkNames, checkPaging, checkCursor, checkSince, checkFormat, checkAnswers, checkFail, checkKey,
	} {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

func checkMethod(r *sallyport.Request) error {
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	r.Method = strings.ToUpper(r.Method)
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		return sallyport.FieldErrorf("method", "must be GET or POST")
	case r.Method == http.MethodGet && r.Body != "":
		return sallyport.FieldErrorf("body", "goes with method POST only")
	case len(r.Body) > maxBody:
		return sallyport.FieldErrorf("body", "is longer than %d bytes", maxBody)
	}
	return nil
}

// checkURL takes paths only. What else belongs to the call has its own place, so that nobody writes a key into what is stored in the open.
func checkURL(r *sallyport.Request) error {
	u, err := url.Parse(r.URL)
	switch {
	case r.URL == "":
		return sallyport.FieldErrorf("url", "is required: a path such as /api/list")
	case err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || strings.HasPrefix(r.URL, "//"):
		return sallyport.FieldErrorf("url", "must be a path such as /api/list; the host is that of the credential's address")
	case !strings.HasPrefix(r.URL, "/") || strings.Contains(r.URL, `\`):
		return sallyport.FieldErrorf("url", "must begin with / and be a path such as /api/list")
	case strings.ContainsAny(r.URL, "?#"):
		return sallyport.FieldErrorf("url", "must end before the ?; what follows it goes under query")
	case !Within("", r.URL):
		return sallyport.FieldErrorf("url", "must not hold . or .. as a part of the path, encoded or not")
	}
	return nil
}

func (a Auth) checkQuery(r *sallyport.Request) error {
	for name, values := range inOrder(r.Query) {
		if values == nil { // written without a value
			values = sallyport.Texts{""}
			r.Query[name] = values
		}
		switch {
		case name == "" || len(name)+len(strings.Join(values, "")) > maxText:
			return sallyport.FieldErrorf("query", "has a parameter without a name, or one that is too long")
		case len(values) == 0 || len(values) > maxValues:
			return sallyport.FieldErrorf(sallyport.Member("query", name), "must have a value, or a list of at most %d", maxValues)
		case slices.ContainsFunc(a.Places(), func(p Auth) bool { return p.Queried() && p.Name == name }):
			return sallyport.FieldErrorf("query", "must not hold %s: the key comes from the credential", name)
		}
	}
	return nil
}

// transportHeaders are written by the HTTP transport itself, or decide how it and proxies read a message.
var transportHeaders = []string{
	"connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade",
}

// IsTransportHeader tells whether a header belongs to the HTTP transport: nobody else may set it, neither by hand nor to carry a key.
func IsTransportHeader(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return strings.HasPrefix(name, ":") || strings.HasPrefix(name, "proxy-") || slices.Contains(transportHeaders, name)
}

// checkHeaders refuses headers of the transport, and those that hold keys, which belong in a credential. A credential may send its key as a
// cookie: a request described by hand may not.
func (a Auth) checkHeaders(r *sallyport.Request) error {
	for name, value := range inOrder(r.Headers) {
		own := IsTransportHeader(name) || strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie")
		own = own || slices.ContainsFunc(a.Places(), func(p Auth) bool { return strings.EqualFold(p.Header(), name) })
		switch {
		case own:
			return sallyport.FieldErrorf("headers", "must not hold %s: it is set when the request is sent, with the key of the credential", strings.TrimSpace(name))
		case !headerName.MatchString(name):
			return sallyport.FieldErrorf("headers", "%s must be the name of a header", sallyport.Quoted(name))
		case len(value) > maxText || control.MatchString(value):
			return sallyport.FieldErrorf("headers", "the value of %s must be one line of readable text", sallyport.Quoted(name))
		}
	}
	return nil
}

func checkRecords(r *sallyport.Request) error {
	if r.Records == "" {
		r.Records = "$"
	}
	if len(r.Records) > maxPath {
		return sallyport.FieldErrorf("records", "is longer than %d bytes", maxPath)
	}
	if _, err := jsonpath.Parse(r.Records); err != nil {
		return sallyport.FieldErrorf("records", "is no JSONPath such as $.results[*]: %w", err)
	}
	return nil
}

// checkFormat makes sure that nothing is looked for in an answer that its format has not.
func checkFormat(r *sallyport.Request) error {
	formats := []string{sallyport.FormatJSON, sallyport.FormatJSONL, sallyport.FormatLines, sallyport.FormatCSV, sallyport.FormatTAXII}
	unpathed := r.Format == sallyport.FormatCSV || r.Format == sallyport.FormatJSONL || r.Format == sallyport.FormatLines
	switch {
	case r.Format != "" && !slices.Contains(formats, r.Format):
		return sallyport.Unknown("format", "format of answers", r.Format, formats)
	case r.Paging.Type == sallyport.PagingTAXII && r.Format != sallyport.FormatTAXII:
		return sallyport.FieldErrorf("paging.type", "%s goes with format taxii only", r.Paging.Type)
	case unpathed && r.Records != "$":
		return sallyport.FieldErrorf("records", "does not go with format %s: its %s are the records", r.Format, rowsOf(r.Format))
	case unpathed && inJSON(r.Paging) != "":
		return sallyport.FieldErrorf("paging."+inJSON(r.Paging), "does not go with format %s: it looks for a value in JSON", r.Format)
	}
	if err := checkTable(r); err != nil {
		return err
	}
	if r.Encoding != "" {
		if err := content.CheckEncoding(r.Encoding); err != nil {
			return sallyport.FieldErrorf("encoding", "%w", err)
		}
	}
	for i, name := range r.Columns {
		if name == "" || slices.Contains(r.Columns[:i], name) {
			return sallyport.FieldErrorf("columns", "must hold names of columns, each once")
		}
	}
	return nil
}

// rowsOf are what the records are of a format without a path to them.
func rowsOf(format string) string {
	if format == sallyport.FormatCSV {
		return "rows"
	}
	return "lines"
}

// TableOf are the settings of a request for a table, without the columns.
func TableOf(r sallyport.Request) table.Settings {
	return table.Settings{Separator: r.Separator, Comment: r.Comment, Header: r.Header, Quote: r.Quote}
}

// checkTable checks the settings of a table, which other formats have not.
func checkTable(r *sallyport.Request) error {
	csv := r.Format == sallyport.FormatCSV
	for _, setting := range []struct {
		name          string
		given, belong bool
	}{
		{"columns", len(r.Columns) > 0, csv},
		{"separator", r.Separator != "", csv},
		{"header", r.Header != "", csv || r.Header == table.HeaderRow && (r.Format == "" || r.Format == sallyport.FormatJSON)},
		{"quote", r.Quote != "", csv},
		{"comment", r.Comment != "", csv || r.Format == sallyport.FormatLines},
	} {
		if setting.given && !setting.belong {
			return sallyport.FieldErrorf(setting.name, "goes with format csv only")
		}
	}
	if field, err := TableOf(*r).Check(); err != nil {
		return sallyport.FieldErrorf(field, "%w", err)
	}
	return nil
}

// checkNames checks the fields that are put into each record besides its own.
func checkNames(r *sallyport.Request) error {
	for i, name := range r.Names {
		if _, twice := r.With[name]; name == "" || twice || slices.Contains(r.Names[:i], name) {
			return sallyport.FieldErrorf("names", "must hold names of fields, each once, and none that with holds")
		}
	}
	if n := wildcards(r.Records); len(r.Names) > 0 && len(r.Names) > n {
		return sallyport.FieldErrorf("names", "must be no more than the wildcards of a path to the records such as $.groups[*][*]")
	}
	for name, value := range inOrder(r.With) {
		if name == "" || len(name)+len(value) > maxText {
			return sallyport.FieldErrorf("with", "has a field without a name, or one that is too long")
		}
	}
	return nil
}

// wildcards counts the wildcards of a path of names and wildcards; any other path has none.
func wildcards(text string) int {
	path, err := jsonpath.Parse(text)
	if err != nil {
		return 0
	}
	n := 0
	for _, segment := range path.Query().Segments() {
		selectors := segment.Selectors()
		if len(selectors) != 1 || segment.IsDescendant() {
			return 0
		}
		switch selectors[0].(type) {
		case spec.WildcardSelector:
			n++
		case spec.Name:
		default:
			return 0
		}
	}
	return n
}

// isNamePath tells whether a path leads through members of objects to one value.
func isNamePath(text string) bool {
	if len(text) > maxPath {
		return false
	}
	path, err := jsonpath.Parse(text)
	if err != nil {
		return false
	}
	segments := path.Query().Segments()
	for _, segment := range segments {
		selectors := segment.Selectors()
		if _, name := selectors[0].(spec.Name); !name || len(selectors) > 1 || segment.IsDescendant() {
			return false
		}
	}
	return len(segments) > 0
}

func checkKey(r *sallyport.Request) error {
	for i, name := range r.Key {
		if name == "" || slices.Contains(r.Key[:i], name) {
			return sallyport.FieldErrorf("key", "must hold names of fields, each once")
		}
	}
	return nil
}
