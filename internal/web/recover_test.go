package web

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestPanicIsAPage shows that a fault of the program is an error page that says nothing about it, and that the log has it, redacted, under
// the number that the page names. A response that has begun is cut off instead.
func TestPanicIsAPage(t *testing.T) {
	var out bytes.Buffer
	redactor := secret.NewRedactor(secret.New("a-key-of-somebody"))
	log, err := obs.NewLogger(&out, slog.LevelInfo, "json", redactor)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Config: Config{Service: &service.Service{Redactor: redactor}, Log: log}, assets: loadAssets()}
	mux := http.NewServeMux()
	mux.Handle("/page", s.page(func(http.ResponseWriter, *http.Request) error { panic("with a-key-of-somebody") }))
	mux.Handle("/begun", s.page(func(w http.ResponseWriter, _ *http.Request) error {
		http.NewResponseController(w).Flush()
		panic("with a-key-of-somebody")
	}))
	server := httptest.NewServer(obs.Identified(mux))
	defer server.Close()
	answer, err := http.Get(server.URL + "/page")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	number := answer.Header.Get("X-Request-Id")
	if answer.StatusCode != http.StatusInternalServerError || !strings.Contains(string(page), number) || strings.Contains(string(page), "with a") {
		t.Errorf("%s %s", answer.Status, page)
	}
	if text := out.String(); !strings.Contains(text, number) || !strings.Contains(text, "recover_test.go") || strings.Contains(text, "somebody") {
		t.Errorf("the log has %s", text)
	}
	if answer, err := http.Get(server.URL + "/begun"); err == nil {
		if _, err := io.ReadAll(answer.Body); err == nil {
			t.Error("a response that had begun seemed whole")
		}
		answer.Body.Close()
	}
}
