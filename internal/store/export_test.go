package store

import "context"

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
