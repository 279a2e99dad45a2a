package sqltable

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/sallyport-io/sallyport/internal/files"
)

// placeAt is the place of a path that may be written.
func placeAt(t *testing.T, path string) *place {
	t.Helper()
	at, err := locate(t.Context(), func(_ context.Context, path string) (files.FS, string, error) {
		return files.OpenPath(path, files.Options{Foreign: true})
	}, path, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := at.close(); err != nil {
			t.Error(err)
		}
	})
	return at
}

// TestReplacedWhileOpened replaces a database, or its folder, after it was checked: what SQLite opens then is not written to.
func TestReplacedWhileOpened(t *testing.T) {
	for name, replace := range map[string]func(dir string) error{
		"another file": func(dir string) error {
			return os.Rename(dir+"/other/a.db", dir+"/in/a.db")
		},
		"a link": func(dir string) error {
			if err := os.Remove(dir + "/in/a.db"); err != nil {
				return err
			}
			return os.Symlink(dir+"/other/a.db", dir+"/in/a.db")
		},
		"a link beside it": func(dir string) error { return os.Symlink(dir+"/other/a.db", dir+"/in/a.db-journal") },
		"another folder": func(dir string) error {
			if err := os.Rename(dir+"/in", dir+"/moved"); err != nil {
				return err
			}
			return os.Rename(dir+"/other", dir+"/in")
		},
		"a link to another folder": func(dir string) error {
			if err := os.Rename(dir+"/in", dir+"/moved"); err != nil {
				return err
			}
			return os.Symlink(dir+"/other", dir+"/in")
		},
	} {
		dir := t.TempDir()
		for _, folder := range []string{"/in", "/other"} {
			if err := os.Mkdir(dir+folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(dir+"/other/a.db", nil, 0o644); err != nil {
			t.Fatal(err)
		}
		at := placeAt(t, dir+"/in/a.db")
		if err := replace(dir); err != nil {
			t.Fatal(err)
		}
		db, conn, err := connect(t.Context(), at)
		if err == nil {
			conn.Close()
			db.Close()
			t.Errorf("%s: it was opened", name)
		} else if !strings.Contains(err.Error(), "was replaced") && !strings.Contains(err.Error(), "symbolic link") && !strings.Contains(err.Error(), "unable to open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
