package file_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/connector/connectortest"
	"github.com/sallyport-io/sallyport/internal/connector/file"
	"github.com/sallyport-io/sallyport/internal/files"
)

func TestLines(t *testing.T) {
	connectortest.Destination(t, connectortest.Harness{
		Open:       openFile,
		Config:     func(t *testing.T) map[string]any { return config(t, "ndjson") },
		Read:       readLines,
		Unwritable: func(t *testing.T) (map[string]any, string) { return unwritable(t, "ndjson") },
		KeepsNull:  true,
	})
}

func TestCSV(t *testing.T) {
	connectortest.Destination(t, connectortest.Harness{
		Open: openFile,
		Config: func(t *testing.T) map[string]any {
			c := config(t, "csv")
			c["columns"] = connectortest.Fields()
			return c
		},
		Read:       readCSV,
		Unwritable: func(t *testing.T) (map[string]any, string) { return unwritable(t, "csv") },
		Misfit:     `{"id":1,"text":"hidden"`,
	})
}

func TestCSVWithColumnsOfTheFirstBatch(t *testing.T) {
	connectortest.Destination(t, connectortest.Harness{
		Open:       openFile,
		Config:     func(t *testing.T) map[string]any { return config(t, "csv") },
		Read:       readCSV,
		Unwritable: func(t *testing.T) (map[string]any, string) { return unwritable(t, "csv") },
		Misfit:     `{"id":1,"text":"hidden"`,
	})
}

// openFile opens a target on the disk of this machine.
func openFile(ctx context.Context, target connector.Target) (connector.Destination, error) {
	target.Files = func(_ context.Context, path string) (files.FS, string, error) {
		return files.OpenPath(path, files.Options{})
	}
	return file.Open(ctx, target)
}

func config(t *testing.T, format string) map[string]any {
	return map[string]any{"path": filepath.Join(t.TempDir(), "new folder", "deeper", "out?#%."+format), "format": format}
}

// unwritable is a path through a file. Unlike a forbidden one it cannot be written by root either.
func unwritable(t *testing.T, format string) (map[string]any, string) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(path, "out."+format)
	return map[string]any{"path": path, "format": format}, path
}

func readFile(t *testing.T, config map[string]any) []byte {
	t.Helper()
	content, err := os.ReadFile(config["path"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func readLines(t *testing.T, config map[string]any) (rows []connectortest.Row) {
	for line := range bytes.Lines(readFile(t, config)) {
		rows = append(rows, connectortest.RowOf(t, string(line), true))
	}
	return rows
}

func readCSV(t *testing.T, config map[string]any) (rows []connectortest.Row) {
	lines := parseCSV(t, string(readFile(t, config)))
	for i, cells := range lines {
		if len(cells) != len(lines[0]) {
			t.Fatalf("row %d has %d cells, the header has %d", i, len(cells), len(lines[0]))
		}
		if i == 0 {
			continue
		}
		row := connectortest.Row{}
		for j, cell := range cells {
			if cell != "" {
				row[lines[0][j]] = cell
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// parseCSV reads CSV as RFC 4180 describes it, takes the apostrophe off guarded cells and, other than encoding/csv, leaves line breaks in
// cells as they are.
func parseCSV(t *testing.T, text string) (rows [][]string) {
	var row []string
	for text != "" {
		cell, rest := cutCell(t, text)
		if len(cell) > 1 && cell[0] == '\'' && strings.Contains("=+-@\t\r", cell[1:2]) {
			cell = cell[1:]
		}
		row = append(row, cell)
		switch {
		case strings.HasPrefix(rest, ","):
			text = rest[1:]
		case strings.HasPrefix(rest, "\n"):
			rows, row, text = append(rows, row), nil, rest[1:]
		default:
			t.Fatalf("a cell is followed by %.20q", rest)
		}
	}
	return rows
}

func cutCell(t *testing.T, text string) (cell, rest string) {
	if text[0] != '"' {
		i := strings.IndexAny(text, ",\n\"")
		if i < 0 {
			t.Fatalf("a cell has no end: %.20q", text)
		}
		return text[:i], text[i:]
	}
	for rest = text[1:]; ; {
		before, after, closed := strings.Cut(rest, `"`)
		if !closed {
			t.Fatalf("a quote has no end: %.20q", text)
		}
		cell += before
		if rest = after; !strings.HasPrefix(rest, `"`) {
			return cell, rest
		}
		cell, rest = cell+`"`, rest[1:]
	}
}
