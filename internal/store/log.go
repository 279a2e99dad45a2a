package store

import (
	"context"
	"os"
)

// DefaultLogLimit is how long the write-ahead log of a SQLite database may grow, in bytes, while a reader keeps it from being used anew.
const DefaultLogLimit = 1 << 30

// LimitLog sets the length from which on [Store.LogIsFull] reports that, in bytes. It is called before the store is used.
func (s *Store) LimitLog(bytes int64) { s.logLimit = bytes }

// LogIsFull reports whether the write-ahead log has reached its limit and cannot begin anew, because somebody has been reading the database in
// one transaction since long ago. Whoever writes much stops until it returns false. Without SQLite it is always false.
func (s *Store) LogIsFull(ctx context.Context) (bool, error) {
	if s.path == "" {
		return false, nil
	}
	if info, err := os.Stat(s.path + "-wal"); err != nil || info.Size() < s.logLimit {
		return false, nil // without a log there is nothing to limit
	}
	var busy, frames, checkpointed int64
	// PASSIVE waits for nobody. A log that was moved to the database as a whole begins anew with the next write.
	err := s.write.QueryRowContext(ctx, "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &frames, &checkpointed)
	return err == nil && checkpointed < frames, err
}
