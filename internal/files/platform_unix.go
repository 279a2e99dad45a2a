//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package files

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// NoFollow is a flag for OpenFile: a symbolic link at the end of the path is refused instead of followed.
const NoFollow = syscall.O_NOFOLLOW

// nonblock keeps the opening of a FIFO from waiting for its other end.
const nonblock = syscall.O_NONBLOCK

// ownerOf returns the owner of a file, if its file system has owners.
func ownerOf(info fs.FileInfo) (uid, gid uint32, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return stat.Uid, stat.Gid, true
}

func tryLock(f *os.File) (locked bool, err error) {
	conn, err := f.SyscallConn()
	if err != nil {
		return false, err
	}
	var failed error
	err = conn.Control(func(fd uintptr) {
		for {
			failed = syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
			if failed != syscall.EINTR {
				return
			}
		}
	})
	if errors.Is(failed, syscall.EWOULDBLOCK) {
		return false, err
	}
	if err = errors.Join(err, failed); err != nil {
		return false, err
	}
	return true, nil
}
