// Package filestest is a disk in memory that loses what a real one may lose.
//
// It holds two versions of everything: what processes see, and what is on the disk. Sync and SyncDir move changes from one to the other.
// A power failure ([Disk.Crash]) keeps any part of the changes that were not synced, in any combination: writes are lost, torn or replaced
// by zeros, names appear and disappear independently of each other and of the content of their files. A killed process ([Disk.Restart])
// loses nothing, but leaves everything as unsynced as it was.
//
// Every operation is counted. A test repeats its work once for each of them, and stops the disk there ([Disk.StopAfter]) or lets that
// operation fail ([Disk.Fail]). A failed Sync is as treacherous as on Linux: the changes stay visible, and no later Sync brings them to the
// disk. After a failed SyncDir a later one does.
//
//	disk.go   the file system
//	file.go   open files
//	crash.go  what a power failure leaves
package filestest

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport-io/sallyport/internal/files"
)

// ErrStopped is the error of every operation after a disk was stopped.
var ErrStopped = errors.New("the disk was stopped")

// Op is a kind of operation.
type Op string

// The kinds of operations that are counted.
const (
	Open     Op = "open"
	Stat     Op = "stat"
	Mkdir    Op = "mkdir"
	Rename   Op = "rename"
	Remove   Op = "remove"
	SyncDir  Op = "sync folder"
	Read     Op = "read"
	Write    Op = "write"
	Truncate Op = "truncate"
	Sync     Op = "sync"
	Lock     Op = "lock"
	Close    Op = "close"
)

// Changes reports whether operations of this kind change what a power failure may leave.
func (o Op) Changes() bool { return !slices.Contains([]Op{Stat, Read, Lock, Close}, o) }

// Disk is a file system in memory. It implements [files.FS], for one goroutine at a time.
type Disk struct {
	root    *node
	inodes  uint64
	pending []*change // since the last sync of what they change, oldest first
	boot    int       // files that were opened before the last restart are of no use
	stop    int       // the number of the last operation that works; -1: none stops it
	fail    func(Op, int) error
	log     []Op
}

// node is a file or a folder.
type node struct {
	inode       uint64
	data, disk  []byte           // of a file: as it is seen, and as it is on the disk
	names, kept map[string]*node // of a folder, which is what has them: likewise
	lock        *file            // who has it locked
}

// change is what one operation did to one node.
type change struct {
	op     Op
	node   *node
	at     int64            // of a write
	data   []byte           // of a write
	size   int64            // of a truncation
	names  map[string]*node // of a folder: those that changed; nil: removed
	doomed bool             // a failed sync has given it up
}

// New returns an empty disk.
func New() *Disk {
	d := &Disk{stop: -1}
	d.root = d.folder()
	return d
}

func (d *Disk) folder() *node {
	n := d.node()
	n.names, n.kept = map[string]*node{}, map[string]*node{}
	return n
}

func (d *Disk) node() *node {
	d.inodes++
	return &node{inode: d.inodes}
}

// Ops lists the operations so far.
func (d *Disk) Ops() []Op { return d.log }

// StopAfter lets n operations happen, and none after them.
func (d *Disk) StopAfter(n int) { d.stop = n }

// Fail lets an operation fail with an error: the one for which of returns one. It is asked with the kind of each operation, and how many
// there were before. Half of a failing write happens.
func (d *Disk) Fail(of func(op Op, before int) error) { d.fail = of }

// Restart is the end of all processes: open files are closed, locks are free, and everything is as they left it. No operation stops or
// fails after it.
func (d *Disk) Restart() {
	d.boot++
	d.stop, d.fail = -1, nil
	d.root.unlock()
}

func (n *node) unlock() {
	n.lock = nil
	for _, sub := range n.names {
		sub.unlock()
	}
}

// begin counts an operation, and returns the error that it is to have.
func (d *Disk) begin(op Op) error {
	if d.stop >= 0 && len(d.log) >= d.stop {
		return ErrStopped
	}
	d.log = append(d.log, op)
	if d.fail != nil {
		return d.fail(op, len(d.log)-1)
	}
	return nil
}

// find returns the folder of a name and the entry of it, nil if there is none.
func (d *Disk) find(op Op, name string) (folder *node, base string, entry *node, err error) {
	failed := func(err error) error { return &fs.PathError{Op: string(op), Path: name, Err: err} }
	name = path.Clean(name)
	if !fs.ValidPath(name) {
		return nil, "", nil, failed(fs.ErrInvalid)
	}
	if name == "." {
		return nil, ".", d.root, nil
	}
	folder = d.root
	elements := strings.Split(name, "/")
	for _, element := range elements[:len(elements)-1] {
		sub := folder.names[element]
		if sub == nil {
			return nil, "", nil, failed(syscall.ENOENT)
		}
		if sub.names == nil {
			return nil, "", nil, failed(syscall.ENOTDIR)
		}
		folder = sub
	}
	base = elements[len(elements)-1]
	return folder, base, folder.names[base], nil
}

// set changes names of a folder, in one step.
func (d *Disk) set(op Op, folder *node, names map[string]*node) {
	for name, n := range names {
		if n == nil {
			delete(folder.names, name)
		} else {
			folder.names[name] = n
		}
	}
	d.pending = append(d.pending, &change{op: op, node: folder, names: names})
}

// OpenFile implements [files.FS].
func (d *Disk) OpenFile(name string, flag int, _ fs.FileMode) (files.File, error) {
	folder, base, n, err := d.find(Open, name)
	if err = errors.Join(d.begin(Open), err); err != nil {
		return nil, err
	}
	failed := func(err error) error { return &fs.PathError{Op: "open", Path: name, Err: err} }
	switch {
	case flag&os.O_TRUNC != 0:
		return nil, failed(syscall.EINVAL)
	case n != nil && flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, failed(syscall.EEXIST)
	case n != nil && n.names != nil:
		return nil, failed(syscall.EISDIR)
	case n == nil && flag&os.O_CREATE == 0:
		return nil, failed(syscall.ENOENT)
	case n == nil:
		n = d.node()
		d.set(Open, folder, map[string]*node{base: n})
	}
	return &file{disk: d, node: n, name: base, flag: flag, boot: d.boot}, nil
}

// Stat implements [files.FS].
func (d *Disk) Stat(name string) (fs.FileInfo, error) {
	_, base, n, err := d.find(Stat, name)
	if err = errors.Join(d.begin(Stat), err); err != nil {
		return nil, err
	}
	if n == nil {
		return nil, &fs.PathError{Op: "stat", Path: name, Err: syscall.ENOENT}
	}
	return info{base, n, int64(len(n.data))}, nil
}

// Mkdir implements [files.FS].
func (d *Disk) Mkdir(name string, _ fs.FileMode) error {
	folder, base, n, err := d.find(Mkdir, name)
	if err = errors.Join(d.begin(Mkdir), err); err != nil {
		return err
	}
	if n != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	d.set(Mkdir, folder, map[string]*node{base: d.folder()})
	return nil
}

// Rename implements [files.FS], for files.
func (d *Disk) Rename(oldname, newname string) error {
	folder, old, n, err := d.find(Rename, oldname)
	_, base, replaced, also := d.find(Rename, newname)
	if err = errors.Join(d.begin(Rename), err, also); err != nil {
		return err
	}
	failed := func(err error) error { return &fs.PathError{Op: "rename", Path: oldname, Err: err} }
	switch {
	case path.Dir(path.Clean(oldname)) != path.Dir(path.Clean(newname)):
		return failed(syscall.EXDEV)
	case n == nil:
		return failed(syscall.ENOENT)
	case n.names != nil, replaced != nil && replaced.names != nil:
		return failed(syscall.EISDIR)
	case n == replaced:
		return nil
	}
	d.set(Rename, folder, map[string]*node{old: nil, base: n})
	return nil
}

// Remove implements [files.FS].
func (d *Disk) Remove(name string) error {
	folder, base, n, err := d.find(Remove, name)
	if err = errors.Join(d.begin(Remove), err); err != nil {
		return err
	}
	switch {
	case n == nil:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOENT}
	case len(n.names) > 0:
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.ENOTEMPTY}
	}
	d.set(Remove, folder, map[string]*node{base: nil})
	return nil
}

// SyncDir implements [files.FS].
func (d *Disk) SyncDir(name string) error {
	_, _, n, err := d.find(SyncDir, name)
	if err != nil {
		return errors.Join(d.begin(SyncDir), err)
	}
	if n == nil {
		return errors.Join(d.begin(SyncDir), &fs.PathError{Op: "sync", Path: name, Err: syscall.ENOENT})
	}
	if n.names == nil {
		return errors.Join(d.begin(SyncDir), &fs.PathError{Op: "sync", Path: name, Err: syscall.ENOTDIR})
	}
	return d.sync(SyncDir, n)
}

// sync brings the changes of a node to the disk. If it fails, they never get there.
func (d *Disk) sync(op Op, n *node) error {
	err := d.begin(op)
	if errors.Is(err, ErrStopped) {
		return err
	}
	for _, c := range d.pending {
		if c.node != n {
			continue
		}
		if err != nil {
			c.doomed = op == Sync // names are in a journal, which is written later
		} else if !c.doomed {
			c.keep(n, Kept)
		}
	}
	if err == nil {
		d.pending = slices.DeleteFunc(d.pending, func(c *change) bool { return c.node == n })
	}
	return err
}

// Close implements [files.FS].
func (d *Disk) Close() error { return d.begin(Close) }

// Names lists the paths of all files, as processes see them.
func (d *Disk) Names() []string { return slices.Sorted(maps.Keys(d.root.paths(""))) }

func (n *node) paths(prefix string) map[string]*node {
	all := map[string]*node{}
	for name, sub := range n.names {
		if sub.names == nil {
			all[prefix+name] = sub
		}
		maps.Copy(all, sub.paths(prefix+name+"/"))
	}
	return all
}

// Content returns the content of a file, as processes see it. It does not count as an operation.
func (d *Disk) Content(name string) (content string, exists bool) {
	n := d.root.paths("")[path.Clean(name)]
	if n == nil {
		return "", false
	}
	return string(n.data), true
}

// info describes a node.
type info struct {
	name string
	node *node
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.node.names != nil }
func (i info) Sys() any           { return files.Identity{Inode: i.node.inode} }

func (i info) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o755
	}
	return 0o644
}
