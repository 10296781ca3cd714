package cipher

import "github.com/whelk-ssh/whelk/mac"

// lengthSize is the size of packet_length (RFC 4253, section 6).
const lengthSize = 4

// Framing says how a protected packet is laid out. All of it is in bytes.
//
//	|<- Clear ->|<----- a multiple of Block ----->|<- Tag ->|
//	|<-- Head --|-->                              |         |
//	| length    | padding_length, payload, padding|   tag   |
//
// If Clear is zero, the padded region begins with packet_length instead.
type Framing struct {
	Head  int // bytes that must arrive before packet_length is known
	Block int // padding makes the padded region a multiple of this
	Clear int // leading bytes outside that region: 4 if packet_length is, else 0
	Tag   int // bytes after the padding

	// Discard keeps a receiver from saying at once that a packet cannot be
	// right, be it for its length or its tag: see Discarding in the package
	// comment.
	Discard bool
}

// shortest returns the size of the shortest packet: one whose padded region is
// a single block. It is never less than Head and Tag together.
func (f *Framing) shortest() int { return f.Clear + f.Block + f.Tag }

// possible reports whether n bytes can be a packet whose padded region is a
// multiple of unit, and no more than a MAC takes.
func (f *Framing) possible(n, unit int) bool {
	return n >= f.shortest() && (n-f.Clear-f.Tag)%unit == 0 && n <= mac.MaxData
}
