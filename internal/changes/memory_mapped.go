//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package changes

import (
	"syscall"
	"unsafe"
)

// memory holds a block outside of Go's heap: there it would let the heap grow to twice its size before anything is collected.
type memory struct {
	entries *block
	mapped  []byte // nil: the block is on the heap after all
}

func newMemory() *memory {
	mapped, err := syscall.Mmap(-1, 0, int(unsafe.Sizeof(block{})), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return &memory{entries: new(block)} // which fails as every allocation does, if there is no more memory
	}
	return &memory{(*block)(unsafe.Pointer(&mapped[0])), mapped}
}

func (m *memory) free() {
	m.entries = nil
	if m.mapped != nil {
		syscall.Munmap(m.mapped) // it was mapped above, so it does not fail
	}
}
