package content

import "bytes"

// Files that are no text and cannot be unpacked, by how they begin.
var binaries = []struct{ begins, name string }{
	{"%PDF-", "a PDF"},
	{"\x89PNG", "a PNG image"},
	{"\xff\xd8\xff", "a JPEG image"},
	{"GIF8", "a GIF image"},
	{"\xfd7zXZ\x00", "an xz file"},
	{"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"},
	{"Rar!\x1a\x07", "a RAR archive"},
	{"\xd0\xcf\x11\xe0", "an Office document"},
	{"PK\x05\x06", "an empty zip file"},
	{"PAR1", "a Parquet file"},
	{"Obj\x01", "an Avro file"},
	{"SQLite format 3\x00", "an SQLite database"},
	{"\x1f\x9d", "a file packed with compress"},
	{"\x04\x22\x4d\x18", "an LZ4 file"},
	{"\x7fELF", "a program"},
	{"MZ\x90\x00", "a program"},
}

const tarMark = 257 // where a tar archive says that it is one

// otherKind is the error for what is a file of another kind, nil if it may be text.
func otherKind(begin []byte) error {
	for _, b := range binaries {
		if bytes.HasPrefix(begin, []byte(b.begins)) {
			return notText(b.name)
		}
	}
	if len(begin) > tarMark && bytes.HasPrefix(begin[tarMark:], []byte("ustar")) {
		return notText("a tar archive")
	}
	return nil
}

func notText(name string) error {
	return errorf("it is %s: request JSON, CSV or plain text, as it is or as one file in gzip, zstd, bzip2 or zip", name)
}
