package service

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
)

func TestReadAddress(t *testing.T) {
	tests := map[string]struct {
		system string
		want   sallyport.Request
		fault  string // within the error; "" if there is none
	}{
		"https://api.example.com/v1/items":           {"https://api.example.com", sallyport.Request{URL: "/v1/items"}, ""},
		"https://api.example.com":                    {"https://api.example.com", sallyport.Request{URL: "/"}, ""},
		" https://api.example.com/a%20b?q=a+b&n=%25": {"https://api.example.com", sallyport.Request{URL: "/a%20b", Query: map[string]sallyport.Texts{"q": {"a b"}, "n": {"%"}}}, ""},
		"http://127.0.0.1:8080/x?page_token=7#top":   {"http://127.0.0.1:8080", sallyport.Request{URL: "/x", Query: map[string]sallyport.Texts{"page_token": {"7"}}}, ""},
		"/v1/items?limit=1":                          {"", sallyport.Request{URL: "/v1/items", Query: map[string]sallyport.Texts{"limit": {"1"}}}, ""},
		"/v1/items?token=":                           {"", sallyport.Request{URL: "/v1/items", Query: map[string]sallyport.Texts{"token": {""}}}, ""},
		"api.example.com/v1":                         {fault: "must begin with https://"},
		"//api.example.com/v1":                       {fault: "must begin with https://"},
		"mailto:someone":                             {fault: "must begin with https://"},
		"https://":                                   {fault: "must begin with https://"},
		"https://me:pw@api.example.com/":             {fault: "user name or password"},
		"https://api.example.com/?a=%zz":             {fault: "cannot be read"},
		"https://api.example.com/?API-Key=abcdef":    {fault: `a key in the parameter "API-Key"`},
		"https://api.example.com/?access_token=abc":  {fault: `a key in the parameter "access_token"`},
		"https://api.example.com/\x7f":               {fault: "must be an address"},
	}
	for text, test := range tests {
		system, request, err := ReadAddress(text)
		if test.fault != "" {
			if err == nil || !strings.Contains(err.Error(), test.fault) {
				t.Errorf("%q: %v, want an error with %q", text, err, test.fault)
			}
			continue
		}
		if diff := cmp.Diff(test.want, request); err != nil || system != test.system || diff != "" {
			t.Errorf("%q: %q, %v, %s", text, system, err, diff)
		}
	}
}
