package service_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestRedactedValuesAreCounted pulls records in which the key of the credential is an ordinary word, also after the run was broken off, and
// texts that were cut within a character. The run says how many.
func TestRedactedValuesAreCounted(t *testing.T) {
	p := newPlace(t, nil)
	const word = "anonymous"
	if _, err := p.Service.RotateCredential(t.Context(), actor, "api", map[string]secret.Text{"value": secret.New(word)}, service.WithoutTesting); err != nil {
		t.Fatal(err)
	}
	p.api.key = word
	p.follow("", "id")
	first := []string{`{"id":1,"by":"anonymous","note":"sent by anonymous"}`, `{"id":2,"by":"kim","text":"\ud83d"}`}
	p.serve(first, []string{`{"id":3,"by":"anonymous"}`})
	p.api.pages["1"] = func(w http.ResponseWriter) { w.WriteHeader(http.StatusServiceUnavailable) }
	want := []string{`{"id":1,"by":"[redacted]","note":"sent by [redacted]"}`, `{"id":2,"by":"kim","text":"` + "\uFFFD" + `"}`}
	if run := p.wantEvents(want...); run.State != sallyport.RunWaiting || len(run.Warnings) != 2 {
		t.Errorf("run %s: %s: %v", run.State, run.Error, run.Warnings)
	}
	p.serve(first, []string{`{"id":3,"by":"anonymous"}`})
	run := p.wantEvents(`{"id":3,"by":"[redacted]"}`)
	warnings := []string{
		"3 values in records were redacted for containing a stored key: if the key of this credential is an ordinary word, replace it with a longer one",
		"1 character in records was not valid and was replaced with U+FFFD",
	}
	if diff := cmp.Diff(warnings, run.Warnings); diff != "" {
		t.Errorf("warnings: want (-), got (+):\n%s", diff)
	}
}
