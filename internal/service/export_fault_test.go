package service_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/sallyport-io/sallyport/internal/files/filestest"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestExportFails lets every operation on the file of an export fail: what is exported is complete, or there is an error.
func TestExportFails(t *testing.T) {
	t.Parallel()
	p := newPlace(t, map[string]func(http.ResponseWriter){"0": func(w http.ResponseWriter) { fmt.Fprintf(w, `%s],"next":null}`, records(0, 1000, 300)) }})
	p.run()
	d, err := p.Service.Dataset(p.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	export := func(disk *filestest.Disk) (string, error) {
		var out bytes.Buffer
		err := service.ExportThrough(p.Service, p.Context(), d, []string{"id", "v"}, disk, &out)
		return out.String(), err
	}
	disk := filestest.New()
	want, err := export(disk)
	if err != nil || strings.Count(want, "\n") != 1001 {
		t.Fatalf("%d lines are exported: %v", strings.Count(want, "\n"), err)
	}
	for n, op := range disk.Ops() {
		failing := filestest.New()
		failing.Fail(func(_ filestest.Op, before int) error {
			if before == n {
				return syscall.EIO
			}
			return nil
		})
		if _, err := export(failing); !errors.Is(err, syscall.EIO) {
			t.Errorf("operation %d (%s) fails, but the export does not: %v", n, op, err)
		}
	}
}
