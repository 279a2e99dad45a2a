package sqltable

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/connector"
	"github.com/sallyport-io/sallyport/internal/files"
)

// companions are what SQLite keeps beside a database, by the endings of their names.
var companions = [...]string{"-wal", "-shm", "-journal"}

// place is where a database is. SQLite opens files by name, so the folder is held open, and what the name stands for is checked before and
// after: the same regular file, reached through no symbolic link, and none of the program's own, and neither is what lies beside it.
type place struct {
	folder *files.Root
	base   string
	seen   fs.FileInfo // the file before SQLite opened it
}

// locate finds the place of a path. If there is no file, it is created or, without create, the error is an [fs.ErrNotExist].
func locate(ctx context.Context, open connector.OpenFiles, name string, create bool) (*place, error) {
	in, name, err := open(ctx, name)
	if err != nil {
		return nil, err
	}
	root, ok := in.(*files.Root)
	if !ok {
		return nil, errors.Join(sallyport.Errorf(sallyport.Internal, "a database needs a folder of the operating system"), in.Close())
	}
	folder, err := folderOf(root, path.Dir(name), create)
	if err = errors.Join(err, root.Close()); err != nil {
		return nil, err
	}
	folder.NoLinks = true
	p := &place{folder: folder, base: path.Base(name)}
	if err := p.prepare(ctx, create); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func folderOf(root *files.Root, name string, create bool) (*files.Root, error) {
	if create {
		if err := files.MkdirAll(root, name, 0o755); err != nil {
			return nil, err
		}
	}
	return root.OpenRoot(name)
}

// prepare creates the file if there is none, and refuses one that the destination may not write. A file that exists is not opened here:
// closing it would drop the locks that this process may have on it.
func (p *place) prepare(ctx context.Context, create bool) error {
	seen, err := p.look(p.base)
	if create && errors.Is(err, fs.ErrNotExist) {
		if err := p.create(); err != nil {
			return err
		}
		seen, err = p.look(p.base)
	} else if err == nil && !p.folder.Foreign && seen.Size() > 0 {
		err = p.familiar(ctx)
	}
	p.seen = seen
	return errors.Join(err, p.lookBeside())
}

func (p *place) create() error {
	f, err := p.folder.OpenFile(p.base, os.O_RDWR|os.O_CREATE|os.O_EXCL|files.NoFollow, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil // by another process
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// look describes a file of the folder that SQLite may open.
func (p *place) look(name string) (fs.FileInfo, error) {
	info, err := p.folder.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, sallyport.FieldErrorf("path", "%s is not a regular file; choose another path", filepath.Join(p.folder.Dir(), name))
	case p.folder.Own.Includes(info):
		return nil, sallyport.FieldErrorf("path", "%s is a file of Sallyport itself; choose another path", filepath.Join(p.folder.Dir(), name))
	}
	return info, nil
}

func (p *place) lookBeside() error {
	for _, ending := range companions {
		if _, err := p.look(p.base + ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// familiar refuses a database of another program, which only the local owner lets a flow write to. It changes nothing in it.
func (p *place) familiar(ctx context.Context) (err error) {
	db, err := sql.Open("sqlite", p.uri("?mode=ro&_pragma=busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var tables, ours int
	const count = "SELECT count(*), coalesce(sum(name = '_sallyport_deliveries'), 0) FROM sqlite_schema"
	if err := db.QueryRowContext(ctx, count).Scan(&tables, &ours); err != nil {
		return err
	}
	if tables > 0 && ours == 0 {
		return sallyport.FieldErrorf("path", "%s is a database of another program; choose another path, or permit it for this flow at the command "+
			"line: sallyport flow grant FLOW PATH", p.path())
	}
	return nil
}

// verify makes sure that SQLite has opened the file that was checked: the name stood for it before and still does.
func (p *place) verify() error {
	now, err := p.look(p.base)
	if err != nil {
		return err
	}
	held, err := p.folder.Stat(".")
	if err != nil {
		return err
	}
	named, err := os.Stat(p.folder.Dir())
	if err != nil {
		return err
	}
	if !files.Same(now, p.seen) || !files.Same(held, named) {
		return sallyport.FieldErrorf("path", "%s was replaced while it was opened; nothing was written, and the next delivery tries again", p.path())
	}
	return p.lookBeside()
}

func (p *place) path() string { return filepath.Join(p.folder.Dir(), p.base) }

func (p *place) uri(options string) string {
	address := url.URL{Path: p.path()}
	return "file:" + address.EscapedPath() + options
}

func (p *place) close() error {
	if err := p.folder.Close(); err != nil {
		return fmt.Errorf("closing the folder of %s: %w", p.base, err)
	}
	return nil
}
