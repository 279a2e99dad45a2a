package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/sallyport-io/sallyport"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// micros is how a time is written: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// timeColumn scans what micros wrote.
type timeColumn struct{ into *time.Time }

func (c timeColumn) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time is an integer, not %T", v)
	}
	*c.into = time.Time{}
	if n != 0 {
		*c.into = time.UnixMicro(n).UTC()
	}
	return nil
}

// asJSON is how everything is written that has more than one value.
func asJSON(v any) (string, error) {
	b, err := json.Marshal(v)
	return string(b), err
}

// jsonColumn scans what asJSON wrote into what a pointer points to.
type jsonColumn struct{ into any }

func (c jsonColumn) Scan(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("JSON is text, not %T", v)
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(c.into)
}

// orNull is how a reference is written that may be empty: only NULL refers to nothing. COALESCE reads it.
func orNull(id sallyport.ID) any {
	if id == "" {
		return nil
	}
	return string(id)
}

// nameKey is what makes two names the same.
func nameKey(name string) string { return strings.ToLower(sallyport.NormalName(name)) }

// readable is how text of other systems is written: PostgreSQL takes only valid UTF-8 without NUL, and a failure must always be recordable.
func readable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// maxPage bounds how many rows a list returns that can grow without end.
const maxPage = 1000

// equal is a condition on a column.
type equal struct{ column, value string }

// newest is the end of a query for the newest rows of a table: at most limit of them, with ids under before, or the very newest if that is
// 0. A condition whose value is "" fits all.
func newest(table string, limit int, before int64, where ...equal) (clause string, args []any) {
	if limit <= 0 || limit > maxPage {
		limit = maxPage
	}
	if before <= 0 {
		before = math.MaxInt64
	}
	clause, args = fmt.Sprintf(" WHERE %s.id < $1", table), []any{before}
	for _, w := range where {
		if w.value != "" {
			args = append(args, w.value)
			clause += fmt.Sprintf(" AND %s.%s = $%d", table, w.column, len(args))
		}
	}
	return clause + fmt.Sprintf(" ORDER BY %s.id DESC LIMIT %d", table, limit), args
}

// isDuplicate tells whether a statement failed because a value is there that must be unique.
func isDuplicate(err error) bool { return violates(err, sqlite3.SQLITE_CONSTRAINT_UNIQUE, "23505") }

// isReference tells whether a statement failed because it named a row that is not there, or removed one that is named.
func isReference(err error) bool {
	return violates(err, sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY, "23503")
}

// isBusy tells whether a statement failed because another process has the SQLite database for itself.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}

func violates(err error, sqliteCode int, postgresCode string) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() == sqliteCode
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == postgresCode
}
