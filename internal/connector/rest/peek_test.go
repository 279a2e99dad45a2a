package rest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport"
)

// TestPeekHoldsNoPartOfAKey lets an API repeat the key at the cut, and where a page is not read to its end.
func TestPeekHoldsNoPartOfAKey(t *testing.T) {
	for _, before := range []int{0, MaxPeek - len(testKey) - 20, MaxPeek - len(testKey)/2, MaxPeek - 1, 3000, 4000, 4090} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `[{"n":"%s%s"},`, strings.Repeat("x", before), r.URL.Query().Get("key"))
			w.(http.Flusher).Flush()
			fmt.Fprintf(w, `{"n":%q}]`, strings.Repeat("y", 2*MaxPeek))
		})
		for _, records := range []int{0, 1, 2} {
			var peeked []byte
			c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$[*]"})
			c.Peek = func(b []byte) { peeked = bytes.Clone(b) }
			read(t, mustOpen(t, c), records)
			if len(peeked) > MaxPeek {
				t.Errorf("%d bytes are shown", len(peeked))
			}
			for n := 6; n <= len(testKey); n++ {
				if bytes.Contains(peeked, []byte(testKey[:n])) {
					t.Fatalf("%d bytes before, %d records read: %d bytes of the key are shown", before, records, n)
				}
			}
		}
	}
}

// TestPeekOfAKeyThatIsCutOff lets an API pause within the key, when the sample has what it wants.
func TestPeekOfAKeyThatIsCutOff(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `[{"n":"whole"},{"n":"%s`, r.URL.Query().Get("key")[:len(testKey)-2])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	var peeked []byte
	c := testConfig(server.URL, sallyport.Request{URL: "/", Records: "$[*]"})
	c.Peek = func(b []byte) { peeked = bytes.Clone(b) }
	read(t, mustOpen(t, c), 0)
	if bytes.Contains(peeked, []byte(testKey[:6])) {
		t.Errorf("a part of the key is shown: %s", peeked)
	}
}

func TestPeekShowsAShortAnswerWhole(t *testing.T) {
	for _, status := range []int{200, 500} {
		var peeked string
		c := testConfig(serve(t, sends(status, `{"a": [1, 2] }`)).URL, sallyport.Request{URL: "/", Records: "$.a[*]"})
		c.Peek = func(b []byte) { peeked = string(b) }
		s, err := open(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		pull(t.Context(), s, "") // a failure is shown too
		if peeked != `{"a": [1, 2] }` {
			t.Errorf("status %d: shown is %q", status, peeked)
		}
	}
}

// read reads so many records of the first page, and leaves it.
func read(t *testing.T, s *Source, records int) {
	for page, err := range s.Pages(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for range page.Records {
			if n++; n > records {
				break
			}
		}
		return
	}
}
