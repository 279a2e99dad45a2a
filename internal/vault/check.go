package vault

import (
	"context"
	"fmt"

	"github.com/sallyport-io/sallyport"
)

// The check value is checkText, sealed with the master key and bound to its name in the database. In a database whose credentials may still
// be sealed in format 1 it is oldCheckText. It is sealed so that nobody can lead the vault back to the weaker format by editing the database.
const (
	checkName    = "master_key_check"
	checkText    = "this database belongs to this master key, and its credentials are sealed in format 2"
	oldCheckText = "this database belongs to this master key"
)

// readCheck returns the check value, nil if there is none.
func readCheck(ctx context.Context, meta Meta) ([]byte, error) {
	check, err := meta.Meta(ctx, checkName)
	switch {
	case sallyport.CodeOf(err) == sallyport.NotFound:
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("reading the check value of the master key: %w", err)
	case check == nil:
		return []byte{}, nil // there, but worth nothing
	}
	return check, nil
}

func (m *masterKey) storeCheck(ctx context.Context, meta Meta) error {
	check, err := m.aead.Encrypt([]byte(checkText), []byte(checkName))
	if err != nil {
		return fmt.Errorf("sealing the check value of the master key: %w", err)
	}
	if err := meta.SetMeta(ctx, checkName, check); err != nil {
		return fmt.Errorf("storing the check value of the master key: %w", err)
	}
	return nil
}

// opens tells whether a check value was sealed with this master key, and whether it says that there may be seals of format 1.
func (m *masterKey) opens(check []byte) (ok, old bool) {
	text, err := m.aead.Decrypt(check, []byte(checkName))
	old = string(text) == oldCheckText
	return err == nil && (old || string(text) == checkText), old
}
