package sftp

import (
	"io/fs"
	"time"

	"github.com/whelk-ssh/whelk/wire"
)

// An AttributeFlag says that Attributes have something.
type AttributeFlag uint32

// The flags of draft-ietf-secsh-filexfer-02, section 5.
const (
	HasSize        AttributeFlag = 0x00000001
	HasOwner       AttributeFlag = 0x00000002
	HasPermissions AttributeFlag = 0x00000004
	HasTimes       AttributeFlag = 0x00000008
	HasExtended    AttributeFlag = 0x80000000
)

// Attributes are what is known of a file, or is to be changed of it
// (draft-ietf-secsh-filexfer-02, section 5). A field counts only if its flag is
// set. The Sys of a [fs.FileInfo] of a Client is an *Attributes.
//
//	uint32   flags
//	uint64   size           present only with HasSize
//	uint32   uid            present only with HasOwner
//	uint32   gid            present only with HasOwner
//	uint32   permissions    present only with HasPermissions
//	uint32   atime          present only with HasTimes
//	uint32   mtime          present only with HasTimes
//	uint32   extended count present only with HasExtended
//	string   extended type
//	string   extended data
//	...      more pairs, as many as the count says
type Attributes struct {
	Flags              AttributeFlag
	Size               uint64
	UID, GID           uint32
	Permissions        uint32 // st_mode of POSIX: type and permission bits
	Accessed, Modified uint32 // seconds since 1970
	Extended           []Extension
}

// An Extension is a name and what belongs to it: of an attribute, or of a
// server's SSH_FXP_VERSION.
type Extension struct{ Name, Data string }

// Has reports whether all of the flags are set.
func (a *Attributes) Has(flags AttributeFlag) bool { return a.Flags&flags == flags }

// append appends a to b.
func (a *Attributes) append(b []byte) []byte {
	b = wire.AppendUint32(b, uint32(a.Flags))
	if a.Has(HasSize) {
		b = wire.AppendUint64(b, a.Size)
	}
	if a.Has(HasOwner) {
		b = wire.AppendUint32(wire.AppendUint32(b, a.UID), a.GID)
	}
	if a.Has(HasPermissions) {
		b = wire.AppendUint32(b, a.Permissions)
	}
	if a.Has(HasTimes) {
		b = wire.AppendUint32(wire.AppendUint32(b, a.Accessed), a.Modified)
	}
	if a.Has(HasExtended) {
		b = wire.AppendUint32(b, uint32(len(a.Extended)))
		for _, e := range a.Extended {
			b = wire.AppendString(wire.AppendString(b, e.Name), e.Data)
		}
	}
	return b
}

// parseAttributes reads attributes. Flags that version 3 does not know would
// stand for fields of unknown size: the bytes that follow cannot be read.
func parseAttributes(r *wire.Reader) (Attributes, error) {
	a := Attributes{Flags: AttributeFlag(r.Uint32())}
	if a.Has(HasSize) {
		a.Size = r.Uint64()
	}
	if a.Has(HasOwner) {
		a.UID, a.GID = r.Uint32(), r.Uint32()
	}
	if a.Has(HasPermissions) {
		a.Permissions = r.Uint32()
	}
	if a.Has(HasTimes) {
		a.Accessed, a.Modified = r.Uint32(), r.Uint32()
	}
	if a.Has(HasExtended) {
		var err error
		if a.Extended, err = parseExtensions(r); err != nil {
			return a, err
		}
	}
	return a, r.Err()
}

// parseExtensions reads a count and as many pairs. A count that the bytes left
// cannot hold is refused before anything is allocated for it.
func parseExtensions(r *wire.Reader) ([]Extension, error) {
	n := r.Uint32()
	if uint64(n)*8 > uint64(r.Len()) {
		return nil, errCount
	}
	var all []Extension
	for range n {
		all = append(all, Extension{r.Text(), r.Text()})
	}
	return all, r.Err()
}

// The bits of st_mode that say what kind of file it is. Their values are the
// same wherever version 3 is spoken.
const (
	modeType      = 0o170000
	modeFIFO      = 0o010000
	modeCharacter = 0o020000
	modeDirectory = 0o040000
	modeBlock     = 0o060000
	modeRegular   = 0o100000
	modeSymlink   = 0o120000
	modeSocket    = 0o140000
	modeSetuid    = 0o4000
	modeSetgid    = 0o2000
	modeSticky    = 0o1000
)

// fileMode turns st_mode into what Go has.
func fileMode(st uint32) fs.FileMode {
	m := fs.FileMode(st & 0o777)
	switch st & modeType {
	case modeFIFO:
		m |= fs.ModeNamedPipe
	case modeCharacter:
		m |= fs.ModeDevice | fs.ModeCharDevice
	case modeDirectory:
		m |= fs.ModeDir
	case modeBlock:
		m |= fs.ModeDevice
	case modeSymlink:
		m |= fs.ModeSymlink
	case modeSocket:
		m |= fs.ModeSocket
	case modeRegular, 0:
	default:
		m |= fs.ModeIrregular
	}
	for _, bit := range modeBits {
		if st&bit.st != 0 {
			m |= bit.mode
		}
	}
	return m
}

var modeBits = []struct {
	st   uint32
	mode fs.FileMode
}{{modeSetuid, fs.ModeSetuid}, {modeSetgid, fs.ModeSetgid}, {modeSticky, fs.ModeSticky}}

// posixMode turns what Go has into st_mode.
func posixMode(m fs.FileMode) uint32 {
	st := posixPermissions(m)
	switch m.Type() {
	case 0:
		st |= modeRegular
	case fs.ModeDir:
		st |= modeDirectory
	case fs.ModeSymlink:
		st |= modeSymlink
	case fs.ModeNamedPipe:
		st |= modeFIFO
	case fs.ModeSocket:
		st |= modeSocket
	case fs.ModeDevice:
		st |= modeBlock
	case fs.ModeDevice | fs.ModeCharDevice:
		st |= modeCharacter
	}
	return st
}

// posixPermissions is posixMode without the kind of file.
func posixPermissions(m fs.FileMode) uint32 {
	st := uint32(m.Perm())
	for _, bit := range modeBits {
		if m&bit.mode != 0 {
			st |= bit.st
		}
	}
	return st
}

// seconds turns a time into what attributes have, as near as they can.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), 1<<32-1)) }

// times returns attributes with nothing but times.
func times(accessed, modified time.Time) *Attributes {
	return &Attributes{Flags: HasTimes, Accessed: seconds(accessed), Modified: seconds(modified)}
}

// A fileInfo is a fs.FileInfo and a fs.DirEntry of a server's file.
type fileInfo struct {
	name string
	a    Attributes
}

func (i *fileInfo) Name() string               { return i.name }
func (i *fileInfo) Size() int64                { return int64(min(i.a.Size, 1<<63-1)) }
func (i *fileInfo) Mode() fs.FileMode          { return fileMode(i.a.Permissions) }
func (i *fileInfo) ModTime() time.Time         { return time.Unix(int64(i.a.Modified), 0) }
func (i *fileInfo) IsDir() bool                { return i.Mode().IsDir() }
func (i *fileInfo) Sys() any                   { return &i.a }
func (i *fileInfo) Type() fs.FileMode          { return i.Mode().Type() }
func (i *fileInfo) Info() (fs.FileInfo, error) { return i, nil }
func (i *fileInfo) String() string             { return fs.FormatFileInfo(i) }
