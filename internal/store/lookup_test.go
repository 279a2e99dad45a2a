package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

// kept is an answer of a given age, which is good for an hour.
func kept(id string, age time.Duration) sallyport.Lookup {
	at := sallyport.Now().Add(-age)
	return sallyport.Lookup{ID: id, State: "found", Records: []byte("{\"iid\":1}\n"), At: at, ExpiresAt: at.Add(time.Hour)}
}

func keep(t *testing.T, s *store.Store, all ...sallyport.Lookup) {
	t.Helper()
	if err := s.KeepLookups(t.Context(), all); err != nil {
		t.Fatal(err)
	}
}

func testLookups(t *testing.T, s *store.Store) {
	older, newer := kept("a", time.Minute), kept("a", 0)
	none := sallyport.Lookup{ID: "b", State: "not_found", At: older.At, ExpiresAt: older.ExpiresAt}
	keep(t, s, none, older)
	keep(t, s, newer)
	for id, want := range map[string]sallyport.Lookup{"a": newer, "b": none, "c": {}} {
		diff(t, get(s.Lookup(t.Context(), id))(t), want)
	}
}

// testExpiredLookups keeps one answer where 400 have expired: some go each time, those first that expired first.
func testExpiredLookups(t *testing.T, s *store.Store) {
	var all []sallyport.Lookup
	for i := range 400 {
		l := kept(fmt.Sprintf("old%03d", i), 0)
		l.ExpiresAt = l.ExpiresAt.Add(time.Duration(i) * time.Second)
		all = append(all, l)
	}
	keep(t, s, all...)
	if _, err := s.SQL().Exec("UPDATE lookup SET expires_at = expires_at - 86400000000"); err != nil {
		t.Fatal(err)
	}
	there := func(id string) bool { return get(s.Lookup(t.Context(), id))(t).ID == id }
	keep(t, s, kept("new", 0))
	if there("old000") || !there("old399") || !there("new") {
		t.Error("not the first ones went, or all of them at once")
	}
	for range 4 {
		keep(t, s, kept("new", 0))
	}
	if there("old399") || !there("new") {
		t.Error("some that have expired stay, or one went that has not")
	}
}
