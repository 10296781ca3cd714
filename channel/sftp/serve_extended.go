package sftp

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"

	"github.com/whelk-ssh/whelk/wire"
)

// extensions are what SSH_FXP_EXTENDED asks for, by name.
var extensions = map[string]func(*serving, uint32, *wire.Reader) error{
	extPosixRename:   changeTwo(Handler.Rename),
	extHardlink:      changeTwo(Handler.Link),
	extStatVFS:       onName((*serving).statVFS),
	extFStatVFS:      (*serving).fstatVFS,
	extFsync:         (*serving).fsync,
	extLSetStat:      (*serving).lsetStat,
	extLimits:        (*serving).limits,
	extExpandPath:    (*serving).expandPath,
	extCopyData:      (*serving).copyData,
	extHomeDirectory: (*serving).homeDirectory,
	extUsersGroups:   (*serving).usersGroups,
}

// offers reports whether the handler can do what the extension asks for.
func (v *serving) offers(name string) (ok bool) {
	switch name {
	case extStatVFS, extFStatVFS:
		_, ok = v.handler.(VFSHandler)
	case extUsersGroups:
		_, ok = v.handler.(NamesHandler)
	default:
		ok = true
	}
	return ok
}

func (v *serving) extended(id uint32, r *wire.Reader) error {
	name := string(r.Blob())
	f, ok := extensions[name]
	if !ok || !v.offers(name) {
		return v.status(id, errNotSupported)
	}
	return f(v, id, r)
}

// statVFS answers with a VFS.
func (v *serving) statVFS(id uint32, name string) error {
	vfs, err := v.handler.(VFSHandler).StatVFS(name)
	if err != nil {
		return v.status(id, err)
	}
	answer, err := v.begin(fxpExtendedReply, id, 11*8)
	if err != nil {
		return err
	}
	v.out.b = vfs.append(v.out.b)
	v.end(answer)
	return nil
}

func (v *serving) fstatVFS(id uint32, r *wire.Reader) error {
	h, err := v.handles.find(r.Blob())
	if err != nil {
		return v.status(id, err)
	}
	return v.statVFS(id, h.name)
}

func (v *serving) fsync(id uint32, r *wire.Reader) error {
	file, err := v.handles.file(r.Blob())
	if err == nil {
		err = file.Sync()
	}
	return v.status(id, err)
}

func (v *serving) lsetStat(id uint32, r *wire.Reader) error {
	name, err := v.name(r)
	if err != nil {
		return v.status(id, err)
	}
	a, err := v.wanted(r)
	if err == nil {
		err = v.handler.LSetStat(name, a)
	}
	return v.status(id, err)
}

func (v *serving) limits(id uint32, _ *wire.Reader) error {
	answer, err := v.begin(fxpExtendedReply, id, 4*8)
	if err != nil {
		return err
	}
	for _, n := range []uint64{maxPacket, maxChunk, maxChunk, uint64(v.handles.most)} {
		v.out.b = wire.AppendUint64(v.out.b, n)
	}
	v.end(answer)
	return nil
}

// home returns the home directory of a user.
func (v *serving) home(user string) (string, error) {
	if h, ok := v.handler.(HomeHandler); ok {
		return h.HomeDirectory(user)
	}
	if user != "" {
		return "", fs.ErrNotExist
	}
	return v.path(".")
}

func (v *serving) homeDirectory(id uint32, r *wire.Reader) error {
	user := r.Text()
	if r.Err() != nil {
		return v.status(id, errBadMessage)
	}
	home, err := v.home(user)
	return v.answerName(id, home, err)
}

// expandPath is SSH_FXP_REALPATH of a path that may begin with "~", which is
// what a user has typed.
func (v *serving) expandPath(id uint32, r *wire.Reader) error {
	name := r.Text()
	if r.Err() != nil {
		return v.status(id, errBadMessage)
	}
	if rest, ok := strings.CutPrefix(name, "~"); ok {
		user, rest, _ := strings.Cut(rest, "/")
		home, err := v.home(user)
		if err != nil {
			return v.status(id, err)
		}
		name = join(home, rest)
	}
	name, err := v.path(name)
	if err != nil {
		return v.status(id, err)
	}
	return v.realPath(id, name)
}

// usersGroups answers with names: each of at most 32 bytes, so that the answer
// is no more than ten times the request.
func (v *serving) usersGroups(id uint32, r *wire.Reader) error {
	uids, gids := r.Blob(), r.Blob()
	if r.Err() != nil || len(uids)+len(gids) > maxIDs {
		return v.status(id, errBadMessage)
	}
	names := v.handler.(NamesHandler)
	b := appendNames(nil, uids, names.UserName)
	b = appendNames(b, gids, names.GroupName)
	answer, err := v.begin(fxpExtendedReply, id, len(b))
	if err != nil {
		return err
	}
	v.out.b = append(v.out.b, b...)
	v.end(answer)
	return nil
}

// Bounds on what names are asked for, in bytes.
const (
	maxIDs  = 16 << 10
	maxName = 32
)

// appendNames appends a string of strings, one for each number in ids.
func appendNames(b, ids []byte, name func(uint32) string) []byte {
	var names []byte
	r := wire.NewReader(ids)
	for r.Len() >= 4 {
		n := name(r.Uint32())
		names = wire.AppendString(names, n[:min(len(n), maxName)])
	}
	return wire.AppendString(b, names)
}

var errSameFile = &StatusError{Code: StatusFailure, Message: "Cannot copy a file onto itself"}

// copyData is copy-data of draft-ietf-secsh-filexfer-extensions-00, section 7.
// A file that was both read and written would grow with every byte read of it,
// under whatever names it is open.
func (v *serving) copyData(id uint32, r *wire.Reader) error {
	from, fromAt, n := r.Blob(), r.Uint64(), r.Uint64()
	to, toAt := r.Blob(), r.Uint64()
	if r.Err() != nil {
		return v.status(id, errBadMessage)
	}
	source, err := v.handles.find(from)
	if err != nil {
		return v.status(id, err)
	}
	target, err := v.handles.find(to)
	if err == nil {
		err = v.changes()
	}
	if err == nil {
		err = different(source, target)
	}
	if err == nil && (fromAt > math.MaxInt64 || toAt > math.MaxInt64) {
		err = fs.ErrInvalid
	}
	if err != nil {
		return v.status(id, err)
	}
	section := io.NewSectionReader(source.file, int64(fromAt), math.MaxInt64-int64(fromAt))
	if 0 < n && n < math.MaxInt64 {
		section = io.NewSectionReader(source.file, int64(fromAt), int64(n))
	}
	return v.status(id, v.copy(io.NewOffsetWriter(target.file, int64(toAt)), section))
}

// copy copies until the end, or until the client is gone.
func (v *serving) copy(to io.Writer, from io.Reader) error {
	p := newPacket(largePacket)
	defer p.free()
	buffer := p.b[:maxChunk]
	for {
		if v.ctx.Err() != nil {
			return context.Cause(v.ctx)
		}
		n, err := from.Read(buffer)
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// different fails unless the two are files, and not the same one.
func different(a, b *handle) error {
	if a.file == nil || b.file == nil {
		return errWrongKind
	}
	if a == b || a.name == b.name {
		return errSameFile
	}
	first, err := a.file.Stat()
	if err != nil {
		return err
	}
	second, err := b.file.Stat()
	if err == nil && os.SameFile(first, second) {
		err = errSameFile
	}
	return err
}
