// Package grant decides which files a flow may use.
//
// A flow may use every file below the folders of the setting files.roots, and those files elsewhere that the local owner granted to it, one
// by one. The decision is made when a file is opened, so neither a changed symbolic link nor a changed row of the database opens another
// file: below a root, links cannot lead out of it; of a granted path, links were resolved when it was granted and are refused from then on.
// A grant carries a mark that only the holder of the master key can make, over everything that it says.
package grant

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sallyport-io/sallyport"
	"github.com/sallyport-io/sallyport/internal/files"
)

// Reader reads the grants of a flow: the database, or a transaction.
type Reader interface {
	FileGrants(ctx context.Context, flow sallyport.ID) ([]sallyport.FileGrant, error)
}

// Attester makes marks, and recognises them.
type Attester interface {
	Attest(kind string, facts ...string) ([]byte, error)
	Attests(mark []byte, kind string, facts ...string) bool
}

// Policy decides.
type Policy struct {
	Roots    []string // absolute paths of folders; the first is where relative paths of pages and API begin
	Own      *files.Own
	Grants   Reader
	Attester Attester
}

// Flow is whose files are asked for. Without an ID it has no grants.
type Flow struct {
	ID   sallyport.ID
	Name string
}

// Open opens the folder of a file for a flow: what is below it is not opened yet. The caller closes it.
func (p *Policy) Open(ctx context.Context, flow Flow, purpose sallyport.FilePurpose, path string) (files.FS, string, error) {
	g, err := p.find(ctx, p.Grants, flow.ID, purpose, path)
	if err != nil {
		return nil, "", err
	}
	if g != nil {
		return opened(files.OpenPath(g.Real, files.Options{Own: p.Own, NoLinks: true, Foreign: true}))
	}
	root, name, ok := p.below(path)
	if !ok {
		remedy := "or change the setting"
		if flow.ID != "" {
			remedy = fmt.Sprintf("or permit this file: sallyport flow grant %q %q", flow.Name, path)
		}
		return nil, "", p.refusal(purpose, path, remedy)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, "", fmt.Errorf("the folder %s of the setting files.roots cannot be created: %w", root, err)
	}
	fsys, err := files.OpenRoot(root, files.Options{Own: p.Own})
	return opened(fsys, name, err)
}

// OpenForOwner opens the folder of a file for the local owner, whom the operating system already permits what it permits Sallyport.
func (p *Policy) OpenForOwner(_ context.Context, path string) (files.FS, string, error) {
	return opened(files.OpenPath(path, files.Options{Own: p.Own}))
}

// opened keeps an error from being a folder that is nil and yet is not.
func opened(root *files.Root, name string, err error) (files.FS, string, error) {
	if err != nil {
		return nil, "", err
	}
	return root, name, nil
}

// Permits returns an error if the flow could not open a file. It is for early advice only: Open decides.
func (p *Policy) Permits(ctx context.Context, from Reader, flow Flow, purpose sallyport.FilePurpose, path string) error {
	if _, _, ok := p.below(path); ok {
		return nil
	}
	g, err := p.find(ctx, from, flow.ID, purpose, path)
	if err != nil || g != nil {
		return err
	}
	return p.refusal(purpose, path, "or apply a flow file that names it at the command line of this machine")
}

// Absolute returns the absolute path that a path of pages and API stands for.
func (p *Policy) Absolute(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Roots[0], path)
	}
	return filepath.Clean(path)
}

// Beside proposes a path for pages: the one that is given if it is below a root, else the same name in the first root.
func (p *Policy) Beside(path string) string {
	if _, _, ok := p.below(path); ok {
		return path
	}
	return filepath.Join(p.Roots[0], filepath.Base(path))
}

// IsOwn reports whether a path leads to a file of the program itself at the moment.
func (p *Policy) IsOwn(path string) bool {
	info, err := os.Stat(path)
	return err == nil && p.Own.Includes(info)
}

// below finds the root that a path names a file below, and its name there.
func (p *Policy) below(path string) (root, name string, ok bool) {
	path = filepath.Clean(path)
	for _, root := range p.Roots {
		if name, ok := strings.CutPrefix(path, strings.TrimSuffix(root, string(filepath.Separator))+string(filepath.Separator)); ok && name != "" {
			return root, filepath.ToSlash(name), true
		}
	}
	return "", "", false
}

func (p *Policy) refusal(purpose sallyport.FilePurpose, path, remedy string) error {
	done := map[sallyport.FilePurpose]string{sallyport.FileRead: "read", sallyport.FileWrite: "written"}[purpose]
	return sallyport.Errorf(sallyport.Invalid, "%s may not be %s: it is outside of the folders of files.roots (%s); choose a path in one of these, %s",
		path, done, strings.Join(p.Roots, ", "), remedy)
}

// New returns a grant of a file to a flow, with its mark. It is not stored.
func (p *Policy) New(flow sallyport.ID, use sallyport.FileUse, by string) (g sallyport.FileGrant, err error) {
	g = sallyport.FileGrant{FileUse: use, FlowID: flow, Real: Resolve(use.Path), By: by, CreatedAt: sallyport.Now()}
	g.Mark, err = p.Attester.Attest(kind, facts(g)...)
	return g, err
}

// Of returns the grants of a flow whose marks are genuine.
func (p *Policy) Of(ctx context.Context, from Reader, flow sallyport.ID) ([]sallyport.FileGrant, error) {
	genuine := []sallyport.FileGrant{}
	if flow == "" {
		return genuine, nil
	}
	all, err := from.FileGrants(ctx, flow)
	for _, g := range all {
		if p.Attester.Attests(g.Mark, kind, facts(g)...) {
			genuine = append(genuine, g)
		}
	}
	return genuine, err
}

// find returns the grant of a file, nil if there is none.
func (p *Policy) find(ctx context.Context, from Reader, flow sallyport.ID, purpose sallyport.FilePurpose, path string) (*sallyport.FileGrant, error) {
	all, err := p.Of(ctx, from, flow)
	if err != nil {
		return nil, err
	}
	for _, g := range all {
		if g.Path == path && g.Purpose == purpose {
			return &g, nil
		}
	}
	return nil, nil
}

const kind = "file grant"

// facts are everything that a grant says.
func facts(g sallyport.FileGrant) []string {
	return []string{string(g.FlowID), g.Path, g.Real, string(g.Purpose), g.Place, g.By, strconv.FormatInt(g.CreatedAt.UnixMicro(), 10)}
}

// Resolve follows the symbolic links of the longest part of a path that exists.
func Resolve(path string) string {
	for dir, rest := path, ""; ; dir, rest = filepath.Dir(dir), filepath.Join(filepath.Base(dir), rest) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		if dir == filepath.Dir(dir) {
			return path
		}
	}
}

// CheckRoots refuses a folder of files.roots that is the data directory or contains it: the files there are nobody's business.
func CheckRoots(roots []string, data string) error {
	for dir := Resolve(data); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		for _, root := range roots {
			there, unknown := os.Stat(root)
			if err == nil && unknown == nil && os.SameFile(info, there) {
				return sallyport.FieldErrorf("files.roots", "%s contains the data directory %s; choose a folder that does not", root, data)
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}
