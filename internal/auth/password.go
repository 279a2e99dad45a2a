package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/sallyport-io/sallyport"
)

// The length of a password, in characters. The upper bound keeps hashing cheap.
const (
	MinPassword = 12
	maxPassword = 1000
)

// The cost of Argon2id, which is part of every hash: a later version may raise it.
const (
	memory  = 19 << 10 // KiB
	passes  = 2
	threads = 1
	saltLen = 16
	hashLen = 32
)

// checkPassword says kindly what is wrong with a new password.
func checkPassword(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return sallyport.FieldErrorf("password", "has %d of at least %d characters; a few words in a row are easy to remember", n, MinPassword)
	case n > maxPassword:
		return sallyport.FieldErrorf("password", "is longer than %d characters", maxPassword)
	}
	return nil
}

// hash makes the stored form of a password, in the notation of the PHC.
func hash(password string) string {
	salt := make([]byte, saltLen)
	rand.Read(salt) // it never fails
	key := argon2.IDKey([]byte(password), salt, passes, memory, threads, hashLen)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, threads, encode(salt), encode(key))
}

// matches tells whether a password is the one that was hashed. A hash that cannot be read is an error, not a mismatch.
func matches(password, hashed string) (bool, error) {
	var version, m, t uint32
	var p uint8
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("the stored password is in no known form")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false, fmt.Errorf("the stored password is of another version of Argon2")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil || m > 1<<20 || t < 1 || t > 100 || p < 1 {
		return false, fmt.Errorf("the cost of the stored password cannot be read")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("the salt of the stored password cannot be read: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 {
		return false, fmt.Errorf("the hash of the stored password cannot be read")
	}
	got := argon2.IDKey([]byte(password), salt, t, m, p, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
