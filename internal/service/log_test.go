package service_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

// TestRunRestsWhileTheLogIsFull: while another program reads the database in one transaction, a run makes no request after the page that
// fills the log. It continues at the next page as soon as that program is done, with every record.
func TestRunRestsWhileTheLogIsFull(t *testing.T) {
	other, reading := (*sql.DB)(nil), (*sql.Tx)(nil)
	p := newPlace(t, nil)
	p.api.pages = map[string]func(http.ResponseWriter){
		"0": func(w http.ResponseWriter) {
			var err error
			if reading, err = other.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true}); err == nil {
				err = reading.QueryRow("SELECT count(*) FROM credential").Scan(new(int))
			}
			if err != nil {
				t.Error(err)
			}
			text := make([]byte, 512<<10)
			rand.Read(text)
			fmt.Fprintf(w, `{"results":[{"id":0,"text":"%x"}],"next":1}`, text)
		},
		"1": list(1, 10, 10, "2"), "2": list(11, 10, 10, ""),
	}
	other, err := sql.Open("sqlite", "file:"+filepath.Join(p.data, "sallyport.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	p.Service.Store.LimitLog(512 << 10)
	first, _, err := p.Service.StartRun(t.Context(), actor, "f")
	if err != nil {
		t.Fatal(err)
	}
	p.untilAsleep()
	p.change("UPDATE river_job SET scheduled_at = datetime('now') WHERE kind = 'ingest'")
	p.untilAsleep()
	if run := p.last(); run.State != sallyport.RunRunning || run.Pages != 1 || p.kept() != 1 || fmt.Sprint(p.api.asked) != "[0]" {
		t.Errorf("while somebody reads, the run is %s with %d pages after the requests %v", run.State, run.Pages, p.api.asked)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if run := p.again(); run.ID != first.ID || run.State != sallyport.RunSucceeded || p.kept() != 21 || p.delivered("out.ndjson") != 21 || fmt.Sprint(p.api.asked) != "[0 1 2]" {
		t.Errorf("afterwards run %d is %s with %d records after the requests %v: %s", run.ID, run.State, run.Records, p.api.asked, run.Error)
	}
}

// untilAsleep works what is queued until the job of a run is put to sleep, or the run is finished.
func (p *place) untilAsleep() {
	p.Helper()
	if _, err := p.Service.Engine.Start(p.Context()); err != nil {
		p.Fatal(err)
	}
	defer func() {
		if err := p.Service.Engine.Stop(context.WithoutCancel(p.Context())); err != nil {
			p.Error(err)
		}
	}()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		asleep := 0
		err := p.Service.Store.SQL().QueryRowContext(p.Context(),
			"SELECT count(*) FROM river_job WHERE kind = 'ingest' AND state IN ('available', 'scheduled') AND scheduled_at > strftime('%Y-%m-%d %H:%M:%f', 'now', '1 second')").Scan(&asleep)
		if err != nil {
			p.Fatal(err)
		}
		if asleep > 0 || p.last().State.Finished() {
			return
		}
	}
	p.Fatal("the run neither rests nor ends")
}
