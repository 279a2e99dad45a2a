package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"time"
)

// The scopes of a key: reading is everything but submitting scans.
const (
	scopeRead = "read"
	scopeScan = "scan"
)

// maxKeys bounds how many keys the account page hands out.
const maxKeys = 100

// apiKey is what is known about a key once it has been shown.
type apiKey struct {
	id      string
	name    string
	scopes  []string
	start   string // its first characters
	digest  [sha256.Size]byte
	created time.Time
	used    time.Time // zero if never
}

// keyring holds the keys of the account. It may be used concurrently.
type keyring struct {
	mu      sync.Mutex
	keys    []apiKey
	unshown map[string]string // by id: keys in the clear until the page has shown them
}

// create adds a key and returns it in the clear; nobody can ask for it again.
func (k *keyring) create(name string, scopes []string, now time.Time) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, key := k.add(name, scopes, now)
	return key
}

// createToShow adds a key that [keyring.show] yields once. It reports false when the account has as many as it may have.
func (k *keyring) createToShow(name string, scopes []string, now time.Time) (id string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.keys) >= maxKeys {
		return "", false
	}
	id, key := k.add(name, scopes, now)
	if k.unshown == nil {
		k.unshown = map[string]string{}
	}
	k.unshown[id] = key
	return id, true
}

// add adds a key. The caller holds the lock.
func (k *keyring) add(name string, scopes []string, now time.Time) (id, key string) {
	var random [32]byte
	rand.Read(random[:]) // documented to never fail
	id, key = strings.ToLower(rand.Text()), hex.EncodeToString(random[:])
	k.keys = append(k.keys, apiKey{
		id: id, name: name, scopes: slices.Clone(scopes), start: key[:4], digest: sha256.Sum256([]byte(key)), created: now,
	})
	return id, key
}

// show returns a key that was not shown yet, or "".
func (k *keyring) show(id string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := k.unshown[id]
	delete(k.unshown, id)
	return key
}

func (k *keyring) revoke(id string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.unshown, id)
	k.keys = slices.DeleteFunc(k.keys, func(known apiKey) bool { return known.id == id })
}

func (k *keyring) list() []apiKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.keys)
}

// use notes that a key is used now and returns its scopes; ok is false if there is no such key. It takes as long for a wrong key as for a
// right one.
func (k *keyring) use(key string, now time.Time) (scopes []string, ok bool) {
	digest := sha256.Sum256([]byte(key))
	k.mu.Lock()
	defer k.mu.Unlock()
	for i := range k.keys {
		if subtle.ConstantTimeCompare(k.keys[i].digest[:], digest[:]) == 1 {
			k.keys[i].used = now
			scopes, ok = k.keys[i].scopes, true
		}
	}
	return scopes, ok
}
