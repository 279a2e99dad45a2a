package vault_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/sallyport-io/sallyport"
)

// golden is a place with the key of testdata, and what was sealed and stored with it once: a release must never stop reading these.
func golden(t testing.TB) (*place, sallyport.Credential) {
	t.Helper()
	p, c := newPlace(t), personal
	p.writeKey(t, testdata(t, "keyset.json"), 0o600)
	p.meta.values = map[string][]byte{"master_key_check": fromHex(t, "check.hex")}
	c.Sealed = fromHex(t, "sealed.hex")
	return p, c
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func fromHex(t testing.TB, name string) []byte {
	t.Helper()
	b, err := hex.DecodeString(string(bytes.TrimSpace(testdata(t, name))))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOldFormatStillOpens(t *testing.T) {
	p, c := golden(t)
	got, err := p.mustOpen(t).Open(t.Context(), actor, c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"key": canary, "other": "\x00\xff é"}, reveal(got)); diff != "" {
		t.Error(diff)
	}
}

// TestNewMasterKeyBesideTheOld shows that a master key can be replaced: the keyset opens what its older key sealed.
func TestNewMasterKeyBesideTheOld(t *testing.T) {
	p, old := golden(t)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(p.readKey(t))))
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(handle)
	number, err := manager.Add(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	if err := manager.SetPrimary(number); err != nil {
		t.Fatal(err)
	}
	if handle, err = manager.Handle(); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	p.writeKey(t, b.Bytes(), 0o600)

	v := p.mustOpen(t)
	fresh := sealed(t, v, personal, map[string]string{"key": canary})
	if got := binary.BigEndian.Uint32(fresh.Sealed[1:]); got != number {
		t.Errorf("sealed with key %d instead of %d", got, number)
	}
	if problems, err := v.Verify(t.Context(), actor, []sallyport.Credential{old, fresh}); err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
	copy(fresh.Sealed, old.Sealed[:5]) // the number of another key of the keyset
	if _, err := v.Open(t.Context(), actor, fresh); err == nil {
		t.Error("the key number is not authenticated")
	}
}

func FuzzOpen(f *testing.F) {
	p, c := golden(f)
	v := p.mustOpen(f)
	f.Add([]byte(c.Sealed))
	f.Add([]byte(c.Sealed[:9]))
	f.Add([]byte{})
	f.Add(append(bytes.Clone(c.Sealed[:5]), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		forged := c
		forged.Sealed = b
		got, err := v.Open(t.Context(), actor, forged)
		if (err == nil) != bytes.Equal(b, c.Sealed) {
			t.Errorf("%x: %v", b, err)
		}
		if (got == nil) != (err != nil) {
			t.Errorf("%d secrets and %v", len(got), err)
		}
	})
}
