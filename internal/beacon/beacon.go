// Package beacon tells which loopback ports belong to running programs of Sallyport of the same user.
//
// A program that listens on a port holds a lock on a file in a directory that only its user can use. The lock ends with the process, however
// it ends, so a port that another program takes over later is not mistaken for the one before. Another user cannot light a beacon here, and a
// program of the same user could read the master key anyway.
package beacon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// What listens on a port.
const (
	Sandbox = "sandbox"
	Server  = "server"
)

// A look at a beacon holds its lock for a moment, which must not keep a program from lighting it.
const (
	attempts = 50
	pause    = 2 * time.Millisecond
)

// Light says that this process listens on a port, until put out. Call it once the port is listened on.
func Light(kind string, port uint16) (putOut func(), err error) {
	var faults []error
	for _, dir := range directories() {
		if err := private(dir); err != nil {
			faults = append(faults, err)
			continue
		}
		lock := flock.New(file(dir, kind, port), flock.SetPermissions(0o600))
		for range attempts {
			if locked, err := lock.TryLock(); err != nil || locked {
				faults = append(faults, err)
				break
			}
			time.Sleep(pause)
		}
		if lock.Locked() {
			return func() { os.Remove(lock.Path()); lock.Unlock() }, nil // what fails here does no harm
		}
	}
	return nil, fmt.Errorf("nobody can be told that the %s listens on port %d: %w", kind, port, errors.Join(faults...))
}

// Lit tells whether a process of this user listens on a port.
func Lit(kind string, port uint16) bool {
	for _, dir := range directories() {
		path := file(dir, kind, port)
		if _, err := os.Lstat(path); err != nil || private(dir) != nil {
			continue
		}
		lock := flock.New(path, flock.SetFlag(os.O_RDONLY)) // the file is not made
		free, err := lock.TryRLock()
		if err == nil && !free {
			return true
		}
		lock.Close()
	}
	return false
}

func file(dir, kind string, port uint16) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%d", kind, port))
}

// directories are where a beacon may be, the best first. Programs of one user may have different environments, so all of them are looked at.
func directories() (all []string) {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		all = append(all, filepath.Join(dir, "sallyport"))
	}
	uid := os.Getuid()
	if run := fmt.Sprintf("/run/user/%d", uid); len(all) == 0 || all[0] != filepath.Join(run, "sallyport") {
		if _, err := os.Stat(run); err == nil {
			all = append(all, filepath.Join(run, "sallyport"))
		}
	}
	return append(all, filepath.Join(os.TempDir(), fmt.Sprintf("sallyport-%d", uid)))
}

// private makes a directory that only this user can use, and makes sure that it is one: in a directory for temporary files others may have
// made it before.
func private(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !ok || int(owner.Uid) != os.Getuid() {
		return fmt.Errorf("%s is not a directory that only you can use", dir)
	}
	return nil
}
