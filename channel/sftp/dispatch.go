package sftp

import (
	"io/fs"
	"os"

	"github.com/whelk-ssh/whelk/wire"
)

// requests are what a server answers, by type. What is not here is not
// supported.
var requests = map[number]func(*serving, uint32, *wire.Reader) error{
	fxpOpen:     (*serving).openFile,
	fxpClose:    (*serving).close,
	fxpLstat:    onName((*serving).lstat),
	fxpFstat:    (*serving).fstat,
	fxpSetstat:  (*serving).setStat,
	fxpFsetstat: (*serving).fsetStat,
	fxpOpendir:  onName((*serving).openDir),
	fxpReaddir:  (*serving).readDir,
	fxpRemove:   change((*serving).remove),
	fxpMkdir:    (*serving).mkdir,
	fxpRmdir:    change((*serving).rmdir),
	fxpRealpath: onName((*serving).realPath),
	fxpStat:     onName((*serving).stat),
	fxpRename:   changeTwo(Handler.RenameExclusive),
	fxpReadlink: onName((*serving).readLink),
	fxpSymlink:  (*serving).symlink,
	fxpExtended: (*serving).extended,
}

// answer answers one request, of which body is all but the length. What it
// returns ends the connection.
func (v *serving) answer(body []byte) error {
	r := wire.NewReader(body)
	kind := number(r.Byte())
	id := r.Uint32()
	switch kind {
	case fxpRead:
		return v.read(id, r)
	case fxpWrite:
		return v.write(id, r)
	}
	f, ok := requests[kind]
	if !ok {
		return v.status(id, errNotSupported)
	}
	rest := r // which is on the heap, and r is not
	return f(v, id, &rest)
}

// onName answers a request that has a path and nothing else.
func onName(f func(*serving, uint32, string) error) func(*serving, uint32, *wire.Reader) error {
	return func(v *serving, id uint32, r *wire.Reader) error {
		name, err := v.name(r)
		if err != nil {
			return v.status(id, err)
		}
		return f(v, id, name)
	}
}

// name reads a path.
func (v *serving) name(r *wire.Reader) (string, error) {
	name := r.Text()
	if r.Err() != nil {
		return "", errBadMessage
	}
	return v.path(name)
}

// change is onName for what changes something.
func change(f func(*serving, string) error) func(*serving, uint32, *wire.Reader) error {
	return onName(func(v *serving, id uint32, name string) error {
		err := v.changes()
		if err == nil {
			err = f(v, name)
		}
		return v.status(id, err)
	})
}

// changeTwo answers a request that has two paths.
func changeTwo(f func(h Handler, oldname, newname string) error) func(*serving, uint32, *wire.Reader) error {
	return func(v *serving, id uint32, r *wire.Reader) error {
		oldname, err := v.name(r)
		if err != nil {
			return v.status(id, err)
		}
		newname, err := v.name(r)
		if err == nil {
			err = v.changes()
		}
		if err == nil {
			err = f(v.handler, oldname, newname)
		}
		return v.status(id, err)
	}
}

func (v *serving) remove(name string) error { return v.handler.Remove(name) }

func (v *serving) rmdir(name string) error { return v.handler.Rmdir(name) }

// openFile is SSH_FXP_OPEN. A server that is read-only opens files for reading
// and with no other flag: one that it makes or empties is changed too
// (CVE-2017-15906).
func (v *serving) openFile(id uint32, r *wire.Reader) error {
	name, err := v.name(r)
	if err != nil {
		return v.status(id, err)
	}
	pflags := r.Uint32()
	a, err := parseAttributes(r)
	if err != nil {
		return v.status(id, errBadMessage)
	}
	if pflags&^openRead != 0 {
		err = v.changes()
	}
	flag, ok := osFlags(pflags)
	if err == nil && !ok {
		err = fs.ErrInvalid
	}
	if err == nil {
		err = v.handles.room()
	}
	if err != nil {
		return v.status(id, err)
	}
	file, err := v.handler.OpenFile(name, flag, v.perm(&a, 0o666))
	if err != nil {
		return v.status(id, err)
	}
	return v.opened(id, &handle{name: name, file: file})
}

// osFlags turns the flags of SSH_FXP_OPEN into those of package os.
func osFlags(pflags uint32) (flag int, ok bool) {
	switch pflags & (openRead | openWrite) {
	case openRead:
		flag = os.O_RDONLY
	case openWrite:
		flag = os.O_WRONLY
	case openRead | openWrite:
		flag = os.O_RDWR
	default:
		return 0, false
	}
	for _, f := range openBits {
		if pflags&f.wire != 0 {
			flag |= f.os
		}
	}
	return flag, true
}

// opened answers with SSH_FXP_HANDLE.
func (v *serving) opened(id uint32, h *handle) error {
	r, err := v.begin(fxpHandle, id, 4+handleSize)
	if err != nil {
		_ = h.close()
		return err
	}
	v.out.b = wire.AppendUint32(wire.AppendUint32(v.out.b, handleSize), v.handles.add(h))
	v.end(r)
	return nil
}

func (v *serving) close(id uint32, r *wire.Reader) error {
	return v.status(id, v.handles.close(r.Blob()))
}

func (v *serving) stat(id uint32, name string) error {
	info, err := v.handler.Stat(name)
	return v.attributes(id, info, err)
}

func (v *serving) lstat(id uint32, name string) error {
	info, err := v.handler.Lstat(name)
	return v.attributes(id, info, err)
}

func (v *serving) fstat(id uint32, r *wire.Reader) error {
	file, err := v.handles.file(r.Blob())
	if err != nil {
		return v.status(id, err)
	}
	info, err := file.Stat()
	return v.attributes(id, info, err)
}

// attributes answers with SSH_FXP_ATTRS, unless err says no.
func (v *serving) attributes(id uint32, info fs.FileInfo, err error) error {
	if err != nil {
		return v.status(id, err)
	}
	a := attributesOf(info)
	r, err := v.begin(fxpAttrs, id, attributesRoom)
	if err != nil {
		return err
	}
	v.out.b = a.append(v.out.b)
	v.end(r)
	return nil
}

// attributesRoom holds attributes without extended ones.
const attributesRoom = 32

func (v *serving) setStat(id uint32, r *wire.Reader) error {
	name, err := v.name(r)
	if err != nil {
		return v.status(id, err)
	}
	a, err := v.wanted(r)
	if err == nil {
		err = v.handler.SetStat(name, a)
	}
	return v.status(id, err)
}

func (v *serving) fsetStat(id uint32, r *wire.Reader) error {
	file, err := v.handles.file(r.Blob())
	if err != nil {
		return v.status(id, err)
	}
	a, err := v.wanted(r)
	if err == nil {
		err = file.SetStat(a)
	}
	return v.status(id, err)
}

// wanted reads attributes that are to be set.
func (v *serving) wanted(r *wire.Reader) (*Attributes, error) {
	a, err := parseAttributes(r)
	if err != nil {
		return nil, errBadMessage
	}
	if a.Size > 1<<63-1 {
		return nil, fs.ErrInvalid
	}
	return &a, v.changes()
}

func (v *serving) mkdir(id uint32, r *wire.Reader) error {
	name, err := v.name(r)
	if err != nil {
		return v.status(id, err)
	}
	a, err := v.wanted(r)
	if err == nil {
		err = v.handler.Mkdir(name, v.perm(a, 0o777))
	}
	return v.status(id, err)
}

func (v *serving) realPath(id uint32, name string) error {
	result, err := v.handler.RealPath(name)
	return v.answerName(id, result, err)
}

func (v *serving) readLink(id uint32, name string) error {
	target, err := v.handler.ReadLink(name)
	return v.answerName(id, target, err)
}

// symlink is SSH_FXP_SYMLINK in the order of OpenSSH PROTOCOL, section 4.1. The
// target is no path of ours.
func (v *serving) symlink(id uint32, r *wire.Reader) error {
	target := r.Text()
	name, err := v.name(r)
	if err == nil {
		err = v.changes()
	}
	if err == nil {
		err = v.handler.Symlink(target, name)
	}
	return v.status(id, err)
}

// answerName answers with SSH_FXP_NAME that has one path in it.
func (v *serving) answerName(id uint32, name string, err error) error {
	if err == nil && len(name) > maxPath {
		err = fs.ErrInvalid
	}
	if err != nil {
		return v.status(id, err)
	}
	r, err := v.begin(fxpName, id, 16+2*len(name))
	if err != nil {
		return err
	}
	b := wire.AppendString(wire.AppendUint32(v.out.b, 1), name)
	v.out.b = new(Attributes).append(wire.AppendString(b, name))
	v.end(r)
	return nil
}

// maxPath is the longest path that is sent.
const maxPath = 32 << 10
