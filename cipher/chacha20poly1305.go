package cipher

import (
	stdcipher "crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"runtime"

	"golang.org/x/crypto/chacha20"
	"golang.org/x/crypto/chacha20poly1305"

	//lint:ignore SA1019 OpenSSH's construction takes Poly1305 over bytes that the AEAD of RFC 8439 cannot be given.
	"golang.org/x/crypto/poly1305"

	"github.com/whelk-ssh/whelk/mac"
)

// chachaFraming pads to 8 bytes: RFC 4253, section 6, for a stream cipher.
var chachaFraming = Framing{Head: lengthSize, Block: 8, Clear: lengthSize, Tag: poly1305.TagSize}

// A chachaPoly is chacha20-poly1305@openssh.com (OpenSSH
// PROTOCOL.chacha20poly1305). Its 64-byte key is two:
//
//	byte[32]  K_2, of padding_length, payload and padding, and of the tag
//	byte[32]  K_1, of packet_length
//
// The nonce of all of them is the sequence number. The first 32 bytes of
// keystream block 0 of K_2 are the key of the tag, which is Poly1305 of
// everything before it as encrypted; the padded region starts at block 1.
type chachaPoly struct {
	payloadKey [chacha20.KeySize]byte // K_2
	lengthKey  [chacha20.KeySize]byte // K_1
	aead       stdcipher.AEAD         // under K_2, for its keystream

	nonce [chacha20.NonceSize]byte
	key   [chacha20.KeySize]byte // of the tag of the packet at hand
	tag   [poly1305.TagSize]byte
}

func newChaChaPoly(keys Keys) (sealOpener, error) {
	if err := keys.check(2*chacha20.KeySize, 0); err != nil {
		return nil, err
	}
	c := &chachaPoly{
		payloadKey: [chacha20.KeySize]byte(keys.Key),
		lengthKey:  [chacha20.KeySize]byte(keys.Key[chacha20.KeySize:]),
	}
	var err error
	if c.aead, err = chacha20poly1305.New(c.payloadKey[:]); err != nil {
		return nil, err
	}
	return c, nil
}

func chachaSealer(keys Keys, _ mac.Algorithm) (Sealer, error) { return newChaChaPoly(keys) }

func chachaOpener(keys Keys, _ mac.Algorithm) (Opener, error) { return newChaChaPoly(keys) }

// Framing implements [Sealer] and [Opener].
func (c *chachaPoly) Framing() Framing { return chachaFraming }

// Seal implements [Sealer].
func (c *chachaPoly) Seal(seq uint32, packet []byte) {
	end := len(packet) - chachaFraming.Tag
	c.setNonce(seq)
	c.xor(&c.lengthKey, 0, packet[:lengthSize], packet[:lengthSize])
	body := packet[lengthSize:end:len(packet)]
	c.xorPayload(body, body)
	c.sum(packet[:end])
	copy(packet[end:], c.tag[:])
}

// Length implements [Opener]. It leaves head encrypted, as the tag needs it.
func (c *chachaPoly) Length(seq uint32, head []byte) uint32 {
	var length [lengthSize]byte
	copy(length[:], head[:lengthSize])
	c.setNonce(seq)
	c.xor(&c.lengthKey, 0, length[:], length[:])
	return binary.BigEndian.Uint32(length[:])
}

// Open implements [Opener]. Not a byte of the padded region is decrypted
// before the tag is known to be right.
func (c *chachaPoly) Open(dst []byte, seq uint32, packet []byte) ([]byte, error) {
	if len(packet) < chachaFraming.shortest() {
		return nil, ErrAuthentication
	}
	end := len(packet) - chachaFraming.Tag
	c.setNonce(seq)
	c.sum(packet[:end])
	if subtle.ConstantTimeCompare(c.tag[:], packet[end:]) != 1 {
		return nil, ErrAuthentication
	}
	c.xorPayload(dst[lengthSize:end:len(packet)], packet[lengthSize:end])
	return dst[lengthSize:end:end], nil
}

// setNonce makes seq the nonce. OpenSSH has ChaCha20 as it was first
// published, with a nonce of 64 bits and a block counter of 64. The counter's
// upper half, zero for any packet, is where RFC 8439 begins its nonce of 96.
func (c *chachaPoly) setNonce(seq uint32) {
	binary.BigEndian.PutUint64(c.nonce[4:], uint64(seq))
}

// xor sets dst to src under the keystream of key, from the given block on. The
// chacha20.Cipher does not escape.
func (c *chachaPoly) xor(key *[chacha20.KeySize]byte, block uint32, dst, src []byte) {
	s, err := chacha20.NewUnauthenticatedCipher(key[:], c.nonce[:])
	if err != nil {
		panic(err) // the sizes are right
	}
	s.SetCounter(block)
	s.XORKeyStream(dst, src)
}

// xorPayload applies the keystream of K_2 from block 1 on, to encrypt or to
// decrypt. It overwrites the tag after dst.
//
// On amd64 x/crypto has assembly for the AEAD of RFC 8439 but not for ChaCha20
// alone. That AEAD encrypts from block 1 on, too, so sealing with it and
// throwing its tag away is this keystream, at three times the speed.
func (c *chachaPoly) xorPayload(dst, src []byte) {
	if runtime.GOARCH == "amd64" {
		c.aead.Seal(dst[:0], c.nonce[:], src, nil)
	} else {
		c.xor(&c.payloadKey, 1, dst, src)
	}
}

// sum sets c.tag to the tag of p.
func (c *chachaPoly) sum(p []byte) {
	clear(c.key[:])
	c.xor(&c.payloadKey, 0, c.key[:], c.key[:])
	poly1305.Sum(&c.tag, p, &c.key)
}
