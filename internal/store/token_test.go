package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

func testTokens(t *testing.T, s *store.Store) {
	ctx := t.Context()
	diff(t, get(s.Tokens(ctx))(t), []sallyport.Token{})
	nightly := sallyport.Token{
		ID: sallyport.NewID("tok"), Name: "nightly", Scopes: []sallyport.Scope{sallyport.ScopeRead, sallyport.ScopeRun}, Owner: "Ada",
		CreatedAt: at(1), ExpiresAt: at(5), LastUsedAt: at(2),
	}
	insert := func(token sallyport.Token, hash string) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertToken(ctx, token, hash) })
	}
	if err := insert(nightly, "hash"); err != nil {
		t.Fatal(err)
	}
	diff(t, get(s.TokenByHash(ctx, "hash"))(t), nightly)
	_, err := s.TokenByHash(ctx, "HASH")
	wantError(t, err, sallyport.NotFound, "no such token")

	twin := sallyport.Token{ID: sallyport.NewID("tok"), Name: "NIGHTLY", Scopes: []sallyport.Scope{sallyport.ScopeAdmin}, CreatedAt: at(2)}
	wantError(t, insert(twin, "other hash"), sallyport.Conflict, `there is already a token named "NIGHTLY"`)
	twin.Name = string(nightly.ID) // whoever gives this name to a token cannot have it taken for the other
	if err := insert(twin, "other hash"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]sallyport.Token{"Nightly": nightly, string(nightly.ID): nightly, string(twin.ID): twin} {
		diff(t, get(s.Token(ctx, name))(t), want)
	}
	diff(t, get(s.Tokens(ctx))(t), []sallyport.Token{nightly, twin})
	_, err = s.Token(ctx, "nightli")
	wantError(t, err, sallyport.NotFound, `no token "nightli"; did you mean "nightly"?`)
}

func testTokenUse(t *testing.T, s *store.Store) {
	ctx := t.Context()
	token := sallyport.Token{ID: sallyport.NewID("tok"), Name: "nightly", Scopes: []sallyport.Scope{sallyport.ScopeRead}, CreatedAt: at(1)}
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.InsertToken(ctx, token, "hash") })
	touch := func(id sallyport.ID, at time.Time) error {
		return try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.TouchToken(ctx, id, at) })
	}
	if err := touch(token.ID, at(4)); err != nil {
		t.Fatal(err)
	}
	token.LastUsedAt = at(4)
	diff(t, get(s.TokenByHash(ctx, "hash"))(t), token)
	do(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteToken(ctx, token.ID) })
	_, err := s.TokenByHash(ctx, "hash")
	wantError(t, err, sallyport.NotFound)
	wantError(t, touch(token.ID, at(5)), sallyport.NotFound)
	err = try(t, s, func(ctx context.Context, tx *store.Tx) error { return tx.DeleteToken(ctx, token.ID) })
	wantError(t, err, sallyport.NotFound, string(token.ID))
}
