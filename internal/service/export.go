package service

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/dataset"
	"github.com/sallyport-io/sallyport/internal/files"
)

// Exporting is how a dataset is exported.
type Exporting struct {
	Format       string // csv, or else JSON lines
	FormulaGuard bool   // csv: texts that a spreadsheet would take for formulas are led by an apostrophe
}

// Export writes all records of a dataset, without keys: as JSON lines, or as CSV with a column for every field that stands in some record.
func (s *Service) Export(ctx context.Context, d sallyport.Dataset, as Exporting, w io.Writer) error {
	if as.Format == "csv" {
		return s.exportCSV(ctx, d, as, w)
	}
	for record, err := range s.Records(ctx, d.ID) {
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s\n", record); err != nil {
			return err
		}
	}
	return nil
}

// exportCSV delivers the dataset to a CSV file that exists during this call only: there is one way to write CSV.
func (s *Service) exportCSV(ctx context.Context, d sallyport.Dataset, as Exporting, w io.Writer) (err error) {
	columns, err := s.columns(ctx, d)
	if err != nil || len(columns) == 0 {
		return err
	}
	dir, err := os.MkdirTemp("", "sallyport-export-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	folder, err := files.OpenRoot(dir, files.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	config := map[string]any{"format": "csv", "columns": columns, "formula_guard": as.FormulaGuard}
	return s.exportThrough(ctx, d, config, folder, w)
}

// exportThrough writes the CSV file in a folder and copies it from there.
func (s *Service) exportThrough(ctx context.Context, d sallyport.Dataset, config map[string]any, in files.FS, w io.Writer) (err error) {
	const name = "export.csv"
	config["path"] = name
	target := connector.Target{
		ID: "export", Dataset: d.ID, Config: config,
		Files: func(context.Context, string) (files.FS, string, error) { return leftOpen{in}, name, nil },
	}
	if err := s.writeCSV(ctx, target); err != nil {
		return err
	}
	f, err := in.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return copyLines(w, f)
}

// leftOpen is a folder that is closed by the one who opened it.
type leftOpen struct{ files.FS }

func (leftOpen) Close() error { return nil }

// copyLines copies a text by whole lines: what takes secrets out of it does not know one that is cut in two.
func copyLines(w io.Writer, r io.Reader) error {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return nil
		}
		if err != nil && err != io.EOF {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
}

func (s *Service) writeCSV(ctx context.Context, target connector.Target) (err error) {
	out, err := s.Catalogue.Open(ctx, "file", target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	redactor, err := s.shownIn(ctx, target.Dataset)
	if err != nil {
		return err
	}
	unpacker, err := dataset.NewUnpacker()
	if err != nil {
		return err
	}
	defer unpacker.Close()
	for b, err := range s.batches(ctx, target.Dataset, 0) {
		if err != nil {
			return err
		}
		records, err := unpacker.Records(b)
		if err != nil {
			return err
		}
		result, err := out.Write(ctx, connector.Batch{Seq: b.Seq, Records: redacted(redactor, records)})
		if err != nil {
			return err
		}
		if len(result.Rejected) > 0 {
			return sallyport.Errorf(sallyport.Invalid, "%d records of batch %d cannot be written as CSV (%s): export them as ndjson",
				len(result.Rejected), b.Seq, result.Rejected[0].Reason)
		}
	}
	_, err = out.Commit(ctx)
	return err
}

// columns lists every field that stands in some record, in the order in which they first come.
func (s *Service) columns(ctx context.Context, d sallyport.Dataset) (names []string, err error) {
	known := map[string]bool{}
	var members connector.Members
	for record, err := range s.Records(ctx, d.ID) {
		if err != nil {
			return nil, err
		}
		for m, err := range members.Of(record) {
			if err != nil {
				return nil, err
			}
			if !known[string(m.Name)] {
				known[string(m.Name)] = true
				names = append(names, string(m.Name))
			}
		}
	}
	return names, nil
}
