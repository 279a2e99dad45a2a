package vault

import (
	"slices"

	"github.com/sallyport-io/sallyport"
)

// attestation leads the additional data of a mark, so that nothing else that the master key has sealed can be taken for one.
const attestation = "attestation"

// Attest returns a mark that proves later that this program stated some facts: nobody can make one without the master key, or use it for
// other facts. The facts themselves stay readable. kind keeps statements of different kinds apart.
func (v *Vault) Attest(kind string, facts ...string) ([]byte, error) {
	mark, err := v.master.aead.Encrypt(nil, statement(kind, facts))
	if err != nil {
		return nil, sallyport.Errorf(sallyport.Internal, "the master key could not attest a %s: %w", kind, err)
	}
	return mark, nil
}

// Attests reports whether a mark was made for exactly these facts.
func (v *Vault) Attests(mark []byte, kind string, facts ...string) bool {
	text, err := v.master.aead.Decrypt(mark, statement(kind, facts))
	return err == nil && len(text) == 0
}

func statement(kind string, facts []string) (b []byte) {
	for _, part := range slices.Concat([]string{attestation, kind}, facts) {
		b = appendPart(b, part)
	}
	return b
}
