package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// testHistory compares the logs of datasets: they have the same hash at a number if, and only if, all batches up to there are the same,
// in whatever portions they came.
func testHistory(t *testing.T, s *store.Store) {
	ctx := t.Context()
	hashed := func(name string) sallyport.Batch {
		b := batch(name, 1)
		b.Hash = "hash of " + name
		return b
	}
	hashes := func(flow string, staged int, names ...string) (all []string) {
		i := addIngest(t, s, flow, "a")
		for n, name := range names {
			if n >= staged {
				i.commit(t, s, hashed(name))
				continue
			}
			do(t, s, func(ctx context.Context, tx *store.Tx) error {
				b := hashed(name)
				b.DatasetID, b.RunID = i.Dataset.ID, i.run.ID
				return tx.StageBatches(ctx, i.Source.ID, i.fence, []sallyport.Batch{b})
			})
		}
		for n := range names {
			hash, found, err := s.BatchHash(ctx, i.Dataset.ID, int64(n)+1)
			if err != nil || !found || len(hash) != 64 {
				t.Fatalf("%s: the hash of batch %d is %q, %v, %v", flow, n+1, hash, found, err)
			}
			all = append(all, hash)
		}
		if _, found, err := s.BatchHash(ctx, i.Dataset.ID, int64(len(names))+1); found || err != nil {
			t.Errorf("%s has a batch more: %v", flow, err)
		}
		return all
	}
	one := hashes("one", 0, "a", "b", "c")
	diff(t, hashes("staged", 2, "a", "b", "c"), one)
	for flow, names := range map[string][]string{"first": {"x", "b", "c"}, "second": {"a", "x", "c"}, "order": {"b", "a", "c"}} {
		if other := hashes(flow, 0, names...); other[2] == one[2] {
			t.Errorf("%v has the hash of another log", names)
		}
	}
}
