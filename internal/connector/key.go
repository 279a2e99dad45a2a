package connector

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
)

// shownFields is how many fields an error lists at most.
const shownFields = 12

// CheckKey refuses a key of which a field is not among the fields of the records that are known: no record would have the key.
func CheckKey(key, fields []string) error {
	for _, name := range key {
		if slices.Contains(fields, name) {
			continue
		}
		hint := ""
		if near := sallyport.Nearest(name, fields); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		} else if len(fields) > 0 {
			hint = "; their fields are " + strings.Join(fields[:min(len(fields), shownFields)], ", ")
			if len(fields) > shownFields {
				hint += ", …"
			}
		}
		return sallyport.FieldErrorf("key", "none of the first records has the field %.60q%s", name, hint)
	}
	return nil
}
