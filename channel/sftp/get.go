package sftp

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Get copies the server's file or directory, with all that is in it, to the
// local path, which is that of the copy: a directory that is there already
// gets what is in the other. A failure in a tree leaves the rest to be copied;
// the error then is all of them.
//
// Whatever names the server lists, nothing is written outside of the local
// directory: a name that is not one element is a [*NameError], and a symbolic
// link that leads out of it is not followed.
func (c *Client) Get(ctx context.Context, remote, local string, t *Transfer) error {
	j := c.newJob(ctx, t)
	info, err := j.c.Stat(remote)
	if err != nil {
		return err
	}
	source := remoteFile{remote, info}
	if !info.IsDir() {
		j.fail(j.get(anywhere{}, local, source))
		return j.wait()
	}
	if err := os.MkdirAll(local, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(local)
	if err != nil {
		return err
	}
	defer root.Close()
	j.directory(func() error { return j.getDirectory(root, ".", source, maxDepth) })
	return j.wait()
}

// A remoteFile is one to be copied.
type remoteFile struct {
	path string
	info fs.FileInfo
}

// A place is where local files are made: the file system, or a tree that no
// name leads out of.
type place interface {
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	Chtimes(name string, accessed, modified time.Time) error
}

// anywhere is the place of a file that the caller has named.
type anywhere struct{}

func (anywhere) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

func (anywhere) Chtimes(name string, accessed, modified time.Time) error {
	return os.Chtimes(name, accessed, modified)
}

// getDirectory copies what is in a directory into the one of the same name.
func (j *job) getDirectory(root *os.Root, name string, source remoteFile, depth int) error {
	if depth == 0 {
		return pathError("get", source.path, errTooDeep)
	}
	j.atEnd(func() error { return j.finishDirectory(root, name, source.info) })
	for entry, err := range j.c.Entries(source.path) {
		switch {
		case err != nil:
			return err
		case j.stopped():
			return nil
		case !isLocalElement(entry.Name()):
			j.fail(pathError("get", source.path, &NameError{entry.Name()}))
			continue
		}
		info, _ := entry.Info()
		child := remoteFile{join(source.path, entry.Name()), info}
		if err := j.getEntry(root, filepath.Join(name, entry.Name()), child, depth); err != nil {
			j.fail(err)
		}
	}
	return nil
}

// getEntry copies one entry of a directory.
func (j *job) getEntry(root *os.Root, name string, source remoteFile, depth int) error {
	if source.info.Mode()&fs.ModeSymlink != 0 && j.FollowLinks {
		target, err := j.c.Stat(source.path)
		if err != nil {
			return err
		}
		source.info = target
	}
	switch {
	case source.info.IsDir():
		if err := makeDirectory(root, name); err != nil {
			return err
		}
		j.directory(func() error { return j.getDirectory(root, name, source, depth-1) })
	case isRegular(source.info):
		j.file(func() error { return j.get(root, name, source) })
	default:
		j.skip(source.path, source.info.Mode())
	}
	return nil
}

// isRegular reports whether it is a file like any other, as far as the server
// says.
func isRegular(info fs.FileInfo) bool { return info.Mode().IsRegular() }

// makeDirectory makes a directory that we can write into, unless there is one.
func makeDirectory(root *os.Root, name string) error {
	err := root.Mkdir(name, 0o777)
	if err == nil {
		return nil
	}
	if info, statErr := root.Lstat(name); statErr == nil && info.IsDir() {
		return nil
	}
	return err
}

// finishDirectory gives a directory the permissions and times of the other.
func (j *job) finishDirectory(root *os.Root, name string, info fs.FileInfo) error {
	if !j.Preserve {
		return nil
	}
	if err := root.Chmod(name, info.Mode().Perm()); err != nil {
		return err
	}
	accessed, modified := timesOf(info)
	return root.Chtimes(name, accessed, modified)
}

// get copies one file. The server opens it while we open ours.
func (j *job) get(to place, name string, source remoteFile) (err error) {
	call, err := j.c.startOpen(source.path, os.O_RDONLY, 0)
	if err != nil {
		return pathError("open", source.path, err)
	}
	flag := os.O_WRONLY | os.O_CREATE
	if !j.Resume {
		flag |= os.O_TRUNC
	}
	// Never more than permissions: CVE-2026-35385.
	local, err := to.OpenFile(name, flag, source.info.Mode().Perm()|0o200)
	if err != nil {
		j.c.conn.abandonOpen(call)
		return err
	}
	f, err := j.c.opened(call, source.path, os.O_RDONLY)
	if err == nil {
		err = j.fetch(f, local, source.info)
		j.c.conn.forget(f.handle) // what it says of a file that was read is of no interest
	}
	if err != nil {
		local.Close()
		return pathErrorUnlessOne("get", source.path, err)
	}
	if j.Preserve {
		err = local.Chmod(source.info.Mode().Perm())
	}
	if closeErr := local.Close(); err == nil {
		err = closeErr
	}
	if j.Preserve && err == nil {
		accessed, modified := timesOf(source.info)
		err = to.Chtimes(name, accessed, modified)
	}
	return err
}

// fetch copies what f has into local, behind what is there.
func (j *job) fetch(f *File, local *os.File, info fs.FileInfo) error {
	have, err := int64(0), error(nil)
	if j.Resume {
		have, err = local.Seek(0, io.SeekEnd)
	}
	if err != nil {
		return err
	}
	if have > info.Size() {
		return errLarger
	}
	count, done := j.meter(f.name, have, info.Size())
	defer done()
	if have == info.Size() && have > 0 {
		return nil
	}
	s := f.newStream(f.handle, have)
	s.hint, s.sharers = info.Size(), &j.reads
	j.reads.Add(1)
	defer j.reads.Add(-1)
	defer s.close()
	for {
		data, err := s.next()
		if isEnd(err) {
			return nil // where the size said, or not: that of many a file in /sys is wrong
		}
		if err != nil {
			return err
		}
		if _, err := local.Write(data); err != nil {
			return err
		}
		count(int64(len(data)))
	}
}

// pathErrorUnlessOne says what failed, unless err does.
func pathErrorUnlessOne(op, name string, err error) error {
	if _, ok := err.(*fs.PathError); ok {
		return err
	}
	return pathError(op, name, err)
}
