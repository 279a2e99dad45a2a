package web_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/store"
)

// keep commits records to the dataset of a flow, and puts others into its quarantine, in a run that stays queued.
func (s *site) keep(flow string, records []string, quarantined ...sallyport.Quarantined) sallyport.Flow {
	s.Helper()
	packer, err := dataset.NewPacker()
	if err != nil {
		s.Fatal(err)
	}
	observer := dataset.NewObserver(sallyport.Schema{})
	for _, record := range records {
		packer.Add([]byte(record))
		if err := observer.Observe([]byte(record)); err != nil {
			s.Fatal(err)
		}
	}
	batch, _ := packer.Pack()
	packer.Wait()
	f, err := s.app.Service.Flow(s.Context(), flow)
	if err != nil {
		s.Fatal(err)
	}
	run, _, err := s.app.Service.StartRun(s.Context(), actor, flow)
	if err != nil {
		s.Fatal(err)
	}
	schema := observer.Schema()
	err = s.app.Service.Store.InTx(s.Context(), func(tx *store.Tx) error {
		fence, err := tx.ClaimSource(s.Context(), f.Source.ID)
		if err != nil {
			return err
		}
		_, err = tx.CommitPage(s.Context(), store.PageCommit{
			SourceID: f.Source.ID, Fence: fence, RunID: run.ID, DatasetID: f.Dataset.ID, Batches: []sallyport.Batch{*batch},
			Records: batch.Records, Bytes: batch.Bytes, Schema: &schema, Quarantined: quarantined,
		})
		return err
	})
	if err != nil {
		s.Fatal(err)
	}
	return f
}

func TestDatasetShowsWhatIsKept(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("kept", "Key")
	long := strings.Repeat("long ", 40) + "end"
	script := `{"id":1,"note":"</code><script>alert(1)</script>","text":"` + long + `"}`
	records := []string{script}
	for i := 2; i <= 25; i++ {
		records = append(records, fmt.Sprintf(`{"id":%d,"note":null,"text":"t%[1]d"}`, i))
	}
	f := s.keep("kept", records, sallyport.Quarantined{Record: []byte(`{"bad":"<script>b</script>"}`), Reason: "the <b>field</b> is no number", At: time.Now()})
	c.get("/flows/kept").one("a", "href=/datasets/"+string(f.ID))

	page := c.get("/datasets/"+string(f.ID)).want(http.StatusOK).says("Dataset kept", "Records 25", "Batches 1", "Schema", "20 records from the beginning.",
		"The <b>field</b> is no number", "Not taken by the dataset, just now in run 1")
	for _, element := range page.all("script") {
		if element.FirstChild != nil {
			t.Errorf("a value became a script: %s", words(element))
		}
	}
	sample := page.one("div", "aria-label=Sample as a table", "tabindex=0", "role=region")
	if text := words(sample); !strings.Contains(text, "<script>alert(1)</script>") || !strings.Contains(text, "t20") || strings.Contains(text, "t21") ||
		strings.Contains(text, long) || !strings.Contains(text, "…") {
		t.Errorf("the sample is %s", text)
	}
	if text := words(page.one("pre", "aria-label=Sample as JSON lines")); !strings.HasPrefix(text, script) || strings.Contains(text, `"id":21`) {
		t.Errorf("the JSON lines are %s", text)
	}
	if text := words(page.one("pre", "aria-label=Record 1")); text != `{"bad":"<script>b</script>"}` {
		t.Errorf("the record in quarantine is %s", text)
	}
	if text := words(page.one("div", "aria-label=Schema", "tabindex=0")); !strings.Contains(text, "id integer no 1") || !strings.Contains(text, "note string yes") {
		t.Errorf("the schema is %s", text)
	}
}

// TestDatasetIsBounded has fields, texts and a quarantine that are too much for a page.
func TestDatasetIsBounded(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	s.addFlow("large", "Key")
	var fields []string
	for i := range 14 {
		fields = append(fields, fmt.Sprintf(`"f%d":"%s"`, i, strings.Repeat("é", 50<<10)))
	}
	var quarantined []sallyport.Quarantined
	for i := range 21 {
		q := sallyport.Quarantined{Record: []byte(fmt.Sprintf(`{"n":%d,"x":"%s"}`, i, strings.Repeat("x", 100<<10))), Reason: "too large", At: time.Now()}
		quarantined = append(quarantined, q)
	}
	record := "{" + strings.Join(fields, ",") + "}"
	s.keep("large", []string{record}, quarantined...)
	page := c.get("/datasets/large").want(http.StatusOK).says("2 more fields not in the table", "Older", "… the rest is not shown here")
	if len(page.all("li", "class=panel")) != 20 || len(page.text) > 4<<20 {
		t.Errorf("%d records in quarantine, %d bytes", len(page.all("li", "class=panel")), len(page.text))
	}
	if strings.Contains(page.text, `aria-label="Record 1"`) {
		t.Error("the oldest record is shown, not the newest")
	}
	page = c.get("/datasets/large?before=2").want(http.StatusOK).says("Newest")
	if len(page.all("li", "class=panel")) != 1 || len(page.all("pre", "aria-label=Record 1")) != 1 || strings.Contains(words(page.doc), "Older") {
		t.Errorf("the oldest record is not alone on its page: %s", words(page.doc))
	}
	c.get("/datasets/large?before=1").want(http.StatusOK).says("none older")
	c.get("/datasets/large?before=x").want(http.StatusUnprocessableEntity)
}

func TestDatasetSaysWhatToDo(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	c.get("/datasets/flw_none").want(http.StatusNotFound).says("no flow")
	s.addCredential("Key", "")
	s.addFlow("new", "Key")
	page := c.get("/datasets/new").want(http.StatusOK).says("Nothing is kept yet", "“Run now”", "there is nothing to do")
	if n := len(page.all("table")); n != 0 {
		t.Errorf("%d tables of nothing", n)
	}
	s.client().get("/datasets/new").wantLocation("/sign-in?next=%2Fdatasets%2Fnew")
}

// TestDatasetInABrowser looks at a page with everything on it, folded out.
func TestDatasetInABrowser(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	s.addCredential("Key", "")
	s.addFlow("wide", "Key")
	text := strings.Repeat("x", 300)
	record := fmt.Sprintf(`{"a":"%s","b":"%[1]s","c":{"d":"%[1]s"},"%s":1}`, text, text[:100])
	s.keep("wide", []string{record}, sallyport.Quarantined{Record: []byte(record), Reason: text, At: time.Now()})
	b.signUp()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1200, 380} {
			b.look(scheme, width, 860)
			b.open("/datasets/wide")
			b.is(`(document.querySelectorAll("details").forEach(d => d.open = true), true)`)
			b.fits()
			b.accessible(fmt.Sprintf("%s, %d", scheme, width))
			b.shot(fmt.Sprintf("dataset-%s-%d", scheme, width))
		}
	}
}
