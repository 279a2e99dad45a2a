package cli_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
)

// TestForgottenPassword sets a user up at the pages, resets the password at the command line, and signs in with the new one.
func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cmd := h.command("", "serve", "--addr", "127.0.0.1:0")
	link := h.until(cmd, "/setup/")
	address, token, _ := strings.Cut(strings.TrimSpace(strings.Replace(link, "sallyport.localhost", "127.0.0.1", 1)), "/setup/")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	post := func(path string, form url.Values) *http.Response {
		t.Helper()
		answer, err := browser.PostForm(address+path, form)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer
	}
	where := func() string {
		t.Helper()
		answer, err := browser.Get(address + "/flows")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.Request.URL.Path
	}
	post("/setup/"+token, url.Values{"name": {"Ada"}, "password": {"the first password"}, "repeat": {"the first password"}})
	if where() != "/flows" {
		t.Fatal("nobody is signed in")
	}
	if out := h.run("the second password\n", "user", "passwd", "--secret-stdin"); strings.Contains(out, "second") || !strings.Contains(out, `"Ada"`) {
		t.Errorf("it says %s", out)
	}
	if where() != "/sign-in" {
		t.Error("the session did not end")
	}
	for password, want := range map[string]string{"the first password": "/sign-in", "the second password": "/flows"} {
		if got := post("/sign-in", url.Values{"name": {"Ada"}, "password": {password}, "next": {"/flows"}}).Request.URL.Path; got != want {
			t.Errorf("%q leads to %s", password, got)
		}
	}
	request, err := http.NewRequest(http.MethodGet, address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "rebound.example"
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another host: %s", answer.Status)
	}
}
