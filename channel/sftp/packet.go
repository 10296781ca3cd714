package sftp

import (
	"fmt"
	"sync"
)

// A number is the type of a packet (draft-ietf-secsh-filexfer-02, section 3).
type number byte

// The types of draft-ietf-secsh-filexfer-02, section 3. Requests are below
// 100, answers from there on.
const (
	fxpInit     number = 1
	fxpVersion  number = 2
	fxpOpen     number = 3
	fxpClose    number = 4
	fxpRead     number = 5
	fxpWrite    number = 6
	fxpLstat    number = 7
	fxpFstat    number = 8
	fxpSetstat  number = 9
	fxpFsetstat number = 10
	fxpOpendir  number = 11
	fxpReaddir  number = 12
	fxpRemove   number = 13
	fxpMkdir    number = 14
	fxpRmdir    number = 15
	fxpRealpath number = 16
	fxpStat     number = 17
	fxpRename   number = 18
	fxpReadlink number = 19
	fxpSymlink  number = 20

	fxpStatus number = 101
	fxpHandle number = 102
	fxpData   number = 103
	fxpName   number = 104
	fxpAttrs  number = 105

	fxpExtended      number = 200
	fxpExtendedReply number = 201
)

var numberNames = map[number]string{
	fxpInit: "INIT", fxpVersion: "VERSION", fxpOpen: "OPEN", fxpClose: "CLOSE", fxpRead: "READ", fxpWrite: "WRITE",
	fxpLstat: "LSTAT", fxpFstat: "FSTAT", fxpSetstat: "SETSTAT", fxpFsetstat: "FSETSTAT", fxpOpendir: "OPENDIR",
	fxpReaddir: "READDIR", fxpRemove: "REMOVE", fxpMkdir: "MKDIR", fxpRmdir: "RMDIR", fxpRealpath: "REALPATH",
	fxpStat: "STAT", fxpRename: "RENAME", fxpReadlink: "READLINK", fxpSymlink: "SYMLINK", fxpStatus: "STATUS",
	fxpHandle: "HANDLE", fxpData: "DATA", fxpName: "NAME", fxpAttrs: "ATTRS", fxpExtended: "EXTENDED",
	fxpExtendedReply: "EXTENDED_REPLY",
}

func (n number) String() string {
	if name, ok := numberNames[n]; ok {
		return "SSH_FXP_" + name
	}
	return fmt.Sprintf("SSH_FXP type %d", byte(n))
}

// version is the one that is spoken here, and by everybody.
const version = 3

// Sizes in bytes. A packet is no longer than maxPacket, its length field not
// counted: what OpenSSH's server takes, and far more than the 34000 that
// section 3 demands.
const (
	maxPacket  = 256 << 10
	maxChunk   = maxPacket - 1024 // of data in one packet
	maxHandle  = 256              // section 6.2: "The length of the handle string MUST NOT exceed 256"
	lengthSize = 4
	headSize   = lengthSize + 1 + 4 // length, type and id
	dataOffset = headSize + 4       // of the data in SSH_FXP_DATA
)

// defaultChunk is how much data one packet carries where nothing is known of
// the other side: section 6.4 lets clients count on packets of 34000 bytes.
const defaultChunk = 32 << 10

// A packet is one message in a buffer of the pool.
type packet struct{ b []byte }

// Sizes of buffers: for any message without data or a listing, for data of
// servers that have not said how much they take, and for any message at all.
const (
	smallPacket  = 1 << 10
	mediumPacket = defaultChunk + smallPacket
	largePacket  = lengthSize + maxPacket
)

var (
	smallPackets  = sync.Pool{New: func() any { return &packet{b: make([]byte, 0, smallPacket)} }}
	mediumPackets = sync.Pool{New: func() any { return &packet{b: make([]byte, 0, mediumPacket)} }}
	largePackets  = sync.Pool{New: func() any { return &packet{b: make([]byte, 0, largePacket)} }}
)

// newPacket returns a packet that is empty and has room for n bytes, which are
// at most a packet's.
func newPacket(n int) *packet {
	pool := &smallPackets
	switch {
	case n > mediumPacket:
		pool = &largePackets
	case n > smallPacket:
		pool = &mediumPackets
	}
	p := pool.Get().(*packet)
	p.b = p.b[:0]
	return p
}

// free gives the buffer back: nobody may have kept a slice of it.
func (p *packet) free() {
	switch {
	case p == nil:
	case cap(p.b) >= largePacket:
		largePackets.Put(p)
	case cap(p.b) >= mediumPacket:
		mediumPackets.Put(p)
	case cap(p.b) >= smallPacket:
		smallPackets.Put(p)
	}
}
