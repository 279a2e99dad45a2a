package content

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
)

// The parts of a zip file, as it lies in a stream.
const (
	zipMember     = "PK\x03\x04"
	zipDescriptor = "PK\x07\x08"
	zipHeader     = 30 // bytes of the header of a member, before its name
	zipDeferred   = 8  // the flag of a member whose size follows its data
	zipEncrypted  = 1  // the flag of an encrypted member
	zipStored     = 0  // methods
	zipDeflated   = 8
	zipLong       = 1<<32 - 1 // a size that an extra field has
	maxZipExtra   = 100       // members that are passed over
)

// zipReader reads the only member of a zip file, as it comes: the file is not kept. Whether there is another member shows at the end, and is an
// error then. Directories and what macOS adds are passed over.
type zipReader struct {
	in     *bufio.Reader
	data   io.Reader // of the member
	sum    hash.Hash32
	size   int64
	header member
	err    error
}

// member is what a header says of a member.
type member struct {
	name          string
	flags, method uint16
	crc           uint32
	size          int64 // packed
}

func newZip(in *bufio.Reader) (io.ReadCloser, error) {
	z := &zipReader{in: in}
	return z, z.find()
}

// find goes to the first member that counts.
func (z *zipReader) find() error {
	for range maxZipExtra {
		if err := z.enter(); err != nil {
			return err
		}
		if !passed(z.header.name) {
			return nil
		}
		if err := z.skip(); err != nil {
			return err
		}
		if !z.another() {
			return errorf("it is a zip file without any file in it")
		}
	}
	return errorf("it is a zip file with more than %d members", maxZipExtra)
}

// passed tells whether a member does not count.
func passed(name string) bool {
	return strings.HasSuffix(name, "/") || strings.HasPrefix(name, "__MACOSX/") || strings.HasSuffix(name, ".DS_Store")
}

// enter reads the header of the member that lies ahead.
func (z *zipReader) enter() error {
	var fixed [zipHeader]byte
	if _, err := io.ReadFull(z.in, fixed[:]); err != nil {
		return io.ErrUnexpectedEOF
	}
	le := binary.LittleEndian
	more := make([]byte, int(le.Uint16(fixed[26:]))+int(le.Uint16(fixed[28:])))
	if _, err := io.ReadFull(z.in, more); err != nil {
		return io.ErrUnexpectedEOF
	}
	named := le.Uint16(fixed[26:])
	m := member{
		name: string(more[:named]), flags: le.Uint16(fixed[6:]), method: le.Uint16(fixed[8:]), crc: le.Uint32(fixed[14:]),
		size: packedSize(int64(le.Uint32(fixed[18:])), more[named:]),
	}
	z.header, z.sum, z.size = m, crc32.NewIEEE(), 0
	switch {
	case m.name == "[Content_Types].xml":
		return notText("an Office document (such as XLSX)")
	case m.flags&zipEncrypted != 0:
		return errorf("its zip member %s is encrypted, and cannot be read without a password", quotedName(m.name))
	case m.method == zipDeflated:
		z.data = flate.NewReader(z.in)
	case m.method == zipStored && m.flags&zipDeferred == 0:
		z.data = io.LimitReader(z.in, m.size)
	default:
		return errorf("its zip member %s is packed with method %d, which is not supported", quotedName(m.name), m.method)
	}
	return nil
}

// packedSize is the size of a member's data, which a large one has in an extra field.
func packedSize(size int64, extra []byte) int64 {
	le := binary.LittleEndian
	for size == zipLong && len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if extra = extra[4:]; n > len(extra) {
			break
		}
		if id == 1 && n >= 16 {
			return int64(le.Uint64(extra[8:]) & (1<<63 - 1))
		}
		extra = extra[n:]
	}
	return size
}

// Read reads the member.
func (z *zipReader) Read(p []byte) (int, error) {
	if z.err != nil {
		return 0, z.err
	}
	n, err := z.data.Read(p)
	z.sum.Write(p[:n]) // never fails
	z.size += int64(n)
	if err == io.EOF {
		err = z.end()
	}
	z.err = err
	return n, err
}

// end checks the member that was read, and that no other follows.
func (z *zipReader) end() error {
	first := z.header.name
	if err := z.check(); err != nil {
		return err
	}
	for range maxZipExtra {
		if !z.another() {
			return io.EOF
		}
		if err := z.enter(); err != nil {
			return err
		}
		if !passed(z.header.name) {
			return errorf("it is a zip file with several members, among them %s and %s: request one with a single file", quotedName(first), quotedName(z.header.name))
		}
		if err := z.skip(); err != nil {
			return err
		}
	}
	return errorf("it is a zip file with more than %d members", maxZipExtra)
}

// skip passes a member over.
func (z *zipReader) skip() error {
	var err error
	if z.size, err = io.CopyN(z.sum, z.data, freely); err == nil {
		return errorf("its zip member %s is larger than what may be passed over", quotedName(z.header.name))
	} else if err != io.EOF {
		return err
	}
	return z.check()
}

// check compares a member with its check sum.
func (z *zipReader) check() error {
	want := z.header.crc
	if z.header.flags&zipDeferred != 0 {
		var err error
		if want, err = z.descriptor(); err != nil {
			return err
		}
	} else if z.header.method == zipStored && z.size < z.header.size {
		return io.ErrUnexpectedEOF
	}
	if want != z.sum.Sum32() {
		return errorf("its zip member %s is damaged: its check sum is another", quotedName(z.header.name))
	}
	return nil
}

// descriptor reads what follows the data of a member whose size was not known before: a mark that may be absent, the check sum, and two sizes of
// four or eight bytes each. What comes next in the file tells how long they are.
func (z *zipReader) descriptor() (crc uint32, err error) {
	if mark, _ := z.in.Peek(4); string(mark) == zipDescriptor {
		z.in.Discard(4) // they were peeked at
	}
	begin, _ := z.in.Peek(4 + 16 + 2)
	for _, sizes := range []int{8, 16} {
		if n := 4 + sizes; len(begin) >= n+2 && string(begin[n:n+2]) == "PK" {
			z.in.Discard(n) // they were peeked at
			return binary.LittleEndian.Uint32(begin), nil
		}
	}
	return 0, io.ErrUnexpectedEOF
}

// another tells whether a member lies ahead.
func (z *zipReader) another() bool {
	mark, _ := z.in.Peek(4)
	return string(mark) == zipMember
}

// Close frees nothing.
func (z *zipReader) Close() error { return nil }

// quotedName is the name of a member as an error shows it.
func quotedName(name string) string {
	if len(name) > 60 {
		name = name[:60] + "…"
	}
	return fmt.Sprintf("%q", strings.ToValidUTF8(name, "?"))
}
