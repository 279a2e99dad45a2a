package web

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// shownAttributes are the attributes whose values a reader sees or a script shows. Redaction leaves all others alone, as it does the markup:
// whoever stores a key that looks like a part of a page must not be able to break everybody's pages.
var shownAttributes = []string{"alt", "aria-label", "content", "data-chart", "data-pick", "data-value", "placeholder", "title", "value"}

// linkAttributes are the attributes that lead somewhere, perhaps with a stored name in the query.
var linkAttributes = []string{"action", "data-back", "data-events", "data-path", "formaction", "href", "hx-get", "hx-post"}

// redactHTML takes keys out of the text of a page, or a part of one, and out of what its attributes show.
func redactHTML(r *secret.Redactor, page []byte) []byte {
	if bytes.Equal(r.Bytes(page), page) {
		return page
	}
	var out bytes.Buffer
	for z := html.NewTokenizer(bytes.NewReader(page)); ; {
		kind := z.Next()
		raw := z.Raw()
		switch kind {
		case html.ErrorToken: // the end
			out.Write(raw)
			return out.Bytes()
		case html.TextToken:
			raw = r.Bytes(raw)
		case html.StartTagToken, html.SelfClosingTagToken:
			raw = redactTag(r, z, slices.Clone(raw))
		}
		out.Write(raw)
	}
}

// redactTag takes keys out of the attributes of a tag that are shown or lead somewhere. A tag without any stays as it is written.
func redactTag(r *secret.Redactor, z *html.Tokenizer, raw []byte) []byte {
	tag, found := z.Token(), false
	for i, a := range tag.Attr {
		clean := a.Val
		switch {
		case slices.Contains(shownAttributes, a.Key):
			clean = r.String(a.Val)
		case slices.Contains(linkAttributes, a.Key):
			clean = redactLink(r, a.Val)
		}
		if clean != a.Val {
			tag.Attr[i].Val, found = clean, true
		}
	}
	if found {
		return []byte(tag.String())
	}
	return raw
}

// redactLink takes keys out of a link, part by part: what is between the parts, the words and the ids of our own links are no keys, whatever
// someone stored as one. A link without its key leads nowhere, which is better than a link that shows it.
func redactLink(r *secret.Redactor, link string) string {
	if strings.HasPrefix(link, "/static/") {
		return link
	}
	path, query, hasQuery := strings.Cut(link, "?")
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = r.Value(parts[i])
	}
	clean := strings.Join(parts, "/")
	if !hasQuery {
		return clean
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if cleanName, cleanValue := r.Value(name), r.Value(value); cleanName != name || cleanValue != value {
			pairs[i] = cleanName + "=" + cleanValue
		}
	}
	return clean + "?" + strings.Join(pairs, "&")
}
