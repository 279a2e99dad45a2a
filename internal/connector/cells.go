package connector

import (
	"bytes"
	"fmt"
	"io"
)

// Bounds of a table. A row of CSV is split into cells before anyone sees it, and each takes memory however short it is.
const (
	MaxColumns = 10_000
	maxCells   = 1_000_000 // of one row
)

// CellBound passes CSV on, and fails at a row with so many cells that splitting it would fill the memory. Separators within quotes count as
// well: a cell may have that many, too.
type CellBound struct {
	From  io.Reader
	Comma byte
	cells int // since the row that was read last
}

// Read reads on.
func (b *CellBound) Read(p []byte) (int, error) {
	n, err := b.From.Read(p)
	if b.cells += bytes.Count(p[:n], []byte{b.Comma}); b.cells > maxCells {
		return 0, fmt.Errorf("a row has more than %d cells", maxCells)
	}
	return n, err
}

// NextRow says that a row was read to its end. What was read ahead counts as part of it, which is a small share of the bound.
func (b *CellBound) NextRow() { b.cells = 0 }

// MaxDepth bounds how deep the values of a record may be nested: most programs that read JSON fail, or crash, somewhere beyond.
const MaxDepth = 512

// TooDeep reports whether a value of JSON is nested more than [MaxDepth] levels deep.
func TooDeep(value []byte) bool {
	if bytes.Count(value, []byte{'{'})+bytes.Count(value, []byte{'['}) <= MaxDepth {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
