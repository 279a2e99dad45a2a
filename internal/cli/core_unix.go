//go:build unix

package cli

import "syscall"

// withoutCore keeps the memory of the process, and with it every opened key, out of core dumps. It returns what is wrong if that fails.
func withoutCore() error {
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{})
}
