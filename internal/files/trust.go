package files

import (
	"io/fs"
	"os"
	"os/user"
	"strconv"

	"github.com/sallyport-io/sallyport"
)

const (
	groupWrite  fs.FileMode = 0o020
	othersWrite fs.FileMode = 0o002
)

// account is the user that opens files. It and root are trusted; every other user is not.
type account struct {
	uid          uint32
	privateGroup func() (gid uint32, ok bool)
}

func currentAccount() account {
	return account{uint32(os.Geteuid()), privateGroup}
}

// privateGroup is the group that belongs to this user alone, which many systems create along with a user and give all of its folders
// to, writable. Root has none: its folders are not made like that.
func privateGroup() (gid uint32, ok bool) {
	if os.Geteuid() == 0 {
		return 0, false
	}
	u, err := user.LookupId(strconv.Itoa(os.Geteuid()))
	if err != nil {
		return 0, false
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil || g.Name != u.Username {
		return 0, false
	}
	id, err := strconv.ParseUint(u.Gid, 10, 32)
	return uint32(id), err == nil
}

// trustFolder refuses a folder whose entries another user can replace.
func (a account) trustFolder(info fs.FileInfo, path string) error {
	uid, gid, known := ownerOf(info)
	if !known {
		return nil
	}
	if !a.trusts(uid) {
		return sallyport.Errorf(sallyport.Invalid, "the folder %s is not safe: it belongs to another user (%s), who can redirect the files in it; "+
			"give it to the user that Sallyport runs as (chown), or choose another path", path, userName(uid))
	}
	if info.Mode()&fs.ModeSticky != 0 {
		return nil
	}
	who, change := "", ""
	if info.Mode()&othersWrite != 0 {
		who, change = "every user", "o"
	}
	if private, ok := a.privateGroup(); info.Mode()&groupWrite != 0 && !(ok && gid == private) {
		if who == "" {
			who = "its group"
		}
		change = "g" + change
	}
	if who == "" {
		return nil
	}
	return sallyport.Errorf(sallyport.Invalid, "the folder %s is not safe: %s can write to it and redirect the files in it; "+
		"run chmod %s-w %s, or choose another path", path, who, change, path)
}

// trustEntry refuses an entry of another user in a folder in which others may create entries. That folder has the sticky bit: nobody can
// replace what is trusted.
func (a account) trustEntry(folder, entry fs.FileInfo, path string) error {
	uid, _, known := ownerOf(entry)
	if !known || folder.Mode()&(groupWrite|othersWrite) == 0 || a.trusts(uid) {
		return nil
	}
	return sallyport.Errorf(sallyport.Invalid, "%s belongs to another user (%s), and every user can create files in its folder; "+
		"remove it, or choose another path", path, userName(uid))
}

func (a account) trusts(uid uint32) bool { return uid == a.uid || uid == 0 }

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return u.Username
	}
	return id
}

// kindOf names what is not a regular file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
