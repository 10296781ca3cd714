package sftp

import (
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// read is SSH_FXP_READ. The file's data is read into the answer.
func (v *serving) read(id uint32, r wire.Reader) error {
	handle, at, n := r.Blob(), r.Uint64(), int(min(r.Uint32(), maxChunk))
	if r.Err() != nil {
		return v.status(id, errBadMessage)
	}
	file, err := v.handles.file(handle)
	if err != nil {
		return v.status(id, err)
	}
	where, err := offset(at)
	if err != nil {
		return v.status(id, io.EOF)
	}
	answer, err := v.begin(fxpData, id, 4+n)
	if err != nil {
		return err
	}
	data := v.out.b[:cap(v.out.b)][answer.start+dataOffset:][:n]
	got, err := file.ReadAt(data, where)
	got = min(max(got, 0), n)
	if got == 0 && (n > 0 || err != nil) {
		v.out.b = v.out.b[:answer.start]
		if err == nil {
			err = io.EOF
		}
		return v.status(id, err)
	}
	v.out.b = wire.AppendUint32(v.out.b, uint32(got))
	v.out.b = v.out.b[:len(v.out.b)+got]
	v.end(answer)
	return nil
}

// write is SSH_FXP_WRITE. The data is written from where it was received.
func (v *serving) write(id uint32, r wire.Reader) error {
	handle, at, data := r.Blob(), r.Uint64(), r.Blob()
	if r.Err() != nil {
		return v.status(id, errBadMessage)
	}
	file, err := v.handles.file(handle)
	if err == nil {
		err = v.changes()
	}
	var where int64
	if err == nil {
		where, err = offset(at)
	}
	if err == nil && len(data) > 0 {
		_, err = file.WriteAt(data, where)
	}
	return v.status(id, err)
}

func (v *serving) openDir(id uint32, name string) error {
	err := v.handles.room()
	if err != nil {
		return v.status(id, err)
	}
	d, err := v.handler.OpenDir(name)
	if err != nil {
		return v.status(id, err)
	}
	return v.opened(id, &handle{name: name, dir: d})
}

// An answer to SSH_FXP_READDIR has at most this many entries, and bytes.
const (
	listedAtOnce = 128
	listedBytes  = 128 << 10
)

// readDir is SSH_FXP_READDIR.
func (v *serving) readDir(id uint32, r *wire.Reader) error {
	h, err := v.handles.find(r.Blob())
	if err == nil && h.dir == nil {
		err = errWrongKind
	}
	if err == nil && len(h.entries) == 0 {
		if h.entries, err = h.dir.ReadDir(listedAtOnce); err == nil && len(h.entries) == 0 {
			err = io.EOF
		}
	}
	if err != nil {
		return v.status(id, err)
	}
	answer, err := v.begin(fxpName, id, listedBytes)
	if err != nil {
		return err
	}
	count := len(v.out.b)
	b := wire.AppendUint32(v.out.b, 0)
	n := 0
	for n < len(h.entries) && n < listedAtOnce {
		info := h.entries[n]
		if len(b)-count+2*len(info.Name())+listedRoom > listedBytes {
			break
		}
		b = v.appendEntry(b, info)
		n++
	}
	if n == 0 {
		v.out.b = v.out.b[:answer.start]
		return v.status(id, fs.ErrInvalid) // a name that no file has
	}
	h.entries = h.entries[n:]
	wire.AppendUint32(b[:count], uint32(n))
	v.out.b = b
	v.end(answer)
	return nil
}

// listedRoom is what an entry needs besides its name, twice.
const listedRoom = 256

// appendEntry appends a name, what ls -l says of it, and attributes.
func (v *serving) appendEntry(b []byte, info fs.FileInfo) []byte {
	a := attributesOf(info)
	b = wire.AppendString(b, info.Name())
	b = wire.AppendString(b, v.longName(info, &a))
	return a.append(b)
}

// longName is a line for people to read (draft-ietf-secsh-filexfer-02,
// section 7): "its format is unspecified", but clients show it.
func (v *serving) longName(info fs.FileInfo, a *Attributes) string {
	owner, group := strconv.FormatUint(uint64(a.UID), 10), strconv.FormatUint(uint64(a.GID), 10)
	if h, ok := v.handler.(NamesHandler); ok {
		if name := h.UserName(a.UID); name != "" {
			owner = name
		}
		if name := h.GroupName(a.GID); name != "" {
			group = name
		}
	}
	modified, layout := info.ModTime(), "Jan _2 15:04"
	if age := time.Since(modified); age < 0 || age > 182*24*time.Hour {
		layout = "Jan _2  2006"
	}
	return fmt.Sprintf("%s %4d %-8.32s %-8.32s %8d %s %s", modeText(a.Permissions), linksOf(info), owner, group, a.Size,
		modified.Format(layout), info.Name())
}

// modeText is a mode as ls(1) has it.
func modeText(st uint32) string {
	text := []byte("?rwxrwxrwx")
	for i := range 9 {
		if st>>(8-i)&1 == 0 {
			text[i+1] = '-'
		}
	}
	if kind, ok := kindLetters[st&modeType]; ok {
		text[0] = kind
	}
	for _, s := range specialLetters {
		switch {
		case st&s.bit == 0:
		case text[s.at] == '-':
			text[s.at] = s.alone
		default:
			text[s.at] = s.executable
		}
	}
	return string(text)
}

var kindLetters = map[uint32]byte{
	modeFIFO: 'p', modeCharacter: 'c', modeDirectory: 'd', modeBlock: 'b', modeRegular: '-', modeSymlink: 'l', modeSocket: 's',
}

var specialLetters = []struct {
	bit               uint32
	at                int
	alone, executable byte
}{{modeSetuid, 3, 'S', 's'}, {modeSetgid, 6, 'S', 's'}, {modeSticky, 9, 'T', 't'}}
