package table

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// kinds of cells that are hardly ever names of columns.
var (
	dateCell = regexp.MustCompile(`^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d.*)?$`)
	hashCell = regexp.MustCompile(`^[0-9a-fA-F]{32,128}$`)
	mailCell = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[a-z]+$`)
)

// kindOf is the kind of a value, "" if a cell may be a name.
func kindOf(cell string) string {
	bare, _, _ := strings.Cut(cell, "/")
	host, _, _ := strings.Cut(cell, ":")
	if _, err := netip.ParseAddr(bare); err == nil {
		return "address"
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "address"
	}
	_, err := strconv.ParseFloat(cell, 64)
	switch {
	case hashCell.MatchString(cell):
		return "hash"
	case err == nil && !strings.ContainsAny(cell, "nN"): // nan and inf are words
		return "number"
	case strings.Contains(cell, "://"):
		return "URL"
	case dateCell.MatchString(cell):
		return "date"
	case mailCell.MatchString(cell):
		return "mail"
	}
	return ""
}

// isData tells whether a first row is no header: none of its cells is a name, or one is a value as the rows behind it have in the same place. Numbers
// count for the first column only, as years and hours are names of columns.
func isData(first []string, rows [][]string) bool {
	names, values := 0, 0
	for i, cell := range first {
		kind := kindOf(cell)
		switch {
		case cell == "":
		case kind == "":
			names++
		default:
			values++
			if (kind != "number" || i == 0) && sameKind(kind, i, rows) {
				return true
			}
		}
	}
	return values > 0 && names == 0
}

// sameKind tells whether all rows have values of a kind in a column.
func sameKind(kind string, column int, rows [][]string) bool {
	for _, row := range rows {
		if column >= len(row) || row[column] != "" && kindOf(row[column]) != kind {
			return false
		}
	}
	return len(rows) > 0
}
