package cipher

import (
	"crypto/aes"
	stdcipher "crypto/cipher"
	"encoding/binary"

	"github.com/whelk-ssh/whelk/mac"
)

// gcmNonceSize is the size of an AES-GCM nonce (RFC 5647, section 7.1):
//
//	byte[4]   fixed
//	uint64    invocation counter
const gcmNonceSize = 12

var gcmFraming = Framing{Head: lengthSize, Block: aes.BlockSize, Clear: lengthSize, Tag: 16}

// A gcm is AES in Galois/counter mode. OpenSSH took the packets of RFC 5647
// and left its negotiation behind (OpenSSH PROTOCOL, section 1.6). The nonce is
// part of the struct because what is passed to an interface escapes.
type gcm struct {
	aead  stdcipher.AEAD
	nonce [gcmNonceSize]byte
}

func newGCM(keySize int, keys Keys) (sealOpener, error) {
	if err := keys.check(keySize, gcmNonceSize); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(keys.Key)
	if err != nil {
		return nil, err
	}
	aead, err := stdcipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &gcm{aead: aead, nonce: [gcmNonceSize]byte(keys.IV)}, nil
}

func gcmSealer(keySize int) func(Keys, mac.Algorithm) (Sealer, error) {
	return func(keys Keys, _ mac.Algorithm) (Sealer, error) { return newGCM(keySize, keys) }
}

func gcmOpener(keySize int) func(Keys, mac.Algorithm) (Opener, error) {
	return func(keys Keys, _ mac.Algorithm) (Opener, error) { return newGCM(keySize, keys) }
}

// Framing implements [Sealer] and [Opener].
func (c *gcm) Framing() Framing { return gcmFraming }

// next counts one invocation (RFC 5647, section 7.1). The counter starts
// anywhere and wraps modulo 2^64, after more packets than can be sent.
func (c *gcm) next() {
	counter := c.nonce[gcmNonceSize-8:]
	binary.BigEndian.PutUint64(counter, binary.BigEndian.Uint64(counter)+1)
}

// Seal implements [Sealer]. The nonce counts packets, too, so the sequence
// number is not needed.
func (c *gcm) Seal(_ uint32, packet []byte) {
	end := len(packet) - gcmFraming.Tag
	// RFC 5647, section 7.3: packet_length is the associated data.
	c.aead.Seal(packet[lengthSize:lengthSize:len(packet)], c.nonce[:], packet[lengthSize:end], packet[:lengthSize])
	c.next()
}

// Length implements [Opener].
func (c *gcm) Length(_ uint32, head []byte) uint32 { return binary.BigEndian.Uint32(head) }

// Open implements [Opener].
func (c *gcm) Open(dst []byte, _ uint32, packet []byte) ([]byte, error) {
	if len(packet) < gcmFraming.shortest() {
		return nil, ErrAuthentication
	}
	body, err := c.aead.Open(dst[lengthSize:lengthSize], c.nonce[:], packet[lengthSize:], packet[:lengthSize])
	if err != nil {
		return nil, ErrAuthentication
	}
	c.next()
	return body, nil
}
