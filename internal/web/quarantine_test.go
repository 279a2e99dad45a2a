package web_test

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/service"
	"github.com/sallyport-io/sallyport/internal/store"
)

// ward is a flow with three records in quarantine: a text that the dataset did not take, and two that its table did not. It returns the path
// of its quarantine.
func (s *site) ward(flow string) (f sallyport.Flow, path string) {
	s.Helper()
	s.addFlow(flow, "Key")
	f, err := s.app.Service.Flow(s.Context(), flow)
	if err != nil {
		s.Fatal(err)
	}
	table := f.Destinations[1].ID
	s.keep(flow, []string{`{"iid":1}`},
		sallyport.Quarantined{Record: []byte(`"two"`), Reason: "a record must be an object, and this is a text", At: time.Now()},
		sallyport.Quarantined{Record: []byte(`{"x":"</textarea><script>alert(1)</script>"}`), Reason: "it has no <iid>", At: time.Now(), DestinationID: table},
		sallyport.Quarantined{Record: []byte(`{"x":4.50}`), Reason: "it has no iid", At: time.Now(), DestinationID: table})
	run, err := s.app.Service.Store.UnfinishedRun(s.Context(), f.ID)
	if err != nil {
		s.Fatal(err)
	}
	run.State = sallyport.RunSucceeded // nothing is to be pulled
	err = s.app.Service.Store.InTx(s.Context(), func(tx *store.Tx) error { return tx.UpdateRun(s.Context(), run) })
	if err != nil {
		s.Fatal(err)
	}
	return f, "/datasets/" + string(f.ID) + "/quarantine"
}

// delivered works the deliveries of a flow, and returns what its file holds.
func (s *site) delivered(f sallyport.Flow) string {
	s.Helper()
	if _, err := s.app.Service.FollowDeliveries(s.Context(), f.ID, func(service.Progress) {}); err != nil {
		s.Fatal(err)
	}
	content, err := os.ReadFile(fmt.Sprint(f.Destinations[0].Config["path"]))
	if err != nil {
		s.Fatal(err)
	}
	return string(content)
}

// sick are the numbers of what is in quarantine, oldest first.
func (s *site) sick(f sallyport.Flow) (numbers []int64) {
	s.Helper()
	all, err := s.app.Service.Quarantine(s.Context(), string(f.ID), "", 0, 0)
	if err != nil {
		s.Fatal(err)
	}
	for _, q := range all {
		numbers = append([]int64{q.ID}, numbers...)
	}
	return numbers
}

func record(text string) url.Values { return url.Values{"record": {text}, "since": {"0"}} }

// TestQuarantineWithoutScripts edits a record and replays it with nothing but forms.
func TestQuarantineWithoutScripts(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	f, path := s.ward("sick")
	page := c.get("/datasets/"+string(f.ID)).want(http.StatusOK).says("It has no <iid>", "Not taken by the dataset", "Not taken by destination table", "Replay all", "Replay all of table")
	if len(page.all("a", "href="+path+"/1/edit"))+len(page.all("form", "action="+path+"/1/replay", "method=post"))+len(page.all("form", "action="+path+"/1/discard")) != 3 {
		t.Error("there is no way to edit, replay or discard the record")
	}
	if form := c.get(path + "/2/edit").want(http.StatusOK).says("Record 2"); words(form.one("textarea", "name=record")) != `{ "x": "</textarea><script>alert(1)</script>" }` {
		t.Errorf("it is edited as %s", form.text)
	}
	refused := c.post(path+"/1", record("{\r\n\"iid\": 2,\r\n}")).want(http.StatusUnprocessableEntity).says("To the dataset")
	if words(refused.one("small", "id=text-1-error")) != "Is not valid JSON: see line 3, character 1." || words(refused.one("textarea", "aria-invalid=true")) != `{ "iid": 2, }` {
		t.Errorf("the form came back as %s", refused.text)
	}
	c.post(path+"/1/replay", nil).want(http.StatusUnprocessableEntity).says("Record 1 cannot be replayed: a record must be an object", "nothing was replayed")
	c.post(path+"/1", record("{\r\n\"iid\": 2\r\n}")).wantLocation(path + "/1")
	c.get(path+"/1").want(http.StatusOK).says("Record 1 is kept as you edited it. It is not replayed yet.", `{"iid":2}`, "edited just now")
	c.post(path+"/1/replay", nil).wantLocation("/datasets/" + string(f.ID) + "#quarantine")
	c.get("/datasets/"+string(f.ID)).says("Record 1 is in the dataset now", "Records 2")
	for _, again := range []*answer{c.post(path+"/1/replay", nil), c.post(path+"/1", record("{}")), c.get(path + "/1/edit"), c.post(path+"/1/discard", nil)} {
		again.want(http.StatusNotFound).says("Record 1 is not in quarantine here; it may have been replayed or discarded")
	}
	if lines := s.delivered(f); lines != "{\"iid\":1}\n{\"iid\":2}\n" {
		t.Errorf("delivered:\n%s", lines)
	}
	form := record(`{"iid": 3, "x": 4.50}`)
	form.Set("then", "replay")
	c.post(path+"/3", form).wantLocation("/datasets/" + string(f.ID) + "#quarantine")
	c.get("/datasets/"+string(f.ID)).says("Record 3 is on its way to destination table. If it does not fit there, it comes back here.", "Records 2")
	c.post(path+"/2/discard", nil).wantLocation("/datasets/" + string(f.ID) + "#quarantine")
	c.get("/datasets/"+string(f.ID)).says("Record 2 is discarded.", "It is empty")
	if lines := s.delivered(f); lines != "{\"iid\":1}\n{\"iid\":2}\n" {
		t.Errorf("delivered:\n%s", lines)
	}
	c.get("/activity").says("Record in quarantine edited", "Quarantine replayed", "Quarantine discarded", "sick", "record: 3")
}

// TestQuarantineWithHtmx does the same in place.
func TestQuarantineWithHtmx(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	f, path := s.ward("sick")
	form := c.get(path+"/3/edit", hx...).want(http.StatusOK)
	form.one("li", "id=record-3")
	if len(form.all("header")) != 0 || words(form.one("textarea", "autofocus=")) != `{ "x": 4.50 }` {
		t.Errorf("the form is %s", form.text)
	}
	c.post(path+"/3", record(`[`), hx...).want(http.StatusUnprocessableEntity).one("li", "id=record-3")
	saved := c.post(path+"/3", record(`{"iid":3}`), hx...).want(http.StatusOK).says("edited just now", `{"iid":3}`)
	saved.one("li", "id=record-3")
	saved.one("a", "aria-label=Edit record 3", "autofocus=")
	c.get(path+"/3", hx...).want(http.StatusOK).says(`{"iid":3}`)
	main := []string{"HX-Request", "true", "HX-Target", "main"}
	c.post(path+"/replay", nil, main...).want(http.StatusBadRequest).says("Record 1 cannot be replayed", "Request")
	location := c.post(path+"/replay", url.Values{"destination": {"table"}}, hx...).want(http.StatusNoContent).Header.Get("HX-Location")
	if !strings.Contains(location, `"/datasets/`+string(f.ID)+`#quarantine"`) {
		t.Errorf("htmx is led to %s", location)
	}
	c.get("/datasets/"+string(f.ID), main...).says("2 records replayed. What does not fit comes back here.")
	s.delivered(f)
	if left := s.sick(f); len(left) != 2 || left[0] != 1 || left[1] <= 3 {
		t.Errorf("in quarantine are %v, want the text, and the one that still has no iid", left)
	}
	c.get("/datasets/"+string(f.ID)).says("after a replay", "iid")
}

// TestQuarantineInTwoTabs edits one record from two sides. The second is told, keeps what was typed, and may insist.
func TestQuarantineInTwoTabs(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	_, path := s.ward("sick")
	_, other := s.ward("other")
	c.post(path+"/3", record(`{"iid":3}`)).wantLocation(path + "/3")
	second := record(`{"iid":33}`)
	second.Set("then", "replay")
	told := c.post(path+"/3", second).want(http.StatusUnprocessableEntity).says("edited meanwhile", "nothing was overwritten")
	if got := words(told.one("textarea")); got != `{"iid":33}` {
		t.Errorf("typed was %s", got)
	}
	c.get(path + "/3").says(`{"iid":3}`)
	since, _ := attribute(told.one("input", "name=since"), "value")
	second.Set("since", since)
	second.Del("then")
	c.post(path+"/3", second).wantLocation(path + "/3")
	c.get(path + "/3").says(`{"iid":33}`)
	c.post(path+"/3", url.Values{"record": {`{}`}, "since": {"x"}}).want(http.StatusUnprocessableEntity).says("load the page again")
	for _, elsewhere := range []string{other + "/3", path + "/999", path + "/x"} {
		c.get(elsewhere).want(http.StatusNotFound)
		c.post(elsewhere+"/replay", nil).want(http.StatusNotFound)
		c.post(elsewhere+"/discard", nil).want(http.StatusNotFound)
	}
	c.get(path + "/3").want(http.StatusOK)
	s.client().post(path+"/3", second).want(http.StatusSeeOther)
	c.post(path+"/3", second, "Sec-Fetch-Site", "cross-site").want(http.StatusForbidden)
}

// TestKeyInAnEditedRecord types a key into the form: it is in no answer, and nowhere kept. The site watches for it.
func TestKeyInAnEditedRecord(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	key := s.secrets[len(s.secrets)-1]
	f, path := s.ward("sick")
	c.post(path+"/3", record(`{"iid": 3, "key": "`+key+`" x`)).want(http.StatusUnprocessableEntity).says("[redacted]")
	c.post(path+"/3", record(`{"iid": 3, "key": "`+key+`"}`)).want(http.StatusSeeOther)
	c.post(path+"/3", record(`{"iid": 4, "key": "`+key+`"}`)).want(http.StatusUnprocessableEntity).says("edited meanwhile", "[redacted]")
	c.get(path + "/3").says(`{"iid":3,"key":"[redacted]"}`)
	c.get(path + "/3/edit").says("[redacted]")
	c.post(path+"/3/replay", nil).want(http.StatusSeeOther)
	s.delivered(f)
	c.get("/datasets/" + string(f.ID)).want(http.StatusOK)
}

// TestEditedRecordIsBounded takes a record of almost a mebibyte, however it is encoded, and no more; other forms take less.
func TestEditedRecordIsBounded(t *testing.T) {
	s := newSite(t)
	c := s.signedUp()
	s.addCredential("Key", "")
	_, path := s.ward("sick")
	most := `{"a":"` + strings.Repeat("{", service.MaxEdited-8) + `"}`
	c.post(path+"/1", record(most)).want(http.StatusSeeOther)
	if got := words(c.get(path + "/1/edit").want(http.StatusOK).one("textarea")); got != most {
		t.Errorf("%d bytes of %d are edited", len(got), len(most))
	}
	c.post(path+"/2", record(most+" ")).want(http.StatusUnprocessableEntity).says("Is larger than 1 MiB")
	c.post(path+"/2", record(strings.Repeat("{", 4*service.MaxEdited))).want(http.StatusRequestEntityTooLarge)
	c.post(path+"/replay", url.Values{"destination": {strings.Repeat("x", 200<<10)}}).want(http.StatusRequestEntityTooLarge)
}

// TestQuarantineInABrowser mends one record in place and discards another, in both looks and at two widths.
func TestQuarantineInABrowser(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	s.addCredential("Key", "")
	f, path := s.ward("sick")
	b.signUp()
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1200, 380} {
			b.look(scheme, width, 860)
			b.open("/datasets/" + string(f.ID))
			b.click("a[aria-label='Edit record 3']")
			b.is(`document.activeElement.name === "record"`)
			b.is(`(document.querySelectorAll("#quarantine details").forEach(d => d.open = true), document.querySelector("#quarantine").scrollIntoView(), true)`)
			b.fits()
			b.accessible(fmt.Sprintf("%s, %d", scheme, width))
			b.shot(fmt.Sprintf("quarantine-%s-%d", scheme, width))
		}
	}
	b.look("light", 1200, 860)
	b.fill("#text-3", `{"iid": 3,,}`)
	b.click("#record-3 button.primary")
	b.says("#text-3-error", "Is not valid JSON: see line 1, character 11.")
	b.shot("quarantine-wrong")
	b.fill("#text-3", `{"iid": 3}`)
	b.click("#record-3 form button:not(.primary)")
	b.says("#record-3", `{"iid":3}`)
	b.is(`document.activeElement.ariaLabel === "Edit record 3"`)
	b.press(kb.Enter)
	b.is(`document.activeElement.name === "record"`)
	b.click("#record-3 button.primary")
	b.says("#notice", "Record 3 is on its way to destination table")
	b.is(`document.querySelector("#record-3") === null && location.pathname === "/datasets/` + string(f.ID) + `"`)
	b.shot("quarantine-replayed")
	b.click("summary[aria-label='Discard record 2']")
	b.click("button[aria-label='Discard record 2 for good']")
	b.says("#notice", "Record 2 is discarded.")
	b.click("button[aria-label='Replay record 1']")
	b.says("#notice", "Record 1 cannot be replayed")
	b.shot("quarantine-refused")
	b.open(path + "/1/edit")
	b.is(`document.activeElement.name === "record"`)
	b.accessible("alone")
	b.shot("quarantine-alone")
}
