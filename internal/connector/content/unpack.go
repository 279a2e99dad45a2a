package content

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxWindow bounds the memory that unpacking zstd takes. Programs that write for HTTP stay below 8 MiB.
const maxWindow = 32 << 20

// The beginnings of packed files. The bytes decide, whatever a response says of itself.
var packed = []struct{ begins, coding string }{
	{"\x1f\x8b\x08", "gzip"},
	{"\x28\xb5\x2f\xfd", "zstd"},
	{"PK\x03\x04", "zip"},
	{"BZh", "bzip2"},
	{"\x78\x9c", "zlib"},
	{"\x78\xda", "zlib"},
	{"\x78\x01", "zlib"},
}

// unpack undoes the Content-Encoding, and then opens what still is a packed file.
func (r *Reader) unpack(in *bufio.Reader) (*bufio.Reader, error) {
	codings := r.codings()
	for {
		begin, err := beginning(in)
		if err != nil {
			return nil, err
		}
		coding := ""
		if len(codings) > 0 {
			coding, codings = declared(codings[0], begin), codings[1:]
		} else if coding = packedAs(begin); coding == "" {
			return in, otherKind(begin)
		}
		if coding == "" {
			continue
		}
		if len(r.layers) == maxLayers {
			return nil, errorf("it is packed more than %d times, one within the other", maxLayers)
		}
		layer, err := unpacker(coding, in)
		if err != nil {
			return nil, err
		}
		r.layers = append(r.layers, layer)
		r.unpacked = &counter{from: layer}
		in = bufio.NewReaderSize(r.unpacked, window)
	}
}

// codings are those of the Content-Encoding, the last one first.
func (r *Reader) codings() (all []string) {
	for _, text := range r.header.Values("Content-Encoding") {
		for coding := range strings.SplitSeq(text, ",") {
			coding = strings.ToLower(strings.TrimSpace(coding))
			all = append(all, strings.TrimPrefix(coding, "x-"))
		}
	}
	slices.Reverse(all)
	return all
}

// declared is the coding to undo where a header names one; "" if the bytes speak against it.
func declared(coding string, begin []byte) string {
	switch coding {
	case "gzip", "zstd":
		if packedAs(begin) == coding {
			return coding
		}
	case "deflate":
		if packedAs(begin) == "zlib" || isZlib(begin) {
			return "zlib"
		}
		fallthrough
	case "br":
		if file := packedAs(begin); len(begin) > 0 && !isText(begin) && file != "gzip" && file != "zstd" {
			return coding
		}
	}
	return ""
}

func packedAs(begin []byte) string {
	for _, p := range packed {
		if bytes.HasPrefix(begin, []byte(p.begins)) {
			return p.coding
		}
	}
	return ""
}

// isZlib tells whether a text begins like zlib at any level and window: its first two bytes are a check of themselves.
func isZlib(begin []byte) bool {
	return len(begin) > 1 && begin[0]&0x0f == 8 && begin[0]>>4 < 8 && (int(begin[0])<<8|int(begin[1]))%31 == 0 && !isText(begin)
}

// isText tells whether bytes are readable UTF-8, cut off anywhere. What is compressed is not, but for a few bytes by chance.
func isText(b []byte) bool {
	for i := 0; i < len(b); {
		c, size := utf8.DecodeRune(b[i:])
		switch {
		case c == utf8.RuneError && size == 1 && utf8.FullRune(b[i:]):
			return false
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' && c != '\f', c == 0x7f:
			return false
		}
		i += size
	}
	return true
}

// unpacker opens a layer of compression.
func unpacker(coding string, in *bufio.Reader) (io.ReadCloser, error) {
	switch coding {
	case "gzip":
		return gzip.NewReader(in)
	case "zlib":
		return zlib.NewReader(in)
	case "deflate":
		return flate.NewReader(in), nil
	case "br":
		return io.NopCloser(brotli.NewReader(in)), nil
	case "bzip2":
		return io.NopCloser(bzip2.NewReader(in)), nil
	case "zip":
		return newZip(in)
	}
	d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}
