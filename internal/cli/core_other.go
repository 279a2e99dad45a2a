//go:build !unix

package cli

// withoutCore does nothing where processes leave no core dumps.
func withoutCore() error { return nil }
