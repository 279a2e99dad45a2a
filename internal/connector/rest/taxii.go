package rest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
)

const (
	lastAdded  = "X-TAXII-Date-Added-Last"
	addedForm  = "2006-01-02T15:04:05.000Z"
	maxVersion = 10_000 // versions that are remembered; of more that share one time the oldest come twice
)

// trail is how far a collection was read. As JSON it is the cursor of the next page, and of the next run.
//
// Objects come in the order in which they were added, and a time may be that of many. So whoever goes on by time asks from just before the
// last one on, and leaves out what was there already: the same version of the same object.
type trail struct {
	Next  string    `json:"next,omitzero"`  // what the system gave for asking for the next page
	After string    `json:"after,omitzero"` // only what was added after this is asked for; "" as the parameters say
	Last  time.Time `json:"last,omitzero"`  // when the newest object was added that was read
	Seen  []string  `json:"seen,omitzero"`  // the versions that were read and may come again
}

// taxii turns the pages of a collection, in one pass.
type taxii struct {
	trail                 // that led to this page
	known map[string]bool // the versions in the trail, and of this page so far
	page  []string        // the versions of this page
	asked map[string]bool // what was given for asking for pages so far
	given string          // the added_after of the parameters
	fresh int             // objects of this page that were not read before
	stuck bool            // the list ended with objects that were read before, though the server says that it has more
}

// ask returns the call for the page at a cursor.
func (t *taxii) ask(first call, cursor string) (call, error) {
	t.trail, t.page, t.known, t.fresh = trail{}, nil, map[string]bool{}, 0
	if cursor != "" && json.Unmarshal([]byte(cursor), &t.trail) != nil {
		return first, sallyport.Errorf(sallyport.Invalid, "the cursor is none of a TAXII collection: begin again without it")
	}
	for _, version := range t.Seen {
		t.known[version] = true
	}
	u := *first.url
	query := u.Query()
	t.given = query.Get("added_after")
	if t.After != "" {
		query.Set("added_after", t.After)
	}
	if t.Next != "" {
		query.Set("next", t.Next)
		t.asked[t.Next] = true
	}
	u.RawQuery = encodeQuery(query)
	first.url = &u
	return first, nil
}

// isNew tells whether a version of an object was not read before.
func (t *taxii) isNew(object jsontext.Value) bool {
	version := versionOf(object)
	t.page = append(t.page, version)
	if t.known[version] {
		return false
	}
	t.known[version] = true
	t.fresh++
	return true
}

// versionOf stands for a version of an object: its id and when it was modified, or all of it if it has not both.
func versionOf(object jsontext.Value) string {
	id, modified := textOf(lookup(object, []step{{name: "id"}})), textOf(lookup(object, []step{{name: "modified"}}))
	text := []byte(id + "\x00" + modified)
	if id == "" || modified == "" {
		text = object
	}
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// after returns the cursors of the next page, "" if this is the last, and of the next run. Some servers give the same next for every page: the list
// then ends with a page that has no new object.
func (t *taxii) after(page turned) (next, resume string, err error) {
	reached, late := t.reached(page.header)
	if resume, err = reached.later().cursor(); err != nil || textOf(page.more) != "true" {
		return "", resume, err
	}
	text, err := turner{Paging: sallyport.Paging{Value: "$.next"}}.scalar(page.value)
	switch {
	case err != nil:
		return "", "", err
	case t.asked[text] && t.fresh == 0:
		t.stuck = page.sent > 0
		return "", resume, nil
	case text != "":
		reached.Next, reached.After = text, t.After
		next, err = reached.cursor()
		return next, resume, err
	case late != nil:
		return "", "", late
	case reached.Last.IsZero():
		return "", "", fmt.Errorf("it has more, but neither next nor the header %s says how to ask for it", lastAdded)
	case !t.growsTo(reached.later().After):
		return "", "", fmt.Errorf("endless paging: it has more but no next, and added_after does not grow beyond %s", t.from())
	}
	return resume, resume, nil
}

// from is the added_after that this page was asked for with.
func (t *taxii) from() string {
	if t.After != "" {
		return t.After
	}
	return t.given
}

// growsTo tells whether a time is behind the one that this page was asked for with.
func (t *taxii) growsTo(after string) bool {
	now, err := parseAdded(t.from())
	then, errThen := parseAdded(after)
	return err != nil || errThen != nil || then.After(now)
}

// reached is how far this page has got. A time that cannot be read is an error for those who need it; without it the trail stays where it was.
func (t *taxii) reached(header http.Header) (to trail, late error) {
	to = trail{Last: t.Last, Seen: t.page}
	if text := header.Get(lastAdded); text != "" {
		last, err := parseAdded(text)
		if err != nil {
			late = fmt.Errorf("its header %s is no time", lastAdded)
		} else if last.After(to.Last) {
			to.Last = last
		}
	}
	if from := to.Last.Add(-overlap(to.Last)); t.Last.After(from) { // what was read before may still come again
		to.Seen = slices.Concat(t.Seen, t.page)
	}
	to.Seen = unique(to.Seen)
	return to, late
}

// unique drops repetitions, and the first of too many.
func unique(versions []string) (kept []string) {
	seen := map[string]bool{}
	for _, version := range slices.Backward(versions) {
		if !seen[version] && len(kept) < maxVersion {
			seen[version] = true
			kept = append(kept, version)
		}
	}
	slices.Reverse(kept)
	return kept
}

// later is the trail that goes on by time: from just before the last object on.
func (t trail) later() trail {
	if t.Last.IsZero() {
		return trail{}
	}
	t.Next, t.After = "", t.Last.Add(-overlap(t.Last)).UTC().Format(addedForm)
	return t
}

// overlap is how much is asked for once more: the smallest step of times that are given with a fraction of a second, or without.
func overlap(last time.Time) time.Duration {
	if last.Nanosecond() == 0 {
		return time.Second
	}
	return time.Millisecond
}

// cursor writes a trail, "" if it leads nowhere.
func (t trail) cursor() (string, error) {
	if t.Next == "" && t.After == "" {
		return "", nil
	}
	text, err := json.Marshal(t)
	return string(text), err
}

// addedForms are those of TAXII, of Pulsedive, of HTTP and of JavaScript.
var addedForms = []string{
	time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", http.TimeFormat, time.RFC1123Z, "Mon Jan 02 2006 15:04:05 GMT-0700",
}

// parseAdded reads a time as real servers write it. Without a zone it is in UTC.
func parseAdded(text string) (t time.Time, err error) {
	text, _, _ = strings.Cut(text, "(") // JavaScript has the name of the zone in brackets
	for _, form := range addedForms {
		if t, err = time.Parse(form, strings.TrimSpace(text)); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

// otherTAXII is the error for an answer in another version of TAXII, by its declared type.
func (a *answer) otherTAXII() error {
	declared, parameters, err := mime.ParseMediaType(a.response.Header.Get("Content-Type"))
	version := parameters["version"]
	switch {
	case err == nil && declared == "application/vnd.oasis.taxii+json":
		version = "2.0"
	case err != nil || declared != taxiiType || version == "" || version == taxiiVersion:
		return nil
	}
	return fmt.Errorf("it is in version %s of TAXII, not %s", line(a.judge.known, version), taxiiVersion)
}
