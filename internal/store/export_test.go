package store

import (
	"context"
	"os"
)

// FailSync lets the n-th sync of a copy fail, until the function that it returns is called.
func FailSync(n int, cause error) (restore func()) {
	before := syncFile
	syncFile = func(f *os.File) error {
		if n--; n == 0 {
			return cause
		}
		return before(f)
	}
	return func() { syncFile = before }
}

// OpenAt opens a database and brings it to an older format.
func OpenAt(ctx context.Context, dsn string, version int64) (*Store, error) {
	s, dialect, err := connect(dsn)
	if err != nil {
		return nil, err
	}
	provider, err := s.provider(dialect)
	if err != nil {
		return nil, err
	}
	_, err = provider.UpTo(ctx, version)
	return s, err
}
