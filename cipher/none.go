package cipher

import "encoding/binary"

// None returns the state before the first SSH_MSG_NEWKEYS, when packets are
// framed and nothing else (RFC 4253, section 6). It has no name and is in no
// list: it cannot be negotiated, and there is no way back to it.
func None() (Sealer, Opener) { return none{}, none{} }

// none is the layout without protection. Open fails only if packet is too
// short to be one, which whoever bounds packet_length finds out before.
type none struct{}

// noneFraming pads to 8 bytes: RFC 4253, section 6, "multiple of the cipher
// block size or 8, whichever is larger".
var noneFraming = Framing{Head: lengthSize, Block: 8}

// Framing implements [Sealer] and [Opener].
func (none) Framing() Framing { return noneFraming }

// Seal implements [Sealer].
func (none) Seal(uint32, []byte) {}

// Length implements [Opener].
func (none) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements [Opener].
func (none) Open(dst []byte, _ uint32, packet []byte) ([]byte, error) {
	if len(packet) < noneFraming.shortest() {
		return nil, ErrAuthentication
	}
	copy(dst, packet)
	return dst[lengthSize:len(packet)], nil
}
