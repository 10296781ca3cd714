package sftp

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// FS returns the tree below the directory as a [fs.FS]: also a [fs.StatFS],
// [fs.ReadDirFS], [fs.ReadFileFS], [fs.ReadLinkFS] and [fs.SubFS]. Symbolic
// links are followed wherever they lead on the server. Its files are
// [io.ReaderAt] and [io.Seeker] too, which [net/http.FS] asks for.
func (c *Client) FS(dir string) fs.FS { return &fileSystem{c, dir} }

type fileSystem struct {
	c   *Client
	dir string
}

// path returns the server's path of a name.
func (s *fileSystem) path(op, name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", pathError(op, name, fs.ErrInvalid)
	}
	if name == "." {
		return s.dir, nil
	}
	return join(s.dir, name), nil
}

// within names the file in err as the caller did.
func within(err error, name string) error {
	if e, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}

// Open opens the file or directory. What kind it is becomes known while it is
// being opened.
func (s *fileSystem) Open(name string) (fs.File, error) {
	p, err := s.path("open", name)
	if err != nil {
		return nil, err
	}
	c := s.c
	opening, err := c.startOpen(p, 0, 0)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	info, err := c.Stat(p)
	if err != nil {
		c.conn.abandonOpen(opening)
		return nil, pathError("open", name, within(err, name).(*fs.PathError).Err)
	}
	info.(*fileInfo).name = path.Base(name)
	if info.IsDir() {
		c.conn.abandonOpen(opening)
		return &directory{fs: s, name: name, path: p, info: info}, nil
	}
	f, err := c.opened(opening, p, 0)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return &regular{File: f, base: path.Base(name), name: name}, nil
}

// abandonOpen gives up a call that may bring a handle, which is closed then.
func (c *conn) abandonOpen(call *call) {
	c.mu.Lock()
	finished := call.finished
	call.abandoned = !finished
	c.mu.Unlock()
	if !finished {
		return
	}
	if handle, err := call.answer.handle(); err == nil {
		c.forget(handle)
	}
	call.answer.free()
}

func (s *fileSystem) Stat(name string) (fs.FileInfo, error) { return s.stat("stat", name, s.c.Stat) }

func (s *fileSystem) Lstat(name string) (fs.FileInfo, error) {
	return s.stat("lstat", name, s.c.Lstat)
}

func (s *fileSystem) stat(op, name string, stat func(string) (fs.FileInfo, error)) (fs.FileInfo, error) {
	p, err := s.path(op, name)
	if err != nil {
		return nil, err
	}
	info, err := stat(p)
	if err != nil {
		return nil, within(err, name)
	}
	info.(*fileInfo).name = path.Base(name)
	return info, nil
}

func (s *fileSystem) ReadDir(name string) ([]fs.DirEntry, error) {
	p, err := s.path("readdir", name)
	if err != nil {
		return nil, err
	}
	entries, err := s.c.ReadDir(p)
	return entries, within(err, name)
}

func (s *fileSystem) ReadFile(name string) ([]byte, error) {
	f, err := s.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func (s *fileSystem) ReadLink(name string) (string, error) {
	p, err := s.path("readlink", name)
	if err != nil {
		return "", err
	}
	target, err := s.c.ReadLink(p)
	return target, within(err, name)
}

func (s *fileSystem) Sub(name string) (fs.FS, error) {
	p, err := s.path("sub", name)
	if err != nil {
		return nil, err
	}
	return &fileSystem{s.c, p}, nil
}

// A regular is an open file that is named as its file system names it.
type regular struct {
	*File
	base, name string
}

func (r *regular) Stat() (fs.FileInfo, error) {
	info, err := r.File.Stat()
	if err != nil {
		return nil, within(err, r.name)
	}
	info.(*fileInfo).name = r.base
	return info, nil
}

// A directory is an open directory of a fileSystem. It asks the server for
// entries when they are read.
type directory struct {
	fs      *fileSystem
	name    string
	path    string
	info    fs.FileInfo
	listing *listing
	entries []*fileInfo // that were listed and not read
	closed  bool
}

func (d *directory) Stat() (fs.FileInfo, error) {
	if d.closed {
		return nil, pathError("stat", d.name, fs.ErrClosed)
	}
	return d.info, nil
}

func (d *directory) Read([]byte) (int, error) {
	return 0, pathError("read", d.name, errIsDirectory)
}

func (d *directory) Close() error {
	if d.closed {
		return pathError("close", d.name, fs.ErrClosed)
	}
	d.closed = true
	if d.listing != nil {
		d.listing.close()
	}
	return nil
}

// ReadDir implements [fs.ReadDirFile].
func (d *directory) ReadDir(n int) ([]fs.DirEntry, error) {
	if d.closed {
		return nil, pathError("readdir", d.name, fs.ErrClosed)
	}
	all := []fs.DirEntry{}
	for n <= 0 || len(all) < n {
		if len(d.entries) == 0 {
			err := d.more()
			if err == io.EOF && (n <= 0 || len(all) > 0) {
				break
			}
			if err != nil {
				return all, err
			}
		}
		all = append(all, d.entries[0])
		d.entries = d.entries[1:]
	}
	if n <= 0 {
		slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return all, nil
}

// more lists entries.
func (d *directory) more() (err error) {
	if d.listing == nil {
		if d.listing, err = d.fs.c.openListing(d.path); err != nil {
			return pathError("readdir", d.name, err)
		}
	}
	if d.entries, err = d.listing.next(); err != nil && err != io.EOF {
		err = pathError("readdir", d.name, err)
	}
	return err
}
