package rest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
)

// packAs compresses a text with a coding, "" with none.
func packAs(t testing.TB, coding, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	write := func(w interface {
		Write([]byte) (int, error)
		Close() error
	}) []byte {
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	switch coding {
	case "gzip":
		return write(gzip.NewWriter(&b))
	case "br":
		return write(brotli.NewWriter(&b))
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		return write(z)
	}
	return []byte(text)
}

// formats are a body for each decoder, with the key in it, and how it is requested.
var formats = map[string]struct {
	request sallyport.Request
	body    string
}{
	"stream": {sallyport.Request{URL: "/", Records: "$.r[*]"}, `{"r":[{"city":"Zürich €","echo":"%s"}]}`},
	"tree":   {sallyport.Request{URL: "/", Records: "$.r[?@.city]"}, `{"r":[{"city":"Zürich €","echo":"%s"}]}`},
	"CSV":    {sallyport.Request{URL: "/", Format: sallyport.FormatCSV}, "city,echo\nZürich €,%s\n"},
	"TAXII":  {sallyport.Request{URL: "/", Format: sallyport.FormatTAXII, Records: "$.objects[*]", Paging: sallyport.Paging{Type: sallyport.PagingTAXII}}, `{"objects":[{"city":"Zürich €","echo":"%s"}]}`},
}

// TestEveryFormatInEveryCharsetAndCoding reads the same record in all of them. The key is found in each.
func TestEveryFormatInEveryCharsetAndCoding(t *testing.T) {
	charsets := map[string]encoding.Encoding{
		"utf-8": unicode.UTF8, "utf-8 with a mark": unicode.UTF8BOM, "iso-8859-15": charmap.ISO8859_15, "utf-16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	}
	for format, f := range formats {
		for charset, e := range charsets {
			for _, coding := range []string{"", "gzip", "br", "zstd"} {
				for _, named := range []bool{true, false} {
					text, err := e.NewEncoder().String(fmt.Sprintf(f.body, testKey))
					if err != nil {
						t.Fatal(err)
					}
					body, request := packAs(t, coding, text), f.request
					server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
						if named {
							w.Header().Set("Content-Type", "text/plain; charset="+charset)
						}
						if named || coding == "br" {
							w.Header().Set("Content-Encoding", coding)
						}
						w.Write(body) // the client would notice
					})
					if !named {
						request.Encoding = map[string]string{"iso-8859-15": charset}[charset]
					}
					var peeked []byte
					c := testConfig(server.URL, request)
					c.Peek = func(b []byte) { peeked = bytes.Clone(b) }
					records, _, err := pull(t.Context(), mustOpen(t, c), "")
					if diff := cmp.Diff([]string{`{"city":"Zürich €","echo":"[redacted]"}`}, records); diff != "" || err != nil {
						t.Errorf("%s, %s, %q, named %v: %v\n%s", format, charset, coding, named, err, diff)
					}
					if !strings.Contains(string(peeked), "Zürich €") || strings.Contains(string(peeked), testKey) {
						t.Errorf("%s, %s, %q: it shows %q", format, charset, coding, peeked)
					}
				}
			}
		}
	}
}

// TestUndecodable wants an error with the kind or the place, at once: a new attempt would not help.
func TestUndecodable(t *testing.T) {
	for name, test := range map[string]struct {
		format, body, want string
	}{
		"a PDF":                       {"stream", "%PDF-1.7", "it is a PDF: request JSON, CSV or plain text"},
		"a PDF as CSV":                {"CSV", "%PDF-1.7", "it is a PDF"},
		"Latin-1 in a record":         {"stream", `{"r":[{"a":"x"},{"a":"` + "M\xfcller" + `"}]}`, "the byte 0xFC at position 23, which is not UTF-8"},
		"Latin-1 in a tree":           {"tree", `{"r":[{"a":"` + "M\xfcller" + `"}]}`, "the byte 0xFC at position 13, which is not UTF-8"},
		"Latin-1 in CSV":              {"CSV", "city\nM\xfcller\n", "the byte 0xFC at position 6, which is not UTF-8"},
		"a bomb":                      {"stream", string(packAs(t, "zstd", `{"r":[`+strings.Repeat(" ", 40<<20)+`]}`)), "more than 1000 times its size"},
		"HTML that is called JSON":    {"stream", "<!DOCTYPE html><p>Sign in", "it is an HTML or XML page, not JSON"},
		"JSON lines that are no JSON": {"stream", "{\"r\":[]}\n{\"r\":[]}\n", "declare `format: jsonl`"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, sends(200, test.body))
			_, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, formats[test.format].request)), "")
			f, ok := errors.AsType[*connector.Failure](err)
			if !ok || f.Class != connector.ClassPermanent || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "jsontext") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestReasonInAnotherCharset: why a request failed is readable however it is written.
func TestReasonInAnotherCharset(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=iso-8859-1")
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(400)
		w.Write(packAs(t, "gzip", "{\"error\":\"Schl\xfcssel fehlt\"}")) // the client would notice
	})
	_, _, err := pull(t.Context(), mustOpen(t, testConfig(server.URL, listRequest)), "")
	if err == nil || !strings.Contains(err.Error(), "Schlüssel fehlt") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkPageInLatin1 is BenchmarkPageOf100000 in another charset, for a ratio.
func BenchmarkPageInLatin1(b *testing.B) {
	body := bytes.ReplaceAll(indicators(100_000), []byte("Example Org"), []byte("Exämple Örg"))
	for name, e := range map[string]encoding.Encoding{"utf-8": unicode.UTF8, "iso-8859-1": charmap.ISO8859_1} {
		encoded, err := e.NewEncoder().Bytes(body)
		if err != nil {
			b.Fatal(err)
		}
		server := serve(b, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset="+name)
			w.Write(encoded) // the client would notice
		})
		source := mustOpen(b, testConfig(server.URL, listRequest))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				for page, err := range source.Pages(b.Context(), "") {
					if err != nil {
						b.Fatal(err)
					}
					for _, err := range page.Records {
						if err != nil {
							b.Fatal(err)
						}
					}
				}
			}
		})
	}
}
