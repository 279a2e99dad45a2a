package content

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// packers compress as real systems do, by the name of the coding.
var packers = map[string]func(w io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"raw deflate": func(w io.Writer) io.WriteCloser {
		f, _ := flate.NewWriter(w, 6) // a valid level
		return f
	},
	"br": func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd": func(w io.Writer) io.WriteCloser {
		z, _ := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1)) // valid options
		return z
	},
	"zip": func(w io.Writer) io.WriteCloser {
		z := zip.NewWriter(w)
		f, _ := z.Create("data/list.json") // into memory
		return &zipped{f, z}
	},
}

// zipped writes the only member of a zip file.
type zipped struct {
	io.Writer
	file *zip.Writer
}

func (z *zipped) Close() error { return z.file.Close() }

func pack(t testing.TB, coding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := packers[coding](&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// header makes the header of a response with a Content-Type and codings.
func header(contentType string, codings ...string) http.Header {
	return http.Header{"Content-Type": {contentType}, "Content-Encoding": codings}
}

func open(h http.Header, body io.Reader, declared string) *Reader {
	return New(h, io.NopCloser(body), declared)
}

func text(h http.Header, body []byte, declared string) (string, error) {
	r := open(h, bytes.NewReader(body), declared)
	defer r.Close()
	b, err := io.ReadAll(r)
	return string(b), err
}

var charsets = map[string]encoding.Encoding{
	"utf-8":        unicode.UTF8,
	"iso-8859-15":  charmap.ISO8859_15,
	"windows-1252": charmap.Windows1252,
	"koi8-r":       charmap.KOI8R,
	"ibm037":       charmap.CodePage037,
	"shift_jis":    japanese.ShiftJIS,
	"iso-2022-jp":  japanese.ISO2022JP,
	"gb18030":      simplifiedchinese.GB18030,
	"utf-16le":     unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":     unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

var samples = map[string]string{
	"iso-8859-15": "Zürich 20 €", "windows-1252": "“Zürich” €", "koi8-r": "Привет", "ibm037": "Zürich", "shift_jis": "日本語テキスト", "iso-2022-jp": "日本語テキスト",
}

// TestEveryCharsetInEveryCoding packs a text of each charset in each way, declared in each way, whole and byte by byte.
func TestEveryCharsetInEveryCoding(t *testing.T) {
	for charset, e := range charsets {
		sample := samples[charset]
		if sample == "" {
			sample = "Zürich, 日本 \U0001F600"
		}
		want := `[{"id":1,"city":"` + strings.Repeat(sample, 3000) + `"}]`
		encoded, err := e.NewEncoder().String(want)
		if err != nil {
			t.Fatal(charset, err)
		}
		for coding := range packers {
			packed := pack(t, coding, []byte(encoded))
			sent := header("application/json; charset="+charset, strings.TrimPrefix(coding, "raw "))
			setting := header("text/plain", strings.TrimPrefix(coding, "raw "))
			if coding == "zip" {
				sent.Del("Content-Encoding")
			}
			for name, r := range map[string]*Reader{
				"header":  open(sent, bytes.NewReader(packed), ""),
				"setting": open(setting, bytes.NewReader(packed), charset),
				"slow":    open(sent, iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(packed))), ""),
			} {
				got, err := io.ReadAll(r)
				if err != nil || string(got) != want {
					t.Errorf("%s %s %s: %d bytes instead of %d, %v", charset, coding, name, len(got), len(want), err)
				}
			}
		}
		r := open(header("text/plain"), iotest.OneByteReader(strings.NewReader(encoded)), charset)
		if got, err := io.ReadAll(iotest.OneByteReader(r)); err != nil || string(got) != want {
			t.Errorf("%s, byte by byte: %v", charset, err)
		}
	}
}

func gz(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

// zipOf makes a zip file of names and texts.
func zipOf(t testing.TB, stored bool, files ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		h := &zip.FileHeader{Name: files[i], Method: zip.Deflate}
		var f io.Writer
		var err error
		if stored {
			h.Method = zip.Store
			h.CRC32, h.CompressedSize64, h.UncompressedSize64 = crc32.ChecksumIEEE([]byte(files[i+1])), uint64(len(files[i+1])), uint64(len(files[i+1]))
			f, err = z.CreateRaw(h)
		} else {
			f, err = z.CreateHeader(h)
		}
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(f, files[i+1])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTheBytesDecide gives bodies whose header says something else, or nothing.
func TestTheBytesDecide(t *testing.T) {
	utf16le, _ := charsets["utf-16le"].NewEncoder().String(`[{"a":"é"}]`)
	const plain, accent = `[{"id":1}]`, `[{"a":"é"}]`
	bzipped, _ := base64.StdEncoding.DecodeString("QlpoOTFBWSZTWcPOw68AAAFKAAAQIAAACiAAIZpoM00XPF3JFOFCQw87Drw=")
	for name, test := range map[string]struct {
		h    http.Header
		body string
		want string
	}{
		"nothing":                               {header(""), "", ""},
		"nothing, called gzip":                  {header("", "gzip"), "", ""},
		"one byte":                              {header(""), "1", "1"},
		"a byte order mark alone":               {header(""), "\uFEFF", ""},
		"a byte order mark":                     {header("text/csv; charset=iso-8859-1"), "\uFEFFa,é", "a,é"},
		"UTF-16 with its mark":                  {header("application/json; charset=utf-8"), "\xff\xfe" + utf16le, accent},
		"UTF-16 without any":                    {header("application/json"), utf16le, accent},
		"UTF-8 called UTF-16":                   {header("application/json; charset=utf-16"), plain, plain},
		"UTF-8 called ISO-8859-1":               {header("application/json; charset=ISO-8859-1"), accent, accent},
		"UTF-8 called GBK":                      {header("application/json; charset=gbk"), `["日本語"]`, `["日本語"]`},
		"ISO-8859-1":                            {header(`application/json; charset="latin1"`), "[\"\xe9\"]", `["é"]`},
		"ASCII for long, then ISO-8859-1":       {header("text/plain; charset=latin1"), strings.Repeat("x", 3*window+5) + "\xe9", strings.Repeat("x", 3*window+5) + "é"},
		"an unknown charset":                    {header("application/json; charset=binary"), accent, accent},
		"plain, called gzip":                    {header("application/json", "gzip"), plain, plain},
		"plain, called deflate":                 {header("application/json", "deflate"), plain, plain},
		"plain, called brotli":                  {header("application/json", "br"), accent, accent},
		"plain, called zstd":                    {header("application/json", "zstd"), plain, plain},
		"an unknown coding":                     {header("application/json", "aws-chunked"), plain, plain},
		"gzip, called brotli":                   {header("", "br"), gz(plain), plain},
		"gzip, not called so":                   {header("application/json"), gz(plain), plain},
		"gzip in several headers":               {http.Header{"Content-Encoding": {"gzip", "x-gzip, identity"}}, gz(gz(plain)), plain},
		"a gzip file in gzip":                   {header("application/gzip", "gzip"), gz(gz(plain)), plain},
		"two gzip streams":                      {header(""), gz(`[{"id"`) + gz(`:1}]`), plain},
		"gzip, and gzip called by one name":     {header("", "gzip,gzip"), gz(plain), plain},
		"zlib, not called so":                   {header(""), string(pack(t, "deflate", []byte(plain))), plain},
		"bzip2":                                 {header(""), string(bzipped), "[1]\n"},
		"a zip file":                            {header("application/zip"), zipOf(t, false, "a.json", plain), plain},
		"a zip file, stored":                    {header("application/zip"), zipOf(t, true, "a.json", plain), plain},
		"a zip file with a directory":           {header(""), zipOf(t, false, "d/", "", "d/a.json", plain, "__MACOSX/._a", "x"), plain},
		"a zip file that begins with metadata":  {header(""), zipOf(t, false, "__MACOSX/._a", "xxx", "a.json", plain), plain},
		"gzip in a zip file":                    {header(""), zipOf(t, false, "a.json.gz", gz(plain)), plain},
		"a replacement character that was sent": {header(""), "a\uFFFDb", "a\uFFFDb"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := text(test.h, []byte(test.body), "")
			if err != nil || got != test.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

// TestUndecodable wants an error that names the kind, or the place, and what to do.
func TestUndecodable(t *testing.T) {
	zipped := zipOf(t, false, "a.json", "[1]")
	damaged := strings.Replace(zipOf(t, true, "a.json", "[12345]"), "[12345]", "[12346]", 1)
	encrypted := []byte(zipped)
	encrypted[6] |= zipEncrypted
	nested := "[1]"
	for range maxLayers + 1 {
		nested = gz(nested)
	}
	bomb := gz(strings.Repeat("a", 20<<20))
	for name, test := range map[string]struct {
		h        http.Header
		body     string
		declared string
		want     string
	}{
		"a PDF":                    {header("application/json"), "%PDF-1.7\n…", "", "it is a PDF: request JSON, CSV or plain text"},
		"a PNG":                    {header(""), "\x89PNG\r\n\x1a\n", "", "a PNG image"},
		"xz":                       {header(""), "\xfd7zXZ\x00\x00", "", "an xz file"},
		"a PDF in gzip":            {header("", "gzip"), gz("%PDF-1.7"), "", "a PDF"},
		"a tar archive in gzip":    {header(""), gz("a.json" + strings.Repeat("\x00", 251) + "ustar\x00"), "", "a tar archive"},
		"a table of Excel":         {header(""), zipOf(t, false, "[Content_Types].xml", "<x/>"), "", "an Office document"},
		"UTF-32":                   {header(""), "\xff\xfe\x00\x00[\x00\x00\x00", "", "UTF-32"},
		"not UTF-8":                {header("text/csv"), "id,name\n1,M\xfcller\n", "", "the byte 0xFC at position 11, which is not UTF-8: declare the encoding of the response, for example `encoding: windows-1252`"},
		"not UTF-8, far":           {header(""), strings.Repeat("é", 100_000) + "\xe9x", "", "at position 200000"},
		"an overlong form":         {header(""), "a\xc0\x80", "", "0xC0 at position 1"},
		"a surrogate":              {header(""), "a\xed\xa0\x80", "", "0xED at position 1"},
		"not the declared UTF-8":   {header("", ""), "\xfc", "utf-8", "position 0"},
		"not UTF-8 behind a mark":  {header(""), "\uFEFF\xfc", "", "position 3"},
		"a zero byte":              {header(""), "id,name\n\x00", "", "a zero byte at position 8"},
		"half a pair in UTF-16":    {header(""), "\xff\xfea\x00\x00\xd8b\x00", "", "half a character at position 4"},
		"undefined in the charset": {header(""), "a\x81", "iso-8859-7", ""},
		"not Shift JIS":            {header(""), "abc\x81\x00def", "shift_jis", "0x81 at position 3, which is not shift_jis"},
		"not GBK":                  {header("text/plain; charset=gbk"), "abc\xb0\xa1\xff\xffdef", "", "0xFF at position 5, which is not gbk"},
		"not the declared charset": {header("text/plain; charset=iso-8859-8"), "abcd\xff", "", "0xFF at position 4"},
		"no such encoding":         {header(""), "abcd", "klingon", `"klingon" is not a supported encoding`},
		"several files":            {header(""), zipOf(t, false, "a.csv", "1", "b.csv", "2"), "", `several members, among them "a.csv" and "b.csv"`},
		"no file":                  {header(""), zipOf(t, false, "d/", ""), "", "without any file"},
		"an empty zip file":        {header(""), zipOf(t, false), "", "an empty zip file"},
		"an encrypted zip file":    {header(""), string(encrypted), "", `"a.json" is encrypted`},
		"a damaged zip file":       {header(""), damaged, "", `"a.json" is damaged`},
		"damaged gzip":             {header("", "gzip"), gz("[1]")[:10] + "\xff\xff\xff\xff\xff\xff\xff", "", "its compressed data is damaged behind byte"},
		"a wrong check sum":        {header("", "gzip"), gz("[1]")[:len(gz("[1]"))-8] + "12345678", "", "damaged"},
		"packed in itself":         {header(""), nested, "", "packed more than 4 times"},
		"a bomb":                   {header("", "gzip"), bomb, "", "more than 1000 times its size"},
		"a bomb within gzip":       {header("", "gzip"), gz(bomb), "", "more than 1000 times its size"},
		"damaged zstd":             {header("", "zstd"), "\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := text(test.h, []byte(test.body), test.declared)
			if _, ours := errors.AsType[*Error](err); !ours || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%.100q, %v", got, err)
			}
			if strings.Contains(got, "\uFFFD") {
				t.Errorf("it gives %.100q", got)
			}
		})
	}
}

// TestBreaksOff cuts a body anywhere: that is no damage, and a system may be asked again.
func TestBreaksOff(t *testing.T) {
	body := []byte(`[{"id":1,"city":"` + strings.Repeat("Zürich ", 20) + `"}]`)
	for coding := range packers {
		packed := pack(t, coding, body)
		end := len(packed)
		if coding == "zip" {
			end = bytes.Index(packed, []byte("PK\x01\x02")) + 1 // the directory behind the data is not needed
		}
		for n := 5; n < end; n++ {
			_, err := text(header("", strings.TrimPrefix(coding, "raw ")), packed[:n], "")
			if err != io.ErrUnexpectedEOF {
				t.Errorf("%s after %d of %d bytes: %v", coding, n, len(packed), err)
			}
		}
	}
	for _, c := range []string{"utf-8", "utf-16le", "gb18030"} {
		encoded, _ := charsets[c].NewEncoder().String("ab日")
		if _, err := text(header("text/plain"), []byte(encoded[:len(encoded)-1]), c); err != io.ErrUnexpectedEOF {
			t.Errorf("%s: %v", c, err)
		}
	}
	failing := errors.New("connection reset")
	if _, err := io.ReadAll(open(header("", "gzip"), io.MultiReader(strings.NewReader(gz(string(body))[:30]), iotest.ErrReader(failing)), "")); err != failing {
		t.Errorf("the connection: %v", err)
	}
}

// TestAnyText encodes any text in any charset and coding, and wants it back.
func TestAnyText(t *testing.T) {
	names := []string{"utf-8", "utf-16le", "utf-16be", "gb18030", "windows-1252", "koi8-r"}
	codings := []string{"", "gzip", "deflate", "raw deflate", "br", "zstd", "zip"}
	rapid.Check(t, func(t *rapid.T) {
		want := strings.ReplaceAll(strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", ""), "\uFFFD", "")
		want = "[" + strings.Repeat(want, rapid.IntRange(1, 200).Draw(t, "times")) // JSON and CSV begin with ASCII
		name, coding := rapid.SampledFrom(names).Draw(t, "charset"), rapid.SampledFrom(codings).Draw(t, "coding")
		encoded, err := charsets[name].NewEncoder().String(want)
		if err != nil {
			t.Skip("the charset does not have it")
		}
		if back, _ := charsets[name].NewDecoder().String(encoded); back != want {
			t.Skip("the library does not read what it wrote: private characters in GB 18030")
		}
		body, h := []byte(encoded), header("text/plain", strings.TrimPrefix(coding, "raw "))
		if coding != "" {
			var b bytes.Buffer
			w := packers[coding](&b)
			w.Write(body)
			w.Close()
			body = b.Bytes()
		}
		if got, err := text(h, body, name); err != nil || got != want {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

// FuzzReader wants valid text or an error of any body, with no more than was read before.
func FuzzReader(f *testing.F) {
	for coding := range packers {
		f.Add(pack(f, coding, []byte(`[{"id":1,"city":"Zürich"}]`)), "text/csv; charset=iso-8859-15", coding, "")
	}
	f.Add([]byte("\xff\xfea\x00"), "", "", "")
	f.Add([]byte("a\x81\x40"), "", "", "shift_jis")
	f.Fuzz(func(t *testing.T, body []byte, contentType, coding, declared string) {
		whole, err := text(header(contentType, coding), body, declared)
		if strings.Contains(whole, "\x00") && declared == "" && !strings.Contains(contentType, "charset") {
			t.Errorf("%q", whole)
		}
		if strings.ToValidUTF8(whole, "") != whole && err == nil {
			t.Errorf("%q", whole)
		}
		parts, errOfParts := io.ReadAll(open(header(contentType, coding), iotest.OneByteReader(bytes.NewReader(body)), declared))
		if string(parts) != whole && err == nil || (err == nil) != (errOfParts == nil) {
			t.Errorf("byte by byte %q, %v; else %q, %v", parts, errOfParts, whole, err)
		}
	})
}

func TestTolerate(t *testing.T) {
	r := open(header("text/plain"), strings.NewReader("Schl\xfcssel"), "")
	r.Tolerate()
	if b, err := io.ReadAll(r); err != nil || string(b) != "Schl\xfcssel" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestCheckEncoding(t *testing.T) {
	for _, name := range []string{"utf-8", "UTF8", "latin1", "ISO-8859-15", "windows-1252", "utf-16", "UTF-16BE", "gbk", "Shift_JIS", "IBM850", "koi8-r"} {
		if err := CheckEncoding(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "utf-32", "klingon", "iso-2022-kr", "utf-7"} {
		if CheckEncoding(name) == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
