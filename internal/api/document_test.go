package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport/internal/api"
	"github.com/sallyport-io/sallyport/internal/sandbox"
)

var update = flag.Bool("update", false, "write docs/openapi.json anew")

const documentFile = "../../docs/openapi.json"

//go:generate go test -run ^TestDocument$ -update

// TestDocument holds the document of the API against the file that is kept of it.
func TestDocument(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(api.Document(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(documentFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(documentFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/openapi.json is not what the API is (write it with go generate ./internal/api):\n%s", diff)
	}
}

var reference = regexp.MustCompile(`"\$ref": *"#/components/schemas/([^"]+)"`)

// TestServedDocument shows that everybody can read the document, that it is whole, and that it says of every operation what a program needs.
func TestServedDocument(t *testing.T) {
	t.Parallel()
	h := newHost(t, sandbox.Options{})
	served := client{h, ""}.get("/openapi.json").want(http.StatusOK)
	for _, match := range reference.FindAllStringSubmatch(served.text, -1) {
		if _, ok := document().Components.Schemas.Map()[match[1]]; !ok {
			t.Errorf("there is no schema %s", match[1])
		}
	}
	ids := map[string]bool{}
	for pattern, op := range operations() {
		if op.Summary == "" || op.OperationID == "" || ids[op.OperationID] || len(op.Tags) != 1 {
			t.Errorf("%s has no summary, no id of its own, or no tag", pattern)
		}
		ids[op.OperationID] = true
		if method, _, _ := strings.Cut(pattern, " "); method == "POST" && !bytes.Contains(marshal(t, op), []byte("Idempotency-Key")) {
			t.Errorf("%s takes no Idempotency-Key", pattern)
		}
		if op.Responses["default"] == nil && len(op.Responses) < 2 {
			t.Errorf("%s does not say what an error looks like", pattern)
		}
	}
	if len(ids) < 45 {
		t.Errorf("the document has %d operations", len(ids))
	}
	if !strings.Contains(served.text, `"version": "1.2.3"`) {
		t.Error("the document does not say the version")
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
