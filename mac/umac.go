package mac

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// umacKeySize is the size of UMAC's key, which is one of AES-128.
const umacKeySize = 16

// A umac is UMAC (RFC 4418) with a tag of 64 or 128 bits (OpenSSH PROTOCOL,
// section 1.1, draft-miller-secsh-umac):
//
//	tag = UHASH(data) xor AES(pad key, nonce)
//
//	uint64    sequence number    nonce
//
// The hash is universal, which any two messages are unlikely to share but a
// tag without its pad would give away: no number may return under one key, as
// with chacha20-poly1305@openssh.com.
type umac struct {
	size int // bytes of tag: four for each stream of hash
	hash uhash

	block cipher.Block // under the key of the pads
	nonce [aes.BlockSize]byte
	pads  [aes.BlockSize]byte // of nonce
}

func umac64(key []byte) MAC { return newUMAC(8, key) }

func umac128(key []byte) MAC { return newUMAC(16, key) }

func newUMAC(size int, key []byte) *umac {
	if len(key) != umacKeySize {
		panic(fmt.Sprintf("mac: UMAC key of %d bytes, want %d", len(key), umacKeySize))
	}
	k := kdf{newAES(key)}
	m := &umac{size: size, hash: newUHASH(size/4, k)}
	m.block = newAES(k.derive(0, umacKeySize)) // RFC 4418, section 3.3
	m.block.Encrypt(m.pads[:], m.nonce[:])
	return m
}

// Append implements [MAC].
func (m *umac) Append(dst []byte, seq uint32, data []byte) []byte {
	return m.append(dst, uint64(seq), data)
}

// append is Append with all the nonce that there is room for.
func (m *umac) append(dst []byte, nonce uint64, data []byte) []byte {
	if len(data) > MaxData {
		panic(fmt.Sprintf("mac: UMAC of %d bytes, more than MaxData", len(data)))
	}
	var tag [16]byte
	for i, sum := range m.hash.sum(data) {
		binary.BigEndian.PutUint32(tag[4*i:], sum)
	}
	subtle.XORBytes(tag[:], tag[:m.size], m.pad(nonce))
	return append(dst, tag[:m.size]...)
}

// pad returns what hides the hash of the packet with the given nonce (RFC 4418,
// section 3.3). One block of AES makes two pads of 64 bits: the lowest bit of
// the nonce says which, and an odd packet's was made for the even one before.
func (m *umac) pad(nonce uint64) []byte {
	which := int(nonce) & (aes.BlockSize/m.size - 1)
	nonce -= uint64(which)
	if nonce != binary.BigEndian.Uint64(m.nonce[:]) {
		binary.BigEndian.PutUint64(m.nonce[:], nonce)
		m.block.Encrypt(m.pads[:], m.nonce[:])
	}
	return m.pads[which*m.size:][:m.size]
}

// A kdf makes UMAC's keys out of the one it is given.
type kdf struct{ block cipher.Block }

// derive returns n bytes for the purpose index (RFC 4418, section 3.2):
// AES(key, uint64 index || uint64 i) for i from 1 on.
func (k kdf) derive(index uint64, n int) []byte {
	var in [aes.BlockSize]byte
	binary.BigEndian.PutUint64(in[:], index)
	out := make([]byte, (n+aes.BlockSize-1)&^(aes.BlockSize-1))
	for i := 0; i < len(out); i += aes.BlockSize {
		binary.BigEndian.PutUint64(in[8:], uint64(i/aes.BlockSize+1))
		k.block.Encrypt(out[i:], in[:])
	}
	return out[:n]
}

func newAES(key []byte) cipher.Block {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // the size is right
	}
	return block
}
