package rest

import "testing"

func TestNextLink(t *testing.T) {
	for header, want := range map[string]string{
		`<https://h/2>; rel="next"`:              "https://h/2",
		`<https://h/2>;rel=next`:                 "https://h/2",
		`<https://h/2>; rel='next'`:              "https://h/2",
		`<2>; REL="last  NEXT"; title="a \\ b"`:  "2",
		`<a,b;c>; rel="prev", <d,e>; rel="next"`: "d,e",
		`<a>; title="<b>; rel=next"; rel=prev`:   "",
		`<a>; title="; rel=next", <b>; rel=next`: "b",
		`<a>; rel=prev,<b>  ;  rel = "next" ; x`: "b",
		`<a>; rel="nextish"`:                     "",
		`<a>; crossorigin; rel=next`:             "a",
		``:                                       "",
		`<a>`:                                    "",
		`<>; rel=next`:                           "",
		`https://h/2?a=1,2; rel=next`:            "https://h/2?a=1,2",
		`https://h/2; rel=prev`:                  "",
		`<p>; rel="previous"; results="true", <n>; rel="next"; results="false"; cursor="0:4:0"`: "",
		`<p>; rel="previous"; results="false", <n>; rel="next"; results="true"; cursor="0:4:0"`: "n",
		`<n>; results=FALSE; rel=next`: "",
	} {
		if got, err := nextLink([]string{header}); got != want || err != nil {
			t.Errorf("%s: %q, %v", header, got, err)
		}
	}
	if got, err := nextLink([]string{`<a>; rel=prev`, `<b>; rel=next`}); got != "b" || err != nil {
		t.Errorf("of two headers: %q, %v", got, err)
	}
	if _, err := nextLink([]string{"https://h/2 rel=next"}); err == nil {
		t.Error("a malformed header is taken for the end")
	}
}
