package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// Advise fills in what a person left out of a request and the first response to it shows: the path to the records, their key, and how the next page
// is requested. The text is that of the whole response. It returns what in the response says so, a sentence for each setting.
func Advise(q *sallyport.Request, response *http.Response, text []byte) (why []string) {
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
