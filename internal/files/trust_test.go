//go:build unix

package files

import (
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport-io/sallyport"
)

// described is a description with an owner of choice.
type described struct {
	mode     fs.FileMode
	uid, gid uint32
}

func (d described) Name() string       { return "x" }
func (d described) Size() int64        { return 0 }
func (d described) ModTime() time.Time { return time.Time{} }
func (d described) IsDir() bool        { return d.mode.IsDir() }
func (d described) Mode() fs.FileMode  { return d.mode }
func (d described) Sys() any           { return &syscall.Stat_t{Uid: d.uid, Gid: d.gid} }

// TestFoldersOfOthers lets user 1000, whose private group is 1000, open files.
func TestFoldersOfOthers(t *testing.T) {
	me := account{1000, func() (uint32, bool) { return 1000, true }}
	shared := account{1000, func() (uint32, bool) { return 0, false }}
	sticky := fs.ModeDir | fs.ModeSticky
	for _, tc := range []struct {
		who    account
		folder described
		says   string // empty: it is safe
	}{
		{me, described{fs.ModeDir | 0o755, 1000, 1000}, ""},
		{me, described{fs.ModeDir | 0o755, 0, 0}, ""},
		{me, described{fs.ModeDir | 0o700, 1001, 1000}, "belongs to another user (1001)"},
		{me, described{sticky | 0o777, 1001, 1001}, "belongs to another user (1001)"},
		{me, described{sticky | 0o777, 0, 0}, ""},
		{me, described{fs.ModeDir | 0o775, 1000, 1000}, ""},
		{me, described{fs.ModeDir | 0o777, 1000, 1000}, "chmod o-w /x"},
		{me, described{fs.ModeDir | 0o775, 1000, 50}, "chmod g-w /x"},
		{me, described{fs.ModeDir | 0o775, 0, 0}, "chmod g-w /x"},
		{shared, described{fs.ModeDir | 0o775, 1000, 1000}, "its group can write"},
		{shared, described{fs.ModeDir | 0o777, 1000, 1000}, "chmod go-w /x"},
	} {
		expect(t, tc.who.trustFolder(tc.folder, "/x"), tc.says)
	}
	for _, tc := range []struct {
		folder, entry described
		says          string
	}{
		{described{sticky | 0o777, 0, 0}, described{0o644, 1000, 1000}, ""},
		{described{sticky | 0o777, 0, 0}, described{0o644, 0, 0}, ""},
		{described{sticky | 0o777, 0, 0}, described{0o666, 1001, 1001}, "belongs to another user"},
		{described{sticky | 0o777, 0, 0}, described{fs.ModeSymlink | 0o777, 1001, 1001}, "belongs to another user"},
		{described{fs.ModeDir | 0o755, 0, 0}, described{0o644, 1001, 1001}, ""},
	} {
		expect(t, me.trustEntry(tc.folder, tc.entry, "/x"), tc.says)
	}
}

func expect(t *testing.T, err error, says string) {
	t.Helper()
	if says == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if sallyport.CodeOf(err) != sallyport.Invalid || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "choose another path") {
		t.Errorf("%v must say %q and what to do", err, says)
	}
}

// TestRootHasNoPrivateGroup: what its group may write to is not safe.
func TestRootHasNoPrivateGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is about root")
	}
	if _, ok := privateGroup(); ok {
		t.Error("root has a private group")
	}
}
