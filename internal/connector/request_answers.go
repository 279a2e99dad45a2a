package connector

import (
	"net/http"

	"github.com/sallyport-io/sallyport"
)

// checkAnswers checks what a request says about its responses, and whether it may be made again.
func checkAnswers(r *sallyport.Request) error {
	absences := []string{sallyport.AbsentEmpty, sallyport.AbsentError}
	switch {
	case r.Absent != "" && r.Absent != sallyport.AbsentEmpty && r.Absent != sallyport.AbsentError:
		return sallyport.Unknown("absent", "meaning of a list that is left out", r.Absent, absences)
	case r.Absent != "" && r.Records == "$":
		return sallyport.FieldErrorf("absent", "goes with a path to the records: without records, the whole response is the record")
	case r.Absent != "" && r.Format != "" && r.Format != sallyport.FormatJSON:
		return sallyport.FieldErrorf("absent", "goes with format json only")
	case r.Follow != "" && r.Follow != sallyport.FollowWithoutKey:
		return sallyport.Unknown("follow", "way to follow redirects", r.Follow, []string{sallyport.FollowWithoutKey})
	case r.Follow != "" && r.Method != http.MethodGet:
		return sallyport.FieldErrorf("follow", "goes with method GET only: redirects of a POST are not followed")
	case r.Repeatable && r.Method != http.MethodPost:
		return sallyport.FieldErrorf("repeatable", "goes with method POST only: a GET is always repeated")
	}
	return nil
}
