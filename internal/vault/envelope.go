package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

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
const (
	format       = 1
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
	if len(sealed) < headerLength {
		return nil, errCut
	}
	if sealed[0] != format {
		return nil, fmt.Errorf("sealed in the unknown format %d", sealed[0])
	}
	header, rest := sealed[:headerLength], sealed[headerLength:]
	if number := binary.BigEndian.Uint32(header[1:]); !slices.Contains(m.numbers, number) {
		return nil, fmt.Errorf("sealed with master key %d, which is not in the keyset", number)
	}
	wrapped, body, err := cutPart(rest)
	if err != nil {
		return nil, err
	}
	dataKey, err := m.aead.Decrypt(wrapped, slices.Concat(header, binding))
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

// newGCM makes the cipher for a data key. It puts a random nonce before each ciphertext.
func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// binding names the row that sealed bytes belong to, and the address that their key may go to: whoever can write to the database, but
// not read the master key, must not be able to send the key elsewhere.
func binding(c sallyport.Credential) []byte {
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

var errCut = errors.New("the sealed bytes are cut short")

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
