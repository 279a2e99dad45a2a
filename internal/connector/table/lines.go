// Package table reads text in lines, and lines in cells: CSV as systems publish it.
//
// [Lines] splits a text, [Reader] splits its lines into cells by a [Dialect], and [Detect] finds out what nobody declared of a table.
package table

import (
	"bufio"
	"bytes"
	"io"
)

// Lines splits a text into lines that end with LF, CRLF or, where there is no LF in the beginning, CR.
type Lines struct {
	in     *bufio.Reader
	end    byte
	long   []byte // a line that is longer than the buffer
	Number int    // of the line that was read last, from 1
	Offset int64  // behind that line
	Ended  bool   // that line had an end, and was not cut off by the end of the text
}

// NewLines splits what in gives. It looks at as much of it as fits into the buffer of in.
func NewLines(in *bufio.Reader) *Lines {
	l := &Lines{in: in, end: '\n'}
	begin, _ := in.Peek(in.Buffered())
	if len(begin) == 0 {
		in.Peek(1) // an error comes again with the next read
		begin, _ = in.Peek(in.Buffered())
	}
	if bytes.IndexByte(begin, '\n') < 0 && bytes.IndexByte(begin, '\r') >= 0 {
		if begin, _ = in.Peek(in.Size()); bytes.IndexByte(begin, '\n') < 0 {
			l.end = '\r'
		}
	}
	return l
}

// Next returns a line without its end, valid until the next call, and io.EOF after the last.
func (l *Lines) Next() ([]byte, error) {
	line, err := l.in.ReadSlice(l.end)
	if err == bufio.ErrBufferFull {
		l.long = l.long[:0]
		for err == bufio.ErrBufferFull {
			l.long = append(l.long, line...)
			line, err = l.in.ReadSlice(l.end)
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err != nil && (err != io.EOF || len(line) == 0) {
		return nil, err
	}
	l.Number++
	l.Offset += int64(len(line))
	if l.Ended = err == nil; l.Ended {
		line = line[:len(line)-1]
	}
	return bytes.TrimSuffix(line, []byte("\r")), nil
}
