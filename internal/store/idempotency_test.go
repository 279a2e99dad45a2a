package store_test

import (
	"context"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testRequests(t *testing.T, s *store.Store) {
	ctx := t.Context()
	begin := func(q store.KeyedRequest) (begun bool) {
		do(t, s, func(ctx context.Context, tx *store.Tx) (err error) {
			begun, err = tx.InsertKeyedRequest(ctx, q)
			return err
		})
		return begun
	}
	q := store.KeyedRequest{KeyHash: "one", Fingerprint: "asks this", At: at(1)}
	if !begin(q) || begin(store.KeyedRequest{KeyHash: "one", Fingerprint: "asks that", At: at(2)}) {
		t.Error("a request was begun twice, or not at all")
	}
	diff(t, get(s.KeyedRequest(ctx, "one"))(t), q)
	q.Status, q.Location, q.Body = 201, "/there", []byte(`{"a": "\u0000"}`)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.AnswerKeyedRequest(ctx, q) })
	diff(t, get(s.KeyedRequest(ctx, "one"))(t), q)

	begin(store.KeyedRequest{KeyHash: "two", Fingerprint: "x", At: at(5)})
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteKeyedRequestsBefore(ctx, at(5)) })
	_, err := s.KeyedRequest(ctx, "one")
	wantError(t, err, sallyport.NotFound, "no such request")
	get(s.KeyedRequest(ctx, "two"))(t)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteKeyedRequest(ctx, "two") })
	if !begin(store.KeyedRequest{KeyHash: "two", Fingerprint: "another", At: at(6)}) {
		t.Error("a key that was freed is still taken")
	}
}
