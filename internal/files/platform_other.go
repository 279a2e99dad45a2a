//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package files

import (
	"io/fs"
	"os"
)

// NoFollow is a flag for OpenFile: a symbolic link at the end of the path is refused instead of followed.
const NoFollow = 1 << 30

const nonblock = 0

// ownerOf knows no owners: access is decided by lists that modes do not show.
func ownerOf(fs.FileInfo) (uid, gid uint32, known bool) { return 0, 0, false }

// tryLock relies on the one process that works the jobs of a database.
func tryLock(*os.File) (bool, error) { return true, nil }
