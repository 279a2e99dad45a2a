package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/sallyport-io/sallyport"
)

// maxKeyFile bounds the master key file, in bytes: a key takes about 300.
const maxKeyFile = 64 << 10

func keyErrorf(format string, args ...any) error {
	e := sallyport.Errorf(sallyport.Invalid, format, args...)
	e.Field = "master_key"
	return e
}

// keyPath returns the file that the setting names. Its error does not repeat the setting, which may hold a password.
func keyPath(keyURL string) (string, error) {
	path, ok := strings.CutPrefix(keyURL, "file:")
	if !ok || path == "" || strings.HasPrefix(path, "//") {
		return "", keyErrorf("must be file:PATH, such as file:/etc/sallyport/master.key; key services are not supported")
	}
	return filepath.Clean(path), nil
}

// readKey reads the master key. Its error is an [fs.ErrNotExist] if and only if there is no such file.
func readKey(path string) (*masterKey, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, keyErrorf("the master key cannot be read: %w", err)
	}
	if err := checkFile(path, info); err != nil {
		return nil, err
	}
	b, err := readFile(path)
	if err != nil {
		return nil, keyErrorf("the master key cannot be read: %w", err)
	}
	defer clear(b)
	key, err := parseKey(b)
	if err != nil { // which is not shown: it may quote the file
		return nil, keyErrorf("%s is no master key (a Tink keyset in JSON, for AEAD); put your backup of the right file there", path)
	}
	return key, nil
}

func checkFile(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return keyErrorf("%s is a directory; name the file of the master key", path)
	case !info.Mode().IsRegular():
		return keyErrorf("%s is not a regular file", path)
	case info.Mode().Perm()&0o077 != 0:
		return keyErrorf("others than its owner may use the master key (mode %04o); run: chmod 600 %s", info.Mode().Perm(), path)
	case info.Size() > maxKeyFile:
		return keyErrorf("%s is larger than %d bytes and so no master key", path, maxKeyFile)
	}
	return nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	return io.ReadAll(io.LimitReader(f, maxKeyFile))
}

func parseKey(b []byte) (*masterKey, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, err
	}
	cipher, err := aead.New(handle)
	if err != nil {
		return nil, err
	}
	key := &masterKey{aead: cipher}
	for _, k := range handle.KeysetInfo().GetKeyInfo() {
		key.numbers = append(key.numbers, k.GetKeyId())
	}
	key.primary = handle.KeysetInfo().GetPrimaryKeyId()
	return key, nil
}

// makeKey makes a master key, and returns the one that then is at path: another process may have been faster.
func makeKey(path string) (*masterKey, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("making a master key: %w", err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		return nil, fmt.Errorf("making a master key: %w", err)
	}
	defer clear(b.Bytes())
	if err := writeNew(path, b.Bytes()); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, keyErrorf("the master key cannot be written: %w", err)
	}
	return readKey(path)
}

// writeNew writes a file that only its owner can read: whole and durable, or not at all. It never replaces one.
func writeNew(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // a copy beside the key, as well guarded
	_, err = temp.Write(content)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
