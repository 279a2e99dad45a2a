package auth

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/store"
)

var ada = sallyport.Actor{Kind: "user", Name: "Ada"}

// withTokens runs a test in a synctest bubble, so its time is made up.
func withTokens(t *testing.T, test func(t *testing.T, tokens *Tokens)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "sallyport.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(t, NewTokens(s, anything))
	})
}

// create makes a token for reading that lives so long, or for ever.
func (t *Tokens) create(test *testing.T, name string, life time.Duration) (sallyport.Token, string) {
	test.Helper()
	var expires time.Time
	if life != 0 {
		expires = time.Now().Add(life)
	}
	token, text, err := t.Create(test.Context(), ada, name, []sallyport.Scope{sallyport.ScopeRead}, expires)
	if err != nil {
		test.Fatal(err)
	}
	return token, text
}

// wantRefused makes a request that must be refused with a code and a sentence.
func (t *Tokens) wantRefused(test *testing.T, text, address string, code sallyport.Code, says string) {
	test.Helper()
	token, err := t.Identify(test.Context(), text, address)
	if sallyport.CodeOf(err) != code || !strings.Contains(err.Error(), says) || token.ID != "" {
		test.Fatalf("got %v, %v, want %s %q", token, err, code, says)
	}
	if e, ok := err.(*sallyport.Error); code == sallyport.Limited && (!ok || !e.Until.After(time.Now())) {
		test.Errorf("%v does not say until when", err)
	}
}

func (t *Tokens) wantGood(test *testing.T, text, address string) sallyport.Token {
	test.Helper()
	token, err := t.Identify(test.Context(), text, address)
	if err != nil {
		test.Fatal(err)
	}
	return token
}

func TestToken(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		ctx := t.Context()
		token, text, err := tokens.Create(ctx, ada, "nightly", []sallyport.Scope{"run", "read", "run"}, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		want := sallyport.Token{
			ID: token.ID, Name: "nightly", Scopes: []sallyport.Scope{"read", "run"}, Owner: "Ada", CreatedAt: sallyport.Now(),
		}
		if diff := cmp.Diff(want, token); diff != "" {
			t.Error(diff)
		}
		want.LastUsedAt = sallyport.Now()
		if diff := cmp.Diff(want, tokens.wantGood(t, text, "10.0.0.1")); diff != "" {
			t.Error(diff)
		}
		all, err := tokens.List(ctx)
		if diff := cmp.Diff([]sallyport.Token{want}, all); diff != "" || err != nil {
			t.Error(diff, err)
		}
		if err := tokens.Revoke(ctx, ada, "NIGHTLY"); err != nil {
			t.Fatal(err)
		}
		tokens.wantRefused(t, text, "10.0.0.1", sallyport.Unauthenticated, "may have been revoked")
		if err := tokens.Revoke(ctx, ada, "nightly"); sallyport.CodeOf(err) != sallyport.NotFound {
			t.Errorf("revoked twice: %v", err)
		}
		second, _ := tokens.create(t, "nightly", 0)
		if err := tokens.Revoke(ctx, ada, string(second.ID)); err != nil {
			t.Errorf("by its id: %v", err)
		}
	})
}

// TestTokenIsOnlyAHash looks for the text of a token in every file of the database.
func TestTokenIsOnlyAHash(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "nightly", 0)
		tokens.wantGood(t, text, "10.0.0.1")
		tokens.wantRefused(t, text[:len(text)-1]+"1", "10.0.0.1", sallyport.Unauthenticated, "not known")
		var found int
		row := tokens.store.SQL().QueryRow(`SELECT (SELECT COUNT(*) FROM api_token WHERE token_hash = $1 AND token_hash NOT LIKE '%' || $2 || '%')
			+ (SELECT COUNT(*) FROM audit WHERE detail || actor_name || object LIKE '%' || $2 || '%') * 10`, tokenHash(text), text[len(tokenPrefix):len(text)-1])
		if err := row.Scan(&found); err != nil || found != 1 {
			t.Errorf("got %d, %v: want one row with the hash, and no audit entry with a part of the token", found, err)
		}
	})
}

func TestTokenIsChecked(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		tokens.create(t, "Taken", 0)
		read := []sallyport.Scope{sallyport.ScopeRead}
		for _, test := range []struct {
			name    string
			scopes  []sallyport.Scope
			expires time.Time
			code    sallyport.Code
			says    string
		}{
			{"", read, time.Time{}, sallyport.Invalid, "name: must not be empty"},
			{"a\nb", read, time.Time{}, sallyport.Invalid, "name: must be one line"},
			{"tAKEN", read, time.Time{}, sallyport.Conflict, `name: there is already a token named "tAKEN"`},
			{"a", nil, time.Time{}, sallyport.Invalid, "scopes: choose at least one"},
			{"a", []sallyport.Scope{"reed"}, time.Time{}, sallyport.Invalid, `scopes: there is no scope "reed"; did you mean "read"?`},
			{"a", read, time.Now(), sallyport.Invalid, "expires_at: is in the past"},
			{"a", read, time.Date(9999, 12, 31, 23, 0, 0, 0, time.FixedZone("", -2*60*60)), sallyport.Invalid, "expires_at: must be before the year 10000"},
		} {
			token, text, err := tokens.Create(t.Context(), ada, test.name, test.scopes, test.expires)
			if sallyport.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.says) || token.ID != "" || text != "" {
				t.Errorf("%+v: got %v, %q, %v", test, token, text, err)
			}
		}
		if got := tokens.audited(t); len(got) != 1 {
			t.Errorf("what was refused is in the audit log: %q", got)
		}
	})
}

func TestTokenExpires(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "for an hour", time.Hour)
		time.Sleep(time.Hour - time.Microsecond)
		tokens.wantGood(t, text, "10.0.0.1")
		time.Sleep(time.Microsecond)
		tokens.wantRefused(t, text, "10.0.0.1", sallyport.Unauthenticated, `the token "for an hour" has expired`)
	})
}

// TestWhatIsNoToken makes sure that whatever is no token gets the same sentence as one that is not known.
func TestWhatIsNoToken(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "nightly", 0)
		for i, wrong := range []string{
			"", " " + text, text + " ", strings.ToUpper(text), strings.TrimPrefix(text, tokenPrefix), tokenPrefix, text[:len(text)-1],
			tokenPrefix + strings.Repeat("a", 26), strings.Repeat("a", 64<<10), tokenPrefix + strings.Repeat("\x00", 26), tokenPrefix + strings.Repeat("\xff", 26),
		} {
			tokens.wantRefused(t, wrong, string(rune('a'+i)), sallyport.Unauthenticated, "this token is not known")
		}
		for i, other := range []string{tokenPrefix + strings.Repeat("a", 64<<10), strings.Repeat("a", tokenLength)} { // they are not even looked up
			token := sallyport.Token{ID: sallyport.NewID("tok"), Name: string(rune('a' + i)), Scopes: sallyport.Scopes}
			err := tokens.store.InTx(t.Context(), func(tx *store.Tx) error { return tx.InsertToken(t.Context(), token, tokenHash(other)) })
			if err != nil {
				t.Fatal(err)
			}
			tokens.wantRefused(t, other, string(rune('A'+i)), sallyport.Unauthenticated, "this token is not known")
		}
	})
}

func TestWrongTokensAreLimited(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "nightly", 0)
		wrong := tokenPrefix + strings.Repeat("a", 26)
		for range addressBurst {
			tokens.wantRefused(t, wrong, "10.0.0.1", sallyport.Unauthenticated, "not known")
		}
		for range 100 {
			tokens.wantRefused(t, wrong, "10.0.0.1", sallyport.Limited, "too many requests with a wrong token; try again in 30s")
		}
		tokens.wantRefused(t, wrong, "10.0.0.2", sallyport.Unauthenticated, "not known")
		tokens.wantGood(t, text, "10.0.0.1")
		tokens.wantRefused(t, wrong, "10.0.0.1", sallyport.Limited, "too many") // a good one does not forgive the attempts of others
		time.Sleep(addressRefill)
		tokens.wantRefused(t, wrong, "10.0.0.1", sallyport.Unauthenticated, "not known")
		if got := len(tokens.audited(t)); got != 1+addressBurst+2 {
			t.Errorf("%d audit entries: what is limited must not fill the log", got)
		}
	})
}

func TestUseIsNotedOnceAMinute(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "nightly", 0)
		noted := func() time.Time {
			all, err := tokens.List(t.Context())
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return all[0].LastUsedAt
		}
		first := sallyport.Now()
		tokens.wantGood(t, text, "10.0.0.1")
		time.Sleep(useStep - time.Microsecond)
		tokens.wantGood(t, text, "10.0.0.1")
		if got := noted(); !got.Equal(first) {
			t.Errorf("within a minute: last used at %v, want %v", got, first)
		}
		time.Sleep(time.Microsecond)
		tokens.wantGood(t, text, "10.0.0.1")
		if got := noted(); !got.Equal(first.Add(useStep)) {
			t.Errorf("after a minute: last used at %v, want %v", got, first.Add(useStep))
		}
	})
}

func TestTokensAreAudited(t *testing.T) {
	withTokens(t, func(t *testing.T, tokens *Tokens) {
		_, text := tokens.create(t, "nightly", time.Minute)
		tokens.wantGood(t, text, "10.0.0.1")
		time.Sleep(time.Minute)
		tokens.wantRefused(t, text, "10.0.0.1", sallyport.Unauthenticated, "expired")
		if err := tokens.Revoke(t.Context(), sallyport.Actor{Kind: "cli", Name: "root"}, "nightly"); err != nil {
			t.Fatal(err)
		}
		tokens.wantRefused(t, text, "10.0.0.2", sallyport.Unauthenticated, "not known")
		want := []string{
			"token  auth.refused address=10.0.0.2",
			"cli root token.revoke name=nightly scopes=read",
			"token nightly auth.refused address=10.0.0.1",
			"user Ada token.create name=nightly scopes=read",
		}
		if diff := cmp.Diff(want, tokens.audited(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// audited is the audit log, newest first.
func (t *Tokens) audited(test *testing.T) (lines []string) {
	test.Helper()
	entries, err := t.store.Audit(context.Background(), "", "", 100, 0)
	if err != nil {
		test.Fatal(err)
	}
	for _, e := range entries {
		line := e.Actor.Kind + " " + e.Actor.Name + " " + e.Action
		for _, name := range []string{"name", "scopes", "address"} {
			if v, ok := e.Detail[name]; ok {
				line += " " + name + "=" + v
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// anything lets every text be a name.
func anything(context.Context, string, string) error { return nil }
