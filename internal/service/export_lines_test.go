package service_test

import (
	"bytes"
	"fmt"
	"net/http"
	"testing"

	"github.com/sallyport-io/sallyport/internal/service"
)

// byWrites counts the writes of a text, and those that end within a line.
type byWrites struct{ all, within int }

func (w *byWrites) Write(b []byte) (int, error) {
	w.all++
	if !bytes.HasSuffix(b, []byte("\n")) {
		w.within++
	}
	return len(b), nil
}

// TestExportWritesWholeLines exports more than is read at once: what takes secrets out of an export must see each of them in one piece.
func TestExportWritesWholeLines(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) { fmt.Fprintf(w, `%s],"next":null}`, records(0, 1000, 300)) }})
	p.run()
	d, err := p.Service.Dataset(p.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"ndjson", "csv"} {
		var out byWrites
		if err := p.Service.Export(p.Context(), d, service.Exporting{Format: format}, &out); err != nil {
			t.Fatal(err)
		}
		if out.all < 2 || out.within > 0 {
			t.Errorf("%s: %d of %d writes end within a line", format, out.within, out.all)
		}
	}
}
