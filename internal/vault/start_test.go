package vault_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/vault"
)

func TestFirstStartMakesTheKey(t *testing.T) {
	p := newPlace(t)
	c := sealed(t, p.mustOpen(t), personal, map[string]string{"key": canary})
	for path, mode := range map[string]os.FileMode{p.path: 0o600, filepath.Dir(p.path): 0o700 | os.ModeDir} {
		info, err := os.Stat(path)
		if err != nil || info.Mode() != mode {
			t.Errorf("%s: mode %v, %v", path, info.Mode(), err)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(p.path)); err != nil || len(files) != 1 {
		t.Errorf("left behind: %v, %v", files, err)
	}
	before := p.readKey(t)
	if got, err := p.mustOpen(t).Open(t.Context(), actor, c); err != nil || got["key"].Reveal() != canary {
		t.Errorf("at the second start: %v", err)
	}
	if !bytes.Equal(before, p.readKey(t)) {
		t.Error("the second start changed the key")
	}
}

func TestStartIsCompletedAfterACrash(t *testing.T) {
	p := newPlace(t)
	p.meta.writeErr = errBroken // the key is written, the check value is not
	if _, err := p.open(t); !errors.Is(err, errBroken) {
		t.Fatalf("got %v", err)
	}
	before := p.readKey(t)
	p.meta.writeErr = nil
	p.mustOpen(t)
	if len(p.meta.values) != 1 || !bytes.Equal(before, p.readKey(t)) {
		t.Error("the key was not adopted")
	}
	p.mustOpen(t)
}

func TestFirstStartsAtOnceAgreeOnAKey(t *testing.T) {
	p := newPlace(t)
	vaults := make([]*vault.Vault, 8)
	var wg sync.WaitGroup
	for i := range vaults {
		wg.Go(func() {
			var err error
			if vaults[i], err = vault.Open(t.Context(), "file:"+p.path, new(memory), &p.log, &p.redactor); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	c := sealed(t, vaults[0], personal, map[string]string{"key": canary})
	for i, v := range vaults {
		if _, err := v.Open(t.Context(), actor, c); err != nil {
			t.Errorf("vault %d: %v", i, err)
		}
	}
}

func TestWrongOrMissingKeyIsRefused(t *testing.T) {
	other := newPlace(t)
	other.mustOpen(t)
	for name, test := range map[string]struct {
		spoil    func(*place)
		sentence string
	}{
		"key missing": {func(p *place) { os.Remove(p.path) },
			"master_key: the file PATH with the master key of this database is missing; put your backup of it back. Nothing was changed"},
		"directory missing": {func(p *place) { os.RemoveAll(filepath.Dir(p.path)) },
			"master_key: the file PATH with the master key of this database is missing; put your backup of it back. Nothing was changed"},
		"another key": {func(p *place) { p.writeKey(t, other.readKey(t), 0o600) },
			"master_key: the master key in PATH is not the one of this database; put your backup of the right one there. Nothing was changed"},
		"check damaged": {func(p *place) { p.meta.values["master_key_check"][9] ^= 1 },
			"master_key: the master key in PATH is not the one of this database; put your backup of the right one there. Nothing was changed"},
		"check empty": {func(p *place) { p.meta.values["master_key_check"] = nil },
			"master_key: the master key in PATH is not the one of this database; put your backup of the right one there. Nothing was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			p.mustOpen(t)
			test.spoil(p)
			before, _ := os.ReadFile(p.path)
			check := bytes.Clone(p.meta.values["master_key_check"])
			_, err := p.open(t)
			if sallyport.CodeOf(err) != sallyport.Invalid || err.Error() != strings.ReplaceAll(test.sentence, "PATH", p.path) {
				t.Errorf("got %v", err)
			}
			if after, _ := os.ReadFile(p.path); !bytes.Equal(before, after) || !bytes.Equal(check, p.meta.values["master_key_check"]) {
				t.Error("something was changed")
			}
		})
	}
}

func TestUnfitKeyFileIsRefused(t *testing.T) {
	good := newPlace(t)
	good.mustOpen(t)
	key := good.readKey(t)
	for name, test := range map[string]struct {
		put      func(t *testing.T, p *place)
		sentence string
	}{
		"group may read": {func(t *testing.T, p *place) { p.writeKey(t, key, 0o640) }, "run: chmod 600 PATH"},
		"all may read":   {func(t *testing.T, p *place) { p.writeKey(t, key, 0o604) }, "run: chmod 600 PATH"},
		"others may write": {func(t *testing.T, p *place) { p.writeKey(t, key, 0o602) },
			"others than its owner may use the master key (mode 0602); run: chmod 600 PATH"},
		"directory": {func(t *testing.T, p *place) { makeDir(t, p.path) }, "PATH is a directory"},
		"device": {func(t *testing.T, p *place) {
			makeDir(t, filepath.Dir(p.path))
			if err := os.Symlink(os.DevNull, p.path); err != nil {
				t.Fatal(err)
			}
		}, "PATH is not a regular file"},
		"too large":   {func(t *testing.T, p *place) { p.writeKey(t, bytes.Repeat([]byte(" "), 64<<10+1), 0o600) }, "PATH is larger than 65536 bytes"},
		"empty":       {func(t *testing.T, p *place) { p.writeKey(t, nil, 0o600) }, "PATH is no master key"},
		"other text":  {func(t *testing.T, p *place) { p.writeKey(t, []byte(canary), 0o600) }, "PATH is no master key"},
		"cut":         {func(t *testing.T, p *place) { p.writeKey(t, key[:len(key)/2], 0o600) }, "PATH is no master key"},
		"no AEAD key": {func(t *testing.T, p *place) { p.writeKey(t, macKeyset(t), 0o600) }, "PATH is no master key"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			test.put(t, p)
			_, err := p.open(t)
			if err == nil || !strings.Contains(err.Error(), strings.ReplaceAll(test.sentence, "PATH", p.path)) {
				t.Fatalf("got %v", err)
			}
			for e := err; e != nil; e = errors.Unwrap(e) {
				if strings.Contains(e.Error(), canary) {
					t.Errorf("quotes the file: %v", e)
				}
			}
			if len(p.meta.values) > 0 {
				t.Error("a check value was stored")
			}
		})
	}
}

func makeDir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func macKeyset(t *testing.T) []byte {
	t.Helper()
	handle, err := keyset.NewHandle(mac.HMACSHA256Tag256KeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestKeyURL(t *testing.T) {
	for _, keyURL := range []string{"", "file:", "file://host/key", "/etc/key", "awskms://user:" + canary + "@host/key"} {
		_, err := vault.Open(t.Context(), keyURL, new(memory), new(book), nil)
		if sallyport.CodeOf(err) != sallyport.Invalid || !strings.HasPrefix(err.Error(), "master_key: must be file:PATH") {
			t.Errorf("%s: %v", keyURL, err)
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("the setting is repeated: %v", err)
		}
	}
}

func TestUnreadableDatabaseOrDirectory(t *testing.T) {
	p := newPlace(t)
	p.meta.readErr = errBroken
	if _, err := p.open(t); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(p.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key was made for a database that could not be read: %v", err)
	}
	p = newPlace(t)
	if err := os.WriteFile(filepath.Dir(p.path), nil, 0o600); err != nil { // a file where the directory should be
		t.Fatal(err)
	}
	if _, err := p.open(t); sallyport.CodeOf(err) != sallyport.Invalid {
		t.Errorf("got %v", err)
	}
}
