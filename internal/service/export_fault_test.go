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

// TestExportFails lets every operation on the file of an export fail, and cuts the export at each of them: what is exported is complete, or
// there is an error, and what came before it are whole lines from the beginning.
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
		err := service.ExportThrough(p.Service, p.Context(), d, map[string]any{"format": "csv", "columns": []string{"id", "v"}}, disk, &out)
		return out.String(), err
	}
	disk := filestest.New()
	want, err := export(disk)
	if err != nil || strings.Count(want, "\n") != 1001 {
		t.Fatalf("%d lines are exported: %v", strings.Count(want, "\n"), err)
	}
	for n, op := range disk.Ops() {
		failing, cut := filestest.New(), filestest.New()
		failing.Fail(func(_ filestest.Op, before int) error {
			if before == n {
				return syscall.EIO
			}
			return nil
		})
		cut.StopAfter(n)
		for disk, cause := range map[*filestest.Disk]error{failing: syscall.EIO, cut: filestest.ErrStopped} {
			got, err := export(disk)
			if !errors.Is(err, cause) {
				t.Errorf("operation %d (%s) has the error %v, but the export %v", n, op, cause, err)
			}
			if !strings.HasPrefix(want, got) || got != "" && !strings.HasSuffix(got, "\n") {
				t.Errorf("operation %d (%s) has the error %v: %d bytes are exported that are not whole lines of the whole", n, op, cause, len(got))
			}
		}
	}
}
