package table

import (
	"bytes"
	"fmt"
	"io"
)

// maxCells bounds the cells of one row: each takes memory, however short it is.
const maxCells = 1_000_000

// Dialect says how the cells of a table are written.
type Dialect struct {
	Separator byte
	Blanks    bool   // blanks around a separator do not count
	Quote     byte   // 0: none
	Comment   string // lines that begin with it are left out; "": none are
}

// Fault is a row that cannot be split into cells.
type Fault struct {
	Line int  // that it begins at
	Open bool // a quoted cell has no end before the end of the text
	What string
}

// Error says what is wrong with the row, without repeating it.
func (f *Fault) Error() string {
	return fmt.Sprintf("the row at line %d is not valid CSV: %s", f.Line, f.What)
}

const (
	bareQuote = "a quotation mark stands within a cell that does not begin with one"
	openQuote = "a cell that begins with a quotation mark does not end with one"
)

// Reader splits the lines of a table into cells.
type Reader struct {
	*Lines
	Dialect
	Line  int   // that the row begins at that was read last
	Done  int64 // bytes before that row
	cells [][]byte
	text  []byte // of the cells of a row with quotes
	ends  []int  // of these cells within text
}

// NewReader returns a reader of lines.
func NewReader(lines *Lines, d Dialect) *Reader { return &Reader{Lines: lines, Dialect: d} }

// Read returns the cells of the next row, valid until the next call, and io.EOF after the last. Empty lines and comments are left out. With a
// [Fault] it returns the cells before it; the next row can be read.
func (r *Reader) Read() ([][]byte, error) {
	for {
		r.Done = r.Offset
		line, err := r.Next()
		if err != nil {
			return nil, err
		}
		if r.Line = r.Number; len(line) == 0 || r.Comment != "" && isComment(line, r.Comment) {
			continue
		}
		r.cells = r.cells[:0]
		if r.Quote != 0 && bytes.IndexByte(line, r.Quote) >= 0 {
			return r.quoted(line)
		}
		return r.plain(line)
	}
}

func isComment(line []byte, prefix string) bool {
	return bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte(prefix))
}

// plain splits a line without quotes.
func (r *Reader) plain(line []byte) ([][]byte, error) {
	for {
		i := bytes.IndexByte(line, r.Separator)
		if i < 0 {
			r.cells = append(r.cells, r.trim(line))
			return r.cells, nil
		}
		if len(r.cells) == maxCells {
			return nil, fmt.Errorf("a row has more than %d cells", maxCells)
		}
		r.cells = append(r.cells, r.trim(line[:i]))
		line = line[i+1:]
	}
}

func (r *Reader) trim(cell []byte) []byte {
	if r.Blanks {
		return bytes.Trim(cell, " \t")
	}
	return cell
}

// blanks are what may stand between a separator and a quote.
func (r *Reader) blanks() string {
	if r.Separator == '\t' {
		return " "
	}
	return " \t"
}

// quoted splits a line with quotes, and reads on where a cell goes on in the next line.
func (r *Reader) quoted(line []byte) ([][]byte, error) {
	r.text, r.ends = r.text[:0], r.ends[:0]
	for more := true; more; {
		if len(r.ends) > maxCells {
			return nil, fmt.Errorf("a row has more than %d cells", maxCells)
		}
		var err error
		if begin := bytes.TrimLeft(line, r.blanks()); len(begin) > 0 && begin[0] == r.Quote {
			line, more, err = r.within(begin[1:])
		} else {
			line, more, err = r.bare(line)
		}
		if _, fault := err.(*Fault); err != nil && !fault {
			return nil, err
		} else if err != nil {
			return r.cut(), err
		}
		r.ends = append(r.ends, len(r.text))
	}
	return r.cut(), nil
}

// cut makes cells of the text.
func (r *Reader) cut() [][]byte {
	begin := 0
	for _, end := range r.ends {
		r.cells = append(r.cells, r.text[begin:end])
		begin = end
	}
	return r.cells
}

// bare takes a cell without quotes. It returns what follows the separator, if there is one.
func (r *Reader) bare(line []byte) (rest []byte, more bool, err error) {
	cell, rest, more := bytes.Cut(line, []byte{r.Separator})
	if bytes.IndexByte(cell, r.Quote) >= 0 {
		return nil, false, &Fault{Line: r.Line, What: bareQuote}
	}
	r.text = append(r.text, r.trim(cell)...)
	return rest, more, nil
}

// within takes a cell behind its first quote.
func (r *Reader) within(line []byte) (rest []byte, more bool, err error) {
	for {
		i := bytes.IndexByte(line, r.Quote)
		switch {
		case i < 0:
			r.text = append(append(r.text, line...), '\n')
			if line, err = r.Next(); err != nil {
				return nil, false, r.open(err)
			}
		case i+1 < len(line) && line[i+1] == r.Quote:
			r.text = append(r.text, line[:i+1]...)
			line = line[i+2:]
		default:
			r.text = append(r.text, line[:i]...)
			line = bytes.TrimLeft(line[i+1:], r.blanks())
			if len(line) == 0 {
				return nil, false, nil
			}
			if line[0] != r.Separator {
				return nil, false, &Fault{Line: r.Line, What: openQuote}
			}
			return line[1:], true, nil
		}
	}
}

// open is the error for a cell that has no end.
func (r *Reader) open(err error) error {
	if err == io.EOF {
		return &Fault{Line: r.Line, Open: true, What: openQuote}
	}
	return err
}
