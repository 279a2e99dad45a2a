package service_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestDeliverAgain lets destinations have everything again: those that are gone, and those that have it already. Each has every record once,
// and the source is not asked.
func TestDeliverAgain(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": list(0, 20, 10, "1"), "1": list(20, 10, 10, "")})
	p.apply(strings.ReplaceAll(`{name: lines, connector: file, config: {path: DIR/out.ndjson}},
  {name: append, connector: sqlite, config: {path: DIR/append.db, table: t, mode: append}},
  {name: upsert, connector: sqlite, config: {path: DIR/upsert.db, table: t, mode: upsert, key: [id]}}`, "DIR", p.dir))
	p.run()
	asked := len(p.api.asked)
	for _, gone := range []string{"", "out.ndjson", "append.db", "upsert.db"} {
		if gone != "" {
			if err := os.Remove(filepath.Join(p.dir, gone)); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"lines", "append", "upsert"} {
			d, err := p.Service.DestinationOf(t.Context(), "f", name)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Service.DeliverAgain(t.Context(), actor, d); err != nil {
				t.Fatal(err)
			}
			if d, err = p.Service.Destination(t.Context(), d.ID); err != nil || d.Position != 0 || d.Records != 0 {
				t.Errorf("%s begins at batch %d with %d records, %v", name, d.Position, d.Records, err)
			}
		}
		all, err := p.Service.Deliver(t.Context(), actor, "f", func(service.Progress) {})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			if d.Error != "" {
				t.Errorf("%s: %s", d.Name, d.Error)
			}
		}
		if lines, appended, put := p.delivered("out.ndjson"), len(p.rows("append.db")), len(p.rows("upsert.db")); lines != 30 || appended != 30 || put != 30 {
			t.Errorf("without %q: %d lines, %d rows appended, %d put, want 30", gone, lines, appended, put)
		}
	}
	if len(p.api.asked) != asked {
		t.Error("the source was asked")
	}
}

// TestDeliverAgainKeepsQuarantine shows that what a person may have edited is not thrown away.
func TestDeliverAgainKeepsQuarantine(t *testing.T) {
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) {
		w.Write([]byte(`{"results": [{"id": 0, "a": 1}, {"id": null, "a": 2}], "next": null}`))
	}})
	p.apply(`{name: upsert, connector: sqlite, config: {path: ` + filepath.Join(p.dir, "upsert.db") + `, table: t, mode: upsert, key: [id]}}`)
	p.run()
	d, err := p.Service.DestinationOf(t.Context(), "f", "upsert")
	if err != nil || d.Rejected != 1 {
		t.Fatalf("%d records were rejected, %v", d.Rejected, err)
	}
	if err := p.Service.DeliverAgain(t.Context(), actor, d); sallyport.CodeOf(err) != sallyport.Conflict || !strings.Contains(err.Error(), "quarantine") {
		t.Error(err)
	}
	if now, err := p.Service.Destination(t.Context(), d.ID); err != nil || now.Position != d.Position {
		t.Errorf("it is at %d, was at %d, %v", now.Position, d.Position, err)
	}
	if _, err := p.Service.DestinationOf(t.Context(), "f", "upsrt"); sallyport.CodeOf(err) != sallyport.NotFound {
		t.Error(err)
	}
}
