//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package changes

// memory holds a block.
type memory struct{ entries *block }

func newMemory() *memory { return &memory{new(block)} }

func (m *memory) free() { m.entries = nil }
