package sftp

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// Stat describes the file, or what it leads to if it is a symbolic link. The
// Sys of what it returns is an [*Attributes].
func (c *Client) Stat(name string) (fs.FileInfo, error) { return c.stat("stat", fxpStat, name) }

// Lstat is Stat for a symbolic link itself.
func (c *Client) Lstat(name string) (fs.FileInfo, error) { return c.stat("lstat", fxpLstat, name) }

// stat is SSH_FXP_STAT or SSH_FXP_LSTAT (draft-ietf-secsh-filexfer-02,
// section 6.8).
//
//	uint32    id
//	string    path
func (c *Client) stat(op string, n number, name string) (fs.FileInfo, error) {
	a, err := c.call(onPath(n, name))
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return infoOf(a, op, name)
}

// infoOf takes what it returns from a.
func infoOf(a answer, op, name string) (fs.FileInfo, error) {
	defer a.free()
	attrs, err := a.attributes()
	if err != nil {
		return nil, pathError(op, name, err)
	}
	return &fileInfo{base(name), attrs}, nil
}

// setStat is SSH_FXP_SETSTAT (draft-ietf-secsh-filexfer-02, section 6.9).
//
//	uint32    id
//	string    path
//	ATTRS     attrs
func (c *Client) setStat(op, name string, attrs *Attributes) error {
	p := onPath(fxpSetstat, name)
	p.b = attrs.append(p.b)
	return pathError(op, name, c.do(p))
}

// SetStat sets those attributes of the file that have their flags set.
func (c *Client) SetStat(name string, attrs *Attributes) error {
	return c.setStat("setstat", name, attrs)
}

// LSetStat is SetStat for a symbolic link itself (lsetstat@openssh.com).
func (c *Client) LSetStat(name string, attrs *Attributes) error {
	body := attrs.append(wire.AppendString(nil, name))
	return pathError("lsetstat", name, c.extendedDo(extLSetStat, body))
}

// Chmod sets the permissions of the file.
func (c *Client) Chmod(name string, mode fs.FileMode) error {
	return c.setStat("chmod", name, &Attributes{Flags: HasPermissions, Permissions: posixPermissions(mode)})
}

// Chown sets the owner of the file. There is no changing one of the two alone.
func (c *Client) Chown(name string, uid, gid int) error {
	return c.setStat("chown", name, &Attributes{Flags: HasOwner, UID: uint32(uid), GID: uint32(gid)})
}

// Chtimes sets the times of the file, to the second. There is no changing one
// of the two alone.
func (c *Client) Chtimes(name string, accessed, modified time.Time) error {
	return c.setStat("chtimes", name, times(accessed, modified))
}

// Truncate sets the size of the file in bytes.
func (c *Client) Truncate(name string, size int64) error {
	if size < 0 {
		return pathError("truncate", name, fs.ErrInvalid)
	}
	return c.setStat("truncate", name, &Attributes{Flags: HasSize, Size: uint64(size)})
}

// Rename gives the file the name newname, which it takes from another file
// that had it, as rename(2) does. A server that does not know how
// (posix-rename@openssh.com) fails if there is one.
func (c *Client) Rename(oldname, newname string) error {
	if c.has(extPosixRename) {
		err := c.extendedDo(extPosixRename, wire.AppendString(wire.AppendString(nil, oldname), newname))
		return pathError("rename", newname, err)
	}
	return c.RenameExclusive(oldname, newname)
}

// RenameExclusive gives the file the name newname unless there is one of that
// name (SSH_FXP_RENAME; draft-ietf-secsh-filexfer-02, section 6.5). Not every
// server cares.
//
//	uint32    id
//	string    oldpath
//	string    newpath
func (c *Client) RenameExclusive(oldname, newname string) error {
	err := c.do(onPaths(fxpRename, oldname, newname))
	return pathError("rename", newname, c.explain(err, newname))
}

// Symlink makes newname a symbolic link to oldname.
//
// draft-ietf-secsh-filexfer-02, section 6.10, has the two in the other order
// than OpenSSH sent them before anybody noticed, and everybody since (OpenSSH
// PROTOCOL, section 4.1).
//
//	uint32    id
//	string    targetpath
//	string    linkpath
func (c *Client) Symlink(oldname, newname string) error {
	err := c.do(onPaths(fxpSymlink, oldname, newname))
	return pathError("symlink", newname, c.explain(err, newname))
}

// ReadLink returns where the symbolic link leads to. It is what somebody wrote
// there, and no path that has been checked.
func (c *Client) ReadLink(name string) (string, error) {
	return c.path("readlink", fxpReadlink, name)
}

// RealPath returns the absolute path of the file, without symbolic links as far
// as the server can tell. "." is where relative paths begin.
func (c *Client) RealPath(name string) (string, error) {
	return c.path("realpath", fxpRealpath, name)
}

func (c *Client) path(op string, n number, name string) (string, error) {
	a, err := c.call(onPath(n, name))
	if err != nil {
		return "", pathError(op, name, err)
	}
	defer a.free()
	result, err := a.name()
	return result, pathError(op, name, err)
}

// Mkdir makes a directory, with permissions that the server may narrow.
//
//	uint32    id
//	string    path
//	ATTRS     attrs
func (c *Client) Mkdir(name string, perm fs.FileMode) error {
	p := onPath(fxpMkdir, name)
	p.b = (&Attributes{Flags: HasPermissions, Permissions: posixPermissions(perm)}).append(p.b)
	return pathError("mkdir", name, c.explain(c.do(p), name))
}

// MkdirAll makes a directory and those above it that are missing. It is no
// error if it is there.
func (c *Client) MkdirAll(name string, perm fs.FileMode) error {
	err := c.Mkdir(name, perm)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		parent := dir(name)
		if parent == name || parent == "." {
			return err
		}
		if err := c.MkdirAll(parent, perm); err != nil {
			return err
		}
		err = c.Mkdir(name, perm)
		if err == nil {
			return nil
		}
	}
	if info, statErr := c.Stat(name); statErr == nil {
		if info.IsDir() {
			return nil
		}
		return pathError("mkdir", name, errNotDirectory)
	}
	return err
}

// Remove removes the file or the empty directory.
func (c *Client) Remove(name string) error {
	err := c.do(onPath(fxpRemove, name))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return pathError("remove", name, err)
	}
	if dirErr := c.do(onPath(fxpRmdir, name)); dirErr == nil {
		return nil
	} else if info, statErr := c.Lstat(name); statErr == nil && info.IsDir() {
		err = dirErr
	}
	return pathError("remove", name, err)
}

// openFlags turns flags of package os into those of SSH_FXP_OPEN.
func openFlags(flag int) uint32 {
	pflags := uint32(openRead)
	switch flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR) {
	case os.O_WRONLY:
		pflags = openWrite
	case os.O_RDWR:
		pflags = openRead | openWrite
	}
	for _, f := range openBits {
		if flag&f.os != 0 {
			pflags |= f.wire
		}
	}
	return pflags
}

// The flags of SSH_FXP_OPEN (draft-ietf-secsh-filexfer-02, section 6.3).
const (
	openRead      = 0x01
	openWrite     = 0x02
	openAppend    = 0x04
	openCreate    = 0x08
	openTruncate  = 0x10
	openExclusive = 0x20
)

var openBits = []struct {
	os   int
	wire uint32
}{
	{os.O_APPEND, openAppend},
	{os.O_CREATE, openCreate},
	{os.O_TRUNC, openTruncate},
	{os.O_EXCL, openExclusive},
}
