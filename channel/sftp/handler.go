package sftp

import (
	"io"
	"io/fs"
)

// A Handler is what a [Server] serves: see [RootHandler], [FSHandler] and
// [SystemHandler]. The names it is given are absolute, begin with a slash, and
// have no "." or ".." in them and no NUL. For each connection of a Server one
// method is called at a time; several connections may call at once.
//
// Of the errors it returns the client is told what they are, such as
// [fs.ErrNotExist], but no text other than the system's of a [syscall.Errno] and
// that of a [*StatusError].
//
// A Handler may have methods of [VFSHandler], [HomeHandler] and [NamesHandler]
// too. One that embeds a [Refusal] needs no more than what it allows.
type Handler interface {
	// OpenFile opens a file, or makes it, as [os.OpenFile] does. It should
	// not wait for the other end of a named pipe.
	OpenFile(name string, flag int, perm fs.FileMode) (HandlerFile, error)

	// OpenDir opens a directory to list it.
	OpenDir(name string) (HandlerDir, error)

	Stat(name string) (fs.FileInfo, error)
	Lstat(name string) (fs.FileInfo, error)

	// SetStat sets the attributes that have their flags set, and LSetStat
	// does of a symbolic link.
	SetStat(name string, a *Attributes) error
	LSetStat(name string, a *Attributes) error

	// RealPath returns the path without symbolic links. It need not exist.
	RealPath(name string) (string, error)

	// ReadLink returns where a symbolic link leads to, and Symlink makes one.
	// The target is what the client sent.
	ReadLink(name string) (string, error)
	Symlink(target, name string) error
	Link(oldname, newname string) error

	Mkdir(name string, perm fs.FileMode) error
	Remove(name string) error // what is not a directory
	Rmdir(name string) error

	// Rename replaces a file that has the new name, and RenameExclusive fails
	// if there is one.
	Rename(oldname, newname string) error
	RenameExclusive(oldname, newname string) error
}

// A HandlerFile is a file that a client has open. The slices it is given are
// the Server's again when a method returns.
type HandlerFile interface {
	io.ReaderAt
	io.WriterAt // of a file opened with O_APPEND: at the end
	io.Closer
	Stat() (fs.FileInfo, error)
	SetStat(a *Attributes) error
	Sync() error
}

// A HandlerDir is a directory that a client lists.
type HandlerDir interface {
	// ReadDir returns what comes next, n entries at most and at least one, or
	// [io.EOF].
	ReadDir(n int) ([]fs.FileInfo, error)
	Close() error
}

// A VFSHandler is a Handler that knows about file systems
// (statvfs@openssh.com).
type VFSHandler interface {
	StatVFS(name string) (*VFS, error)
}

// A HomeHandler is a Handler with home directories (home-directory,
// expand-path@openssh.com). The one of "" is that of the user logged in.
type HomeHandler interface {
	HomeDirectory(user string) (string, error)
}

// A NamesHandler is a Handler with names of users and groups
// (users-groups-by-id@openssh.com), "" where there is none.
type NamesHandler interface {
	UserName(uid uint32) string
	GroupName(gid uint32) string
}

// A Refusal is the Handler that refuses everything.
type Refusal struct{}

func (Refusal) OpenFile(string, int, fs.FileMode) (HandlerFile, error) { return nil, fs.ErrPermission }
func (Refusal) OpenDir(string) (HandlerDir, error)                     { return nil, fs.ErrPermission }
func (Refusal) Stat(string) (fs.FileInfo, error)                       { return nil, fs.ErrPermission }
func (Refusal) Lstat(string) (fs.FileInfo, error)                      { return nil, fs.ErrPermission }
func (Refusal) SetStat(string, *Attributes) error                      { return fs.ErrPermission }
func (Refusal) LSetStat(string, *Attributes) error                     { return fs.ErrPermission }
func (Refusal) RealPath(name string) (string, error)                   { return name, nil }
func (Refusal) ReadLink(string) (string, error)                        { return "", fs.ErrPermission }
func (Refusal) Symlink(string, string) error                           { return fs.ErrPermission }
func (Refusal) Link(string, string) error                              { return fs.ErrPermission }
func (Refusal) Mkdir(string, fs.FileMode) error                        { return fs.ErrPermission }
func (Refusal) Remove(string) error                                    { return fs.ErrPermission }
func (Refusal) Rmdir(string) error                                     { return fs.ErrPermission }
func (Refusal) Rename(string, string) error                            { return fs.ErrPermission }
func (Refusal) RenameExclusive(string, string) error                   { return fs.ErrPermission }
