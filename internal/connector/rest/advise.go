package rest

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// Advise fills in what a person left out of a request and the first response to it shows: the path to the records, their key, and how the next page
// is requested. The text is that of the whole response. It returns what in the response says so, a sentence for each setting.
func Advise(q *sallyport.Request, response *http.Response, text []byte) (why []string) {
	if why, is := adviseFormat(q, response.Header, text); is {
		return why
	}
	if q.Format != "" && q.Format != sallyport.FormatJSON {
		return nil
	}
	p, ok := Propose(response.Header, text, response.Request.URL)
	if !ok {
		return nil
	}
	if (q.Records == "" || q.Records == "$") && p.Records != "" && p.Records != "$" {
		q.Records = p.Records
		why = append(why, fmt.Sprintf("The records are at %s.", p.Records))
	}
	if q.Header == "" && q.Format == "" && q.Records == p.Records && p.Header != "" {
		q.Header = p.Header
		why = append(why, "The records are arrays, and the first one has the names of the columns.")
	}
	if q.Records != p.Records {
		return why // it reads something else than the proposal is about
	}
	if len(q.Key) == 0 && len(p.Key) > 0 {
		q.Key = p.Key
		why = append(why, fmt.Sprintf("The field %s is in every record and differs.", strings.Join(p.Key, ", ")))
	}
	if (q.Paging == sallyport.Paging{} || q.Paging == sallyport.Paging{Type: sallyport.PagingSingle}) && p.Paging.Type != sallyport.PagingSingle {
		q.Paging = p.Paging
		why = append(why, "The next page: "+p.Why+".")
	}
	return why
}

// adviseFormat fills in the format of a response that is not one JSON value, if the person declared none, or only that it is CSV. It says false for any
// other.
func adviseFormat(q *sallyport.Request, header http.Header, text []byte) (why []string, is bool) {
	if q.Format != "" && q.Format != sallyport.FormatCSV || !slices.Contains([]string{"", "$", "$.objects[*]"}, q.Records) {
		return nil, false
	}
	p, ok := ProposeFormat(header, text, len(text) < maxRecorded, *q)
	if !ok || q.Format != "" && q.Format != p.Format {
		return nil, false
	}
	q.Format = p.Format
	q.Separator, q.Comment, q.Header = cmp.Or(q.Separator, p.Separator), cmp.Or(q.Comment, p.Comment), cmp.Or(q.Header, p.Header)
	why = []string{p.Why}
	if p.Format == sallyport.FormatTAXII {
		q.Records, q.Paging, p.Key = "$.objects[*]", sallyport.Paging{Type: sallyport.PagingTAXII}, []string{"id"}
	}
	if len(q.Key) == 0 && len(p.Key) > 0 {
		q.Key = p.Key
		why = append(why, fmt.Sprintf("The field %s is in every record and differs.", strings.Join(p.Key, ", ")))
	}
	return why, true
}
