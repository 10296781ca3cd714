package sftp

import (
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// A File is an open file of a server's. All methods may be called from any
// goroutine; Read, Write, Seek, ReadFrom and WriteTo, which share an offset,
// run one at a time.
//
// Reading on and on, by Read or WriteTo, has requests under way ahead of the
// reader: what others write to the file meanwhile may not be seen. Write and
// ReadFrom return when the server has said that all is written.
type File struct {
	c      *Client
	name   string
	handle string
	append bool

	state  sync.RWMutex // guards closed, and is held for no longer than to look
	closed bool

	mu      sync.Mutex // what follows: the offset and what reads ahead of it
	offset  int64
	stream  *stream
	rest    []byte // of what stream returned
	lastEnd int64  // where the Read before ended
}

// Open opens the file for reading.
func (c *Client) Open(name string) (*File, error) { return c.OpenFile(name, os.O_RDONLY, 0) }

// Create opens the file for reading and writing, and makes it if it is missing
// or empties it if it is not.
func (c *Client) Create(name string) (*File, error) {
	return c.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// OpenFile opens the file with flags of package os (SSH_FXP_OPEN;
// draft-ietf-secsh-filexfer-02, section 6.3). A file that it makes has the
// permissions given, which the server may narrow.
//
//	uint32    id
//	string    filename
//	uint32    pflags
//	ATTRS     attrs
func (c *Client) OpenFile(name string, flag int, perm fs.FileMode) (*File, error) {
	call, err := c.startOpen(name, flag, perm)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	f, err := c.opened(call, name, flag)
	if err != nil && flag&os.O_EXCL != 0 {
		err = c.explain(err, name)
	}
	return f, pathError("open", name, err)
}

func (c *Client) startOpen(name string, flag int, perm fs.FileMode) (*call, error) {
	p := onPath(fxpOpen, name)
	p.b = wire.AppendUint32(p.b, openFlags(flag))
	attrs := new(Attributes)
	if flag&os.O_CREATE != 0 {
		attrs = &Attributes{Flags: HasPermissions, Permissions: posixPermissions(perm)}
	}
	p.b = attrs.append(p.b)
	return c.conn.start(c.ctx, p, 0, maxAnswer)
}

// opened waits for what startOpen started.
func (c *Client) opened(call *call, name string, flag int) (*File, error) {
	a, err := c.conn.wait(c.ctx, call)
	if err != nil {
		return nil, err
	}
	defer a.free()
	handle, err := a.handle()
	if err != nil {
		return nil, err
	}
	return &File{c: c, name: name, handle: handle, append: flag&os.O_APPEND != 0, lastEnd: -1}, nil
}

// Name returns the path that the file was opened with.
func (f *File) Name() string { return f.name }

// valid returns the handle if the file is open.
func (f *File) valid(op string) (string, error) {
	f.state.RLock()
	defer f.state.RUnlock()
	if f.closed {
		return "", pathError(op, f.name, fs.ErrClosed)
	}
	return f.handle, nil
}

// Close closes the file, and returns what the server has to say of that: it may
// be that something could not be written.
func (f *File) Close() error {
	f.state.Lock()
	if f.closed {
		f.state.Unlock()
		return pathError("close", f.name, fs.ErrClosed)
	}
	f.closed = true
	f.state.Unlock()
	if f.mu.TryLock() { // or somebody reads, and ends with an error
		f.drop()
		f.mu.Unlock()
	}
	p := newRequest(fxpClose)
	p.b = wire.AppendString(p.b, f.handle)
	c := f.c.conn
	c.window.force(requestCost)
	a, err := c.wait(f.c.ctx, c.send(p, 0, maxAnswer))
	if err != nil {
		return pathError("close", f.name, err)
	}
	defer a.free()
	return pathError("close", f.name, a.status())
}

// Stat describes the file.
func (f *File) Stat() (fs.FileInfo, error) {
	p, err := f.request(fxpFstat, "stat")
	if err != nil {
		return nil, err
	}
	a, err := f.c.call(p)
	if err != nil {
		return nil, pathError("stat", f.name, err)
	}
	return infoOf(a, "stat", f.name)
}

// request returns a request about the handle.
func (f *File) request(n number, op string) (*packet, error) {
	handle, err := f.valid(op)
	if err != nil {
		return nil, err
	}
	p := newRequest(n)
	p.b = wire.AppendString(p.b, handle)
	return p, nil
}

// SetStat sets those attributes of the file that have their flags set.
func (f *File) SetStat(attrs *Attributes) error { return f.setStat("setstat", attrs) }

func (f *File) setStat(op string, attrs *Attributes) error {
	p, err := f.request(fxpFsetstat, op)
	if err != nil {
		return err
	}
	p.b = attrs.append(p.b)
	return pathError(op, f.name, f.c.do(p))
}

// Chmod sets the permissions of the file.
func (f *File) Chmod(mode fs.FileMode) error {
	return f.setStat("chmod", &Attributes{Flags: HasPermissions, Permissions: posixPermissions(mode)})
}

// Chown sets the owner of the file.
func (f *File) Chown(uid, gid int) error {
	return f.setStat("chown", &Attributes{Flags: HasOwner, UID: uint32(uid), GID: uint32(gid)})
}

// Chtimes sets the times of the file, to the second.
func (f *File) Chtimes(accessed, modified time.Time) error {
	return f.setStat("chtimes", times(accessed, modified))
}

// Truncate sets the size of the file in bytes.
func (f *File) Truncate(size int64) error {
	if size < 0 {
		return pathError("truncate", f.name, fs.ErrInvalid)
	}
	f.forget()
	return f.setStat("truncate", &Attributes{Flags: HasSize, Size: uint64(size)})
}

// Sync has the server write the file to its disk (fsync@openssh.com).
func (f *File) Sync() error {
	handle, err := f.valid("sync")
	if err != nil {
		return err
	}
	return pathError("sync", f.name, f.c.extendedDo(extFsync, wire.AppendString(nil, handle)))
}

// Seek sets the offset of the next Read or Write.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.valid("seek"); err != nil {
		return 0, err
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		offset += info.Size()
	default:
		return 0, pathError("seek", f.name, errWhence)
	}
	if offset < 0 {
		return 0, pathError("seek", f.name, errNegative)
	}
	f.offset = offset
	return offset, nil
}

// forget forgets what was read ahead, which is about to change.
func (f *File) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
}

// drop is forget for callers that hold f.mu.
func (f *File) drop() {
	if f.stream != nil {
		f.stream.close()
	}
	f.stream, f.rest, f.lastEnd = nil, nil, -1
}

// isEnd reports whether err is the end of the file, and no failure.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }

// span returns the end of n bytes from offset on, which may be the last one
// there can be.
func span(offset, n int64) int64 {
	if offset > math.MaxInt64-n {
		return math.MaxInt64
	}
	return offset + n
}
