package vault

import "github.com/sallyport-io/sallyport"

// sealedValue leads the additional data of a sealed value of the program's own, so that nothing else that the master key has sealed can be
// taken for one.
const sealedValue = "value"

// SealValue seals a secret of the program itself, bound to its name in the database.
func (v *Vault) SealValue(name string, value []byte) ([]byte, error) {
	sealed, err := v.master.aead.Encrypt(value, appendPart(appendPart(nil, sealedValue), name))
	if err != nil {
		return nil, sallyport.Errorf(sallyport.Internal, "the master key could not seal the value %s: %w", name, err)
	}
	return sealed, nil
}

// OpenValue undoes SealValue. It is false for anything else than what that returned for the same name.
func (v *Vault) OpenValue(name string, sealed []byte) (value []byte, ok bool) {
	value, err := v.master.aead.Decrypt(sealed, appendPart(appendPart(nil, sealedValue), name))
	return value, err == nil
}
