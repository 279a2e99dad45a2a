package rest

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport/internal/secret"
)

const (
	maxCookies  = 50      // of one run
	maxCookie   = 4 << 10 // bytes of the name and the value of one
	maxFleeting = 100     // secrets of a run that its redactor knows at a time
	minFleeting = 8       // bytes of such a secret: shorter ones would be found in ordinary words
)

// jar keeps the cookies of one run, in memory only. They go back to the host that set them, through the gate, and are secrets.
type jar struct {
	cookies *cookiejar.Jar
	names   map[string]bool
}

func newJar() *jar {
	cookies, _ := cookiejar.New(nil) // it never fails
	return &jar{cookies, map[string]bool{}}
}

// take keeps the cookies of a response for its own host only, and takes them out of the response.
func (j *jar) take(from *url.URL, response *http.Response, secrets *fleeting) {
	var own []*http.Cookie
	for _, c := range response.Cookies() {
		id := c.Path + " " + c.Name
		domain := strings.ToLower(strings.TrimPrefix(c.Domain, "."))
		host := strings.ToLower(from.Hostname())
		foreign := domain != "" && domain != host && !strings.HasSuffix(host, "."+domain)
		if foreign || len(c.Name)+len(c.Value) > maxCookie || !j.names[id] && len(j.names) >= maxCookies {
			continue
		}
		j.names[id] = true
		c.Domain = ""
		secrets.add(c.Value)
		own = append(own, c)
	}
	j.cookies.SetCookies(from, own)
	response.Header.Del("Set-Cookie")
}

// put adds the cookies for its place to a request.
func (j *jar) put(request *http.Request) {
	for _, c := range j.cookies.Cookies(request.URL) {
		request.AddCookie(c)
	}
}

// fleeting are secrets that a system gives during a run, such as cookies and signatures of addresses. The redactor of the source knows the
// last of them.
type fleeting struct {
	known *secret.Redactor
	last  []string
}

func (f *fleeting) add(text string) {
	if len(text) < minFleeting || len(text) > secret.MaxLength || slices.Contains(f.last, text) {
		return
	}
	f.known.Add(secret.New(text))
	if f.last = append(f.last, text); len(f.last) > maxFleeting {
		f.known.Forget(secret.New(f.last[0]))
		f.last = f.last[1:]
	}
}
