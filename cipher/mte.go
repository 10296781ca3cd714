package cipher

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/whelk-ssh/whelk/mac"
)

// An mte authenticates the plaintext, then encrypts it (RFC 4253, section 6.4):
// mac = MAC(key, sequence_number || unencrypted_packet). The tag itself is not
// encrypted.
type mte struct {
	framing Framing
	crypt   func(dst, src []byte) // continues the stream or the chain; dst is src, or apart from it
	unit    int                   // bytes; crypt takes multiples of it
	mac     mac.MAC
	tag     [maxTag]byte
}

func newMtE(block, tag int, crypt func(dst, src []byte), m mac.MAC) *mte {
	// packet_length is in the first block, and nothing less can be decrypted.
	return &mte{framing: Framing{Head: block, Block: block, Tag: tag}, crypt: crypt, unit: 1, mac: m}
}

// Framing implements [Sealer] and [Opener].
func (c *mte) Framing() Framing { return c.framing }

// Seal implements [Sealer].
func (c *mte) Seal(seq uint32, packet []byte) {
	end := len(packet) - c.framing.Tag
	c.mac.Append(packet[:end:len(packet)], seq, packet[:end])
	c.crypt(packet[:end], packet[:end])
}

// Length implements [Opener]. It decrypts the first block.
func (c *mte) Length(_ uint32, head []byte) uint32 {
	head = head[:c.framing.Head]
	c.crypt(head, head)
	return binary.BigEndian.Uint32(head)
}

// Open implements [Opener]. It decrypts what follows the block that Length
// decrypted: RFC 4253 leaves no choice but to do so before the tag is checked.
func (c *mte) Open(dst []byte, seq uint32, packet []byte) ([]byte, error) {
	if !c.framing.possible(len(packet), c.unit) {
		clear(packet)
		return nil, ErrAuthentication
	}
	end := len(packet) - c.framing.Tag
	head := c.framing.Head
	copy(dst, packet[:head])
	c.crypt(dst[head:end], packet[head:end])
	want := c.mac.Append(c.tag[:0], seq, dst[:end])
	if subtle.ConstantTimeCompare(want, packet[end:]) != 1 {
		clear(packet)
		clear(dst)
		return nil, ErrAuthentication
	}
	return dst[lengthSize:end:end], nil
}
