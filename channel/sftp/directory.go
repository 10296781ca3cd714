package sftp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/whelk-ssh/whelk/wire"
)

// maxEntries is how many entries of a directory ReadDir keeps in memory.
const maxEntries = 1 << 20

// A listing is a directory that is being read. Several SSH_FXP_READDIR are
// under way at a time, more the longer the directory turns out to be: a server
// gives some hundred entries to each.
type listing struct {
	c      *Client
	name   string
	handle string
	calls  []*call
	ahead  int  // how many to have under way
	over   bool // the server has said that there are no more
}

// maxAhead bounds how many SSH_FXP_READDIR are under way.
const maxAhead = 16

// openListing opens a directory (draft-ietf-secsh-filexfer-02, section 6.7).
func (c *Client) openListing(name string) (*listing, error) {
	call, err := c.conn.start(c.ctx, onPath(fxpOpendir, name), 0, maxAnswer)
	if err != nil {
		return nil, err
	}
	a, err := c.conn.wait(c.ctx, call)
	if err != nil {
		return nil, err
	}
	defer a.free()
	handle, err := a.handle()
	if err != nil {
		return nil, err
	}
	return &listing{c: c, name: name, handle: handle, ahead: 1}, nil
}

// next returns entries, at least one, or io.EOF. Those of the directory itself
// and of the one above are left out; if the rest has a name that is none, it
// is a *NameError.
func (l *listing) next() ([]*fileInfo, error) {
	for empty := 0; ; empty++ {
		if empty > maxAhead {
			return nil, &ProtocolError{errNoProgress}
		}
		if err := l.fill(); err != nil {
			return nil, err
		}
		if len(l.calls) == 0 {
			return nil, io.EOF
		}
		first := l.calls[0]
		l.calls = l.calls[1:]
		a, err := l.c.conn.wait(l.c.ctx, first)
		if err != nil {
			return nil, err
		}
		all, err := a.names()
		a.free()
		if err != nil {
			l.over = true
			return nil, err
		}
		l.ahead = min(2*l.ahead, maxAhead)
		all = slices.DeleteFunc(all, func(i *fileInfo) bool { return i.name == "." || i.name == ".." })
		for _, entry := range all {
			if !isElement(entry.name) {
				return nil, &NameError{entry.name}
			}
		}
		if len(all) > 0 {
			return all, nil
		}
	}
}

// fill sends requests. It waits only for the first.
func (l *listing) fill() error {
	for !l.over && len(l.calls) < l.ahead {
		p := newRequest(fxpReaddir)
		p.b = wire.AppendString(p.b, l.handle)
		if len(l.calls) > 0 {
			if !l.c.conn.window.tryAcquire(requestCost) {
				p.free()
				return nil
			}
			l.calls = append(l.calls, l.c.conn.send(p, 0, maxAnswer))
			continue
		}
		call, err := l.c.conn.start(l.c.ctx, p, 0, maxAnswer)
		if err != nil {
			return err
		}
		l.calls = append(l.calls, call)
	}
	return nil
}

// close closes the handle, which nobody needs to wait for.
func (l *listing) close() {
	for _, call := range l.calls {
		l.c.conn.abandon(call)
	}
	l.c.conn.forget(l.handle)
}

// Entries lists the directory as the server does, in no order and as it comes.
// The Info of an entry costs nothing. It ends with the first error.
func (c *Client) Entries(name string) iter.Seq2[fs.DirEntry, error] {
	return func(yield func(fs.DirEntry, error) bool) {
		l, err := c.openListing(name)
		if err != nil {
			yield(nil, pathError("open", name, err))
			return
		}
		defer l.close()
		for {
			all, err := l.next()
			if isEnd(err) {
				return
			}
			if err != nil {
				yield(nil, pathError("readdir", name, err))
				return
			}
			for _, entry := range all {
				if !yield(entry, nil) {
					return
				}
			}
		}
	}
}

// ReadDir lists the directory, sorted by name. With an error it returns the
// entries that it had read before.
func (c *Client) ReadDir(name string) ([]fs.DirEntry, error) {
	var all []fs.DirEntry
	var failed error
	for entry, err := range c.Entries(name) {
		if err == nil && len(all) == maxEntries {
			err = pathError("readdir", name, errListing)
		}
		if err != nil {
			failed = err
			break
		}
		all = append(all, entry)
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return all, failed
}

// maxDepth is how deep directories may be nested for those who walk through
// them: as deep as OpenSSH's sftp goes, and no server leads us deeper.
const maxDepth = 64

// WalkDir calls fn for root and everything below, as [path/filepath.WalkDir]
// does. It does not follow symbolic links.
func (c *Client) WalkDir(root string, fn fs.WalkDirFunc) error {
	info, err := c.Lstat(root)
	if err != nil {
		err = fn(root, nil, err)
	} else {
		err = c.walk(root, fs.FileInfoToDirEntry(info), fn, maxDepth)
	}
	if err == fs.SkipDir || err == fs.SkipAll {
		return nil
	}
	return err
}

func (c *Client) walk(name string, entry fs.DirEntry, fn fs.WalkDirFunc, depth int) error {
	if err := fn(name, entry, nil); err != nil || !entry.IsDir() {
		if err == fs.SkipDir && entry.IsDir() {
			err = nil
		}
		return err
	}
	entries, err := c.ReadDir(name)
	if err == nil && depth == 0 {
		err = pathError("readdir", name, errTooDeep)
	}
	if err != nil {
		if err = fn(name, entry, err); err != nil {
			if err == fs.SkipDir {
				err = nil
			}
			return err
		}
	}
	for _, e := range entries {
		if depth == 0 {
			break
		}
		if err := c.walk(join(name, e.Name()), e, fn, depth-1); err != nil {
			if err == fs.SkipDir {
				break
			}
			return err
		}
	}
	return nil
}

// removals is how many files RemoveAll removes at a time.
const removals = 64

// RemoveAll removes the file, or the directory and all that is in it, many at a
// time. It is no error if there is none. It does not follow symbolic links.
func (c *Client) RemoveAll(name string) error {
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	err := c.Remove(name)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	info, statErr := c.Lstat(name)
	if statErr != nil || !info.IsDir() {
		return err
	}
	r := &removal{c: c.WithContext(ctx), slots: make(chan struct{}, removals), cancel: cancel}
	if err := r.directory(name, maxDepth); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// A removal is one RemoveAll.
type removal struct {
	c      *Client
	slots  chan struct{}
	cancel context.CancelCauseFunc
}

// directory removes what is in the directory, and then it.
func (r *removal) directory(name string, depth int) error {
	if depth == 0 {
		return pathError("remove", name, errTooDeep)
	}
	var files sync.WaitGroup
	for entry, err := range r.c.Entries(name) {
		if err != nil {
			r.cancel(err)
			break
		}
		child := join(name, entry.Name())
		if entry.IsDir() {
			if err := r.directory(child, depth-1); err != nil {
				r.cancel(err)
				break
			}
			continue
		}
		r.slots <- struct{}{}
		files.Go(func() {
			defer func() { <-r.slots }()
			if err := r.c.do(onPath(fxpRemove, child)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				r.cancel(pathError("remove", child, err))
			}
		})
	}
	files.Wait()
	if err := context.Cause(r.c.ctx); err != nil {
		return err
	}
	return pathError("remove", name, r.c.do(onPath(fxpRmdir, name)))
}

// Glob returns the paths that match the pattern of [path.Match], sorted, as
// [path/filepath.Glob] does. A pattern without meaning is the only error but
// those of the connection.
func (c *Client) Glob(pattern string) ([]string, error) {
	if _, err := path.Match(pattern, ""); err != nil {
		return nil, err
	}
	if !hasMeta(pattern) {
		if _, err := c.Lstat(pattern); err != nil {
			return nil, unlessMissing(err)
		}
		return []string{pattern}, nil
	}
	parent, last := path.Split(pattern)
	parents := []string{strings.TrimSuffix(parent, "/")}
	if parent == "/" {
		parents[0] = "/"
	}
	if hasMeta(parent) {
		var err error
		if parents, err = c.Glob(parents[0]); err != nil {
			return nil, err
		}
	}
	var matches []string
	for _, parent := range parents {
		listed := parent
		if listed == "" {
			listed = "."
		}
		entries, err := c.ReadDir(listed)
		if unlessMissing(err) != nil {
			return nil, err
		}
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), ".") && !strings.HasPrefix(last, ".") {
				continue // as shells do, and glob(3)
			}
			if ok, _ := path.Match(last, e.Name()); ok {
				matches = append(matches, join(parent, e.Name()))
			}
		}
	}
	return matches, nil
}

// hasMeta reports whether the pattern may match more than itself.
func hasMeta(pattern string) bool { return strings.ContainsAny(pattern, `*?[\`) }

// unlessMissing returns err unless it is of one file, and not of the
// connection.
func unlessMissing(err error) error {
	var status *StatusError
	if errors.As(err, &status) {
		return nil
	}
	return err
}
