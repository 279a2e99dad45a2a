package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/obs"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/service"
)

// TestPanicIsAnAnswer shows that a fault of the program is told as one, without what it was about, and that the log has it under its number.
func TestPanicIsAnAnswer(t *testing.T) {
	var out bytes.Buffer
	redactor := secret.NewRedactor(secret.New("a-key-of-somebody"))
	log, err := obs.NewLogger(&out, slog.LevelInfo, "json", redactor)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Config: Config{Service: &service.Service{Redactor: redactor}, Log: log}}
	server := httptest.NewServer(obs.Identified(s.recovered(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("with a-key-of-somebody") }))))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p Problem
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusInternalServerError || p.Code != "internal" || strings.Contains(p.Detail, "with") {
		t.Errorf("%d %+v", answer.StatusCode, p)
	}
	if text := out.String(); !strings.Contains(text, p.RequestID) || !strings.Contains(text, "recover_test.go") || strings.Contains(text, "somebody") {
		t.Errorf("the log has %s", text)
	}
}
