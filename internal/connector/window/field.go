package window

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// see remembers a record, and tells whether it is wanted: it was not read before, and is not newer than a gap. One whose time cannot be read is
// refused with the reason; one without a time is taken, and does not move the cursor.
func (p *pull) see(record []byte) (wanted bool, refused string, err error) {
	if p.Since == (sallyport.Since{}) {
		return true, "", nil
	}
	at, refused := p.timeOf(record)
	if !at.IsZero() {
		p.Timed = true
		if !p.Gap.Since.IsZero() && !p.Bounded && !at.Before(p.Goal) {
			return false, "", nil
		}
		if at.After(p.Newest) {
			p.Newest = at
		}
	}
	if p.untimed++; p.Timed {
		p.untimed = 0
	} else if p.untimed == maxUntimed {
		return false, "", p.checkField()
	}
	return !p.Seen.add(p.hashing.of(record), p.stampOf(at)), refused, nil
}

// stampOf is the time by which a record is remembered: its own, or that of its window. A record without a time of its own may come again with
// every pull for a while.
func (p *pull) stampOf(at time.Time) uint32 {
	switch {
	case p.Since.Field == "":
		return stamp(p.Begin)
	case at.IsZero():
		return stamp(p.Goal)
	}
	return stamp(at)
}

// timeOf is the time of a record, zero if it has none; reason says why one cannot be read.
func (p *pull) timeOf(record []byte) (at time.Time, reason string) {
	if p.Since.Field == "" {
		return at, ""
	}
	value, found := p.members.At(record, strings.TrimPrefix(p.Since.Field, "$."))
	if !found || value.Kind() == 'n' || string(value) == `""` {
		return at, ""
	}
	at, err := time.Time{}, error(nil)
	if kind := value.Kind(); kind == '"' || kind == '0' {
		at, err = p.format.Read(string(connector.AppendText(nil, value)))
	} else {
		err = fmt.Errorf("it is %s", kindOf(kind))
	}
	if err != nil {
		reason = fmt.Sprintf("the field %s (since.field) cannot be read: %v", p.Since.Field, err)
		p.unread = reason
	}
	return at, reason
}

func kindOf(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object, not a time"
	case '[':
		return "a list, not a time"
	}
	return "true or false, not a time"
}

// maxUntimed is how many first records must not all be without a time.
const maxUntimed = 1000

// checkField refuses a field in which no record ever had a time: the cursor would not move.
func (p *pull) checkField() error {
	switch {
	case p.Since.Field == "" || p.Timed || p.untimed == 0:
		return nil
	case p.unread != "":
		return sallyport.FieldErrorf("source.request.since.field", "no record has a time there: %s; check the field and since.format", p.unread)
	}
	return sallyport.FieldErrorf("source.request.since.field", "none of the first %d records has the field %s: check its name", p.untimed, p.Since.Field)
}
