package vault_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
	"github.com/sallyport-io/sallyport/internal/vault"
)

const canary = "CANARY-0123456789abcdef"

var (
	errBroken = errors.New("broken on purpose")
	actor     = sallyport.Actor{Kind: "cli", Name: "ann"}
	personal  = sallyport.Credential{
		ID: "crd_1", Name: "Pulsedive personal", Connector: "pulsedive", Version: 3,
		Public: map[string]string{"address": "https://pulsedive.com"},
	}
)

// memory is a [vault.Meta] that ends with the test.
type memory struct {
	mu       sync.Mutex
	values   map[string][]byte
	readErr  error
	writeErr error
}

func (m *memory) Meta(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.readErr != nil {
		return nil, m.readErr
	}
	value, ok := m.values[key]
	if !ok {
		return nil, sallyport.Errorf(sallyport.NotFound, "there is no %s", key)
	}
	return value, nil
}

func (m *memory) SetMeta(_ context.Context, key string, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writeErr != nil {
		return m.writeErr
	}
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	m.values[key] = value
	return nil
}

// book is an [audit.Log] that ends with the test.
type book struct {
	mu      sync.Mutex
	entries []sallyport.AuditEntry
	err     error
}

func (b *book) Append(_ context.Context, e sallyport.AuditEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.entries = append(b.entries, e)
	return nil
}

// place is a database with a key file beside it.
type place struct {
	path     string
	meta     memory
	log      book
	redactor secret.Redactor
}

func newPlace(t testing.TB) *place {
	return &place{path: filepath.Join(t.TempDir(), "data", "master.key")}
}

func (p *place) open(t testing.TB) (*vault.Vault, error) {
	t.Helper()
	return vault.Open(t.Context(), "file:"+p.path, &p.meta, &p.log, &p.redactor)
}

func (p *place) mustOpen(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := p.open(t)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// writeKey puts a key file in place.
func (p *place) writeKey(t testing.TB, content []byte, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path, content, mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p.path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
}

func (p *place) readKey(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile(p.path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sealed(t testing.TB, v *vault.Vault, c sallyport.Credential, secrets map[string]string) sallyport.Credential {
	t.Helper()
	var err error
	if c.Sealed, err = v.Seal(t.Context(), c, texts(secrets)); err != nil {
		t.Fatal(err)
	}
	return c
}

func texts(values map[string]string) map[string]secret.Text {
	out := map[string]secret.Text{}
	for name, value := range values {
		out[name] = secret.New(value)
	}
	return out
}

func reveal(secrets map[string]secret.Text) map[string]string {
	out := map[string]string{}
	for name, s := range secrets {
		out[name] = s.Reveal()
	}
	return out
}
