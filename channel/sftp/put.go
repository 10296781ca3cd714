package sftp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/whelk-ssh/whelk/wire"
)

// Put copies the local file or directory, with all that is in it, to the
// server's path, as [Client.Get] does in the other direction.
func (c *Client) Put(ctx context.Context, local, remote string, t *Transfer) error {
	j := c.newJob(ctx, t)
	info, err := os.Stat(local)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		j.fail(j.put(local, remote))
		return j.wait()
	}
	if err := j.c.MkdirAll(remote, info.Mode().Perm()|0o700); err != nil {
		return err
	}
	j.directory(func() error { return j.putDirectory(local, remote, info, maxDepth) })
	return j.wait()
}

// putDirectory copies what is in a directory into the one at the remote path.
func (j *job) putDirectory(local, remote string, info fs.FileInfo, depth int) error {
	if depth == 0 {
		return pathError("put", local, errTooDeep)
	}
	j.atEnd(func() error { return j.finishRemote(remote, info) })
	entries, err := os.ReadDir(local)
	j.fail(err)
	for _, entry := range entries {
		if j.stopped() {
			return nil
		}
		if err := j.putEntry(filepath.Join(local, entry.Name()), join(remote, entry.Name()), entry, depth); err != nil {
			j.fail(err)
		}
	}
	return nil
}

// putEntry copies one entry of a directory.
func (j *job) putEntry(local, remote string, entry fs.DirEntry, depth int) error {
	mode := entry.Type()
	if mode&fs.ModeSymlink != 0 && j.FollowLinks {
		info, err := os.Stat(local)
		if err != nil {
			return err
		}
		mode = info.Mode()
	}
	switch {
	case mode.IsDir():
		info, err := os.Stat(local)
		if err != nil {
			return err
		}
		j.directory(func() error {
			if err := j.makeRemote(remote, info); err != nil {
				return err
			}
			return j.putDirectory(local, remote, info, depth-1)
		})
	case mode.IsRegular():
		j.file(func() error { return j.put(local, remote) })
	default:
		j.skip(local, mode)
	}
	return nil
}

// makeRemote makes a directory that we can write into, unless there is one.
func (j *job) makeRemote(remote string, info fs.FileInfo) error {
	err := j.c.Mkdir(remote, info.Mode().Perm()|0o700)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if there, statErr := j.c.Stat(remote); statErr != nil || !there.IsDir() {
		return err
	}
	return nil
}

// finishRemote gives a directory the permissions and times of the other. One
// that is to be without write permission has it until then.
func (j *job) finishRemote(remote string, info fs.FileInfo) error {
	if !j.Preserve {
		return nil
	}
	return j.c.SetStat(remote, preserved(info))
}

// preserved returns what is kept of a file: permissions, never more, and times.
func preserved(info fs.FileInfo) *Attributes {
	accessed, modified := timesOf(info)
	a := times(accessed, modified)
	a.Flags |= HasPermissions
	a.Permissions = uint32(info.Mode().Perm())
	return a
}

// put copies one file.
func (j *job) put(local, remote string) error {
	from, err := os.Open(local)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return pathError("put", local, errIsDirectory)
	}
	have, err := j.partial(remote, info.Size())
	if err != nil {
		return err
	}
	flag := os.O_WRONLY | os.O_CREATE
	if have == 0 {
		flag |= os.O_TRUNC
	}
	to, err := j.c.OpenFile(remote, flag, info.Mode().Perm())
	if err != nil {
		return err
	}
	if have > 0 {
		if _, err := from.Seek(have, io.SeekStart); err != nil {
			to.Close()
			return err
		}
	}
	return j.store(from, to, info, have)
}

// partial returns how much of a file is there already, of size bytes.
func (j *job) partial(remote string, size int64) (int64, error) {
	if !j.Resume {
		return 0, nil
	}
	info, err := j.c.Stat(remote)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case info.Size() > size:
		return 0, pathError("put", remote, errLarger)
	}
	return info.Size(), nil
}

// store copies what from has into to, and closes it. What is left to do for the
// file is sent behind its data, and not once that is acknowledged: a small file
// takes one round trip.
func (j *job) store(from *os.File, to *File, info fs.FileInfo, have int64) error {
	s := to.newSink(to.handle, have)
	s.hint = info.Size()
	count, done := j.meter(from.Name(), have, info.Size())
	s.progress = count
	defer done()
	readErr := s.readFrom(from, have)
	var rest []*call
	if j.Preserve && s.err == nil && readErr == nil {
		p := newRequest(fxpFsetstat)
		p.b = preserved(info).append(wire.AppendString(p.b, to.handle))
		rest = append(rest, j.finishing(p))
	}
	p := newRequest(fxpClose)
	p.b = wire.AppendString(p.b, to.handle)
	rest = append(rest, j.finishing(p))
	_, err := s.finish()
	for _, call := range rest {
		if outcome := s.outcome(call); err == nil {
			err = outcome
		}
	}
	if err != nil {
		return pathError("put", to.name, err)
	}
	return readErr
}

// finishing sends the request whether or not there is room in the window: it
// ends what had its part of it.
func (j *job) finishing(p *packet) *call {
	j.c.conn.window.force(requestCost)
	return j.c.conn.send(p, 0, maxAnswer)
}
