package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/secret"
)

// A sealed value is
//
//	format (1 byte) · number of the master key (4 bytes) · data key, sealed with the master key · fields, sealed with the data key
//
// Numbers are big-endian; the length of the sealed data key stands before it, in 4 bytes. The additional data of both seals is the
// binding to the row, led by the first two parts where the data key is sealed. So a master key can be replaced by sealing the data key
// anew, without touching the fields.
//
// Format 2 binds everything that decides where and how the secrets are sent; format 1 bound only the address. [Vault.Upgrade] replaces the
// seals of format 1, which do not open from then on.
const (
	format       = 2
	oldFormat    = 1
	headerLength = 1 + 4
	dataKeyLen   = 32 // AES-256-GCM
)

// masterKey is a keyset that seals data keys: one key seals, all of them open.
type masterKey struct {
	aead    tink.AEAD
	primary uint32   // the number of the key that seals
	numbers []uint32 // of all keys
}

func (m *masterKey) seal(binding, plaintext []byte) ([]byte, error) {
	dataKey := make([]byte, dataKeyLen)
	defer clear(dataKey)
	rand.Read(dataKey) // never fails
	header := binary.BigEndian.AppendUint32([]byte{format}, m.primary)
	wrapped, err := m.aead.Encrypt(dataKey, slices.Concat(header, binding))
	if err != nil {
		return nil, err
	}
	gcm, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	return gcm.Seal(appendPart(header, wrapped), nil, plaintext, binding), nil
}

// open undoes seal. The caller wipes the plaintext.
func (m *masterKey) open(binding, sealed []byte) ([]byte, error) {
	dataKey, body, err := m.unwrap(binding, sealed)
	if err != nil {
		return nil, err
	}
	defer clear(dataKey)
	gcm, err := newGCM(dataKey)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, nil, body, binding)
}

// unwrap opens the data key, which proves the binding, and returns it with the sealed fields. The caller wipes the data key.
func (m *masterKey) unwrap(binding, sealed []byte) (dataKey, body []byte, err error) {
	if len(sealed) < headerLength {
		return nil, nil, errCut
	}
	header, rest := sealed[:headerLength], sealed[headerLength:]
	if number := binary.BigEndian.Uint32(header[1:]); !slices.Contains(m.numbers, number) {
		return nil, nil, fmt.Errorf("%w: key %d", errForeign, number)
	}
	wrapped, body, err := cutPart(rest)
	if err != nil {
		return nil, nil, err
	}
	dataKey, err = m.aead.Decrypt(wrapped, slices.Concat(header, binding))
	return dataKey, body, err
}

// newGCM makes the cipher for a data key. It puts a random nonce before each ciphertext.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// binding is the hash of all that decides where and how the secrets of a credential are sent: anyone who can write to the database, but
// not read the master key, must not be able to send them elsewhere or in another way. What the definition of the connector adds, such as
// its hosts, is part of the program and not of the row.
func binding(c sallyport.Credential) []byte {
	facts := map[string]string{"id": string(c.ID), "connector": c.Connector, "version": strconv.FormatInt(c.Version, 10)}
	if c.Local {
		facts["local"] = "true"
	}
	for name, value := range c.Public {
		facts["public."+name] = value
	}
	b := []byte("sallyport credential, format 2")
	for _, name := range slices.Sorted(maps.Keys(facts)) { // a fact that a later release adds is left out while it has no value
		b = appendPart(appendPart(b, name), facts[name])
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// oldBinding is the binding of format 1.
func oldBinding(c sallyport.Credential) []byte {
	b := appendPart(appendPart(nil, c.ID), c.Connector)
	b = appendPart(b, c.Public[sallyport.AddressField])
	return binary.BigEndian.AppendUint64(b, uint64(c.Version))
}

// encodeFields writes names and values in turn, each with its length before it, in the order of the names.
// Its result never grows, so that wiping it leaves no copy.
func encodeFields(secrets map[string]secret.Text) []byte {
	size := 0
	for name, s := range secrets {
		size += len(name) + len(s.Reveal()) + 2*prefixLength
	}
	b := make([]byte, 0, size)
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		b = appendPart(appendPart(b, name), secrets[name].Reveal())
	}
	return b
}

func decodeFields(b []byte) (map[string]secret.Text, error) {
	secrets := map[string]secret.Text{}
	for len(b) > 0 {
		name, rest, err := cutPart(b)
		if err != nil {
			return nil, err
		}
		value, rest, err := cutPart(rest)
		if err != nil {
			return nil, err
		}
		secrets[string(name)], b = secret.New(string(value)), rest
	}
	return secrets, nil
}

const prefixLength = 4

// Why sealed bytes do not open, where it is not that they or the row were changed.
var (
	errCut     = errors.New("the sealed bytes are cut short")
	errForeign = errors.New("sealed with a master key that is not in the keyset")
	errFormat  = errors.New("sealed in a format that is not accepted")
)

// appendPart appends a part with its length before it.
func appendPart[T ~string | ~[]byte](b []byte, part T) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
}

// cutPart takes off the first part.
func cutPart(b []byte) (part, rest []byte, err error) {
	if len(b) < prefixLength {
		return nil, nil, errCut
	}
	n, b := uint64(binary.BigEndian.Uint32(b)), b[prefixLength:]
	if n > uint64(len(b)) {
		return nil, nil, errCut
	}
	return b[:n], b[n:], nil
}
