package mac

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"hash"
)

// An hmacMAC is HMAC (RFC 2104), cut to its leading size bytes. The scratch
// space is part of it because whatever is passed to a hash.Hash escapes.
type hmacMAC struct {
	hash hash.Hash
	size int
	seq  [4]byte
	sum  [sha512.Size]byte // room for the longest hash
}

func hmacSHA256(key []byte) MAC { return newHMAC(sha256.New, sha256.Size, key) }

func hmacSHA512(key []byte) MAC { return newHMAC(sha512.New, sha512.Size, key) }

func hmacSHA1(key []byte) MAC { return newHMAC(sha1.New, sha1.Size, key) }

func hmacSHA1of96(key []byte) MAC { return newHMAC(sha1.New, 96/8, key) }

func hmacMD5(key []byte) MAC { return newHMAC(md5.New, md5.Size, key) }

func newHMAC(h func() hash.Hash, size int, key []byte) *hmacMAC {
	m := &hmacMAC{hash: hmac.New(h, key), size: size}
	// The first Reset keeps the state that follows the padded key, and
	// allocates for it; the ones for each packet only restore it.
	m.hash.Reset()
	return m
}

// Append implements [MAC].
func (m *hmacMAC) Append(dst []byte, seq uint32, data []byte) []byte {
	// RFC 4253, section 6.4: mac = MAC(key, sequence_number || unencrypted_packet).
	binary.BigEndian.PutUint32(m.seq[:], seq)
	m.hash.Reset()
	m.hash.Write(m.seq[:])
	m.hash.Write(data)
	return append(dst, m.hash.Sum(m.sum[:0])[:m.size]...)
}
