package web

import (
	"bytes"
	"slices"

	"golang.org/x/net/html"

	"github.com/sallyport-io/sallyport/internal/secret"
)

// shownAttributes are the attributes whose values a reader sees or a script shows. Redaction leaves all others alone, as it does the markup:
// whoever stores a key that looks like a part of a page must not be able to break everybody's pages.
var shownAttributes = []string{"alt", "aria-label", "content", "data-chart", "data-pick", "data-value", "placeholder", "title", "value"}

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

// redactTag takes keys out of the attributes of a tag that are shown. A tag without any stays as it is written.
func redactTag(r *secret.Redactor, z *html.Tokenizer, raw []byte) []byte {
	tag, found := z.Token(), false
	for i, a := range tag.Attr {
		if clean := r.String(a.Val); clean != a.Val && slices.Contains(shownAttributes, a.Key) {
			tag.Attr[i].Val, found = clean, true
		}
	}
	if found {
		return []byte(tag.String())
	}
	return raw
}
