package vault_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sallyport-io/sallyport"
)

func TestWhatIsSealedOpens(t *testing.T) {
	v := newPlace(t).mustOpen(t)
	rapid.Check(t, func(r *rapid.T) {
		c := sallyport.Credential{
			ID:        sallyport.ID(rapid.String().Draw(r, "id")),
			Connector: rapid.String().Draw(r, "connector"),
			Version:   rapid.Int64().Draw(r, "version"),
		}
		want := map[string]string{}
		for name, value := range rapid.MapOf(rapid.String(), rapid.SliceOf(rapid.Byte())).Draw(r, "secrets") {
			want[name] = string(value)
		}
		var err error
		if c.Sealed, err = v.Seal(t.Context(), c, texts(want)); err != nil {
			r.Fatal(err)
		}
		for name, value := range want {
			if len(value) >= 8 && bytes.Contains(c.Sealed, []byte(value)) {
				r.Fatalf("the value of %q stands in the sealed bytes", name)
			}
		}
		got, err := v.Open(t.Context(), actor, c)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, reveal(got)); diff != "" {
			r.Fatal(diff)
		}
	})
}

func TestSealedBytesOpenInTheirRowOnly(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	c := sealed(t, v, personal, map[string]string{"key": canary})
	for name, change := range map[string]func(*sallyport.Credential){
		"another id":        func(c *sallyport.Credential) { c.ID = "crd_2" },
		"another connector": func(c *sallyport.Credential) { c.Connector = "rest" },
		"an older version":  func(c *sallyport.Credential) { c.Version-- },
		"a later version":   func(c *sallyport.Credential) { c.Version++ },
		"another address":   func(c *sallyport.Credential) { c.Public = map[string]string{"address": "https://example.com"} },
		"no address":        func(c *sallyport.Credential) { c.Public = nil },
		"one field more": func(c *sallyport.Credential) {
			c.Public = map[string]string{"address": c.Public["address"], "auth": "header"}
		},
		"an empty field": func(c *sallyport.Credential) {
			c.Public = map[string]string{"address": c.Public["address"], "auth": ""}
		},
		"swapped fields": func(c *sallyport.Credential) { c.Public = map[string]string{c.Public["address"]: "address"} },
		"made local":     func(c *sallyport.Credential) { c.Local = true },
		"moved border":   func(c *sallyport.Credential) { c.ID, c.Connector = "crd_1p", "ulsedive" },
	} {
		t.Run(name, func(t *testing.T) {
			moved := c
			change(&moved)
			if got, err := v.Open(t.Context(), actor, moved); err == nil || got != nil {
				t.Errorf("opened %d secrets, %v", len(got), err)
			}
			if err := v.Check(moved); sallyport.CodeOf(err) != sallyport.Unauthenticated {
				t.Errorf("Check: %v", err)
			}
		})
	}
	renamed := c
	renamed.Name, renamed.Description, renamed.Owner, renamed.Verdict = "other", "other", "other", sallyport.VerdictRejected
	if _, err := v.Open(t.Context(), actor, renamed); err != nil {
		t.Errorf("after a change of what does not matter: %v", err)
	}
	if err := v.Check(renamed); err != nil {
		t.Errorf("Check after a change of what does not matter: %v", err)
	}
	if len(p.log.entries) > 0 && p.log.entries[len(p.log.entries)-1].Action != "credential.open" {
		t.Error("Check is audited, though it opens nothing")
	}
}

func TestDamageIsNoticed(t *testing.T) {
	v := newPlace(t).mustOpen(t)
	c := sealed(t, v, personal, map[string]string{"key": canary, "user": "x"})
	refused := func(what string, damaged []byte) {
		t.Helper()
		d := c
		d.Sealed = damaged
		_, err := v.Open(t.Context(), actor, d)
		if sallyport.CodeOf(err) != sallyport.Unauthenticated {
			t.Errorf("%s: %v", what, err)
		}
	}
	for i := range c.Sealed {
		for _, bit := range []byte{1, 0x80, 0xff} {
			damaged := bytes.Clone(c.Sealed)
			damaged[i] ^= bit
			refused(fmt.Sprintf("byte %d ^ %#x", i, bit), damaged)
		}
		refused(fmt.Sprintf("first %d bytes", i), c.Sealed[:i])
	}
	refused("nothing", nil)
	refused("one byte more", append(bytes.Clone(c.Sealed), 0))
}

func TestEverySealingIsFresh(t *testing.T) {
	v := newPlace(t).mustOpen(t)
	a := sealed(t, v, personal, map[string]string{"key": canary}).Sealed
	b := sealed(t, v, personal, map[string]string{"key": canary}).Sealed
	if bytes.Equal(a[5:], b[5:]) || !bytes.Equal(a[:5], b[:5]) {
		t.Errorf("sealed twice: %x, %x", []byte(a), []byte(b))
	}
}

func TestOneUnreadableCredentialAffectsNoOther(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	good := sealed(t, v, personal, map[string]string{"key": canary})
	foreign := sealed(t, newPlace(t).mustOpen(t), sallyport.Credential{ID: "crd_2", Name: "theirs"}, map[string]string{"key": canary})
	empty := sallyport.Credential{ID: "crd_3", Name: "emptied"}
	for _, test := range []struct {
		c                sallyport.Credential
		sentence, reason string
	}{
		{foreign, "credential \"theirs\" needs its secret: the stored one was sealed with another master key; " +
			"check its address and other fields, then enter the key again with `sallyport credential rotate \"theirs\"`", "not in the keyset"},
		{empty, "credential \"emptied\" needs its secret: none is stored; " +
			"check its address and other fields, then enter the key again with `sallyport credential rotate \"emptied\"`", "cut short"},
	} {
		_, err := v.Open(t.Context(), actor, test.c)
		if err == nil || err.Error() != test.sentence || !strings.Contains(fmt.Sprint(errors.Unwrap(err)), test.reason) {
			t.Errorf("%v, because %v", err, errors.Unwrap(err))
		}
	}
	if got, err := v.Open(t.Context(), actor, good); err != nil || got["key"].Reveal() != canary {
		t.Errorf("the good one: %v", err)
	}
	problems, err := v.Verify(t.Context(), actor, []sallyport.Credential{foreign, good, empty})
	if err != nil || len(problems) != 2 || problems[0].Credential.ID != "crd_2" || problems[1].Credential.ID != "crd_3" {
		t.Errorf("Verify: %v, %v", problems, err)
	}
}

func TestAuditEntryComesFirst(t *testing.T) {
	p := newPlace(t)
	c := sealed(t, p.mustOpen(t), personal, map[string]string{"key": canary})
	damaged := c
	damaged.Sealed = nil

	p = &place{path: p.path} // a database, audit log and redactor that know nothing yet
	v := p.mustOpen(t)
	p.log.err = errBroken
	for _, c := range []sallyport.Credential{c, damaged} { // the damaged one would show another error if it was tried
		got, err := v.Open(t.Context(), actor, c)
		if got != nil || !errors.Is(err, errBroken) || sallyport.CodeOf(err) != sallyport.Internal {
			t.Errorf("without an audit entry: %v, %v", got, err)
		}
	}
	if p.redactor.String(canary) != canary {
		t.Error("without an audit entry, the secret was opened all the same")
	}
	if _, err := v.Verify(t.Context(), actor, []sallyport.Credential{c}); !errors.Is(err, errBroken) {
		t.Errorf("Verify without an audit entry: %v", err)
	}

	p.log.err = nil
	for _, c := range []sallyport.Credential{c, damaged} {
		v.Open(t.Context(), actor, c) // the entry counts
	}
	if _, err := v.Verify(t.Context(), actor, []sallyport.Credential{c}); err != nil {
		t.Fatal(err)
	}
	opened := sallyport.AuditEntry{Actor: actor, Action: "credential.open", Object: "crd_1",
		Detail: map[string]string{"name": "Pulsedive personal", "connector": "pulsedive", "version": "3"}}
	verified := sallyport.AuditEntry{Actor: actor, Action: "keys.verify", Detail: map[string]string{"credentials": "1"}}
	want := []sallyport.AuditEntry{opened, opened, verified}
	if diff := cmp.Diff(want, p.log.entries, cmpopts.IgnoreFields(sallyport.AuditEntry{}, "At")); diff != "" {
		t.Error(diff)
	}
}

func TestConcurrentUse(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				value := fmt.Sprintf("%s-%d-%d", canary, i, j)
				c := sallyport.Credential{ID: sallyport.NewID("crd"), Version: int64(j)}
				var err error
				if c.Sealed, err = v.Seal(t.Context(), c, texts(map[string]string{"key": value})); err != nil {
					t.Error(err)
				}
				if got, err := v.Open(t.Context(), actor, c); err != nil || got["key"].Reveal() != value {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	if len(p.log.entries) != 8*20 {
		t.Errorf("%d audit entries", len(p.log.entries))
	}
}

func BenchmarkSeal(b *testing.B) {
	v := newPlace(b).mustOpen(b)
	secrets := texts(map[string]string{"key": canary})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Seal(b.Context(), personal, secrets); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	v := newPlace(b).mustOpen(b)
	c := sealed(b, v, personal, map[string]string{"key": canary})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Open(b.Context(), actor, c); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPreviousSecretsAreForRedactionOnly retires a key: it opens as a previous one of its own version, and never as a key that is sent.
func TestPreviousSecretsAreForRedactionOnly(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	c := sealed(t, v, personal, map[string]string{"key": canary})
	previous, err := v.Retire(t.Context(), actor, c)
	if err != nil {
		t.Fatal(err)
	}
	texts, err := v.OpenPrevious(t.Context(), actor, []sallyport.PreviousSecrets{previous})
	if err != nil || len(texts) != 1 || texts[0].Reveal() != canary {
		t.Errorf("%d previous secrets, %v", len(texts), err)
	}
	if n := len(p.log.entries); n != 2 || p.log.entries[1].Detail["purpose"] != "redaction" {
		t.Errorf("%d entries in the audit log: %v", n, p.log.entries)
	}
	misused := c
	misused.Sealed = previous.Sealed
	if _, err := v.Open(t.Context(), actor, misused); err == nil {
		t.Error("a previous secret opens as the secret of a credential")
	}
	for name, other := range map[string]sallyport.PreviousSecrets{
		"another version":    {CredentialID: c.ID, Version: c.Version + 1, Sealed: previous.Sealed},
		"another credential": {CredentialID: "crd_2", Version: c.Version, Sealed: previous.Sealed},
		"a current one":      {CredentialID: c.ID, Version: c.Version, Sealed: c.Sealed},
	} {
		texts, err := v.OpenPrevious(t.Context(), actor, []sallyport.PreviousSecrets{other, previous})
		if err == nil || len(texts) != 1 {
			t.Errorf("%s: %d texts, %v", name, len(texts), err)
		}
	}
	p.log.err = errors.New("disk full")
	if texts, err := v.OpenPrevious(t.Context(), actor, []sallyport.PreviousSecrets{previous}); err == nil || len(texts) > 0 {
		t.Errorf("opened without an entry in the audit log: %v", err)
	}
}
