package vault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/vault"
)

// version is a credential in a version, whose key says which one.
func version(t testing.TB, v *vault.Vault, id sallyport.ID, n int64) (c sallyport.Credential, key string) {
	c = sallyport.Credential{ID: id, Connector: "pulsedive", Version: n}
	key = fmt.Sprintf("%s-%s-%d", canary, id, n)
	return sealed(t, v, c, map[string]string{"key": key}), key
}

// TestRedactorLearns follows a key: it is known from when it was opened or stored, until it was replaced twice, or its credential is deleted.
func TestRedactorLearns(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	first, one := version(t, v, "crd_1", 1)
	second, two := version(t, v, "crd_1", 2)
	third, three := version(t, v, "crd_1", 3)
	known := func(when string, want ...string) {
		t.Helper()
		for _, key := range []string{one, two, three} {
			if got, want := p.redactor.Contains(key), strings.Contains(strings.Join(want, " "), key); got != want {
				t.Errorf("%s: %s is known: %t", when, key, got)
			}
		}
	}
	known("sealed only")
	for range 3 { // as often as it is used
		if _, err := v.Open(t.Context(), actor, first); err != nil {
			t.Fatal(err)
		}
	}
	known("opened", one)
	v.Learn(second, texts(map[string]string{"key": two}))
	known("replaced: records may still hold it", one, two)
	if _, err := v.Open(t.Context(), actor, first); err != nil { // a request that was on its way
		t.Fatal(err)
	}
	v.Learn(third, texts(map[string]string{"key": three}))
	known("replaced twice", two, three)
	if got := v.Known("crd_1"); len(got) != 2 {
		t.Errorf("%d secrets are known of the credential", len(got))
	}
	v.Forget("crd_1")
	known("deleted")
	if got := v.Known("crd_1"); len(got) != 0 {
		t.Errorf("%d secrets are known of a deleted credential", len(got))
	}
}

// TestLearnAll opens many in one pass, with one entry in the audit log before it: no entry, no secret.
func TestLearnAll(t *testing.T) {
	p := newPlace(t)
	v := p.mustOpen(t)
	good, key := version(t, v, "crd_1", 1)
	bad := sallyport.Credential{ID: "crd_2", Connector: "pulsedive", Version: 1, Sealed: []byte("broken")}
	both := []sallyport.Credential{bad, good}
	p.log.err = errors.New("disk full")
	if _, err := v.LearnAll(t.Context(), actor, both); err == nil || p.redactor.Contains(key) {
		t.Errorf("without an entry: %v, known: %t", err, p.redactor.Contains(key))
	}
	p.log.err = nil
	problems, err := v.LearnAll(t.Context(), actor, both)
	if err != nil || len(problems) != 1 || problems[0].Credential.ID != "crd_2" {
		t.Errorf("%v, %v", problems, err)
	}
	if !p.redactor.Contains(key) {
		t.Error("the key is not known")
	}
	want := []sallyport.AuditEntry{{Actor: actor, Action: "credential.redact", Detail: map[string]string{"credentials": "2"}}}
	if diff := cmp.Diff(want, p.log.entries, cmpopts.IgnoreFields(sallyport.AuditEntry{}, "At")); diff != "" {
		t.Error(diff)
	}
	if ids := v.Unknown(map[sallyport.ID]int64{"crd_1": 1, "crd_2": 1}); len(ids) != 0 {
		t.Errorf("unknown: %v", ids) // one that cannot be opened is not tried again
	}
	if ids := v.Unknown(map[sallyport.ID]int64{"crd_2": 2}); len(ids) != 1 || p.redactor.Contains(key) {
		t.Errorf("unknown: %v; the key of a credential that is gone is known: %t", ids, p.redactor.Contains(key))
	}
}

func BenchmarkLearnAll(b *testing.B) {
	v := newPlace(b).mustOpen(b)
	var all []sallyport.Credential
	for i := range 10_000 {
		c, _ := version(b, v, sallyport.ID(fmt.Sprintf("crd_%d", i)), 1)
		all = append(all, c)
	}
	for b.Loop() {
		if _, err := v.LearnAll(b.Context(), actor, all); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		v.Unknown(nil) // forgets all
		b.StartTimer()
	}
}
