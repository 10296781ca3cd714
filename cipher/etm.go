package cipher

import (
	"crypto/subtle"
	"encoding/binary"

	"github.com/whelk-ssh/whelk/mac"
)

// maxTag is room for the longest tag known, so that checking one allocates
// nothing.
const maxTag = 64

// An etm encrypts, then authenticates the ciphertext (OpenSSH PROTOCOL,
// section 1.5): mac = MAC(key, sequence_number || packet_length || encrypted_packet).
type etm struct {
	framing Framing
	crypt   func(dst, src []byte) // continues the stream or the chain; dst is src, or apart from it
	unit    int                   // bytes; crypt takes multiples of it
	mac     mac.MAC
	tag     [maxTag]byte
}

func newEtM(block, tag int, crypt func(dst, src []byte), m mac.MAC) *etm {
	return &etm{
		framing: Framing{Head: lengthSize, Block: block, Clear: lengthSize, Tag: tag},
		crypt:   crypt,
		unit:    1,
		mac:     m,
	}
}

// Framing implements [Sealer] and [Opener].
func (c *etm) Framing() Framing { return c.framing }

// Seal implements [Sealer].
func (c *etm) Seal(seq uint32, packet []byte) {
	end := len(packet) - c.framing.Tag
	body := packet[lengthSize:end]
	c.crypt(body, body)
	c.mac.Append(packet[:end:len(packet)], seq, packet[:end])
}

// Length implements [Opener].
func (c *etm) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements [Opener]. Not a byte is decrypted before the tag is known to
// be right.
func (c *etm) Open(dst []byte, seq uint32, packet []byte) ([]byte, error) {
	if !c.framing.possible(len(packet), c.unit) {
		return nil, ErrAuthentication
	}
	end := len(packet) - c.framing.Tag
	want := c.mac.Append(c.tag[:0], seq, packet[:end])
	if subtle.ConstantTimeCompare(want, packet[end:]) != 1 {
		return nil, ErrAuthentication
	}
	body := dst[lengthSize:end:end]
	c.crypt(body, packet[lengthSize:end])
	return body, nil
}
