package sftp

import (
	"errors"
	"fmt"
	"os"

	"github.com/whelk-ssh/whelk/wire"
)

// The extensions of OpenSSH PROTOCOL, section 4, and of
// draft-ietf-secsh-filexfer-extensions-00 that are spoken here, in both roles.
const (
	extPosixRename   = "posix-rename@openssh.com"
	extStatVFS       = "statvfs@openssh.com"
	extFStatVFS      = "fstatvfs@openssh.com"
	extHardlink      = "hardlink@openssh.com"
	extFsync         = "fsync@openssh.com"
	extLSetStat      = "lsetstat@openssh.com"
	extLimits        = "limits@openssh.com"
	extExpandPath    = "expand-path@openssh.com"
	extCopyData      = "copy-data"
	extHomeDirectory = "home-directory"
	extUsersGroups   = "users-groups-by-id@openssh.com"
)

// extensionVersions are what goes into SSH_FXP_VERSION, in this order.
var extensionVersions = []Extension{
	{extPosixRename, "1"},
	{extStatVFS, "2"},
	{extFStatVFS, "2"},
	{extHardlink, "1"},
	{extFsync, "1"},
	{extLSetStat, "1"},
	{extLimits, "1"},
	{extExpandPath, "1"},
	{extCopyData, "1"},
	{extHomeDirectory, "1"},
	{extUsersGroups, "1"},
}

// versionOf returns the version of an extension that is spoken here.
func versionOf(name string) string {
	for _, e := range extensionVersions {
		if e.Name == name {
			return e.Data
		}
	}
	return ""
}

// An unsupportedError is what a server cannot do, as it has said.
type unsupportedError struct{ extension string }

func (e *unsupportedError) Error() string {
	return fmt.Sprintf("sftp: the server does not have the extension %s", e.extension)
}

func (e *unsupportedError) Is(target error) bool { return target == errors.ErrUnsupported }

// has reports whether the server has the extension, as it is spoken here.
func (s *session) has(name string) bool {
	v, ok := s.extensions[name]
	return ok && v == versionOf(name)
}

// extended makes the request and expects more of an answer than a status.
//
//	uint32    id
//	string    name of the extension
//	....      what belongs to it
func (c *Client) extended(name string, body []byte) (answer, error) {
	call, err := c.startExtended(name, body)
	if err != nil {
		return answer{}, err
	}
	a, err := c.conn.wait(c.ctx, call)
	if err != nil {
		return answer{}, err
	}
	if a.kind == fxpStatus {
		defer a.free()
		if err = a.status(); err == nil {
			err = &ProtocolError{errAnswer}
		}
		return answer{}, err
	}
	return a, nil
}

// extendedDo is extended for what is answered with a status.
func (c *Client) extendedDo(name string, body []byte) error {
	call, err := c.startExtended(name, body)
	if err != nil {
		return err
	}
	a, err := c.conn.wait(c.ctx, call)
	if err != nil {
		return err
	}
	defer a.free()
	return a.status()
}

func (c *Client) startExtended(name string, body []byte) (*call, error) {
	if !c.has(name) {
		return nil, &unsupportedError{name}
	}
	p := newRequestOf(fxpExtended, headSize+4+len(name)+len(body))
	p.b = append(wire.AppendString(p.b, name), body...)
	return c.conn.start(c.ctx, p, 0, maxAnswer)
}

// A VFS describes a file system, as statvfs(3) does (OpenSSH PROTOCOL,
// section 4.4).
//
//	uint64    f_bsize     file system block size
//	uint64    f_frsize    fundamental fs block size
//	uint64    f_blocks    number of blocks (unit f_frsize)
//	uint64    f_bfree     free blocks in file system
//	uint64    f_bavail    free blocks for non-root
//	uint64    f_files     total file inodes
//	uint64    f_ffree     free file inodes
//	uint64    f_favail    free file inodes for to non-root
//	uint64    f_fsid      file system id
//	uint64    f_flag      bit mask of f_flag values
//	uint64    f_namemax   maximum filename length
type VFS struct {
	BlockSize, FragmentSize             uint64 // bytes; the blocks below are fragments
	Blocks, BlocksFree, BlocksAvailable uint64
	Files, FilesFree, FilesAvailable    uint64
	ID, Flags, NameMax                  uint64 // Flags as below; NameMax in bytes
}

// Flags of a VFS.
const (
	VFSReadOnly uint64 = 1
	VFSNoSetuid uint64 = 2
)

// fields lists the fields in the order of the wire.
func (v *VFS) fields() [11]*uint64 {
	return [...]*uint64{
		&v.BlockSize, &v.FragmentSize, &v.Blocks, &v.BlocksFree, &v.BlocksAvailable,
		&v.Files, &v.FilesFree, &v.FilesAvailable, &v.ID, &v.Flags, &v.NameMax,
	}
}

// append appends v to b.
func (v *VFS) append(b []byte) []byte {
	for _, field := range v.fields() {
		b = wire.AppendUint64(b, *field)
	}
	return b
}

// StatVFS describes the file system that the file is on.
func (c *Client) StatVFS(name string) (*VFS, error) {
	return c.statVFS(extStatVFS, name, name)
}

// StatVFS describes the file system that the file is on.
func (f *File) StatVFS() (*VFS, error) {
	handle, err := f.valid("statvfs")
	if err != nil {
		return nil, err
	}
	return f.c.statVFS(extFStatVFS, handle, f.name)
}

func (c *Client) statVFS(extension, subject, name string) (*VFS, error) {
	a, err := c.extended(extension, wire.AppendString(nil, subject))
	if err != nil {
		return nil, pathError("statvfs", name, err)
	}
	defer a.free()
	v := new(VFS)
	r := wire.NewReader(a.body.b)
	for _, field := range v.fields() {
		*field = r.Uint64()
	}
	return v, pathError("statvfs", name, r.Err())
}

// Link makes newname another name of the file oldname (hardlink@openssh.com).
func (c *Client) Link(oldname, newname string) error {
	err := c.extendedDo(extHardlink, wire.AppendString(wire.AppendString(nil, oldname), newname))
	return pathError("link", newname, c.explain(err, newname))
}

// HomeDirectory returns the home directory of a user of the server, or of the
// one who is logged in if user is "" (draft-ietf-secsh-filexfer-extensions-00,
// section 5).
func (c *Client) HomeDirectory(user string) (string, error) {
	return c.named("homedir", extHomeDirectory, user)
}

// ExpandPath is RealPath for a path that may begin with "~" or "~user"
// (OpenSSH PROTOCOL, section 4.9).
func (c *Client) ExpandPath(name string) (string, error) {
	return c.named("expandpath", extExpandPath, name)
}

func (c *Client) named(op, extension, subject string) (string, error) {
	a, err := c.extended(extension, wire.AppendString(nil, subject))
	if err != nil {
		return "", pathError(op, subject, err)
	}
	defer a.free()
	name, err := a.name()
	return name, pathError(op, subject, err)
}

// Names returns the names of users and groups of the server, each in the place
// of its number, and "" where there is none (OpenSSH PROTOCOL, section 4.11).
//
//	string    uids, each a uint32
//	string    gids, each a uint32
//
// answered by
//
//	string    usernames, each a string
//	string    groupnames, each a string
func (c *Client) Names(uids, gids []uint32) (users, groups []string, err error) {
	body := appendIDs(appendIDs(nil, uids), gids)
	a, err := c.extended(extUsersGroups, body)
	if err != nil {
		return nil, nil, fmt.Errorf("sftp: names of users and groups: %w", err)
	}
	defer a.free()
	r := wire.NewReader(a.body.b)
	users, groups = parseNames(r.Blob(), len(uids)), parseNames(r.Blob(), len(gids))
	if err := r.Err(); err != nil {
		return nil, nil, &ProtocolError{err}
	}
	return users, groups, nil
}

func appendIDs(b []byte, ids []uint32) []byte {
	b = wire.AppendUint32(b, uint32(4*len(ids)))
	for _, id := range ids {
		b = wire.AppendUint32(b, id)
	}
	return b
}

// parseNames returns n names, the last of which may be missing in p.
func parseNames(p []byte, n int) []string {
	names := make([]string, n)
	r := wire.NewReader(p)
	for i := range names {
		names[i] = r.Text()
	}
	return names
}

// Copy makes newname a copy of the file oldname, which it replaces, on the
// server and without its data going over the connection (copy-data of
// draft-ietf-secsh-filexfer-extensions-00, section 7). A server may take long
// over it, and does not do anything else for this Client meanwhile.
//
//	string    read-from-handle
//	uint64    read-from-offset
//	uint64    read-data-length     all if 0
//	string    write-to-handle
//	uint64    write-to-offset
func (c *Client) Copy(oldname, newname string) (err error) {
	if !c.has(extCopyData) {
		return pathError("copy", newname, &unsupportedError{extCopyData})
	}
	from, err := c.Open(oldname)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	// What is there is not emptied before: it may be the same file.
	to, err := c.OpenFile(newname, os.O_WRONLY|os.O_CREATE, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	before, err := to.Stat()
	if err != nil {
		return err
	}
	body := wire.AppendUint64(wire.AppendUint64(wire.AppendString(nil, from.handle), 0), 0)
	body = wire.AppendUint64(wire.AppendString(body, to.handle), 0)
	if err := c.extendedDo(extCopyData, body); err != nil {
		return pathError("copy", newname, err)
	}
	if before.Size() > info.Size() {
		return to.Truncate(info.Size())
	}
	return nil
}

// explain finds out whether err means that the file is there already, which
// version 3 has no code for.
func (c *Client) explain(err error, name string) error {
	var status *StatusError
	if !errors.As(err, &status) || status.Code != StatusFailure {
		return err
	}
	if _, statErr := c.Lstat(name); statErr != nil {
		return err
	}
	return existing{err}
}
