package lookup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/content"
	"github.com/sallyport-io/sallyport/internal/connector/table"
	"github.com/sallyport-io/sallyport/internal/files"
)

const (
	maxLine  = 16 << 20 // bytes of a line or CSV record
	headSize = 64 << 10 // bytes of a file that tell it from others
)

// File is a list in a file: one value a line, where empty lines and those that begin with # are left out; or, by the ending of its name,
// CSV (.csv, .tsv) with a column named as the field, whose separator is recognized, or JSON Lines (.ndjson, .jsonl, .json) with a field of that name.
// The text may be packed, or UTF-16, as that of a response may be.
// The file is opened with open, which decides whether it may be.
func File(open connector.OpenFiles, path, field string) List {
	return func(ctx context.Context, mark string) (string, iter.Seq2[string, error], error) {
		f, err := openFile(ctx, open, path)
		if err != nil {
			return "", nil, err
		}
		opened, err := markOf(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", nil, unreadable(path, err)
		}
		if mark != "" && mark != opened {
			return "", nil, changed(path)
		}
		return opened, func(yield func(string, error) bool) {
			f, err := openFile(ctx, open, path)
			if err != nil {
				yield("", err)
				return
			}
			defer f.Close() // it is only read
			readFile(f, path, field, yield)
		}, nil
	}
}

func openFile(ctx context.Context, open connector.OpenFiles, path string) (files.File, error) {
	in, name, err := open(ctx, path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	f, err := in.OpenFile(name, os.O_RDONLY, 0)
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, unreadable(path, err)
	}
	return f, nil
}

// markOf is made of the size and time of a file, and how it begins.
func markOf(f files.File) (string, error) {
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	hash := sha256.New()
	if _, err := io.CopyN(hash, f, headSize); err != nil && err != io.EOF {
		return "", err
	}
	fmt.Fprint(hash, info.Size(), info.ModTime().UnixNano())
	return hex.EncodeToString(hash.Sum(nil)[:12]), nil
}

func readFile(f files.File, path, field string, yield func(string, error) bool) {
	text := content.New(nil, io.NopCloser(f), "")
	text.Tolerate()    // a stray byte makes one value useless, not the list
	defer text.Close() // it is only read
	in := bufio.NewReaderSize(text, headSize)
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		err = columns(in, separatorIn(in), field, yield)
	case ".tsv":
		err = columns(in, '\t', field, yield)
	case ".ndjson", ".jsonl", ".json":
		err = objects(in, field, yield)
	default:
		err = lines(in, yield)
	}
	if err != nil {
		yield("", sallyport.FieldErrorf(connector.ParamFile, "%w", fmt.Errorf("%s: %w", path, err)))
	}
}

// separatorIn finds out what is between the cells of CSV, and leaves out the line that names it. A comma is usual, also where that is not clear.
func separatorIn(in *bufio.Reader) rune {
	begin, err := in.Peek(headSize) // an error comes again with the next read
	layout, unclear := table.Detect(begin, err == io.EOF, table.Settings{Header: table.HeaderRow})
	if unclear != nil {
		return ','
	}
	for range layout.Skip {
		in.ReadSlice('\n') // it was peeked at
	}
	return rune(layout.Separator)
}

func scanner(in io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(in)
	s.Buffer(nil, maxLine)
	return s
}

func lines(in io.Reader, yield func(string, error) bool) error {
	s := scanner(in)
	for s.Scan() {
		line := strings.TrimSpace(s.Text())
		if line != "" && line[0] != '#' && !yield(line, nil) {
			return nil
		}
	}
	return s.Err()
}

func objects(in io.Reader, field string, yield func(string, error) bool) error {
	s := scanner(in)
	members := new(connector.Members)
	for n := 1; s.Scan(); n++ {
		if len(strings.TrimSpace(s.Text())) == 0 {
			continue
		}
		text, err := FieldOf(members, s.Bytes(), field)
		if err != nil {
			return fmt.Errorf("line %d is no JSON object", n)
		}
		if !yield(text, nil) {
			return nil
		}
	}
	return s.Err()
}

// columns reads one column of CSV with a header.
func columns(in io.Reader, comma rune, field string, yield func(string, error) bool) error {
	bounded := &io.LimitedReader{R: in, N: maxLine}
	cells := &connector.CellBound{From: bounded, Comma: byte(comma)}
	r := csv.NewReader(cells)
	r.Comma, r.FieldsPerRecord, r.LazyQuotes, r.ReuseRecord = comma, -1, true, true
	column := -1
	for {
		record, err := r.Read()
		switch {
		case bounded.N <= 0:
			return fmt.Errorf("a record is longer than %d bytes", maxLine)
		case err == io.EOF:
			return headless(column)
		case err != nil:
			return err
		}
		bounded.N = maxLine
		cells.NextRow()
		if column < 0 {
			if column, err = columnOf(record, field); err != nil {
				return err
			}
			continue
		}
		text := ""
		if column < len(record) {
			text = strings.TrimSpace(record[column])
		}
		if !yield(text, nil) {
			return nil
		}
	}
}

func headless(column int) error {
	if column < 0 {
		return errors.New("it has no header")
	}
	return nil
}

func columnOf(header []string, field string) (int, error) {
	names := make([]string, len(header))
	for i, name := range header {
		names[i] = strings.TrimSpace(name)
	}
	if i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, field) }); i >= 0 {
		return i, nil
	}
	return -1, sallyport.Unknown("", "column", field, names)
}
