package web_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestSaferAddress: each page at an address whose cookies other programs receive points to the same page at the name of Sallyport's own.
func TestSaferAddress(t *testing.T) {
	s := newSite(t)
	anyone, user := s.client(), s.signedUp()
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, c := range []struct {
		by         *client
		host, path string
		link       string // "": none
	}{
		{anyone, "127.0.0.1" + port, "/sign-in?next=%2Fruns", "/sign-in?next=%2Fruns"},
		{user, "127.0.0.1" + port, "/flows", "/flows"},
		{user, "LocalHost" + port, "/runs?state=failed&flow=x", "/runs?state=failed&amp;flow=x"},
		{user, "[::1]" + port, "/settings", "/settings"},
		{user, "127.0.0.1" + port, "/flows/none", "/flows/none"}, // an error
		{user, "127.0.0.1" + port, `/flows?q="><script>alert(1)</script>`, "/flows?q=&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"},
		{user, "sallyport.localhost" + port, "/flows", ""},
		{user, "sallyport.example", "/flows", ""},
		{user, "10.0.0.5" + port, "/flows", ""},
	} {
		page := c.by.from(c.host, c.path)
		if strings.Contains(page, "Sign out") != (c.by == user) {
			t.Errorf("%s%s: not the page that it must be", c.host, c.path)
		}
		want := `<footer class="site">`
		if c.link != "" {
			want = `<a href="http://sallyport.localhost` + port + c.link + `">http://sallyport.localhost` + port + c.link + `</a>`
		}
		if strings.Contains(page, want) != (c.link != "") || strings.Contains(page, "<script>alert") {
			t.Errorf("%s%s: the page has, or lacks, %s", c.host, c.path, want)
		}
	}
}

// from gets a page with a Host header.
func (c *client) from(host, path string) string {
	c.Helper()
	r, err := http.NewRequest("GET", c.URL+path, nil)
	if err != nil {
		c.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(r.URL) { // a client takes them for those of another host
		r.AddCookie(cookie)
	}
	r.Host = host
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.Fatal(err)
	}
	return string(body)
}

// TestSaferAddressInTheBrowser follows the pointer at the bottom of a page.
func TestSaferAddressInTheBrowser(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.signUp()
	b.open("/runs")
	b.says("footer.site", "receive the cookies of this address")
	b.fits()
	b.click("footer.site a")
	b.is(`location.hostname === "sallyport.localhost" && location.pathname === "/sign-in"`) // its cookies are its own
	b.is(`!document.querySelector("footer.site")`)
}
